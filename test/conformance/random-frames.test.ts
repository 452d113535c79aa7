import { once } from 'node:events'
import { connect } from 'node:net'
import { setImmediate as nextTurn } from 'node:timers/promises'
import Fastify from 'fastify'
import t from 'tap'
import peerServer from '../../index.ts'
import type { WebSocketServer } from '../../src/core/server/websocket-server.ts'
import { opcode } from '../../src/protocol/websocket/frame.ts'
import type { FrameReceiver } from '../../src/protocol/websocket/frame-reader.ts'
import { Random, scaled, seed } from '../helper/random.ts'
import { corrupted, validFrames, randomFrames, randomStream } from '../helper/random-frames.ts'
import { closePayload, frame, RawSocket, upgradeRequest } from '../helper/raw-socket.ts'
import { WsReader } from '../helper/ws-reader.ts'
import { echo } from './conform.ts'

t.comment(`SEED=${seed}`)

const SEQUENCES = scaled(10_000)
const AT_ONCE = 64
const LIMIT = 1024

/** What an echo server sends back for what a reader of frames tells, up to its close frame. */
class EchoOracle implements FrameReceiver {
  readonly #back: Buffer[] = []
  isOver = false
  isClean = false
  code = 0

  onMessage (bytes: Uint8Array, start: number, end: number, isText: boolean): void {
    this.#write(isText ? opcode.TEXT : opcode.BINARY, bytes.subarray(start, end))
  }

  onPing (bytes: Uint8Array, start: number, end: number): void {
    this.#write(opcode.PONG, bytes.subarray(start, end))
  }

  onPong (): void {}

  onFragment (): void {}

  onClose (code: number, text: string, reason: Uint8Array): void {
    this.isClean = true
    this.#over(code, code === 1005 ? Buffer.alloc(0) : Buffer.concat([closePayload(code), reason]))
  }

  onViolation (code: number): void {
    this.#over(code, closePayload(code))
  }

  get back (): Buffer {
    return Buffer.concat(this.#back)
  }

  #over (code: number, payload: Buffer): void {
    this.isOver = true
    this.code = code
    this.#write(opcode.CLOSE, payload)
  }

  #write (code: number, payload: Uint8Array): void {
    this.#back.push(frame(code, payload, { mask: false }))
  }
}

/** One client's life: its chunks, up to the one that ends it, and what must come back. */
interface Session { readonly run: number, readonly chunks: Buffer[], readonly sequences: number, readonly oracle: EchoOracle }

/** Sequences of frames one after the other, until one of them ends the connection; the reader of ws says which. */
function randomSession (run: number): Session {
  const random = new Random(run)
  const oracle = new EchoOracle()
  const reader = new WsReader(oracle, LIMIT)
  const chunks: Buffer[] = []
  let sequences = 0
  const send = (bytes: Buffer): void => {
    if (oracle.isOver || bytes.length === 0) return
    chunks.push(bytes)
    reader.read(Buffer.from(bytes))
  }
  while (!oracle.isOver && sequences < 40) {
    sequences++
    const stream = randomSequence(random)
    const cut = random.oneIn(2) ? 0 : random.below(stream.length + 1)
    send(stream.subarray(0, cut))
    send(stream.subarray(cut))
  }
  // Zeros complete whatever frame is open, and then are a frame without a mask.
  send(Buffer.alloc(2 * LIMIT + 64))
  return { run, chunks, sequences, oracle }
}

/** Mostly what a connection survives, so that one connection serves for many. */
function randomSequence (random: Random): Buffer {
  const kind = random.below(60)
  if (kind === 0) return randomStream(random)
  if (kind === 1) return randomFrames(random)
  // Left to the kinds above, few connections end with 1000, 1005 or 1009.
  if (kind === 3) return frame(opcode.CLOSE, random.oneIn(2) ? closePayload(1000) : '', { key: random.bytes(4) })
  if (kind === 4) return frame(opcode.BINARY, random.bytes(LIMIT + 1 + random.below(64)), { key: random.bytes(4) })
  const good = Buffer.concat(validFrames(random).filter(one => one[0] !== (0x80 | opcode.CLOSE)))
  return kind === 2 ? corrupted(random, good) : good
}

/** Plays a session against the server; what came back must be the oracle's bytes, and no more. */
async function play ({ run, chunks, oracle }: Session, port: number): Promise<object | undefined> {
  const socket = connect({ port, host: '127.0.0.1', allowHalfOpen: true, noDelay: true })
  await once(socket, 'connect')
  const raw = new RawSocket(socket)
  raw.send(upgradeRequest('/ws'))
  await raw.head()
  for (const chunk of chunks) {
    raw.send(chunk)
    await nextTurn()
  }
  await raw.end(20)
  socket.end()
  if (raw.unread.equals(oracle.back)) return undefined
  return { run: `SEED=${run}`, chunks: chunks.map(chunk => chunk.toString('hex')), back: raw.unread.toString('hex'), wanted: oracle.back.toString('hex') }
}

/** Signals of connections that come and go. */
function countEnds (server: WebSocketServer) {
  const counts = { connected: 0, clean: 0, notClean: 0 }
  server.on('client_connected', () => { counts.connected++ })
  server.on('client_disconnected', (id, isClean) => { counts[isClean ? 'clean' : 'notClean']++ })
  return counts
}

t.test('random frame sequences get the same frames and close codes as from ws, without logged errors', async t => {
  const errors: string[] = []
  const app = Fastify({ logger: { level: 'error', stream: { write: (line: string) => { errors.push(line) } } } })
  t.teardown(async () => { await app.close() })
  await app.register(peerServer, { inputBufferKb: LIMIT / 1024, outputBufferKb: 1024, outputMaxPackets: 65536 })
  echo(app.peerServer)
  const counts = countEnds(app.peerServer)
  await app.listen({ port: 0, host: '127.0.0.1' })

  let sequences = 0
  let run = seed
  const played: Session[] = []
  const failures: object[] = []
  const client = async () => {
    while (sequences < SEQUENCES && failures.length === 0) {
      const session = randomSession(run++)
      sequences += session.sequences
      played.push(session)
      const failure = await play(session, app.peerServer.port)
      if (failure !== undefined) failures.push(failure)
    }
  }
  await Promise.all(Array.from({ length: AT_ONCE }, client))

  t.same(failures.slice(0, 1), [])
  t.same(errors, [])
  const clean = played.filter(({ oracle }) => oracle.isClean).length
  t.same(counts, { connected: played.length, clean, notClean: played.length - clean })
  t.equal(app.peerServer.peerCount, 0)
  // Dice that never throw an outcome prove nothing about it.
  for (const code of [1000, 1005, 1002, 1007, 1009]) {
    const count = played.filter(({ oracle }) => oracle.code === code).length
    t.ok(count > 20, `ended with ${code}: ${count} times`)
  }
})
