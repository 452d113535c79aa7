import type { IncomingMessage } from 'node:http'
import type { Duplex } from 'node:stream'
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import type { UpgradeRequest } from '../src/core/admission/upgrade-request.ts'
import type { Acceptance, Handshake } from '../src/core/admission/handshake.ts'
import { internalsOf } from '../src/core/server/websocket-server.ts'
import type { WebSocketServer } from '../src/core/server/websocket-server.ts'
import { GodotError } from '../src/error.ts'
import { checkUpgrade, upgradeAnswer } from '../src/protocol/websocket/handshake.ts'
import { refusalAnswer } from '../src/transport/refusal.ts'
import { SocketConnection } from '../src/transport/socket-connection.ts'
import { endpointSchemaOf } from './endpoint-schema.ts'
import { sendProblem } from './problem.ts'
import { withoutSecrets } from './request-log.ts'

/** An upgrade on its way through Fastify: its socket, the bytes behind the request, and its handshake. */
interface Upgrade { readonly socket: Duplex, readonly head: Buffer, readonly handshake: Handshake, isAnswered: boolean }

/** Upgrades travel on their request; a WeakMap would do as well, at a price for every garbage collection. */
type TrackedRequest = IncomingMessage & Record<symbol, Upgrade>

/** When a connection began, until its first request is there. */
type Connected = Duplex & Record<symbol, number | undefined>
const connectedAt = Symbol('connectedAt')

/** Adds the route of the socket. An upgrade is answered in the last hook before the handler, so the host's own hooks have their say first. */
export function addEndpoint (app: FastifyInstance, server: WebSocketServer, name: string): void {
  const upgradeOf = watchUpgrades(app, server)
  app.get(server.options.path, {
    schema: endpointSchemaOf(name),
    // The schema only tells; it is none of the host's compilers' business, whatever language they speak.
    validatorCompiler: () => () => true,
    serializerCompiler: () => JSON.stringify,
    errorHandler: sendProblem,
    logSerializers: { req: withoutSecrets },
    preHandler: async (request, reply) => { if (request.ws) await answer(server, upgradeOf(request.raw), request, reply) }
  }, async (_request, reply) => {
    reply.header('upgrade', 'websocket')
    throw new GodotError('upgrade-required')
  })
}

/** Keeps what only the events of the host's server tell, and limits the time of upgrades that Fastify's hooks do not let through at once. */
function watchUpgrades (app: FastifyInstance, server: WebSocketServer): (request: IncomingMessage) => Upgrade {
  const url = app.prefix + server.options.path
  // One for each server of an app.
  const key = Symbol('upgrade')
  const connected = (socket: Duplex): void => { (socket as Connected)[connectedAt] = performance.now() }
  const requested = ({ socket }: IncomingMessage): void => { (socket as Duplex as Connected)[connectedAt] = undefined }
  const before = (request: TrackedRequest, socket: Duplex, head: Buffer): void => {
    request[key] ??= { socket, head, handshake: internalsOf(server).registry.handshake(error => { turnAway(socket, error) }, (socket as Connected)[connectedAt]), isAnswered: false }
  }
  const after = (request: TrackedRequest): void => {
    const upgrade = request[key]
    if (!upgrade.isAnswered && request.url!.split('?', 1)[0] === url) limitTime(upgrade)
  }
  const listeners = { connection: connected, secureConnection: connected, request: requested, upgrade: after }
  app.server.prependListener('upgrade', before)
  for (const [event, listener] of Object.entries(listeners)) app.server.on(event, listener)
  app.addHook('onClose', async () => {
    app.server.off('upgrade', before)
    for (const [event, listener] of Object.entries(listeners)) app.server.off(event, listener)
  })
  return request => (request as TrackedRequest)[key]
}

function limitTime ({ socket, handshake }: Upgrade): void {
  socket.once('close', () => { handshake.end() })
  try {
    handshake.begin()
  } catch (error) {
    handshake.end(error as GodotError)
    turnAway(socket, error as GodotError)
  }
}

/** Answers in place of Fastify, which still waits for a hook. */
function turnAway (socket: Duplex, error: GodotError): void {
  socket.end(refusalAnswer(error))
  socket.destroy()
}

/** Makes a peer of the upgrade, or throws what it is refused with; whoever is refused is counted no longer. */
async function answer (server: WebSocketServer, upgrade: Upgrade, request: FastifyRequest, reply: FastifyReply): Promise<void> {
  try {
    checkUpgrade(request.raw.headers)
    if (server.mode !== 'mounted') throw new GodotError('not-listening')
    const connection = connectionOf(upgrade, request)
    const decision = upgrade.handshake.decide(askingOf(connection, request))
    // What is decided already must not wait: handshakes that are done at once need no timer.
    accept(server, upgrade, connection, decision instanceof Promise ? await decision : decision, request, reply)
  } catch (error) {
    upgrade.isAnswered = true
    upgrade.handshake.end(error as GodotError)
    throw error
  }
}

function accept (server: WebSocketServer, upgrade: Upgrade, connection: SocketConnection, { protocol, answerProtocol, extensions }: Acceptance, request: FastifyRequest, reply: FastifyReply): void {
  reply.hijack()
  upgrade.isAnswered = true
  if (upgrade.socket.destroyed) return upgrade.handshake.end()
  internalsOf(server).registry.accept(connection, protocol, upgradeAnswer(request.raw.headers['sec-websocket-key']!, answerProtocol, extensions), upgrade.handshake)
}

function connectionOf ({ socket, head }: Upgrade, request: FastifyRequest): SocketConnection {
  return new SocketConnection(socket, head, isInProcess(request) ? undefined : request.ip)
}

function askingOf ({ address, port }: SocketConnection, request: FastifyRequest): UpgradeRequest {
  const { headers, url } = request.raw
  return { headers, url: url!, host: isInProcess(request) ? headers.host : request.host, address, port }
}

/** A socket within the process has no address (app.injectWS). */
function isInProcess (request: FastifyRequest): boolean {
  return request.raw.socket === undefined
}
