/** The members that are not undefined: an option that is undefined counts as not given. */
export function withoutUndefined<Options extends object> (options: Options): Partial<Options> {
  return Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined)) as Partial<Options>
}
