/** The safe methods: RFC 9110, 9.2.1, and QUERY. */
const readOnlyMethods = new Set(['GET', 'HEAD', 'OPTIONS', 'TRACE', 'QUERY'])

/** Whether requests with this method change nothing. */
export function isReadOnly (method: string): boolean {
  return readOnlyMethods.has(method)
}
