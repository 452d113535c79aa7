import { isDeepStrictEqual } from 'node:util'
import fc from 'fast-check'
import Fastify from 'fastify'
import t from 'tap'
import { MemberConverter } from '../../../src/core/rpc/member-converter.ts'
import { GodotError } from '../../../src/error.ts'
import {
  EncodedObject, Float, PoolStringArray, PoolVector2Array, Vector2, float, int
} from '../../../src/protocol/variant/variant-types.ts'
import type { Variant } from '../../../src/protocol/variant/variant-types.ts'
import { decodeVariant, encodeVariant } from '../../../src/protocol/variant/variant.ts'
import { codePoint } from '../../helper/random/code-point.ts'
import { Random, scaled, seed } from '../../helper/random/random.ts'
import { mutated } from '../../helper/random/mutation.ts'
import { randomVariant } from '../../helper/random/random-variant.ts'
import { blank, bytesOf, hexOf, readVectors, valueOf } from '../../helper/random/variant-vectors.ts'
import type { DecodeVector, Vector } from '../../helper/random/variant-vectors.ts'

const vectors = readVectors<Vector[]>('variant')
const decodeVectors = readVectors<DecodeVector[]>('variant-decode')

t.test('every value recorded from Godot 3.2.3 is encoded byte for byte', async t => {
  t.equal(vectors.length, 173)
  for (const vector of vectors) {
    t.equal(hexOf(encodeVariant(valueOf(vector))), blank(vector.hex, vector.undefined_bytes), vector.name)
  }
})

t.test('every value recorded from Godot 3.2.3 is decoded, and encoded again byte for byte', async t => {
  for (const vector of vectors) {
    const value = decodeVariant(bytesOf(vector.hex))
    t.strictSame(value, valueOf(vector), vector.name)
    t.equal(hexOf(encodeVariant(value)), blank(vector.hex, vector.undefined_bytes), vector.name)
  }
})

/** Intended differences from Godot 3.2.3; docs/variant.md explains them. */
const differences = ['string f5 80 80 80', 'array nested 101', 'array nested 200']

t.test('decodes or rejects bytes as Godot does', async t => {
  t.equal(decodeVectors.length, 100)
  for (const { name, hex, ok, error, reencoded } of decodeVectors) {
    const code = error === 'ERR_FILE_EOF' ? 'ERR_INVALID_DATA' : error
    if (differences.includes(name)) {
      t.throws(() =>
        decodeVariant(bytesOf(hex)), { name: 'GodotError', code: 'ERR_INVALID_DATA' }, name)
    } else if (!ok) {
      t.throws(() =>
        decodeVariant(bytesOf(hex)), { name: 'GodotError', code, message: /at byte \d+/ }, name)
    } else t.equal(hexOf(encodeVariant(decodeVariant(bytesOf(hex)))), reencoded ?? hex, name)
  }
})

t.test('a JavaScript number is an int when it is a safe integer, else a real', async t => {
  const numbers: Array<[value: Variant, hex: string]> = [
    [3, '0200000003000000'],
    [3.5, '0300000000006040'],
    [-0, '0300000000000080'],
    [2 ** 31, '020001000000008000000000'],
    [Number.MAX_SAFE_INTEGER, '02000100ffffffffffff1f00'],
    [Number.MAX_SAFE_INTEGER + 1, '030000000000005a'],
    [NaN, '03000100000000000000f87f'],
    [float(3), '0300000000004040'],
    [int(3.9), '0200000003000000'],
    [2n ** 53n, '020001000000000000002000'],
    [3n, '0200000003000000']
  ]
  for (const [value, hex] of numbers) t.equal(hexOf(encodeVariant(value)), hex, `${value}`)
  t.throws(() => encodeVariant(2n ** 63n), { code: 'ERR_INVALID_PARAMETER' })
})

t.test('a real is decoded as a number, or as a Float where a number would become an int', async t => {
  t.equal(decodeVariant(bytesOf('0300000000006040')), 3.5)
  t.strictSame(decodeVariant(bytesOf('0300000000004040')), new Float(3))
  t.equal(decodeVariant(bytesOf('0300000000004040'), { exactFloats: false }), 3)
  t.equal(decodeVariant(bytesOf('020001000000000000002000')), 2n ** 53n)
  t.equal(decodeVariant(bytesOf('02000100ffffffffffff1f00')), Number.MAX_SAFE_INTEGER)
})

t.test('plain objects and Maps are encoded as dictionaries, which are decoded as Maps', async t => {
  const bytes = encodeVariant({ hp: 100, pos: new Vector2(1, 2), __proto__: null })
  t.equal(hexOf(bytes), hexOf(encodeVariant(new Map<Variant, Variant>([['hp', 100], ['pos', new Vector2(1, 2)]]))))
  t.strictSame(decodeVariant(bytes), new Map<Variant, Variant>([['hp', 100], ['pos', new Vector2(1, 2)]]))
  t.strictSame(decodeVariant(encodeVariant({ ['__proto__']: 1 })), new Map([['__proto__', 1]]))
})

t.test('the query object of a Fastify request is encoded as a dictionary, also for the kind Map', async t => {
  const app = Fastify()
  t.teardown(async () => { await app.close() })
  app.get('/', async request => {
    const query = request.query as Variant
    return [query, ...new MemberConverter([Map]).outgoing([query])].map(value => hexOf(encodeVariant(value)))
  })
  const bytes = hexOf(encodeVariant(new Map([['text', 'hi']])))
  t.same((await app.inject('/?text=hi')).json(), [bytes, bytes])
  t.throws(() => encodeVariant(Object.create(new Date())), { code: 'ERR_INVALID_PARAMETER' })
})

t.test('a compound key that occurs twice counts once', async t => {
  const [key, twin] = [new Vector2(1, 2), new Vector2(1, 2)]
  const bytes = encodeVariant(new Map<Variant, Variant>([[key, 'first'], [new Vector2(), 'other'], [twin, 'last']]))
  t.strictSame([...decodeVariant(bytes) as Map<Variant, Variant>], [[key, 'last'], [new Vector2(), 'other']])
})

t.test('keys keep their type', async t => {
  const keys = [0, float(0), -0, false, null, '0', NaN, 2n ** 60n]
  const bytes = encodeVariant(new Map(keys.map(key => [key, 1])))
  t.equal(hexOf(encodeVariant(decodeVariant(bytes))), hexOf(bytes))
})

t.test('encodes subclasses as their base class, and a Buffer as bytes', async t => {
  class Spot extends Vector2 {}
  t.equal(hexOf(encodeVariant(new Spot(1, 2))), hexOf(encodeVariant(new Vector2(1, 2))))
  t.equal(hexOf(encodeVariant(Buffer.from('abc'))), '140000000300000061626300')
})

t.test('rejects values without a Godot type', async t => {
  class Own {}
  for (const value of [undefined, Symbol('a'), () =>
    1, new Date(), new Set(), /a/, new Own(), new Float64Array(1), [undefined], { a: new Own() }]) {
    t.throws(() =>
      encodeVariant(value as Variant), { name: 'GodotError', code: 'ERR_INVALID_PARAMETER' }, String(value))
  }
})

t.test('decoded bytes are a copy, also of a Buffer', async t => {
  const packet = Buffer.from('140000000300000061626300', 'hex')
  const bytes = decodeVariant(packet) as Uint8Array
  packet.fill(0)
  t.strictSame(bytes, Uint8Array.of(0x61, 0x62, 0x63))
})

t.test('rejects full objects unless they are allowed, both ways', async t => {
  const object =
    new EncodedObject('Reference', new Map<string, Variant>([['name', 'a'], ['next', new EncodedObject('Node')]]))
  t.throws(() => encodeVariant([object]), { code: 'ERR_UNAUTHORIZED' })
  const bytes = encodeVariant([object], { allowObjects: true })
  t.throws(() => decodeVariant(bytes), { code: 'ERR_UNAUTHORIZED', message: /at byte 8$/ })
  t.strictSame(decodeVariant(bytes, { allowObjects: true }), [object])
  t.equal(decodeVariant(bytesOf('1100000000000000'), { allowObjects: true }), null)
})

/** `levels` nested arrays around a null. */
function nested (levels: number): Variant {
  let value: Variant = [null]
  for (let i = 1; i < levels; i++) value = [value]
  return value
}

t.test('allows at most 100 levels, both ways', async t => {
  t.strictSame(decodeVariant(encodeVariant(nested(100))), nested(100))
  t.throws(() => encodeVariant(nested(101)), { code: 'ERR_INVALID_PARAMETER' })
  t.throws(() => decodeVariant(bytesOf('1200000001000000'.repeat(101))), { code: 'ERR_INVALID_DATA' })
  t.throws(() => decodeVariant(bytesOf('1300000001000000'.repeat(1_000_000))), {
    code: 'ERR_INVALID_DATA',
    message: /at byte 808$/
  })
  const own: Variant[] = []
  own.push(own)
  t.throws(() => encodeVariant(own), { code: 'ERR_INVALID_PARAMETER' })
  t.equal(hexOf(encodeVariant([])), '1300000000000000', 'a failure leaves no state behind')
})

t.test('a value may encode another one while it is being encoded', async t => {
  const value = { get inner () { return encodeVariant('a') }, after: 1 }
  t.strictSame(decodeVariant(encodeVariant(value)), new Map<string, Variant>([
    ['inner', bytesOf('040000000100000061000000')], ['after', 1]
  ]))
})

t.test('checks counts against the remaining bytes before it allocates memory', async t => {
  for (const type of ['12', '13', '14', '15', '16', '17', '18', '19', '1a']) {
    t.throws(() => decodeVariant(bytesOf(`${type}000000ffffff7f00000000`)), {
      code: 'ERR_INVALID_DATA',
      message: /at byte 8$/
    }, type)
  }
  t.throws(() => decodeVariant(bytesOf('0f000000ffffffff0000000000000000')), { code: 'ERR_INVALID_DATA' })
  t.throws(() => decodeVariant(bytesOf('0f00000000000080ffffffff00000000')), { code: 'ERR_INVALID_DATA' })
})

t.test('decodes many short strings in a long packet in linear time', async t => {
  const bytes = encodeVariant(new Array(300_000).fill(''))
  const began = process.cpuUsage()
  t.equal((decodeVariant(bytes) as Variant[]).length, 300_000)
  t.ok(process.cpuUsage(began).user < 2_000_000)
})

t.test('every value survives a round trip, with the same bytes', async t => {
  const f32 = fc.float().map(Math.fround)
  const vector2 = fc.tuple(f32, f32).map(([x, y]) => new Vector2(x, y))
  const text = fc.string({ unit: codePoint }).filter(text => !/\0|^\ufeff/.test(text))
  const { value } = fc.letrec<{ value: Variant }>(tie => ({
    value: fc.oneof({ depthSize: 'small' },
      fc.constant(null), fc.boolean(), fc.maxSafeInteger(), fc.bigInt(-(2n ** 63n), 2n ** 63n - 1n).map(int),
      fc.double().map(float), text, vector2, fc.uint8Array(), fc.int32Array(), fc.float32Array(),
      fc.array(text).map(items => new PoolStringArray(items)),
      fc.array(vector2).map(items => new PoolVector2Array(items)),
      fc.array(tie('value')),
      fc.dictionary(text, tie('value')).map(pairs => new Map(Object.entries(pairs))))
  }))
  fc.assert(fc.property(value, value => {
    const bytes = encodeVariant(value)
    const again = decodeVariant(bytes)
    return isDeepStrictEqual(again, value) && hexOf(encodeVariant(again)) === hexOf(bytes)
  }), { numRuns: scaled(500) })
})

t.test('random values of all types survive a round trip, with the same bytes', async t => {
  const random = new Random(seed)
  const changed = Array.from({ length: scaled(2000) }, () => randomVariant(random)).filter(value => {
    const bytes = encodeVariant(value)
    const again = decodeVariant(bytes)
    return !isDeepStrictEqual(again, value) || hexOf(encodeVariant(again)) !== hexOf(bytes)
  })
  t.same(changed, [], `SEED=${seed}`)
})

/** Decodes; rethrows anything but a GodotError, with the seed to repeat it. */
function survives (bytes: Uint8Array): void {
  try {
    encodeVariant(decodeVariant(bytes, { allowObjects: true }), { allowObjects: true })
  } catch (error) {
    if (!(error instanceof GodotError)) throw new Error(`SEED=${seed} ${hexOf(bytes)}`, { cause: error })
  }
}

t.test('random and mutated bytes give a value or a GodotError', async t => {
  const random = new Random(seed)
  const seeds = [...vectors, ...decodeVectors].map(({ hex }) => bytesOf(hex)).filter(({ length }) => length < 500)
  for (let i = 0; i < scaled(10_000); i++) survives(mutated(random, seeds))
  for (let i = 0; i < scaled(10_000); i++) {
    const bytes = random.bytes(random.below(64))
    // Mostly with a known type first, as anything else is rejected at once.
    if (bytes.length > 3 && !random.oneIn(8)) bytes.writeUInt32LE(random.below(27) | random.below(2) << 16, 0)
    survives(bytes)
  }
})
