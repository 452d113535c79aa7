/**
 * Server of the arena example: `npx tsx examples/arena/server.ts [port, default 3000] [duration in seconds, default
 * unlimited]`.
 */
import Fastify from 'fastify'
import peerServer from '../../index.ts'
import { Arena } from './arena.ts'

const [port = '3000', seconds] = process.argv.slice(2)

const app = Fastify({ logger: true })
await app.register(peerServer, { path: '/ws', gdMpApi: true })
const arena = new Arena(app.peerServer)
arena.start()
await app.listen({ port: Number(port) })

process.once('SIGINT', async () => {
  arena.stop()
  await app.close()
})
if (seconds !== undefined) setTimeout(() => process.emit('SIGINT'), Number(seconds) * 1000)
