import type { AddressInfo } from 'node:net'
import Fastify, { type FastifyInstance, type FastifyServerOptions } from 'fastify'
import type { Test } from 'tap'
import { WebSocket } from 'ws'
import peerServer, { adminRoutes, type AdminOptions, type ServerOptions, type WebSocketServer } from '../../index.ts'
import { nextSignal } from './next-signal.ts'
import { withTimeout } from './with-timeout.ts'

/** Options of a host app and of its plugins. */
export interface HostOptions {
  fastify?: FastifyServerOptions
  server?: Partial<ServerOptions>
  admin?: AdminOptions
  /** Registers plugins and routes of the host before those of the server. */
  before?: (app: FastifyInstance) => unknown
  /** Registers more after them. */
  after?: (app: FastifyInstance) => unknown
}

/** A listening app with a server and its REST API. */
export interface Host {
  app: FastifyInstance
  server: WebSocketServer
  port: number
  /** Sends a request to the REST API. */
  api (path: string, init?: RequestInit): Promise<JsonResponse>
  /** Sends a request to the app. */
  get (path: string, init?: RequestInit): Promise<JsonResponse>
  /** Connects a client and waits until the server has accepted it. */
  join (...protocols: string[]): Promise<Client>
  /** The same, in a room. */
  joinRoom (room: string, ...protocols: string[]): Promise<Client>
}

/** A response with untyped JSON. */
export type JsonResponse = Omit<Response, 'json'> & { json (): Promise<any> }

/** A client and its id. */
export interface Client { id: number, socket: WebSocket }

const prefix = '/api/v1'

/** Starts an app with the server at /ws and the REST API below /api/v1; the test closes it. */
export async function startHost (
  t: Test, { fastify = {}, server = {}, admin = { auth: false }, before, after }: HostOptions = {}
): Promise<Host> {
  const app = Fastify(fastify)
  t.teardown(async () => { await app.close() })
  await before?.(app)
  await app.register(peerServer, { closeTimeout: 0.3, handshakeTimeout: 60, ...server })
  await app.register(adminRoutes, { prefix, ...admin })
  await after?.(app)
  await app.listen({ port: 0, host: '127.0.0.1' })
  const { port } = app.server.address() as AddressInfo
  const get: Host['get'] = async (path, init) => await fetch(`http://127.0.0.1:${port}${path}`, init) as JsonResponse
  return {
    app,
    server: app.peerServer,
    port,
    api: (path, init) => get(prefix + path, init),
    get,
    join: (...protocols) => join(t, app.peerServer, port, '/ws', protocols),
    joinRoom: (room, ...protocols) => join(t, app.peerServer, port, `/ws/${room}`, protocols)
  }
}

async function join (
  t: Test, server: WebSocketServer, port: number, path: string, protocols: string[]
): Promise<Client> {
  const connected = nextSignal(server, server.options.gdMpApi ? 'peer_connected' : 'client_connected')
  const socket = new WebSocket(`ws://127.0.0.1:${port}${path}`, protocols)
  t.teardown(() => { socket.terminate() })
  const [id] = await connected
  await opened(socket)
  return { id, socket }
}

async function opened (socket: WebSocket): Promise<void> {
  if (socket.readyState === WebSocket.OPEN) return
  await withTimeout(() => 'the handshake', new Promise((resolve, reject) => {
    socket.once('open', resolve).once('error', reject)
  }))
}

/** Code and reason of the next close event of a client. */
export async function nextClose (socket: WebSocket): Promise<{ code: number, reason: string }> {
  return await withTimeout(() => 'the close of a client', new Promise(resolve => {
    socket.once('close', (code, reason) => { resolve({ code, reason: reason.toString() }) })
  }))
}

/** The next message of a client: its bytes, and whether it is text. */
export async function nextMessage (socket: WebSocket): Promise<{ bytes: Buffer, isText: boolean }> {
  return await withTimeout(() => 'a message', new Promise(resolve => {
    socket.once('message', (data: Buffer, isBinary) => { resolve({ bytes: data, isText: !isBinary }) })
  }))
}

/** A request with a JSON body. */
export function jsonRequest (method: string, body: unknown): RequestInit {
  return { method, headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) }
}
