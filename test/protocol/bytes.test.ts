import t from 'tap'
import fc from 'fast-check'
import { ByteReader, ByteWriter } from '../../src/protocol/bytes.ts'
import { bytesOf, hexOf } from '../helper/random/variant-vectors.ts'

function written (write: (to: ByteWriter) => void): string {
  const to = new ByteWriter()
  write(to)
  return hexOf(to.done())
}

t.test('numbers are little-endian', async t => {
  t.equal(written(to => {
    to.u8(1)
    to.u16(0x203)
    to.u32(0x4050607)
    to.u64(0x8090a0b0c0d0e0fn)
  }), '01' + '0302' + '07060504' + '0f0e0d0c0b0a0908')
  t.equal(written(to => {
    to.u32(-2)
    to.u64(-2n)
    to.f32(1.5)
    to.f64(1.5)
  }), 'feffffff' + 'feffffffffffffff' + '0000c03f' + '000000000000f83f')
  const from =
    new ByteReader(bytesOf('01' + '0302' + '07060504' + '0f0e0d0c0b0a0908' + '0000c03f' + '000000000000f83f'))
  t.same([
    from.u8(), from.u16(), from.u32(), from.u64(), from.f32(), from.f64()
  ], [1, 0x203, 0x4050607, 0x8090a0b0c0d0e0fn, 1.5, 1.5])
  const negative = new ByteReader(bytesOf('ff' + 'feff' + 'fdffffff' + 'fcffffffffffffff'))
  t.same([negative.i8(), negative.i16(), negative.i32(), negative.i64()], [-1, -2, -3, -4n])
})

t.test('random sequences of values survive a round trip', async t => {
  const value = fc.oneof(
    fc.record({ kind: fc.constant('u8'), value: fc.nat(255) }),
    fc.record({ kind: fc.constant('u16'), value: fc.nat(65535) }),
    fc.record({ kind: fc.constant('u32'), value: fc.nat(0xffffffff) }),
    fc.record({ kind: fc.constant('u64'), value: fc.bigInt(0n, 2n ** 64n - 1n) }),
    fc.record({ kind: fc.constant('f32'), value: fc.float() }),
    fc.record({ kind: fc.constant('f64'), value: fc.double() }),
    fc.record({
      kind: fc.constant('cstring'),
      value: fc.string({ unit: 'grapheme' }).filter(text => !/\0|^\ufeff/.test(text))
    }))
  fc.assert(fc.property(fc.array(value), values => {
    const to: any = new ByteWriter()
    for (const { kind, value } of values) to[kind](value)
    const from: any = new ByteReader(to.done())
    for (const { kind, value } of values) if (!Object.is(from[kind](), value)) return false
    return from.remaining === 0
  }))
})

t.test('reading beyond the end names the offset', async t => {
  const missing: Array<[hex: string, read: (from: ByteReader) => unknown, byte: number]> = [
    ['', from => from.u8(), 0],
    ['01', from => from.u16(), 0],
    ['01020304', from => [from.u8(), from.u32()], 1],
    ['01020304050607', from => from.u64(), 0],
    ['010203', from => from.f32(), 0],
    ['01020304050607', from => from.f64(), 0],
    ['0102', from => from.bytes(3), 0],
    ['0102', from => [from.u8(), from.skip(2)], 1],
    ['6162', from => from.utf8(3), 0],
    ['6162', from => from.cstring(), 0],
    ['61ff', from => [from.u8(), from.utf8(1)], 1],
    ['0200000000', from => from.count(1), 4],
    ['01020304', from => [from.u16(), from.split(1)], 2],
    ['01020304', from => [from.u16(), from.split(5)], 2],
    ['0102030400', from => { from.split(2); from.u32() }, 0],
    ['6100', from => { from.split(1); from.cstring() }, 0]
  ]
  for (const [hex, read, byte] of missing) {
    t.throws(() => read(new ByteReader(bytesOf(hex))), {
      code: 'ERR_INVALID_DATA',
      message: new RegExp(` at byte ${byte}$`)
    }, `${hex} ${read}`)
  }
})

t.test('bytes and rest are views, also of a part of a Buffer', async t => {
  const whole = Buffer.from('000102030405', 'hex')
  const from = new ByteReader(whole, 1, 5)
  const [first, rest] = [from.bytes(1), from.rest()]
  t.strictSame([first, rest], [Uint8Array.of(1), Uint8Array.of(2, 3, 4)])
  whole[1] = 9
  t.equal(first[0], 9)
})

t.test('split leaves the rest to another reader', async t => {
  const from = new ByteReader(bytesOf('610062006300'))
  const rest = from.split(4)
  t.same([from.cstring(), from.cstring(), from.remaining], ['a', 'b', 0])
  t.same([rest.offset, rest.cstring()], [4, 'c'])
})

t.test('requires a NUL unless it is optional', async t => {
  t.equal(new ByteReader(bytesOf('6162')).cstring('optional'), 'ab')
  t.throws(() => new ByteWriter().cstring('a\0b'), { code: 'ERR_INVALID_PARAMETER' })
})

t.test('writes every NaN with the same bytes', async t => {
  const [negative] = new Float64Array(Uint8Array.of(0, 0, 0, 0, 0, 0, 0xf8, 0xff).buffer)
  t.equal(written(to => { to.f32(negative); to.f64(negative) }), '0000c07f' + '000000000000f87f')
  const pool = new Float32Array(Uint8Array.of(0, 0, 0, 0, 1, 0, 0xc0, 0xff).buffer)
  t.equal(written(to => {
    to.floats(pool)
    to.floats(Float64Array.of(0, negative))
  }), '00000000' + '0000c07f' + '0000000000000000' + '000000000000f87f')
})

t.test('returned bytes are not overwritten', async t => {
  const to = new ByteWriter()
  const packets = Array.from({ length: 3000 }, (_, index) => {
    for (let i = 0; i < index % 50; i++) to.u32(index)
    return to.done()
  })
  for (const [index, packet] of packets.entries()) {
    const words = new Uint32Array(packet.slice().buffer)
    if (words.length !== index % 50 || words.some(word => word !== index)) t.fail(`packet ${index} was overwritten`)
  }
})

t.test('a packet grows as needed, and is empty after discard', async t => {
  const to = new ByteWriter()
  to.u8(1)
  to.discard()
  for (let i = 0; i < 100_000; i++) to.u32(i)
  t.equal(to.length, 400_000)
  const from = new ByteReader(to.done())
  for (let i = 0; i < 100_000; i++) if (from.u32() !== i) t.fail(`${i} was lost`)
})

t.test('a packet cannot be transferred to a worker, as that would detach its neighbours', async t => {
  const to = new ByteWriter()
  to.u8(1)
  const packet = to.done()
  // Node 20 ignores the transfer, later versions throw.
  try { structuredClone(packet, { transfer: [packet.buffer as ArrayBuffer] }) } catch {}
  t.equal(packet.length, 1)
})

t.test('writes arrays of numbers, zeros and patches, and reads the arrays', async t => {
  t.equal(written(to => {
    to.u32(0)
    to.integers(Int32Array.of(1, -1))
    to.floats(Float32Array.of(1.5))
    to.zeros(3)
    to.bytes(Uint8Array.of(7))
    to.patchU32(0, 5)
  }), '05000000' + '01000000' + 'ffffffff' + '0000c03f' + '000000' + '07')
  const from = new ByteReader(bytesOf('00' + '01000000' + 'ffffffff' + '0000c03f'))
  from.skip(1)
  t.strictSame([
    from.numbers(Int32Array, 2), from.numbers(Float32Array, 1)
  ], [Int32Array.of(1, -1), Float32Array.of(1.5)])
})
