import Fastify, { type FastifyServerOptions } from 'fastify'
import type { Test } from 'tap'
import peerServer from '../../../plugins/peer-server.ts'
import type { ServerOptions } from '../../../src/options/option-types.ts'
import { WebSocketServer } from '../../../src/core/server/websocket-server.ts'

/** The two kinds of servers: mounted in an app, or with their own listener. */
export const modes = ['mounted', 'own'] as const

/** Opens a server on a free port, with URL path /ws; the test stops it. */
export async function openServer (
  t: Test, mode: (typeof modes)[number], options: Partial<ServerOptions> = {}, host: FastifyServerOptions = {}
): Promise<WebSocketServer> {
  const serverOptions = { closeTimeout: 0.3, handshakeTimeout: 60, ...options }
  if (mode === 'own') {
    const server = new WebSocketServer(host.loggerInstance === undefined
      ? serverOptions
      : {
          log: host.loggerInstance,
          ...serverOptions
        })
    t.teardown(async () => { await server.stop() })
    await server.listen(0)
    return server
  }
  const app = Fastify({ forceCloseConnections: true, ...host })
  t.teardown(async () => { await app.close() })
  await app.register(peerServer, serverOptions)
  await app.listen({ port: 0, host: '127.0.0.1' })
  return app.peerServer
}

/** The same server, which sends every packet back. */
export async function openEchoServer (...args: Parameters<typeof openServer>): Promise<WebSocketServer> {
  const server = await openServer(...args)
  server.on('packet', (id, bytes) => { server.getPeer(id).putPacket(bytes) })
  return server
}
