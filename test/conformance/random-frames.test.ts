import { once } from 'node:events'
import { connect } from 'node:net'
import { setImmediate as nextTurn } from 'node:timers/promises'
import Fastify from 'fastify'
import t from 'tap'
import peerServer from '../../index.ts'
import type { WebSocketServer } from '../../src/core/server/websocket-server.ts'
import { opcode } from '../../src/protocol/websocket/frame.ts'
import type { FrameReceiver } from '../../src/protocol/websocket/frame-reader.ts'
import { Random, scaled, seed } from '../helper/random/random.ts'
import { corrupted, validFrames, randomFrames, randomStream } from '../helper/random/random-frames.ts'
import { closePayload, frame, RawSocket, upgradeRequest } from '../helper/sockets/raw-socket.ts'
import { WsReader } from '../helper/sockets/ws-reader.ts'
import { echo } from './conform.ts'

t.comment(`SEED=${seed}`)

const SEQUENCES = scaled(10_000)
const CONCURRENCY = 64
const LIMIT = 1024

/** Expected output of an echo server for the events of a frame reader, up to its close frame. */
class EchoOracle implements FrameReceiver {
  readonly #back: Buffer[] = []
  isClosed = false
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
    this.#end(code, code === 1005 ? Buffer.alloc(0) : Buffer.concat([closePayload(code), reason]))
  }

  onViolation (code: number): void {
    this.#end(code, closePayload(code))
  }

  get back (): Buffer {
    return Buffer.concat(this.#back)
  }

  #end (code: number, payload: Buffer): void {
    this.isClosed = true
    this.code = code
    this.#write(opcode.CLOSE, payload)
  }

  #write (code: number, payload: Uint8Array): void {
    this.#back.push(frame(code, payload, { mask: false }))
  }
}

/** The chunks of one client, up to the end of its connection, and the expected output. */
interface Session {
  readonly run: number
  readonly chunks: Buffer[]
  readonly sequences: number
  readonly oracle: EchoOracle
}

/** Random sequences of frames until one of them ends the connection according to ws. */
function randomSession (run: number): Session {
  const random = new Random(run)
  const oracle = new EchoOracle()
  const reader = new WsReader(oracle, LIMIT)
  const chunks: Buffer[] = []
  let sequences = 0
  const send = (bytes: Buffer): void => {
    if (oracle.isClosed || bytes.length === 0) return
    chunks.push(bytes)
    reader.read(Buffer.from(bytes))
  }
  while (!oracle.isClosed && sequences < 40) {
    sequences++
    const stream = randomSequence(random)
    const split = random.oneIn(2) ? 0 : random.below(stream.length + 1)
    send(stream.subarray(0, split))
    send(stream.subarray(split))
  }
  // Zeros complete any incomplete frame, and then are an unmasked frame.
  send(Buffer.alloc(2 * LIMIT + 64))
  return { run, chunks, sequences, oracle }
}

/** Mostly valid frames, so that one connection can be used for many sequences. */
function randomSequence (random: Random): Buffer {
  const kind = random.below(60)
  if (kind === 0) return randomStream(random)
  if (kind === 1) return randomFrames(random)
  // The other kinds rarely lead to 1000, 1005 or 1009.
  if (kind === 3) return frame(opcode.CLOSE, random.oneIn(2) ? closePayload(1000) : '', { key: random.bytes(4) })
  if (kind === 4) return frame(opcode.BINARY, random.bytes(LIMIT + 1 + random.below(64)), { key: random.bytes(4) })
  const valid = Buffer.concat(validFrames(random).filter(bytes => bytes[0] !== (0x80 | opcode.CLOSE)))
  return kind === 2 ? corrupted(random, valid) : valid
}

/** Runs a session; returns a failure unless the received bytes are exactly those of the oracle. */
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
  await raw.end()
  socket.end()
  if (raw.unread.equals(oracle.back)) return undefined
  return {
    run: `SEED=${run}`,
    chunks: chunks.map(chunk => chunk.toString('hex')),
    received: raw.unread.toString('hex'),
    expected: oracle.back.toString('hex')
  }
}

/** Counts connect and disconnect signals. */
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
  await Promise.all(Array.from({ length: CONCURRENCY }, client))

  t.same(failures.slice(0, 1), [])
  t.same(errors, [])
  const clean = played.filter(({ oracle }) => oracle.isClean).length
  t.same(counts, { connected: played.length, clean, notClean: played.length - clean })
  t.equal(app.peerServer.peerCount, 0)
  // Every close code must occur often enough to be tested.
  for (const code of [1000, 1005, 1002, 1007, 1009]) {
    const count = played.filter(({ oracle }) => oracle.code === code).length
    t.ok(count > 20, `close code ${code} occurred ${count} times`)
  }
})
