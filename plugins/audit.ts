import type { FastifyRequest } from 'fastify'
import fp from 'fastify-plugin'
import type { EventFeed } from '../src/admin/event-feed.ts'
import type { AdminAct } from '../src/admin/feed-event.ts'

const harmless = new Set(['GET', 'HEAD', 'OPTIONS'])
/** Items of a list and characters of a text that are kept. */
const KEPT = 200

/** Writes down what administrators do, and what they are refused: into the app's log and into the feed. */
export default fp<{ feed: EventFeed }>(async (app, { feed }) => {
  // Not onResponse: who does not wait for the answer has acted all the same.
  app.addHook('onSend', async (request, { statusCode }) => {
    if (harmless.has(request.method)) return
    const act = describeAct(request, statusCode)
    request.log.info({ audit: act }, 'admin act')
    feed.tellAct(act)
  })
}, { name: 'peer-server-audit', fastify: '5.x' })

function describeAct (request: FastifyRequest, status: number): AdminAct {
  const { id, ...params } = request.params as { id?: string | number }
  const { schema, url } = request.routeOptions
  return {
    action: (schema as { operationId?: string } | undefined)?.operationId ?? `${request.method} ${url ?? request.url}`,
    by: request.adminName,
    address: request.ip,
    ...(id === undefined ? {} : { id: Number(id) }),
    parameters: shorten({ ...params, ...request.query as object, ...request.body as object }),
    status
  }
}

/** What was given, without the contents of packets and the ends of what is very long. */
function shorten (given: Record<string, unknown>): Record<string, unknown> {
  return Object.fromEntries(Object.entries(given).map(([name, value]) => [name, brief(value)]))
}

function brief (value: unknown): unknown {
  if (value instanceof Uint8Array) return value.length
  if (Array.isArray(value) && value.length > KEPT) return [...value.slice(0, KEPT), `and ${value.length - KEPT} more`]
  return typeof value === 'string' && value.length > KEPT ? `${value.slice(0, KEPT)}...` : value
}
