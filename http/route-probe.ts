import { ServerResponse } from 'node:http'
import type { IncomingMessage } from 'node:http'
import type { FastifyInstance } from 'fastify'

/** What a probe has found: whether it is an endpoint; undefined while the router has not decided. */
interface Finding { isEndpoint: boolean | undefined, isOver: boolean }

const findingKey = Symbol('finding')
type Probe = IncomingMessage & { [findingKey]?: Finding }

/** Ends the routing of a probe. */
const stopped = new Error('the router has found a route')

/**
 * Whether the router of the app finds one of our endpoints for a GET request, with everything that the host has set
 * for it: `rewriteUrl`, constraints, case, slashes. Undefined if constraints of the host are asynchronous.
 *
 * Routes a copy of the request, which ends before the first hook: at the logger that our route makes, or at the header
 * `connection`, which Fastify reads for every other route. Fastify's `findRoute` does not tell routes apart.
 */
export function findsEndpoint (app: FastifyInstance, request: IncomingMessage): boolean | undefined {
  const finding: Finding = { isEndpoint: undefined, isOver: false }
  try {
    app.routing(probeOf(app, request, finding), new ServerResponse(request))
  } catch (error) {
    if (error !== stopped) finding.isEndpoint = false
  }
  finding.isOver = true
  return finding.isEndpoint
}

/** Ends the routing of a probe that has found an endpoint; does nothing for a real request. */
export function endProbe (request: IncomingMessage): void {
  const finding = (request as Probe)[findingKey]
  if (finding !== undefined) stop(finding, true)
}

function stop (finding: Finding, isEndpoint: boolean): never {
  finding.isEndpoint = isEndpoint
  throw stopped
}

function probeOf (app: FastifyInstance, request: IncomingMessage, finding: Finding): Probe {
  let url = request.url!
  // While `rewriteUrl` of the host runs it may read what it likes. Fastify sets `originalUrl` before and `url` after.
  let isRewriting = false
  const headers = Object.defineProperty({ ...request.headers }, 'connection', {
    get: () => isRewriting ? request.headers.connection : stop(finding, false)
  })
  return Object.create(request, {
    [findingKey]: { value: finding },
    method: { value: 'GET' },
    headers: { value: headers },
    originalUrl: { set: () => { isRewriting = true }, get: () => request.url },
    url: {
      get: () => {
        if (finding.isOver || (!isRewriting && isRefusedByRouter(app, url))) stop(finding, false)
        return url
      },
      set: (rewritten: string) => {
        url = rewritten
        isRewriting = false
      }
    },
    destroy: { value: () => stop(finding, false) }
  }) as Probe
}

/** Whether the router itself refuses the URL: it cannot be decoded, or a parameter is too long. */
function isRefusedByRouter (app: FastifyInstance, url: string): boolean {
  const route = app.findRoute({ method: 'GET', url })
  return route !== null && (route as { searchParams?: object }).searchParams === undefined
}
