import t from 'tap'
import { FrameClient } from '../../helper/memory/frame-client.ts'
import { MemoryClient } from '../../helper/memory/memory-client.ts'
import { openMemoryServer } from '../../helper/memory/memory-server.ts'

const KIB = 1024

for (const kib of [1, 64, 256]) {
  t.test(`the largest message that can be received can be sent: around ${kib} KiB`, async t => {
    const options = { inputBufferKb: kib, outputBufferKb: kib, closeTimeout: 0.1 }
    const server = await openMemoryServer(options)
    const client = new FrameClient(server)
    const [peer] = server.peers()
    for (const size of [kib * KIB - 1, kib * KIB]) {
      client.binary(Buffer.alloc(size))
      peer.putPacket(peer.getPacket())
      t.same((await client.frames()).map(({ payload }) => payload.length), [size])
    }
    t.throws(() => { peer.putPacket(Buffer.alloc(kib * KIB + 1)) }, {
      code: 'ERR_OUT_OF_MEMORY',
      message: /outputBufferKb/
    })
    t.same(await client.frames(), [])
    client.binary(Buffer.alloc(kib * KIB + 1))
    t.same((await client.frames()).map(({ opcode, payload }) => [opcode, payload.readUInt16BE(0)]), [[8, 1009]])
    await server.stop()
  })
}

for (const gdMpApi of [false, true]) {
  t.test(`the server can send maxDataSize bytes to many peers, but no more (gdMpApi: ${gdMpApi})`, async t => {
    const server = await openMemoryServer({ gdMpApi, outputBufferKb: 1 }, [10, 11])
    const clients = [new FrameClient(server), new FrameClient(server)]
    for (const client of clients) await client.frames()
    const room = server.room('main')
    const ways: Array<(bytes: Uint8Array) => unknown> = [
      bytes => server.broadcast(0, bytes), bytes => server.broadcast(-11, bytes), bytes => server.broadcast(10, bytes),
      bytes => server.broadcastExcept([11], bytes), bytes => room.broadcast(0, bytes),
      bytes => room.broadcastExcept([11], bytes), ...gdMpApi ? [(bytes: Uint8Array) => { server.putPacket(bytes) }] : []
    ]
    for (const send of ways) {
      t.throws(() => send(Buffer.alloc(server.maxDataSize + 1)), { code: 'ERR_OUT_OF_MEMORY', message: /outputBufferKb/ })
    }
    for (const send of ways) send(Buffer.alloc(server.maxDataSize))
    t.same((await clients[0].frames()).map(({ payload }) => payload.length), ways.map(() => gdMpApi ? KIB - 1 : KIB))
    await server.stop()
  })
}

t.test('a target that is not a number does not mean all peers', async t => {
  const server = await openMemoryServer()
  const client = new FrameClient(server)
  for (const target of [undefined, 'abc', NaN, 1.5, null]) {
    t.throws(() => server.broadcast(target as number, Buffer.of(1)), { code: 'ERR_INVALID_PARAMETER' })
  }
  t.same(await client.frames(), [])
  await server.stop()
})

t.test('setTargetPeer rejects a target that is not a number, and the previous one stays', async t => {
  const server = await openMemoryServer({ gdMpApi: true })
  const [one, two] = [new MemoryClient(server), new MemoryClient(server)]
  server.setTargetPeer(one.id)
  for (const target of [undefined, 'abc', NaN, 1.5, null]) {
    t.throws(() => { server.setTargetPeer(target as number) }, { code: 'ERR_INVALID_PARAMETER' })
  }
  for (const client of [one, two]) await client.messages()
  server.putPacket(Buffer.of(1))
  t.equal((await one.messages()).length, 1)
  t.same(await two.messages(), [])
  await server.stop()
})

t.test('the error for a packet that only fits an empty buffer does not name the option', async t => {
  const server = await openMemoryServer({ closeTimeout: 0.1 })
  const client = new FrameClient(server)
  const [peer] = server.peers()
  client.connection.stall()
  peer.putPacket(Buffer.alloc(40_000))
  await client.frames()
  t.throws(() => { peer.putPacket(Buffer.alloc(40_000)) }, {
    code: 'ERR_OUT_OF_MEMORY',
    message: /^(?!.*outputBufferKb)/
  })
  client.connection.unstall()
  await client.frames()
  t.doesNotThrow(() => { peer.putPacket(Buffer.alloc(40_000)) })
  await server.stop()
})
