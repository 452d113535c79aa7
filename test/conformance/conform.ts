import { setImmediate as nextTurn } from 'node:timers/promises'
import type { Test } from 'tap'
import type { WebSocketServer } from '../../src/core/server/websocket-server.ts'
import { connectRaw, upgradeRequest, type RawSocket } from '../helper/raw-socket.ts'
import { withTimeout } from '../helper/with-timeout.ts'
import { cases, MAX_MESSAGE, type Case } from './cases.ts'

/** Options of a server under test: room for the largest message in both directions. */
export const options = {
  inputBufferKb: MAX_MESSAGE / 1024,
  outputBufferKb: 8 * MAX_MESSAGE / 1024,
  outputMaxPackets: 65536
}

/** Sends every packet back as it came. */
export function echo (server: WebSocketServer): void {
  server.on('packet', (id, bytes, isText) => {
    const peer = server.getPeer(id)
    peer.setWriteMode(isText ? 0 : 1)
    peer.putPacket(bytes)
  })
}

/** The same out of the peer's queue. */
export function echoFromQueue (server: WebSocketServer): void {
  server.on('data_received', id => {
    const peer = server.getPeer(id)
    const bytes = peer.getPacket()
    peer.setWriteMode(peer.wasStringPacket() ? 0 : 1)
    peer.putPacket(bytes)
  })
}

/** Ways to cut what a client sends, and the longest stream that each is fit for. */
const deliveries: Array<{ how: string, most: number, cut: (frames: readonly Buffer[]) => Buffer[] }> = [
  { how: 'at once', most: Infinity, cut: frames => [Buffer.concat(frames)] },
  { how: 'frame by frame', most: 20_000, cut: frames => [...frames] },
  { how: 'byte by byte', most: 150, cut: frames => pieces(frames, 1) },
  { how: 'in pieces of 997 bytes', most: 200_000, cut: frames => pieces(frames, 997) }
]

function pieces (frames: readonly Buffer[], size: number): Buffer[] {
  const stream = Buffer.concat(frames)
  return Array.from({ length: Math.ceil(stream.length / size) }, (_, at) => stream.subarray(at * size, (at + 1) * size))
}

/** A table, and the headers with which its clients ask for their upgrade. */
export interface Table { readonly cases: readonly Case[], readonly headers: Record<string, string> }

/** Runs a whole table, every case in every delivery fit for it, against an echo server. */
export async function conform (
  t: Test,
  server: WebSocketServer,
  open: (t: Test, port: number) => Promise<RawSocket> = connectRaw,
  table: Table = { cases, headers: {} }
): Promise<void> {
  const ends = watchEnds(server)
  const request = Buffer.from(upgradeRequest('/ws', table.headers))
  for (const aCase of table.cases) {
    await t.test(`${aCase.id} ${aCase.what}`, async t => {
      const size = aCase.send.reduce((sum, one) => sum + one.length, 0)
      for (const { how, most, cut } of deliveries) {
        if (size > most) continue
        const chunks = cut(aCase.send)
        if (how === 'at once' || chunks.length > 1) {
          await run(t, await open(t, server.port), aCase, how, [request], chunks, ends)
        }
      }
      await run(t, await open(t, server.port), aCase, 'with the handshake', [
        Buffer.concat([request, ...aCase.send, ...aCase.late])
      ], [], ends)
    })
  }
  t.equal(server.peerCount, 0, 'no peer is left')
}

/**
 * One connection: sends, waits until the server ends it, and compares every byte that came and the signal of its end.
 */
async function run (
  t: Test, raw: RawSocket, { back, late, isClean }: Case, how: string, request: Buffer[], chunks: Buffer[], ends: Ends
): Promise<void> {
  const ended = ends.of(raw.socket.localPort!)
  await deliver(raw, request)
  const { status } = await raw.head()
  t.equal(status, 101, how)
  await deliver(raw, [...chunks.slice(0, -1), Buffer.concat([...chunks.slice(-1), ...late])])
  await raw.end()
  raw.socket.end()
  const wanted = Buffer.concat(back)
  if (!raw.unread.equals(wanted)) t.equal(shown(raw.unread), shown(wanted), how)
  t.equal(await withTimeout(5, () => 'client_disconnected', ended), isClean, `${how}: clean or not`)
}

/** Writes the chunks, each in a turn of its own. */
async function deliver (raw: RawSocket, chunks: Buffer[]): Promise<void> {
  for (const chunk of chunks) {
    raw.send(chunk)
    await nextTurn()
  }
}

/** Bytes for a reader of the test's output. */
function shown (bytes: Buffer): string {
  return `${bytes.length} bytes: ${bytes.toString('hex', 0, 300)}`
}

/** The end of each connection, by the client's port: whether it was clean. */
interface Ends { of (port: number): Promise<boolean> }

function watchEnds (server: WebSocketServer): Ends {
  const resolvers = new Map<number, (isClean: boolean) => void>()
  server.on('client_disconnected', (id, isClean) => {
    resolvers.get(server.getPeerPort(id))?.(isClean)
  })
  return { of: port => new Promise(resolve => resolvers.set(port, resolve)) }
}
