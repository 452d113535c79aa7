/**
 * A room in which one sends to all, and a hundred members besides do not read: the server's memory grows by 32 MiB at
 * most, and the others get what is sent as soon as they do when those hundred read.
 *
 *   npx tsx test/soak/paused-readers.ts [rounds, 5] [seconds of a round, 12]
 */
import { fork } from 'node:child_process'
import { once } from 'node:events'
import type { Socket } from 'node:net'
import { setTimeout as delay } from 'node:timers/promises'
import { encodeRelayPacket, relayType } from '../../src/protocol/multiplayer/relay-packet.ts'
import { frame, frameSize } from '../helper/raw-frame.ts'
import { demand, dialMany, percentile, upgrade } from './clients.ts'
import { startServer } from './server.ts'

const RECEIVERS = 50
const OTHERS = 100
const PACKETS_PER_SECOND = 100
const SIZE = 8192
/** Bytes of a frame of the room's own before its payload: four of the frame, nine of the packet. */
const HEAD = 13

/** What the hundred do. */
type Others = 'are not there' | 'read' | 'do not read'

if (process.send !== undefined) await join(Number(process.argv[2]), process.argv[3] as Others)
else await measure(Number(process.argv[2] ?? 5), Number(process.argv[3] ?? 12))

/** The hundred, in a process of their own. */
async function join (port: number, others: Others): Promise<void> {
  for (const socket of await members(port, OTHERS)) {
    if (others === 'read') socket.resume()
    else socket.pause()
  }
  process.send!('joined')
}

async function measure (rounds: number, seconds: number): Promise<void> {
  const delays: Record<Others, number[][]> = { 'are not there': [], read: [], 'do not read': [] }
  for (let round = 0; round < rounds; round++) {
    for (const others of Object.keys(delays) as Others[]) delays[others].push(await run(others, seconds))
  }
  // Whatever else the machine does only adds: the round that was disturbed least says most.
  const median = (others: Others, percent: number): number =>
    percentile(delays[others].map(round => percentile(round, percent)), 50)
  for (const others of Object.keys(delays) as Others[]) {
    console.log(`${OTHERS} others ${others}: the median of ${rounds} rounds: p50 ${median(others, 50)
      .toFixed(2)} ms, p99 ${median(others, 99).toFixed(2)} ms`)
  }
  const change = (median('do not read', 99) / median('read', 99) - 1) * 100
  console.log(`the p99 of those who read: ${change.toFixed(0)} percent when the others stop reading`)
  demand(change < 20, 'the p99 of the others changes by less than 20 percent')
}

/** One round; milliseconds from each packet's sending to each receiver. */
async function run (others: Others, seconds: number): Promise<number[]> {
  const server = await startServer({ mode: 'own', options: { gdMpApi: true, wire: 'godot3' } })
  const [sender, ...receivers] = await members(server.port, 1 + RECEIVERS)
  const child = others === 'are not there'
    ? undefined
    : fork(import.meta.filename, [String(server.port), others], {
      execArgv: ['--import', 'tsx']
    })
  if (child !== undefined) await once(child, 'message')
  const delays: number[] = []
  for (const socket of receivers) listen(socket, sent => { delays.push(performance.now() - sent) })
  await delay(500)
  await server.read()
  const before = server.rss()
  let most = before
  const ticks = setInterval(() => {
    sender.write(frame(2, packet(sender.id), { key: Buffer.alloc(4) }))
  }, 1000 / PACKETS_PER_SECOND)
  for (let second = 0; second < seconds; second++) {
    await delay(1000)
    most = Math.max(most, server.rss())
  }
  clearInterval(ticks)
  const after = await server.read()
  child?.kill()
  for (const socket of [sender, ...receivers]) socket.destroy()
  server.stop()
  const grown = (most - before) / 2 ** 20
  console.log(`${OTHERS} others ${others}: ${delays.length} packets came, p50 ${percentile(delays, 50).toFixed(2)} ` +
    `ms, p99 ${percentile(delays, 99).toFixed(2)} ms; RSS ${grown.toFixed(1)} MiB up at the ` +
    `most; ${after.limits['slow-peer']} closed as slow, ${after.peers} peers left`)
  demand(grown <= 32, 'RSS grows by 32 MiB at most')
  demand(others !== 'do not read' || after.limits['slow-peer'] === OTHERS, 'whoever does not read is closed')
  return delays
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
