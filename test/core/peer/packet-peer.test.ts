import t from 'tap'
import { writeMode } from '../../../src/core/peer/write-mode.ts'
import { EncodedObject, float, Vector2 } from '../../../src/protocol/variant/variant-types.ts'
import { encodeVariant } from '../../../src/protocol/variant/variant.ts'
import { header, MemoryClient } from '../../helper/memory/memory-client.ts'
import { hexOf } from '../../helper/random/variant-vectors.ts'
import { openMemoryServer } from '../../helper/memory/memory-server.ts'

async function serve (gdMpApi = false) {
  const server = await openMemoryServer({ gdMpApi })
  const client = new MemoryClient(server)
  await client.messages()
  return { server, client, peer: server.getPeer(client.id) }
}

t.test('sends and receives Variants', async t => {
  const { client, peer } = await serve()
  peer.putVar(['x', float(3), new Vector2(1, 2)])
  t.same(await client.messages(), [hexOf(encodeVariant(['x', float(3), new Vector2(1, 2)]))])
  client.binary(encodeVariant(new Map([['tick', 7]])))
  client.binary(Buffer.concat([encodeVariant('hi'), Buffer.from('more')]))
  t.same(peer.getVar(), new Map([['tick', 7]]))
  t.equal(peer.getVar(), 'hi', 'ignores bytes after the value')
})

t.test('in multiplayer mode the server sends and receives Variants', async t => {
  const { server, client } = await serve(true)
  client.sendTo(1, '02000000 05000000')
  t.equal(server.getPacketPeer(), client.id)
  t.equal(server.getVar(), 5)
  server.setTargetPeer(client.id)
  server.putVar(true)
  const head = hexOf(header(1, client.id))
  t.same(await client.messages(), [head + '0100000001000000'])
})

t.test('getVar fails like getPacket, but does not change getPacketError()', async t => {
  const { server, client, peer } = await serve()
  client.binary(Buffer.of(255))
  client.binary(Buffer.of(1))
  peer.getPacket()
  t.throws(() => peer.getVar(), { code: 'ERR_INVALID_DATA' }, 'not a Variant')
  t.throws(() => peer.getVar(), { code: 'ERR_UNAVAILABLE' }, 'the packet was consumed nevertheless')
  t.equal(peer.getPacketError(), 0)
  t.throws(() => peer.getPacket(), { code: 'ERR_UNAVAILABLE' })
  t.equal(peer.getPacketError(), 2)
  t.throws(() => server.getVar(), { code: 'ERR_UNCONFIGURED' })
  t.throws(() => server.putVar(1), { code: 'ERR_UNCONFIGURED' })
})

t.test('send() sends text or binary, whatever the write mode', async t => {
  const { client, peer } = await serve()
  peer.setWriteMode(writeMode.TEXT)
  peer.send(Buffer.from('bytes'), false)
  peer.putPacket(Buffer.from('text'))
  peer.setWriteMode(writeMode.BINARY)
  peer.send(Buffer.from('more text'), true)
  t.same((await client.frames()).map(({ opcode, payload }) => [opcode, payload.toString()]), [
    [2, 'bytes'], [1, 'text'], [1, 'more text']
  ])
})

t.test('wasStringPacket() also describes the packet that getVar took', async t => {
  const { client, peer } = await serve()
  client.connection.deliver(Buffer.from('818400000000' + '00000000', 'hex'))
  t.equal(peer.wasStringPacket(), false)
  t.equal(peer.getVar(), null)
  t.equal(peer.wasStringPacket(), true)
})

t.test('encodeBufferMaxSize is rounded and limited as in Godot, for each peer separately', async t => {
  const { server, peer } = await serve()
  t.equal(peer.encodeBufferMaxSize, 8388608)
  for (const [given, kept] of [[1024, 1024], [1025, 2048], [5000, 8192], [268435456, 268435456]]) {
    peer.encodeBufferMaxSize = given
    t.equal(peer.encodeBufferMaxSize, kept)
  }
  for (const given of [0, 1023, 268435457, -1, NaN, Infinity]) {
    t.throws(() => { peer.encodeBufferMaxSize = given }, { code: 'ERR_INVALID_PARAMETER' }, String(given))
  }
  t.equal(peer.encodeBufferMaxSize, 268435456, 'a rejected value changes nothing')
  t.equal(server.encodeBufferMaxSize, 8388608)
})

t.test('sends a Variant of encodeBufferMaxSize bytes, but none that is longer', async t => {
  const { client, peer } = await serve()
  peer.encodeBufferMaxSize = 1024
  peer.putVar(new Uint8Array(1016))
  t.same((await client.messages()).map(hex => hex.length / 2), [1024])
  t.throws(() => peer.putVar(new Uint8Array(1017)), { code: 'ERR_OUT_OF_MEMORY' })
  t.same(await client.messages(), [])
})

t.test('full objects are sent and received only if allowed', async t => {
  const { client, peer } = await serve()
  const object = new EncodedObject('Reference')
  t.throws(() => peer.putVar(object), { code: 'ERR_UNAUTHORIZED' })
  peer.putVar(object, true)
  const [bytes] = await client.messages()
  for (let i = 0; i < 3; i++) client.binary(Buffer.from(bytes, 'hex'))
  t.throws(() => peer.getVar(), { code: 'ERR_UNAUTHORIZED' })
  t.same(peer.getVar(true), object)
  t.equal(peer.allowObjectDecoding, false)
  peer.allowObjectDecoding = true
  t.same(peer.getVar(), object)
  t.doesNotThrow(() => peer.putVar(object))
})

for (const [type, value] of Object.entries({
  'a text': 'abc',
  'a list of numbers': [1, 2, 3],
  'an array of other numbers': Uint16Array.of(513),
  'an ArrayBuffer': new ArrayBuffer(3),
  null: null
})) {
  t.test(`${type} is not sent as bytes`, async t => {
    const { client, server, peer } = await serve(true)
    const bytes = value as unknown as Uint8Array
    const ways: Array<() => unknown> = [
      () => { peer.putPacket(bytes) }, () => { peer.send(bytes, true) }, () => { server.putPacket(bytes) },
      () => server.broadcast(0, bytes), () => server.broadcast(peer.id, bytes), () => server.broadcastExcept([], bytes),
      () => { server.multiplayer.sendBytes(bytes) }
    ]
    for (const send of ways) t.throws(send, { code: 'ERR_INVALID_PARAMETER', message: /expected a Uint8Array/ })
    t.same(await client.frames(), [])
  })
}

t.test('rejects values that cannot be encoded as a Variant', async t => {
  const { peer } = await serve()
  t.throws(() => peer.putVar(Symbol('x') as never), { code: 'ERR_INVALID_PARAMETER' })
})
