/**
 * One member of a room broadcasts while a hundred others do not read: the server's memory grows by at most 32 MiB, and
 * the latency of the remaining members is the same as if those hundred read.
 *
 *   npx tsx test/soak/paused-readers.ts [rounds, default 5] [seconds per round, default 12]
 */
import { fork } from 'node:child_process'
import { once } from 'node:events'
import type { Socket } from 'node:net'
import { setTimeout as delay } from 'node:timers/promises'
import { encodeRelayPacket, relayType } from '../../src/protocol/multiplayer/relay-packet.ts'
import { frame, frameSize } from '../helper/sockets/raw-frame.ts'
import { dialMany, expect, percentile, upgrade } from './clients.ts'
import { startServer } from './server.ts'

const RECEIVERS = 50
const OTHERS = 100
const PACKETS_PER_SECOND = 100
const SIZE = 8192
/** Bytes before the payload of a broadcast: four of the frame header, nine of the packet header. */
const HEAD = 13

/** What the hundred others do. */
type Others = 'absent' | 'reading' | 'not reading'

if (process.send !== undefined) await join(Number(process.argv[2]), process.argv[3] as Others)
else await measure(Number(process.argv[2] ?? 5), Number(process.argv[3] ?? 12))

/** The hundred others, in a child process. */
async function join (port: number, others: Others): Promise<void> {
  for (const socket of await members(port, OTHERS)) {
    if (others === 'reading') socket.resume()
    else socket.pause()
  }
  process.send!('joined')
}

async function measure (rounds: number, seconds: number): Promise<void> {
  const delays: Record<Others, number[][]> = { absent: [], reading: [], 'not reading': [] }
  for (let round = 0; round < rounds; round++) {
    for (const others of Object.keys(delays) as Others[]) delays[others].push(await run(others, seconds))
  }
  const median = (others: Others, percent: number): number =>
    percentile(delays[others].map(round => percentile(round, percent)), 50)
  for (const others of Object.keys(delays) as Others[]) {
    const latency = `p50 ${median(others, 50).toFixed(2)} ms, p99 ${median(others, 99).toFixed(2)} ms`
    console.log(`${OTHERS} others ${others}, median of ${rounds} rounds: ${latency}`)
  }
  const change = (median('not reading', 99) / median('reading', 99) - 1) * 100
  console.log(`p99 changes by ${change.toFixed(0)} percent if the others do not read`)
  expect(change < 20, 'p99 increases by less than 20 percent')
}

/** Runs one round; returns the latency of each delivery in milliseconds. */
async function run (others: Others, seconds: number): Promise<number[]> {
  const server = await startServer({ mode: 'own', options: { gdMpApi: true, wire: 'godot3' } })
  const [sender, ...receivers] = await members(server.port, 1 + RECEIVERS)
  const args = [String(server.port), others]
  const child = others === 'absent' ? undefined : fork(import.meta.filename, args, { execArgv: ['--import', 'tsx'] })
  if (child !== undefined) await once(child, 'message')
  const delays: number[] = []
  for (const socket of receivers) listen(socket, sent => { delays.push(performance.now() - sent) })
  await delay(500)
  await server.read()
  const before = server.rss()
  let peak = before
  const broadcast = (): void => { sender.write(frame(2, packet(sender.id), { key: Buffer.alloc(4) })) }
  const ticks = setInterval(broadcast, 1000 / PACKETS_PER_SECOND)
  for (let second = 0; second < seconds; second++) {
    await delay(1000)
    peak = Math.max(peak, server.rss())
  }
  clearInterval(ticks)
  const after = await server.read()
  child?.kill()
  for (const socket of [sender, ...receivers]) socket.destroy()
  server.stop()
  const growth = (peak - before) / 2 ** 20
  const latency = `p50 ${percentile(delays, 50).toFixed(2)} ms, p99 ${percentile(delays, 99).toFixed(2)} ms`
  console.log(`${OTHERS} others ${others}: ${delays.length} deliveries, ${latency}; ` +
    `peak RSS +${growth.toFixed(1)} MiB; ${after.limits['slow-peer']} closed as slow, ${after.peers} peers remaining`)
  expect(growth <= 32, 'RSS grows by at most 32 MiB')
  expect(others !== 'not reading' || after.limits['slow-peer'] === OTHERS, 'members that do not read are closed')
  return delays
}

/** A broadcast that contains its send time. */
function packet (id: number): Uint8Array {
  const payload = Buffer.alloc(SIZE)
  payload.writeDoubleLE(performance.now())
  return encodeRelayPacket(relayType.DATA, id, 0, payload)
}

/** Calls `onPacket` with the send time of each received broadcast. */
function listen (socket: Socket, onPacket: (sent: number) => void): void {
  let unread = Buffer.alloc(0)
  socket.on('data', chunk => {
    unread = unread.length === 0 ? chunk : Buffer.concat([unread, chunk])
    for (let size = frameSize(unread); size !== undefined; size = frameSize(unread)) {
      if (size > SIZE) onPacket(unread.readDoubleLE(HEAD))
      unread = unread.subarray(size)
    }
  })
}

type Member = Socket & { id: number }

/** Connects members of the room, and reads their ids. */
async function members (port: number, count: number): Promise<Member[]> {
  const sockets = await dialMany(port, count)
  return await Promise.all(sockets.map(async socket => {
    const assignedId = new Promise<number>(resolve => socket.on('data', function find (chunk: Buffer) {
      // The packet with the peer's id: binary, 13 bytes, type 3.
      const at = chunk.indexOf(Buffer.of(0x82, 13, 3))
      if (at < 0) return
      socket.off('data', find)
      resolve(chunk.readInt32LE(at + 11))
    }))
    await upgrade(socket)
    return Object.assign(socket, { id: await assignedId })
  }))
}
