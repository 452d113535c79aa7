/**
 * A node of the cluster example: `node --import tsx examples/cluster/server.ts [port, default 3000]`. NATS_URL says
 * where the broker is, by default on this machine.
 */
import Fastify from 'fastify'
import peerServer from 'fastify-peer-server'
import type { Room } from 'fastify-peer-server'
import { KeptArena } from './kept-arena.ts'

const [port = '3000'] = process.argv.slice(2)
const { NATS_URL = 'nats://127.0.0.1:4222' } = process.env

const app = Fastify({ logger: true })
await app.register(peerServer, {
  path: '/ws',
  gdMpApi: true,
  rooms: { emptyTimeout: 10 },
  cluster: { servers: NATS_URL, nodeId: `node-${port}` }
})
const { peerServer: server } = app
const games = new WeakMap<Room, KeptArena>()
const play = async (room: Room, isFailover: boolean): Promise<void> => {
  app.log.info({ room: room.name, isFailover }, 'a game begins or continues')
  // The home of the room may have been on another node in the meantime.
  const game = games.get(room) ?? new KeptArena(room, err => { app.log.warn({ err, room: room.name }, 'state') })
  games.set(room, game)
  await game.run(isFailover)
}
server.on('room_opened', (room, { failover }) => play(room, failover))
await app.listen({ port: Number(port) })
// The room of clients that choose none is always open; one node runs its game.
const main = server.room('main')
if (main.isHome) await play(main, false)

// Games that run here continue elsewhere: their timers end with the process.
for (const signal of ['SIGINT', 'SIGTERM']) {
  process.once(signal, async () => {
    await app.close()
    process.exit()
  })
}
