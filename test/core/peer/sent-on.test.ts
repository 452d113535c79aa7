import t from 'tap'
import { opcode } from '../../../src/protocol/websocket/frame.ts'
import { FrameClient, nextTurn } from '../../helper/memory/frame-client.ts'
import { openMemoryServer } from '../../helper/memory/memory-server.ts'
import { frame } from '../../helper/sockets/raw-frame.ts'

const LARGE = Buffer.alloc(200_000, 'large ')
const options = { inputBufferKb: 512, outputBufferKb: 1024 }

/** A large message in two chunks, so that it has memory of its own. */
function sendLarge (client: FrameClient): void {
  const message = frame(opcode.BINARY, LARGE)
  client.connection.deliver(message.subarray(0, 70_000))
  client.connection.deliver(message.subarray(70_000))
}

t.test('a large message is sent on without a copy, in order with other packets', async t => {
  const server = await openMemoryServer(options)
  const client = new FrameClient(server)
  const written: Uint8Array[] = []
  const { write } = client.connection
  client.connection.write = bytes => {
    written.push(bytes)
    write.call(client.connection, bytes)
  }
  let received: Uint8Array | undefined
  server.on('packet', (id, bytes) => {
    received = bytes
    const peer = server.getPeer(id)
    peer.putPacket(Uint8Array.of(1))
    server.broadcast(0, Uint8Array.of(2))
    peer.putPacket(bytes)
    server.broadcast(0, Uint8Array.of(3))
    peer.putPacket(Uint8Array.of(4))
  })
  sendLarge(client)
  const frames = await client.frames()
  t.same(frames.map(({ payload }) => payload.length === 1 ? payload[0] : payload.equals(LARGE)), [1, 2, true, 3, 4])
  t.ok(written.some(bytes => bytes.buffer === received!.buffer), 'it is the same memory')
  t.equal(server.getPeer([...server.peers()][0].id).packetsOut, 5)
  await server.stop()
})

t.test('a copy of a large message may be changed after it was sent', async t => {
  const server = await openMemoryServer(options)
  const client = new FrameClient(server)
  server.on('packet', (id, bytes) => {
    const copy = bytes.slice()
    server.getPeer(id).putPacket(copy)
    copy.fill(0)
  })
  sendLarge(client)
  t.same((await client.frames()).map(({ payload }) => payload.equals(LARGE)), [true])
  await server.stop()
})

t.test('large messages for a peer that takes nothing wait behind each other, within the limit', async t => {
  const server = await openMemoryServer(options)
  const client = new FrameClient(server)
  const errors: unknown[] = []
  server.on('packet', (id, bytes) => {
    client.connection.stall()
    for (let i = 0; i < 10; i++) {
      try {
        server.getPeer(id).putPacket(bytes)
      } catch (error) {
        errors.push((error as { code: string }).code)
      }
    }
  })
  sendLarge(client)
  await nextTurn()
  t.same(errors, Array(5).fill('ERR_OUT_OF_MEMORY'))
  client.connection.unstall()
  const frames = [...await client.frames(), ...await client.frames()]
  t.same(frames.map(({ payload }) => payload.equals(LARGE)), Array(5).fill(true))
  await server.stop()
})
