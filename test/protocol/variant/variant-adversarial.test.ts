import t from 'tap'
import { GodotError } from '../../../src/error.ts'
import { EncodedObject, Float, TypedDictionary } from '../../../src/protocol/variant/variant-types.ts'
import type { Variant } from '../../../src/protocol/variant/variant-types.ts'
import { attacksOn, versions } from '../../helper/random/adversarial-variants.ts'
import { collidingFloats, collidingInts } from '../../helper/random/colliding-keys.ts'
import { decodeCost } from '../../helper/random/decode-cost.ts'

const [SMALL, LARGE] = [4096, 32768]
const MAX_GROWTH = 4
const MAX_TIMES_MEDIAN = 40

for (const version of Object.keys(versions) as Array<keyof typeof versions>) {
  const { codec, levels } = versions[version]

  t.test(`${version}: decoding time is linear in size, whatever the bytes`, async t => {
    const decode = (bytes: Uint8Array): void => {
      try {
        codec.decode(bytes)
      } catch (error) {
        if (!(error instanceof GodotError)) throw error
      }
    }
    const attacks = attacksOn(version).map(attack => ({ ...attack, cost: decodeCost(attack.build(LARGE), decode, 3) }))
    const median = attacks.map(({ cost }) => cost).sort((a, b) => a - b)[attacks.length >> 1]
    t.ok(attacks.length > 200)
    const isLinear = (small: number, large: number): boolean =>
      large < MAX_TIMES_MEDIAN * median && large < MAX_GROWTH * Math.max(small, median)
    for (const { name, build, cost } of attacks) {
      let [small, large] = [median, cost]
      if (!isLinear(small, large)) small = decodeCost(build(SMALL), decode, 3)
      // Once more, since the machine may have been busy.
      if (!isLinear(small, large)) [small, large] = [SMALL, LARGE].map(size => decodeCost(build(size), decode))
      t.ok(isLinear(small, large), `${name}: ${small} and ${large} ns a byte, median ${median}`)
    }
  })

  t.test(`${version}: rejects only dictionaries whose int or float keys collide`, async t => {
    for (const keys of [collidingInts(500), collidingFloats(500)]) {
      const flood = codec.encode(new Map(keys.map(key => [key, null])))
      t.throws(() => codec.decode(flood), { code: 'ERR_INVALID_DATA', message: /collide .*at byte \d+$/ })
      const twice = codec.encode(keys.map(key => new Map([[key, null]])))
      t.equal((codec.decode(twice) as unknown[]).length, keys.length, 'each in its own dictionary')
    }
    const honest = new Map(Array.from({ length: 5000 }, (_, i) => [i * 1024, `${i}`]))
    t.strictSame(codec.decode(codec.encode(honest)), honest)
  })

  t.test(`${version}: many levels throw nothing but a GodotError, however little stack is left`, async t => {
    let value: Variant = null
    for (let level = 1; level < levels; level++) value = new Map([[value, null]])
    const bytes = codec.encode(value)
    for (const [run, code] of [
      [() => { codec.decode(bytes) }, 'ERR_INVALID_DATA'], [() => { codec.encode(value) }, 'ERR_INVALID_PARAMETER']
    ] as const) {
      t.equal((firstError(run) as GodotError).code, code)
    }
  })

  t.test(`${version}: a compound key inside keys that occurs twice counts once`, async t => {
    const nest = (inner: Variant, depth: number): Variant =>
      depth === 0 ? inner : new Map<Variant, Variant>([[nest(inner, depth - 1), depth]])
    const depth = levels - 2
    const [one, twin, other] = [nest([1], depth), nest([1], depth), nest([2], depth)]
    const bytes = codec.encode(new Map([[one, 'first'], [other, 'other'], [twin, 'last']]))
    t.same([...codec.decode(bytes) as Map<Variant, Variant>].map(([, value]) => value), ['last', 'other'])
    // Inner keys that differ within equal outer ones, and the other way round.
    const pair = (a: Variant, b: Variant): Variant => new Map<Variant, Variant>([[[a], 0], [[b], 0]])
    const keys = [pair(1, 2), pair(2, 1), pair(1, 3), pair(3, 2), new Map<Variant, Variant>([[[1], 0], [[2], 1]])]
    t.equal(
      (codec.decode(codec.encode(new Map(keys.map(key => [key, null])))) as Map<Variant, Variant>).size, keys.length
    )
  })
}

/** What `run` throws first, with less and less stack left. */
function firstError (run: () => void): unknown {
  const runBelow = (calls: number): void => {
    if (calls === 0) run()
    else runBelow(calls - 1)
  }
  try {
    for (let calls = 0; ; calls += 100) runBelow(calls)
  } catch (error) {
    return error
  }
}

/** Texts of 16,384 characters, which V8 hashes by their length. */
const longTexts = (count: number): string[] => Array.from({ length: count }, (_, i) => String(i).padStart(16384, 'a'))

for (const [version, { codec }] of Object.entries(versions)) {
  t.test(`${version}: rejects long keys of one length, which collide`, async t => {
    const dictionary = (keys: readonly Variant[]): Uint8Array =>
      codec.encode(new Map(keys.map(key => [key, null])), { allowObjects: true })
    const object = (names: readonly string[]): Uint8Array =>
      codec.encode(new EncodedObject('Node', new Map(names.map(name => [name, null]))), { allowObjects: true })
    const forms: Record<string, (texts: readonly string[]) => Uint8Array> = {
      texts: dictionary,
      arrays: texts => dictionary(texts.map(text => [text])),
      'keys in keys': texts => dictionary([new Map(texts.map(text => [[text], null]))]),
      'properties of an object': object
    }
    for (const [name, build] of Object.entries(forms)) {
      t.throws(() => codec.decode(build(longTexts(65)), { allowObjects: true }), {
        code: 'ERR_INVALID_DATA', message: /collide .*at byte \d+$/
      }, name)
      t.doesNotThrow(() => codec.decode(build(longTexts(64)), { allowObjects: true }), name)
      const differing = longTexts(100).map((text, at) => text + 'b'.repeat(4 * at))
      t.doesNotThrow(() => codec.decode(build(differing), { allowObjects: true }), name)
    }
  })

  t.test(`${version}: a real key that occurs twice counts once, whatever its width`, async t => {
    const u32 = (number: number): Buffer => Buffer.from(Uint32Array.of(number).buffer)
    const f32 = (number: number): Buffer => Buffer.concat([u32(3), Buffer.from(Float32Array.of(number).buffer)])
    const f64 = (number: number): Buffer => Buffer.concat([u32(0x10003), Buffer.from(Float64Array.of(number).buffer)])
    const [head] = codec.encode(new Map())
    const decode = (keys: Buffer[], exactFloats = true): Map<Variant, Variant> => {
      const pairs = keys.flatMap((key, at) => [key, u32(2), u32(at)])
      return codec.decode(Buffer.concat([u32(head), u32(keys.length), ...pairs]), { exactFloats }) as never
    }
    t.strictSame([...decode([f32(-0), f32(-0), f64(-0)])], [[new Float(-0), 2]])
    t.strictSame([...decode([f32(-0), f64(-0)], false)], [[new Float(-0), 1]])
    t.strictSame([...decode([f32(3), f64(3), f32(0), f64(0), f64(-0)])], [
      [new Float(3), 1], [new Float(0), 3], [new Float(-0), 4]
    ])
    t.strictSame([...decode([f32(0.5), f64(0.5)])], [[0.5, 1]])
    const map = decode([f32(-0), u32(0), f64(-0), f32(0)])
    t.strictSame(codec.decode(codec.encode(map)), map)
  })
}

t.test('godot4: rejects keys that collide only after conversion to the key type', async t => {
  const { codec } = versions.godot4
  const floats = new Map<Variant, Variant>(collidingInts(500).map(key => [new Float(key), null]))
  const bytes = codec.encode(floats)
  const typed = Buffer.concat([Buffer.of(27, 0, 1, 0, 2, 0, 0, 0), bytes.subarray(4)])
  t.throws(() => codec.decode(typed), { code: 'ERR_INVALID_DATA', message: /collide/ })
  t.equal(
    (codec.decode(codec.encode(new TypedDictionary(
      'float', 'Variant', new Map([[1, 'a'], [2, 'b']])
    ))) as TypedDictionary).pairs.size,
    2
  )
})

t.test('decodes full objects nested in keys in linear time, too', async t => {
  const { codec } = versions.godot3
  const key = new EncodedObject(
    'Reference', new Map<string, Variant>([['list', new Map<Variant, Variant>([[[1, 2], 3]])]])
  )
  const bytes = codec.encode(
    new Map<Variant, Variant>([[key, 1], [new EncodedObject('Reference', key.properties), 2]]),
    { allowObjects: true }
  )
  t.same([...(codec.decode(bytes, { allowObjects: true }) as Map<Variant, Variant>).values()], [2])
})
