import type { IncomingMessage } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { Duplex } from 'node:stream'
import fastifyWebsocket from '@fastify/websocket'
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import fp from 'fastify-plugin'
import { WebSocketServer } from '../src/core/websocket-server.ts'
import { GodotError } from '../src/error.ts'
import type { ServerOptions } from '../src/options.ts'
import { checkUpgrade, chooseProtocol, upgradeAnswer } from '../src/protocol/handshake.ts'
import { SocketConnection } from '../src/transport/socket-connection.ts'
import { endpointSchema } from './endpoint-schema.ts'
import { sendProblem } from './problem.ts'

declare module 'fastify' {
  interface FastifyInstance { peerServer: WebSocketServer }
}

/** Adds `app.peerServer` and the WebSocket endpoint that feeds it. */
export default fp<Partial<ServerOptions>>(async (app, options) => {
  const mount = { get port () { return (app.server.address() as AddressInfo | null)?.port ?? 0 } }
  const server = new WebSocketServer(options, { log: app.log, mount })
  app.decorate('peerServer', server)
  // It makes upgrades go through Fastify's hooks; a host with socket routes of its own has registered it already.
  if (!app.hasDecorator('websocketServer')) await app.register(fastifyWebsocket)
  addEndpoint(app, server)
  app.addHook('onReady', async () => { if (server.autoListen) await server.listen() })
  app.addHook('preClose', async () => { await server.stop() })
}, { name: 'peer-server', fastify: '5.x' })

/** An upgrade on its way through Fastify: its socket, the bytes behind the request, and what ends the handshake. */
interface Upgrade { socket: Duplex, head: Buffer, finish: () => void }

/** The route of the socket. An upgrade is answered in the last hook before the handler, so the host's own hooks have their say first. */
function addEndpoint (app: FastifyInstance, server: WebSocketServer): void {
  const upgrades = watchUpgrades(app, server)
  app.get(server.path, {
    schema: endpointSchema,
    errorHandler: sendProblem,
    preHandler: async (request, reply) => { if (request.ws) await answer(server, upgrades.get(request.raw)!, request, reply) }
  }, async (_request, reply) => {
    reply.header('upgrade', 'websocket')
    throw new GodotError('upgrade-required')
  })
}

/** Sees every upgrade before Fastify does: only here are the bytes behind the request, and the time it began. */
function watchUpgrades (app: FastifyInstance, server: WebSocketServer): WeakMap<IncomingMessage, Upgrade> {
  const upgrades = new WeakMap<IncomingMessage, Upgrade>()
  const url = app.prefix + server.path
  const watch = (request: IncomingMessage, socket: Duplex, head: Buffer): void => {
    const isOurs = request.url!.split('?', 1)[0] === url
    const finish = isOurs ? server.beginHandshake(() => { socket.destroy() }) : () => {}
    if (isOurs) socket.once('close', finish)
    upgrades.set(request, { socket, head, finish })
  }
  app.server.prependListener('upgrade', watch)
  app.addHook('onClose', async () => { app.server.removeListener('upgrade', watch) })
  return upgrades
}

/** Makes a peer of the upgrade, or throws what it is refused with. */
async function answer (server: WebSocketServer, upgrade: Upgrade, request: FastifyRequest, reply: FastifyReply): Promise<void> {
  const { headers } = request.raw
  checkUpgrade(headers)
  server.checkJoin()
  const protocol = chooseProtocol(server.protocols, headers['sec-websocket-protocol'])
  reply.hijack()
  upgrade.finish()
  upgrade.socket.removeListener('close', upgrade.finish)
  if (upgrade.socket.destroyed) return
  // A socket within the process has no address (app.injectWS).
  const address = request.raw.socket === undefined ? undefined : request.ip
  server.accept(new SocketConnection(upgrade.socket, upgrade.head, address), protocol, upgradeAnswer(headers['sec-websocket-key']!, protocol))
}
