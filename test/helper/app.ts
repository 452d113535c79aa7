import type { AddressInfo } from 'node:net'
import Fastify, { type FastifyInstance, type FastifyServerOptions } from 'fastify'
import type { Test } from 'tap'
import app, { type AppOptions } from '../../app.ts'
import peerServer from '../../plugins/peer-server.ts'
import type { WebSocketServer } from '../../src/core/server/websocket-server.ts'

/** Makes an app listen on a free port until the test ends; returns the port. */
export async function listen (t: Test, app: FastifyInstance): Promise<number> {
  t.teardown(async () => { await app.close() })
  await app.listen({ port: 0, host: '127.0.0.1' })
  return (app.server.address() as AddressInfo).port
}

/** A Fastify app with the plugin, listening on a free port; the test closes it. */
export async function listeningApp (
  t: Test, options: Parameters<typeof peerServer>[1] = {}, fastify: FastifyServerOptions = {}
): Promise<{ app: FastifyInstance, port: number, url: string }> {
  const app = Fastify(fastify)
  await app.register(peerServer, { handshakeTimeout: 60, ...options })
  const port = await listen(t, app)
  return { app, port, url: `ws://127.0.0.1:${port}${app.peerServer.options.path}` }
}

/** The app of the service with its server, listening. */
export interface ServiceApp { service: FastifyInstance, server: WebSocketServer, port: number, url: string }

/**
 * The app of the service in this process, listening on a free port; the test closes it with all its connections.
 * `before` registers what comes before it.
 */
export async function startApp (
  t: Test,
  options: Partial<AppOptions> & Pick<AppOptions, 'admin'>,
  { before, ...fastify }: FastifyServerOptions & { before?: (service: FastifyInstance) => unknown } = {}
): Promise<ServiceApp> {
  const service = Fastify({ forceCloseConnections: true, ...fastify })
  t.teardown(async () => { await service.close() })
  await before?.(service)
  await service.register(app, { ...options, server: { closeTimeout: 0.3, handshakeTimeout: 60, ...options.server } })
  await service.listen({ port: 0, host: '127.0.0.1' })
  const { port } = service.server.address() as AddressInfo
  return { service, server: service.peerServer, port, url: `http://127.0.0.1:${port}` }
}
