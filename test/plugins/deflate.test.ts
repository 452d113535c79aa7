import { randomBytes } from 'node:crypto'
import { constants, deflateRawSync } from 'node:zlib'
import { once } from 'node:events'
import type { Test } from 'tap'
import t from 'tap'
import { WebSocket } from 'ws'
import { INFLATED_AT_ONCE } from '../../src/core/peer/peer-input.ts'
import { closePayload, frame } from '../helper/sockets/raw-frame.ts'
import { modes, openServer } from '../helper/sockets/modes.ts'
import { connectRaw, upgradeRequest, type RawSocket } from '../helper/sockets/raw-socket.ts'
import { withTimeout } from '../helper/with-timeout.ts'
import type { WebSocketServer } from '../../src/core/server/websocket-server.ts'

const compressible = 'The quick brown fox jumps over the lazy dog. '.repeat(1000)

/** A payload compressed according to RFC 7692. */
function deflated (payload: string | Uint8Array): Buffer {
  return deflateRawSync(payload, { finishFlush: constants.Z_SYNC_FLUSH }).subarray(0, -4)
}

function echo (server: WebSocketServer): void {
  server.on('packet', (id, bytes, isText) => {
    const peer = server.getPeer(id)
    peer.setWriteMode(isText ? 0 : 1)
    peer.putPacket(bytes)
  })
}

async function message (socket: WebSocket): Promise<[bytes: Buffer, isBinary: boolean]> {
  return await withTimeout(() => 'a message', once(socket, 'message') as Promise<[Buffer, boolean]>)
}

/** A raw client that has agreed on permessage-deflate. */
async function connectDeflated (t: Test, server: WebSocketServer): Promise<RawSocket> {
  const raw = await connectRaw(t, server.port)
  raw.send(upgradeRequest('/ws', { 'Sec-WebSocket-Extensions': 'permessage-deflate; client_max_window_bits' }))
  const { status, headers } = await raw.head()
  t.equal(status, 101)
  t.equal(
    headers['sec-websocket-extensions'], 'permessage-deflate; server_no_context_takeover; client_no_context_takeover'
  )
  return raw
}

for (const mode of modes) {
  t.test(`a ws client exchanges compressed messages (${mode})`, async t => {
    const server = await openServer(t, mode, { perMessageDeflate: true, outputBufferKb: 256 })
    echo(server)
    const socket = new WebSocket(`ws://127.0.0.1:${server.port}/ws`, { perMessageDeflate: { threshold: 0 } })
    t.teardown(() => { socket.terminate() })
    await once(socket, 'open')
    t.match(socket.extensions, 'permessage-deflate')
    for (const payload of [compressible, '', 'short', 'ü'.repeat(2000)]) {
      socket.send(payload)
      const [bytes, isBinary] = await message(socket)
      t.equal(isBinary, false)
      t.ok(bytes.toString() === payload, `${payload.length} characters`)
    }
    // The largest message; random bytes grow a little by compression.
    const random = randomBytes(65536)
    socket.send(random)
    t.ok((await message(socket))[0].equals(random))
  })

  t.test(`does not compress unless the option is set and the client offers it (${mode})`, async t => {
    const server = await openServer(t, mode)
    const raw = await connectRaw(t, server.port)
    raw.send(upgradeRequest('/ws', { 'Sec-WebSocket-Extensions': 'permessage-deflate' }))
    t.equal((await raw.head()).headers['sec-websocket-extensions'], undefined)
    raw.sendFrame(1, deflated('x'), { rsv: 4 })
    t.equal((await raw.close()).code, 1002)
  })
}

t.test('compresses only long messages, in one frame each', async t => {
  const server = await openServer(t, 'own', { perMessageDeflate: true, outputBufferKb: 256 })
  echo(server)
  const raw = await connectDeflated(t, server)
  raw.sendFrame(1, deflated('short'), { rsv: 4 })
  t.match(await raw.frame(), { rsv: 0, opcode: 1, payload: Buffer.from('short') })
  raw.sendFrame(1, 'x'.repeat(1024))
  const long = await raw.frame()
  t.match(long, { rsv: 4, opcode: 1, fin: true })
  t.ok(long.payload.length < 50)
  const [peer] = [...server.peers()]
  t.equal(peer.bytesOut, 5 + 1024, 'counts bytes of the payload')
})

t.test('accepts a compressed message in fragments with a ping between them', async t => {
  const server = await openServer(t, 'own', { perMessageDeflate: true })
  echo(server)
  const raw = await connectDeflated(t, server)
  const payload = deflated(compressible.slice(0, 1000))
  raw.send(Buffer.concat([frame(1, payload.subarray(0, 10), {
    fin: false,
    rsv: 4
  }), frame(9, 'still there?'), frame(0, payload.subarray(10))]))
  t.match(await raw.frame(), { opcode: 10 })
  t.equal((await raw.frame()).payload.toString(), compressible.slice(0, 1000))
})

t.test('many messages of one client are inflated over several event loop turns', async t => {
  const server = await openServer(t, 'own', { perMessageDeflate: true })
  const turns: number[] = []
  let inTurn = 0
  const all = new Promise<void>(resolve => {
    server.on('packet', () => {
      if (inTurn++ > 0) return
      setImmediate(() => {
        turns.push(inTurn)
        inTurn = 0
        if (total() === 2000) resolve()
      })
    })
  })
  const total = (): number => turns.reduce((sum, one) => sum + one, 0)
  const raw = await connectDeflated(t, server)
  raw.send(Buffer.concat(Array.from({ length: 2000 }, () => frame(2, deflated('x'), { rsv: 4 }))))
  await withTimeout(() => `2000 packets; came: ${total()}`, all)
  t.ok(Math.max(...turns) <= INFLATED_AT_ONCE, `packets in each turn: ${turns.join(', ')}`)
})

const violations: Array<[what: string, frames: Buffer, code: number]> = [
  ['more bytes than a compressed message can have', frame(2, Buffer.alloc(80_000), { rsv: 4 }), 1009],
  ['a truncated message', frame(2, deflated(compressible).subarray(0, 100), { rsv: 4 }), 1007],
  ['a bomb', frame(2, deflated(Buffer.alloc(50_000_000)), { rsv: 4 }), 1009],
  ['bytes that are not DEFLATE', frame(2, Buffer.alloc(20, 0xff), { rsv: 4 }), 1007],
  ['text that is not UTF-8', frame(1, deflated(Buffer.of(0xff)), { rsv: 4 }), 1007],
  ['a continuation with the compression bit', Buffer.concat([frame(1, deflated('x'), {
    fin: false,
    rsv: 4
  }), frame(0, '', { rsv: 4 })]), 1002],
  ['a ping with the compression bit', frame(9, deflated('x'), { rsv: 4 }), 1002],
  ['another reserved bit', frame(1, 'x', { rsv: 2 }), 1002],
  ['all reserved bits', frame(1, 'x', { rsv: 7 }), 1002]
]

for (const [what, frames, code] of violations) {
  t.test(`closes on ${what} with ${code}`, async t => {
    const server = await openServer(t, 'own', { perMessageDeflate: true })
    echo(server)
    const raw = await connectDeflated(t, server)
    const before = process.memoryUsage().rss
    raw.send(frames)
    t.equal((await raw.close()).code, code)
    t.ok(process.memoryUsage().rss - before < 32 * 2 ** 20)
    raw.sendFrame(8, closePayload(code))
  })
}
