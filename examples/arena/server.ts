/**
 * Server of the arena example: `node --import tsx examples/arena/server.ts [port, default 3000] [duration in seconds,
 * default unlimited]`.
 */
import Fastify from 'fastify'
import peerServer from 'fastify-peer-server'
import type { Room } from 'fastify-peer-server'
import { Arena } from './arena.ts'

const [port = '3000', seconds] = process.argv.slice(2)

const app = Fastify({ logger: true })
await app.register(peerServer, { path: '/ws', gdMpApi: true, rooms: true })
const arenas = new Set<Arena>()
const play = (room: Room): void => {
  const arena = new Arena(room)
  arenas.add(arena)
  room.on('closed', () => { arenas.delete(arena) })
}
// The room of clients that choose none is always open.
play(app.peerServer.room('main'))
app.peerServer.on('room_opened', play)
await app.listen({ port: Number(port) })

process.once('SIGINT', async () => {
  for (const arena of arenas) arena.stop()
  await app.close()
})
if (seconds !== undefined) setTimeout(() => process.emit('SIGINT'), Number(seconds) * 1000)
