/** A proxy that replaces some members of an object. */
export function override<Of extends object> (of: Of, members: Partial<Of>): Of {
  return new Proxy(of, {
    get: (of, name) => {
      const value = Object.hasOwn(members, name) ? members[name as keyof Of] : Reflect.get(of, name, of)
      return typeof value === 'function' ? value.bind(of) : value
    }
  })
}
