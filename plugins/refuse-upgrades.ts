import fp from 'fastify-plugin'
import { isHandshake } from '../http/upgrade/is-handshake.ts'
import { refusedHandshake } from '../http/upgrade/refused-handshake.ts'
import { openBurstLog } from '../http/log/burst-log.ts'
import { addressOf } from '../http/client-address.ts'
import { MAX_PATH } from '../http/problem.ts'
import { endpointPaths } from '../http/upgrade/endpoint-paths.ts'
import { withoutTokens } from '../src/core/admission/token.ts'
import type { WebSocketServer } from '../src/core/server/websocket-server.ts'

/**
 * Refuses WebSocket upgrades of every path of the app except the endpoints of these servers, by the names of their
 * decorators. The response and the log name the path that was requested and the endpoints that exist, as a wrong path
 * is the commonest mistake of a client.
 */
export default fp<{ servers: readonly string[] }>(async (app, { servers: names }) => {
  const servers = names.map(name => app.getDecorator<WebSocketServer>(name))
  const paths = new Set(servers.flatMap(endpointPaths).map(({ url }) => url as string | undefined))
  const bursts = openBurstLog(app)
  app.addHook('onRequest', async (request, reply) => {
    const { url } = request.routeOptions
    if (!isHandshake(request) || paths.has(url)) return
    const requested = withoutTokens(request.url.split('?', 1)[0]).slice(0, MAX_PATH)
    const endpoints = servers.map(describeEndpoint)
    bursts.log(
      { level: 'warn', key: {}, message: 'WebSocket handshake at a path without an endpoint' },
      { requested, endpoints, address: addressOf(request) })
    throw refusedHandshake(reply, `No WebSocket endpoint at ${requested}; connect to ${endpoints.join(' or ')}`)
  })
}, { name: 'refuse-upgrades', fastify: '^5.3.0' })

function describeEndpoint ({ mode, options: { path }, port }: WebSocketServer): string {
  return mode === 'mounted' ? path : `port ${port}`
}
