import t from 'tap'
import { GodotError } from '../../../src/error.ts'
import { EncodedObject, Float, TypedDictionary } from '../../../src/protocol/variant/variant-types.ts'
import type { Variant } from '../../../src/protocol/variant/variant-types.ts'
import { attacksOn, versions } from '../../helper/adversarial-variants.ts'
import { collidingFloats, collidingInts } from '../../helper/colliding-keys.ts'
import { decodeCost } from '../../helper/decode-cost.ts'

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
