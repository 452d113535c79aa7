/**
 * Server of the arena example for Godot 4: `npx tsx examples/arena4/server.ts [port, default 3000] [duration in
 * seconds, default unlimited]`.
 */
import Fastify from 'fastify'
import peerServer from '../../index.ts'
import { Arena } from './arena.ts'

const [port = '3000', seconds] = process.argv.slice(2)

const app = Fastify({ logger: true })
await app.register(peerServer, { path: '/ws4', gdMpApi: true, wire: 'godot4' })
const arena = new Arena(app.peerServer)
arena.start()
await app.listen({ port: Number(port) })

process.once('SIGINT', async () => {
  arena.stop()
  await app.close()
})
if (seconds !== undefined) setTimeout(() => process.emit('SIGINT'), Number(seconds) * 1000)
