/** The paths that the service serves itself. A WebSocket endpoint must be elsewhere. */
export const servicePaths = {
  api: '/api/v1',
  lobby: '/lobby',
  docs: '/docs',
  openapi: '/openapi.json',
  asyncapi: '/asyncapi.json',
  dashboard: '/dashboard',
  metrics: '/metrics',
  health: '/healthz',
  readiness: '/readyz'
} as const

/** Characters of a path that stand for themselves, in URLs and in routes. */
const plainPath = /^\/[\w.~!$&'()+,;=@/-]*$/

/** Why a WebSocket endpoint of the service cannot be at `path`; undefined when it can. */
export function pathFault (path: string): string | undefined {
  if (!plainPath.test(path) || /\/\/|\/\.\.?(\/|$)/.test(path)) {
    return 'must be a plain path such as /ws: no parameters, wildcards, query, escapes, dot segments or empty segments'
  }
  const clash = Object.values(servicePaths)
    .find(taken => isWithin(path, taken) || (path !== '/' && isWithin(taken, path)))
  return clash === undefined ? undefined : `clashes with ${clash}, which the service serves itself`
}

/** Whether `path` is `parent` or below it. */
function isWithin (path: string, parent: string): boolean {
  return path === parent || path.startsWith(parent.endsWith('/') ? parent : `${parent}/`)
}
