/** A relay for Godot 3: `node --import tsx examples/relay/server.ts [port, default 3000]`. */
import Fastify from 'fastify'
import peerServer from 'fastify-peer-server'

const [port = '3000'] = process.argv.slice(2)

const app = Fastify({ logger: true })
await app.register(peerServer, { path: '/ws', gdMpApi: true, maxPeers: 32 })
await app.listen({ port: Number(port) })
