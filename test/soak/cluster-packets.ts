/**
 * A million packets between members of rooms on different nodes: to all, to all but one, to one. Every receiver gets
 * what is for it, from each sender in order, and nothing else.
 *
 *   npx tsx test/soak/cluster-packets.ts [packets, default 1000000]
 */
import { mkdtemp } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join as joinPath } from 'node:path'
import type { Client } from '../../bench/load/client.ts'
import { FrameWalker } from '../../bench/load/frame-walker.ts'
import { RELAY_HEAD, relayType } from '../../src/protocol/multiplayer/relay-packet.ts'
import { NatsServer } from '../helper/programs/nats.ts'
import { expect } from './clients.ts'
import { joinRooms } from './cluster-clients.ts'
import { startServer } from './server.ts'

const NODES = 3
const ROOMS = 4
const ROOM_SIZE = 9
/** Packets that a sender writes at once. */
const BATCH = 32
/** Deliveries on their way per sender below which it writes the next batch. */
const LOW = 4 * BATCH
/** Milliseconds without a delivery after which what is missing counts as lost. */
const SILENCE = 20_000
/** Payload: | index of the sender u32 | number of the packet u32 | */
const PAYLOAD = RELAY_HEAD + 8
const SENT = 2 + 4 + PAYLOAD
const RECEIVED = 2 + PAYLOAD

const total = Number(process.argv[2] ?? 1_000_000)
const perSender = Math.ceil(total / (ROOMS * ROOM_SIZE))

/** The member of a room that gets a packet alone, or not at all; always one on another node. */
function singled (sender: number, seq: number): number {
  return (sender + 1 + (seq >>> 2) % (NODES - 1)) % ROOM_SIZE
}

const kinds = ['all', 'all', 'except', 'one'] as const

/** Whether a member of the same room gets a packet. */
function isFor (receiver: number, sender: number, seq: number): boolean {
  const kind = kinds[seq % kinds.length]
  if (kind === 'all') return true
  return (receiver === singled(sender, seq)) === (kind === 'one')
}

/** One room: sends, and checks what arrives. */
class RoomCheck {
  readonly #clients: readonly Client[]
  readonly #sent = new Uint32Array(ROOM_SIZE)
  /** Deliveries on their way, by sender. */
  readonly #awaited = new Int32Array(ROOM_SIZE)
  /** Number of the last packet, by receiver and sender. */
  readonly #last = new Int32Array(ROOM_SIZE * ROOM_SIZE).fill(-1)
  delivered = 0
  faults = 0

  constructor (clients: readonly Client[]) {
    this.#clients = clients
    for (const [receiver, client] of clients.entries()) {
      const walker = new FrameWalker(RECEIVED, (bytes, start, end) => {
        for (let at = start; at < end; at += RECEIVED) this.#receive(receiver, bytes, at + 2 + RELAY_HEAD)
      })
      client.reader = (bytes, length) => { walker.walk(bytes, length) }
    }
  }

  /** Deliveries that have not arrived. */
  get missing (): number {
    return this.#awaited.reduce((sum, count) => sum + count, 0)
  }

  get isDone (): boolean {
    return this.missing === 0 && this.#sent.every(sent => sent === perSender)
  }

  start (): void {
    for (const sender of this.#clients.keys()) this.#send(sender)
  }

  #receive (receiver: number, bytes: Buffer, at: number): void {
    const sender = bytes.readUInt32LE(at)
    const seq = bytes.readUInt32LE(at + 4)
    const index = receiver * ROOM_SIZE + sender
    let expected = this.#last[index] + 1
    while (!isFor(receiver, sender, expected)) expected++
    if (seq !== expected) this.faults++
    this.#last[index] = seq
    this.delivered++
    if (--this.#awaited[sender] < LOW) this.#send(sender)
  }

  #send (sender: number): void {
    const count = Math.min(BATCH, perSender - this.#sent[sender])
    if (count === 0) return
    const frames = Buffer.alloc(count * SENT)
    for (let at = 0; at < frames.length; at += SENT) this.#write(frames, at, sender, this.#sent[sender]++)
    this.#clients[sender].write(frames)
  }

  /** A frame with mask key zero. */
  #write (frames: Buffer, at: number, sender: number, seq: number): void {
    const kind = kinds[seq % kinds.length]
    const { id } = this.#clients[singled(sender, seq)]
    frames.set([0x82, 0x80 | PAYLOAD], at)
    frames[at + 6] = relayType.DATA
    frames.writeInt32LE(this.#clients[sender].id, at + 7)
    frames.writeInt32LE(kind === 'all' ? 0 : kind === 'one' ? id : -id, at + 11)
    frames.writeUInt32LE(sender, at + 15)
    frames.writeUInt32LE(seq, at + 19)
    this.#awaited[sender] += kind === 'all' ? ROOM_SIZE - 1 : kind === 'one' ? 1 : ROOM_SIZE - 2
  }
}

const broker = new NatsServer(await mkdtemp(joinPath(tmpdir(), 'soak-nats-')), ['-js'])
await broker.start()
const options = { gdMpApi: true, rooms: { joinPerMinute: 0 }, maxPeersPerAddress: 0, pingInterval: 0 }
const servers = []
for (let index = 1; index <= NODES; index++) {
  const cluster = { servers: broker.url, nodeId: `node-${index}` }
  servers.push(await startServer({ mode: 'own', options: { ...options, cluster } }))
}

const clients = await joinRooms(servers, '/', ROOMS, ROOM_SIZE)
const rooms = Array.from({ length: ROOMS }, (_, room) =>
  new RoomCheck(clients.slice(room * ROOM_SIZE, (room + 1) * ROOM_SIZE)))
const sum = (read: (room: RoomCheck) => number): number => rooms.reduce((sum, room) => sum + read(room), 0)
const began = performance.now()
for (const room of rooms) room.start()
for (let before = -1, since = began; !rooms.every(room => room.isDone);) {
  await new Promise(resolve => setTimeout(resolve, 100))
  const delivered = sum(room => room.delivered)
  if (delivered !== before) since = performance.now()
  else if (performance.now() - since > SILENCE) break
  before = delivered
}
const seconds = (performance.now() - began) / 1000
const faults = sum(({ faults }) => faults)
const lost = sum(({ missing }) => missing)
console.log(`${(perSender * ROOMS * ROOM_SIZE).toLocaleString('en')} packets, ` +
  `${sum(({ delivered }) => delivered).toLocaleString('en')} deliveries in ${seconds.toFixed(1)} s; ` +
  `${faults} out of order, ${lost} lost`)
expect(faults === 0, 'every receiver gets the packets of each sender in order')
expect(lost === 0 && rooms.every(room => room.isDone), 'nothing is lost')
for (const { socket } of clients) socket.removeAllListeners('close').destroy()
for (const server of servers) server.stop()
await broker.close()
