/**
 * A room in which a hundred members do not read while one sends to all: the server's memory grows by 32 MiB at most, and the others get
 * what is sent as soon as they do without those.
 *
 *   npx tsx test/soak/paused-readers.ts [rounds, 3] [seconds of a round, 10]
 */
import type { Socket } from 'node:net'
import { setTimeout as delay } from 'node:timers/promises'
import { encodeRelayPacket, relayType } from '../../src/protocol/relay-packet.ts'
import { frame, frameSize } from '../helper/raw-frame.ts'
import { demand, dialMany, percentile, upgrade } from './clients.ts'
import { startServer } from './server.ts'

const RECEIVERS = 50
const PAUSED = 100
const PACKETS_PER_SECOND = 100
const SIZE = 8192
/** Bytes of a frame of the room's own before its payload: four of the frame, nine of the packet. */
const HEAD = 13

const rounds = Number(process.argv[2] ?? 3)
const seconds = Number(process.argv[3] ?? 10)
const without: number[] = []
const withPaused: number[] = []
for (let round = 0; round < rounds; round++) {
  without.push(await run(0))
  withPaused.push(await run(PAUSED))
}
const change = (percentile(withPaused, 50) / percentile(without, 50) - 1) * 100
console.log(`p99 of ${RECEIVERS} receivers: ${percentile(without, 50).toFixed(2)} ms without, ${percentile(withPaused, 50).toFixed(2)} ms with ${PAUSED} that do not read: ${change.toFixed(0)} percent`)
demand(change < 20, 'the p99 of the others changes by less than 20 percent')

/** One round with so many paused readers; the p99 of the others in milliseconds. */
async function run (paused: number): Promise<number> {
  const server = await startServer({ mode: 'own', options: { gdMpApi: true, wire: 'godot3' } })
  const [sender, ...receivers] = await members(server.port, 1 + RECEIVERS)
  const deaf = await members(server.port, paused)
  for (const socket of deaf) socket.pause()
  const delays: number[] = []
  for (const socket of receivers) listen(socket, sent => { delays.push(performance.now() - sent) })
  await delay(500)
  await server.read()
  const before = server.rss()
  let most = before
  const ticks = setInterval(() => { sender.write(frame(2, packet(sender.id), { key: Buffer.alloc(4) })) }, 1000 / PACKETS_PER_SECOND)
  for (let second = 0; second < seconds; second++) {
    await delay(1000)
    most = Math.max(most, server.rss())
  }
  clearInterval(ticks)
  const after = await server.read()
  for (const socket of [sender, ...receivers, ...deaf]) socket.destroy()
  server.stop()
  const grown = (most - before) / 2 ** 20
  console.log(`${paused} paused: ${delays.length} packets came, p50 ${percentile(delays, 50).toFixed(2)} ms, p99 ${percentile(delays, 99).toFixed(2)} ms; RSS ${grown.toFixed(1)} MiB up at the most; ${after.limits['slow-peer']} closed as slow, ${after.peers} peers left`)
  demand(grown <= 32, 'RSS grows by 32 MiB at most')
  return percentile(delays, 99)
}

/** A packet to all with the time it was sent. */
function packet (id: number): Uint8Array {
  const payload = Buffer.alloc(SIZE)
  payload.writeDoubleLE(performance.now())
  return encodeRelayPacket(relayType.DATA, id, 0, payload)
}

/** Calls back with the time in each such packet that comes. */
function listen (socket: Socket, found: (sent: number) => void): void {
  let unread = Buffer.alloc(0)
  socket.on('data', chunk => {
    unread = unread.length === 0 ? chunk : Buffer.concat([unread, chunk])
    for (let size = frameSize(unread); size !== undefined; size = frameSize(unread)) {
      if (size > SIZE) found(unread.readDoubleLE(HEAD))
      unread = unread.subarray(size)
    }
  })
}

type Member = Socket & { id: number }

/** Members of the room, each with the id that it was told. */
async function members (port: number, count: number): Promise<Member[]> {
  const sockets = await dialMany(port, count)
  return await Promise.all(sockets.map(async socket => {
    const told = new Promise<number>(resolve => socket.on('data', function find (chunk: Buffer) {
      // The packet that tells a peer its own id: binary, 13 bytes, type 3.
      const at = chunk.indexOf(Buffer.of(0x82, 13, 3))
      if (at < 0) return
      socket.off('data', find)
      resolve(chunk.readInt32LE(at + 11))
    }))
    await upgrade(socket)
    return Object.assign(socket, { id: await told })
  }))
}
