import { isDeepStrictEqual } from 'node:util'
import t from 'tap'
import { GodotError } from '../../../src/error.ts'
import { readRpcArgument, writeRpcArgument } from '../../../src/protocol/multiplayer/rpc4-argument.ts'
import * as types from '../../../src/protocol/variant/variant-types.ts'
import type { Variant } from '../../../src/protocol/variant/variant-types.ts'
import { encodeVariant } from '../../../src/protocol/variant/variant.ts'
import { variant4 } from '../../../src/protocol/variant/variant4.ts'
import { Random, scaled, seed } from '../../helper/random/random.ts'
import { mutated } from '../../helper/random/mutation.ts'
import { randomVariant4 } from '../../helper/random/random-variant4.ts'
import { bytesOf, hexOf, readVectors, valueOf } from '../../helper/random/variant-vectors.ts'
import type { DecodeVector, Vector } from '../../helper/random/variant-vectors.ts'

const vectors = readVectors<Vector[]>('godot4-variant')
const decodeVectors = readVectors<DecodeVector[]>('godot4-variant-decode')

t.test('every value recorded from Godot 4 is encoded byte for byte', async t => {
  t.equal(vectors.length, 181)
  for (const vector of vectors) t.equal(hexOf(variant4.encode(valueOf(vector))), vector.hex, vector.name)
})

t.test('every value recorded from Godot 4 is decoded, and encoded again byte for byte', async t => {
  for (const vector of vectors) {
    const value = variant4.decode(bytesOf(vector.hex))
    t.strictSame(value, valueOf(vector), vector.name)
    t.equal(hexOf(variant4.encode(value)), vector.hex, vector.name)
  }
})

t.test('decodes or rejects bytes as Godot 4 does', async t => {
  t.equal(decodeVectors.length, 109)
  for (const { name, hex, ok, error, reencoded } of decodeVectors) {
    const code = error === 'ERR_UNAUTHORIZED' ? error : 'ERR_INVALID_DATA'
    if (!ok) t.throws(() => variant4.decode(bytesOf(hex)), { name: 'GodotError', code, message: /at byte \d+/ }, name)
    else t.equal(hexOf(variant4.encode(variant4.decode(bytesOf(hex)))), reencoded ?? hex, name)
  }
})

t.test('decodes components of double precision exactly', async t => {
  const double = Buffer.alloc(8)
  double.writeDoubleLE(0.1)
  t.strictSame(variant4.decode(Buffer.concat([bytesOf('05000100'), double, double])), new types.Vector2(0.1, 0.1))
  t.strictSame(variant4.decode(Buffer.concat([bytesOf('2600010001000000'), double, double, double, double])),
    new types.PackedVector4Array([new types.Vector4(0.1, 0.1, 0.1, 0.1)]))
  t.throws(() => variant4.decode(bytesOf('2300010001000000' + '00'.repeat(8))), { code: 'ERR_INVALID_DATA' })
})

t.test('numbers in a container of floats are floats, both ways', async t => {
  const array = new types.TypedArray('float', [1, 2.5])
  const bytes = variant4.encode(array)
  t.equal(hexOf(bytes), '1c000100' + '03000000' + '02000000' + '030000000000803f' + '0300000000002040')
  t.strictSame(variant4.decode(bytes), array)
  const dictionary = new types.TypedDictionary('String', 'float', new Map([['a', 3]]))
  t.strictSame(variant4.decode(variant4.encode(dictionary)), dictionary)
})

t.test('converts or omits a received element of another type than its container, as Godot does', async t => {
  const rows: Array<[of: string, given: Variant[], read: Variant[]]> = [
    ['int', [1, 'a', 2.5, null, -2.5, 1e300, NaN, 2n ** 60n, types.float(3)], [1, 2, -2, 2n ** 60n, 3]],
    ['float', [1, 'a', types.float(2), 2.5, true], [1, 2, 2.5]],
    ['String', ['a', new types.StringName('b'), 1], ['a', 'b']],
    ['StringName', ['a', new types.StringName('b'), 1], [new types.StringName('a'), new types.StringName('b')]],
    ['Vector2', [new types.Vector2(1, 2), new types.Vector2i(1, 2), null], [new types.Vector2(1, 2)]],
    ['Object', [null, new types.EncodedObjectAsID(5n), 1], [null, new types.EncodedObjectAsID(5n)]]
  ]
  for (const [type, given, items] of rows) {
    const word = Buffer.from(variant4.encode(new types.TypedArray(type))).subarray(0, 8)
    const bytes = Buffer.concat([word, Buffer.from(variant4.encode(given)).subarray(4)])
    t.strictSame(variant4.decode(bytes), new types.TypedArray(type, items), type)
  }
  const untyped = new Map<Variant, Variant>([['a', 1], ['b', 'c'], [1, 2], [new types.StringName('d'), 2.5]])
  const bytes =
    Buffer.concat([bytesOf('1b000500' + '04000000' + '02000000'), Buffer.from(variant4.encode(untyped)).subarray(4)])
  t.strictSame(variant4.decode(bytes), new types.TypedDictionary('String', 'int', new Map<Variant, Variant>([
    ['a', 1], ['d', 2]
  ])))
  const zeros = Buffer.concat([
    bytesOf('1b000100' + '03000000'),
    Buffer.from(variant4.encode(new Map([[new types.Float(-0), 1], [new types.Float(0), 2]]))).subarray(4)
  ])
  t.strictSame(variant4.decode(variant4.encode(variant4.decode(zeros))), variant4.decode(zeros))
})

t.test('rejects an element of another type than its container when encoding', async t => {
  t.throws(() => variant4.encode(new types.TypedArray('int', ['a'])), { code: 'ERR_INVALID_PARAMETER' })
  t.throws(() => variant4.encode(new types.TypedDictionary('Variant', 'Node', new Map([['a', 1]]))), {
    code: 'ERR_INVALID_PARAMETER'
  })
  const nodes = new types.TypedArray('EncodedObjectAsID', [null, new types.EncodedObjectAsID(5n)])
  t.strictSame(variant4.decode(variant4.encode(nodes)), nodes)
})

t.test('encodes classes and scripts of containers if objects are allowed', async t => {
  const allowObjects = true
  for (const [type, word] of [['Node', '1c000200'], ['res://x.gd', '1c000300']]) {
    const array = new types.TypedArray(type, [new types.EncodedObject('Node')])
    const bytes = variant4.encode(array, { allowObjects })
    t.equal(hexOf(bytes).slice(0, 8), word)
    t.strictSame(variant4.decode(bytes, { allowObjects }), array)
    t.strictSame(
      variant4.decode(variant4.encode(new types.TypedArray(type))), new types.TypedArray('EncodedObjectAsID')
    )
  }
})

t.test('strings are strict UTF-8: lone surrogates are replaced, as elsewhere in JavaScript', async t => {
  t.equal(variant4.decode(variant4.encode('a\ud800')), 'a\ufffd')
})

t.test('each version rejects types that only the other has', async t => {
  for (const value of [
    new types.Vector2i(), new types.StringName('a'), new types.TypedArray('int'), new Float64Array(),
    new types.Callable()
  ]) {
    variant4.encode(value)
    t.throws(() => encodeVariant(value), { code: 'ERR_INVALID_PARAMETER' }, value.constructor.name)
  }
})

t.test('allows at most 1024 levels, both ways', async t => {
  t.throws(() => variant4.decode(bytesOf('1c00000001000000'.repeat(1_000_000))), { code: 'ERR_INVALID_DATA' })
  const own: Variant[] = []
  own.push(own)
  t.throws(() => variant4.encode(own), { code: 'ERR_INVALID_PARAMETER' })
})

t.test('random values of all types survive a round trip, also as arguments of a call', async t => {
  const random = new Random(seed)
  const changed = Array.from({ length: scaled(2000) }, () => randomVariant4(random)).filter(value => {
    const bytes = variant4.encode(value)
    const again = variant4.decode(bytes)
    const argument = variant4.parse(readRpcArgument, variant4.build(writeRpcArgument, value))
    const isSame = isDeepStrictEqual(again, value) && isDeepStrictEqual(argument, value)
    return !isSame || hexOf(variant4.encode(again)) !== hexOf(bytes)
  })
  t.same(changed, [], `SEED=${seed}`)
})

t.test('random and mutated bytes give a value or a GodotError', async t => {
  const random = new Random(seed)
  const seeds = [...vectors, ...decodeVectors].map(({ hex }) => bytesOf(hex)).filter(({ length }) => length < 500)
  for (let i = 0; i < scaled(10_000); i++) {
    const bytes = mutated(random, seeds)
    if (bytes.length > 3 && random.oneIn(4)) bytes.writeUInt32LE(random.below(39) | random.below(16) << 16, 0)
    try {
      const allowObjects = random.oneIn(2)
      variant4.encode(variant4.decode(bytes, { allowObjects }), { allowObjects: true })
    } catch (error) {
      if (!(error instanceof GodotError)) throw new Error(`SEED=${seed} ${hexOf(bytes)}`, { cause: error })
    }
  }
})

t.test('decoding and encoding is stable after the first round', async t => {
  const random = new Random(seed)
  const seeds = vectors.map(({ hex }) => bytesOf(hex)).filter(({ length }) => length < 500)
  let read = 0
  const unstable: string[] = []
  for (let i = 0; i < scaled(5000); i++) {
    let value: Variant
    try { value = variant4.decode(mutated(random, seeds)) } catch { continue }
    const hex = hexOf(variant4.encode(value))
    if (hexOf(variant4.encode(variant4.decode(bytesOf(hex)))) !== hex) unstable.push(hex)
    read++
  }
  t.same(unstable, [], `SEED=${seed}`)
  t.ok(read > scaled(500))
})
