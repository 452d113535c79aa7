/**
 * Whether an object has all members of `wanted`, with equal values; false for anything but an object. Both are values
 * of JSON: unlike `isDeepStrictEqual`, -0 equals 0.
 */
export function hasMembers (data: unknown, wanted: Readonly<Record<string, unknown>>): boolean {
  if (typeof data !== 'object' || data === null) return false
  return Object.entries(wanted).every(([name, value]) =>
    Object.hasOwn(data, name) && isEqual((data as typeof wanted)[name], value))
}

function isEqual (one: unknown, other: unknown): boolean {
  if (typeof one !== 'object' || typeof other !== 'object' || one === null || other === null) return one === other
  if (Array.isArray(one) !== Array.isArray(other)) return false
  return Object.keys(one).length === Object.keys(other).length && hasMembers(one, other as Record<string, unknown>)
}
