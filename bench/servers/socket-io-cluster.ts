import { createServer } from 'node:http'
import type { Server as HttpServer } from 'node:http'
import { createRequire } from 'node:module'
import { bench } from '../paths.ts'
import { backlog, host, port, ready } from './serve.ts'

/** The used parts of Socket.IO and the Redis client, which are only installed in bench/node_modules. */
interface Socket {
  readonly handshake: { readonly query: { readonly room: string } }
  join (room: string): void
  on (event: string, listener: (bytes: Buffer) => void): void
  to (room: string): { emit (event: string, bytes: Buffer): void }
}
type Server = new (http: HttpServer, options: object) => {
  on (event: 'connection', listener: (socket: Socket) => void): void
}
interface RedisClient {
  connect (): Promise<unknown>
  duplicate (): RedisClient
}
type CreateAdapter = (...clients: RedisClient[]) => object

/** Adapters by name. */
const adapters = {
  redis: async (client: RedisClient) => load('@socket.io/redis-adapter')(client, await connected(client.duplicate())),
  'redis-streams': async (client: RedisClient) => load('@socket.io/redis-streams-adapter')(client)
}

const { servers, adapter } = JSON.parse(process.argv[4]) as { servers: string, adapter: keyof typeof adapters }
const require = createRequire(`${bench}/package.json`)
const { Server } = require('socket.io') as { Server: Server }
const { createClient } = require('redis') as { createClient: (options: object) => RedisClient }

const http = createServer()
const server = new Server(http, {
  transports: ['websocket'],
  pingInterval: 600_000,
  perMessageDeflate: false,
  serveClient: false,
  adapter: await adapters[adapter](await connected(createClient({ url: servers })))
})
server.on('connection', socket => {
  const { room } = socket.handshake.query
  socket.join(room)
  socket.on('m', bytes => { socket.to(room).emit('m', bytes) })
})
http.listen(port, host, backlog, ready)

function load (adapter: string): CreateAdapter {
  return (require(adapter) as { createAdapter: CreateAdapter }).createAdapter
}

async function connected (client: RedisClient): Promise<RedisClient> {
  await client.connect()
  return client
}
