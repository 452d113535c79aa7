import { setImmediate as nextTurn } from 'node:timers/promises'
import type { Test } from 'tap'
import type { WebSocketServer } from '../../src/core/server/websocket-server.ts'
import { connectRaw, upgradeRequest, type RawSocket } from '../helper/sockets/raw-socket.ts'
import { withTimeout } from '../helper/with-timeout.ts'
import { cases, MAX_MESSAGE, type Case } from './cases.ts'

/** Options of a server under test: buffers for the largest message in both directions. */
export const options = {
  inputBufferKb: MAX_MESSAGE / 1024,
  outputBufferKb: 8 * MAX_MESSAGE / 1024,
  outputMaxPackets: 65536
}

/** Echoes every packet with its type. */
export function echo (server: WebSocketServer): void {
  server.on('packet', (id, bytes, isText) => {
    const peer = server.getPeer(id)
    peer.setWriteMode(isText ? 0 : 1)
    peer.putPacket(bytes)
  })
}

/** Echoes packets from the queue of the peer. */
export function echoFromQueue (server: WebSocketServer): void {
  server.on('data_received', id => {
    const peer = server.getPeer(id)
    const bytes = peer.getPacket()
    peer.setWriteMode(peer.wasStringPacket() ? 0 : 1)
    peer.putPacket(bytes)
  })
}

/** A way to send a case: its bytes in chunks after the handshake, or all after the request. */
interface Delivery { readonly how: string, readonly request: Buffer, readonly chunks: Buffer[] }

/** Ways to split the client's bytes into chunks, and the maximum stream size of each. */
const splits: Array<{ how: string, maxSize: number, split: (frames: readonly Buffer[]) => Buffer[] }> = [
  { how: 'at once', maxSize: Infinity, split: frames => [Buffer.concat(frames)] },
  { how: 'frame by frame', maxSize: 20_000, split: frames => [...frames] },
  { how: 'byte by byte', maxSize: 150, split: frames => pieces(frames, 1) },
  { how: 'in pieces of 997 bytes', maxSize: 200_000, split: frames => pieces(frames, 997) }
]

function pieces (frames: readonly Buffer[], size: number): Buffer[] {
  const stream = Buffer.concat(frames)
  return Array.from({ length: Math.ceil(stream.length / size) }, (_, at) => stream.subarray(at * size, (at + 1) * size))
}

/** A table of cases, and headers of the upgrade requests; `isSampled`: each case in one delivery, in turn. */
export interface Table {
  readonly cases: readonly Case[]
  readonly headers: Record<string, string>
  readonly isSampled?: boolean
}

/** Runs all cases of a table in all suitable deliveries against an echo server. */
export async function conform (
  t: Test,
  server: WebSocketServer,
  open: (t: Test, port: number) => Promise<RawSocket> = connectRaw,
  table: Table = { cases, headers: {} }
): Promise<void> {
  const ends = watchEnds(server)
  const request = Buffer.from(upgradeRequest('/ws', table.headers))
  for (const [at, aCase] of table.cases.entries()) {
    const all = deliveriesOf(aCase, request)
    const chosen = table.isSampled === true ? [all[at % all.length]] : all
    for (const delivery of chosen) await run(t, await open(t, server.port), aCase, delivery, ends)
  }
  t.equal(server.peerCount, 0, 'no peers remain')
}

function deliveriesOf ({ send, late }: Case, request: Buffer): Delivery[] {
  const size = send.reduce((sum, one) => sum + one.length, 0)
  const inChunks = splits.filter(({ maxSize }) => size <= maxSize)
    .map(({ how, split }) => ({ how, request, chunks: split(send) }))
    .filter(({ how, chunks }) => how === 'at once' || chunks.length > 1)
  return [...inChunks, { how: 'with the handshake', request: Buffer.concat([request, ...send, ...late]), chunks: [] }]
}

/**
 * Runs one connection: sends, waits until the server closes it, and compares all received bytes and
 * client_disconnected.
 */
async function run (
  t: Test, raw: RawSocket, aCase: Case, { how, request, chunks }: Delivery, ends: Ends
): Promise<void> {
  const { id, what, back, late, isClean } = aCase
  const ended = ends.of(raw.socket.localPort!)
  await deliver(raw, [request])
  const { status } = await raw.head()
  await deliver(raw, [...chunks.slice(0, -1), Buffer.concat([...chunks.slice(-1), ...late])])
  await raw.end()
  raw.socket.end()
  const expected = Buffer.concat(back)
  const wasClean = await withTimeout(() => 'client_disconnected', ended)
  // One assertion, as there are thousands of connections.
  const isRight = status === 101 && raw.unread.equals(expected) && wasClean === isClean
  t.ok(isRight, `${id} ${what}, ${how}`, {
    received: { status, bytes: shown(raw.unread), wasClean },
    expected: { status: 101, bytes: shown(expected), wasClean: isClean }
  })
}

/** Writes each chunk in a separate event loop turn. */
async function deliver (raw: RawSocket, chunks: Buffer[]): Promise<void> {
  for (const chunk of chunks) {
    raw.send(chunk)
    await nextTurn()
  }
}

/** Bytes as text for failure messages. */
function shown (bytes: Buffer): string {
  return `${bytes.length} bytes: ${bytes.toString('hex', 0, 300)}`
}

/** Whether the close of each connection was clean, by the client's port. */
interface Ends { of (port: number): Promise<boolean> }

function watchEnds (server: WebSocketServer): Ends {
  const resolvers = new Map<number, (isClean: boolean) => void>()
  server.on('client_disconnected', (id, isClean) => {
    resolvers.get(server.getPeerPort(id))?.(isClean)
  })
  return { of: port => new Promise(resolve => resolvers.set(port, resolve)) }
}
