import type { FastifyRequest } from 'fastify'
import fp from 'fastify-plugin'
import { openBurstLog } from '../http/log/burst-log.ts'
import { addressOf } from '../http/client-address.ts'
import { describeAdminAction, type AdminAction } from '../src/admin/admin-action.ts'
import type { EventFeed } from '../src/admin/event-feed.ts'
import { isReadOnly } from '../src/admin/read-only.ts'
import type { BurstLog } from '../src/core/server/log/burst-log.ts'
import { hasValidToken } from './admin-auth.ts'

/**
 * Records what administrators change or try to change, in the app's log and in the feed; also what the role of their
 * token does not allow (403). Requests of others, which end with 401 or 403, are only counted: anyone can send any
 * number of them.
 */
export default fp<{ feed: EventFeed }>(async (app, { feed }) => {
  const authorized = new WeakSet<FastifyRequest>()
  const bursts = openBurstLog(app)
  // The first hook after all onRequest hooks, in which this scope and most hosts authenticate the request.
  app.addHook('preParsing', async request => { authorized.add(request) })
  // Not onResponse: the action took place even if the client does not wait for the response.
  app.addHook('onSend', async (request, { statusCode: status }) => {
    const isRejected = status === 401 || status === 403
    const isAuthorized = hasValidToken(request) || (authorized.has(request) && !isRejected)
    if (isAuthorized) {
      if (!isReadOnly(request.method)) audit(request, status, feed)
    } else if (isRejected) countUnauthorized(request, status, feed, bursts)
  })
}, { name: 'peer-server-audit', fastify: '^5.3.0' })

function audit (request: FastifyRequest, status: number, feed: EventFeed): void {
  const action = describeRequest(request, status)
  const node = feed.nodeId
  request.log.info({ audit: node === undefined ? action : { ...action, node } }, 'admin action')
  feed.addAction(action)
}

function describeRequest (request: FastifyRequest, status: number): AdminAction {
  const { routeOptions, adminName, method, url, params, query, body } = request
  const { operationId } = (routeOptions.schema ?? {}) as { operationId?: string }
  const operation = operationId ?? `${method} ${routeOptions.url ?? url.split('?', 1)[0]}`
  const by = adminName || null
  return describeAdminAction({ operation, by, address: addressOf(request), params, query, body, status })
}

function countUnauthorized (request: FastifyRequest, status: number, feed: EventFeed, bursts: BurstLog): void {
  const address = addressOf(request)
  bursts.log({ level: 'warn', key: { status }, message: 'unauthorized admin requests' }, { address })
  feed.addUnauthorized({ status, address })
}
