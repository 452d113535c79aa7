import Fastify, { type FastifyServerOptions } from 'fastify'
import type { Test } from 'tap'
import peerServer from '../../plugins/peer-server.ts'
import type { ServerOptions } from '../../src/options.ts'
import { WebSocketServer } from '../../src/core/server/websocket-server.ts'

/** The two ways clients come in: through an app's endpoint, and on a port of the server's own. */
export const modes = ['mounted', 'own'] as const

/** A server that listens on a free port in a mode, its clients' URL path is /ws; it stops with the test. */
export async function openServer (
  t: Test, mode: (typeof modes)[number], options: Partial<ServerOptions> = {}, host: FastifyServerOptions = {}
): Promise<WebSocketServer> {
  const given = { closeTimeout: 0.3, ...options }
  if (mode === 'own') {
    const server = new WebSocketServer(host.loggerInstance === undefined
      ? given
      : {
          log: host.loggerInstance,
          ...given
        })
    t.teardown(async () => { await server.stop() })
    await server.listen(0)
    return server
  }
  const app = Fastify({ forceCloseConnections: true, ...host })
  t.teardown(async () => { await app.close() })
  await app.register(peerServer, given)
  await app.listen({ port: 0, host: '127.0.0.1' })
  return app.peerServer
}
