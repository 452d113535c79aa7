/** Rooms with a lobby for Godot 3: `node --import tsx examples/lobby/server.ts [port, default 3000]`. */
import Fastify from 'fastify'
import peerServer, { lobbyRoutes } from 'fastify-peer-server'

const [port = '3000'] = process.argv.slice(2)

const app = Fastify({ logger: true })
// Only the lobby opens rooms: a mistyped code leads nowhere.
await app.register(peerServer, { path: '/ws', gdMpApi: true, rooms: { create: 'admin', maxPeersPerRoom: 4 } })
await app.register(lobbyRoutes, { prefix: '/lobby' })
await app.listen({ port: Number(port) })
