const readOnlyMethods = new Set(['GET', 'HEAD', 'OPTIONS'])

/** Whether requests with this method change nothing. */
export function isReadOnly (method: string): boolean {
  return readOnlyMethods.has(method)
}
