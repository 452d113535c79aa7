import { isDeepStrictEqual } from 'node:util'

/** Whether an object has all members of `wanted`, with equal values; false for anything but an object. */
export function hasMembers (data: unknown, wanted: Readonly<Record<string, unknown>>): boolean {
  if (typeof data !== 'object' || data === null) return false
  return Object.entries(wanted).every(([name, value]) =>
    Object.hasOwn(data, name) && isDeepStrictEqual((data as typeof wanted)[name], value))
}
