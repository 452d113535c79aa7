/**
 * Whether an object has nothing but its members: `{}`, one without a prototype, or one whose prototype is such an
 * object, like what Fastify makes of a query.
 */
export function isPlainObject (value: object): boolean {
  const prototype = Object.getPrototypeOf(value)
  return prototype === null || prototype === Object.prototype || prototype.constructor === undefined
}
