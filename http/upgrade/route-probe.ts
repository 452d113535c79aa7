import { ServerResponse } from 'node:http'
import type { IncomingHttpHeaders, IncomingMessage } from 'node:http'
import type { FastifyInstance } from 'fastify'

/** What a probe has found: whether it is an endpoint; undefined while the router has not decided. */
interface Finding {
  isEndpoint: boolean | undefined
  isOver: boolean
  /** Whether the decision depends only on what `keyOf` has of the request. */
  isKept: boolean
}

const findingKey = Symbol('finding')
type Probe = IncomingMessage & { [findingKey]?: Finding }

/** Ends the routing of a probe that has found a route. */
const stopped = new Error('the router has found a route')

/** Maximum cached decisions per app (a probe costs as much as a request), and characters of a key. */
const MAX_KEPT = 1000
const MAX_KEY = 300
const kept = new WeakMap<FastifyInstance, Map<string, boolean>>()

/** Headers that the router itself reads; a constraint strategy of the host may read others. */
const routerHeaders = new Set(['host', 'accept-version'])

/**
 * Whether the router of the app finds one of our endpoints for a GET request, with everything that the host has set
 * for it: `rewriteUrl`, constraints, case, slashes. Undefined if constraints of the host are asynchronous.
 */
export function findsEndpoint (app: FastifyInstance, request: IncomingMessage): boolean | undefined {
  const decisions = kept.get(app) ?? new Map<string, boolean>()
  const key = keyOf(request)
  const known = decisions.get(key)
  if (known !== undefined) return known
  const { isEndpoint, isKept } = probe(app, request)
  if (isKept && isEndpoint !== undefined && key.length <= MAX_KEY) {
    if (decisions.size >= MAX_KEPT) decisions.clear()
    kept.set(app, decisions.set(key, isEndpoint))
  }
  return isEndpoint
}

/** Ends the routing of a probe that has found an endpoint; does nothing for a real request. */
export function endProbe (request: IncomingMessage): void {
  const finding = (request as Probe)[findingKey]
  if (finding !== undefined) stop(finding, true)
}

/** What determines the route of a request, unless the host has constraint strategies of its own. */
function keyOf ({ url, headers }: IncomingMessage): string {
  const query = url!.indexOf('?')
  return `${headers.host}\n${headers['accept-version']}\n${query === -1 ? url : url!.slice(0, query)}`
}

/**
 * Routes a view of the request, which ends before the first hook: at the logger that our route makes, or at the header
 * `connection`, which Fastify reads for every other route. Fastify's `findRoute` does not tell routes apart.
 */
function probe (app: FastifyInstance, request: IncomingMessage): Finding {
  const finding: Finding = { isEndpoint: undefined, isOver: false, isKept: true }
  try {
    app.routing(viewOf(app, request, finding), new ServerResponse(request))
  } catch (error) {
    if (error !== stopped) finding.isEndpoint = false
  }
  finding.isOver = true
  return finding
}

function stop (finding: Finding, isEndpoint: boolean): never {
  finding.isEndpoint = isEndpoint
  throw stopped
}

/** The request as the router sees it. The request itself is not changed, nor made the prototype of another object. */
function viewOf (app: FastifyInstance, request: IncomingMessage, finding: Finding): Probe {
  let url = request.url!
  // While `rewriteUrl` of the host runs it may read what it likes. Fastify sets `originalUrl` before and `url` after.
  let isRewriting = false
  const headers = new Proxy(request.headers, {
    get (all: IncomingHttpHeaders, name: string) {
      if (name === 'connection' && !isRewriting) stop(finding, false)
      if (!routerHeaders.has(name)) finding.isKept = false
      return all[name]
    }
  })
  const readUrl = (): string => {
    if (finding.isOver || (!isRewriting && isRefusedByRouter(app, url))) stop(finding, false)
    return url
  }
  const view: Record<string | symbol, () => unknown> = {
    [findingKey]: () => finding,
    method: () => 'GET',
    headers: () => headers,
    url: readUrl,
    destroy: () => () => stop(finding, false)
  }
  return new Proxy(request, {
    get (target, name) {
      if (name in view) return view[name]()
      finding.isKept = false
      return Reflect.get(target, name, target)
    },
    set (target, name, value: unknown) {
      finding.isKept = false
      if (name === 'originalUrl') isRewriting = true
      else if (name === 'url') {
        url = value as string
        isRewriting = false
      }
      return true
    }
  }) as Probe
}

/** Whether the router itself refuses the URL: it cannot be decoded, or a parameter is too long. */
function isRefusedByRouter (app: FastifyInstance, url: string): boolean {
  const route = app.findRoute({ method: 'GET', url })
  return route !== null && (route as { searchParams?: object }).searchParams === undefined
}
