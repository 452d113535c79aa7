import * as types from '../../../src/protocol/variant/variant-types.ts'
import type { Variant } from '../../../src/protocol/variant/variant-types.ts'
import { encodeVariant } from '../../../src/protocol/variant/variant.ts'
import type { Random } from './random.ts'

const { Vector2, Vector3, Color, float, int } = types

const f32s = [0, -0, 1, -1, 0.5, 1e-45, -3.4028234663852886e38, Infinity, -Infinity, NaN, 16777216].map(Math.fround)
const reals = [...f32s, 0.1, 1 / 3, 5e-324, 1e39, 2 ** 53, 2 ** 53 - 1, 2 ** 63, -1.7976931348623157e308]
const ints = [
  0, 1, -1, 127, 2 ** 31 - 1, 2 ** 31, -(2 ** 31), -(2 ** 31) - 1, 2 ** 53 - 1, 2n ** 53n, 2n ** 63n - 1n, -(2n ** 63n)
]
const characters =
  ['a', 'Z', '0', ' ', '/', ':', '"', '\n', 'é', 'ß', '€', '日', '本', '\uffff', '\ufffd', '😀', '\u{10ffff}']

const f32 = (random: Random): number =>
  random.oneIn(3) ? random.pick(f32s) : Math.fround((random.uint32() - 2 ** 31) / 1000)
const real = (random: Random): number => random.oneIn(2) ? random.pick(reals) : random.bytes(8).readDoubleLE()
const whole = (random: Random): number | bigint => random.oneIn(2)
  ? random.pick(ints)
  : random.oneIn(3) ? BigInt.asIntN(64, BigInt(random.uint32()) << 32n | BigInt(random.uint32())) : random.uint32() | 0
const list = <Item>(random: Random, item: (random: Random) => Item, most = 5): Item[] =>
  Array.from({ length: random.below(most + 1) }, () => item(random))
const text = (random: Random): string =>
  list(random, random => random.pick(characters), random.oneIn(10) ? 80 : 9).join('')
const name = (random: Random): string => 'n' + text(random).replaceAll(/[/:]/g, '')

const vector2 = (random: Random): types.Vector2 => new Vector2(f32(random), f32(random))
const vector3 = (random: Random): types.Vector3 => new Vector3(f32(random), f32(random), f32(random))
const color = (random: Random): types.Color => new Color(f32(random), f32(random), f32(random), f32(random))
const basis = (random: Random): types.Basis => new types.Basis(vector3(random), vector3(random), vector3(random))

/** A generator of random values per type of Godot 3, except Object, whose id Godot does not preserve. */
const plain: Array<(random: Random) => Variant> = [
  () => null,
  random => random.oneIn(2),
  random => int(whole(random)),
  random => float(real(random)),
  text,
  vector2,
  random => new types.Rect2(vector2(random), vector2(random)),
  vector3,
  random => new types.Transform2D(vector2(random), vector2(random), vector2(random)),
  random => new types.Plane(vector3(random), f32(random)),
  random => new types.Quat(f32(random), f32(random), f32(random), f32(random)),
  random => new types.AABB(vector3(random), vector3(random)),
  basis,
  random => new types.Transform(basis(random), vector3(random)),
  color,
  random => new types.NodePath({
    names: [name(random), ...list(random, name)],
    subnames: list(random, name, 2),
    absolute: random.oneIn(2)
  }),
  () => new types.RID(),
  random => new Uint8Array(random.bytes(random.below(40))),
  random => Int32Array.from(list(random, random => random.uint32())),
  random => Float32Array.from(list(random, f32)),
  random => new types.PoolStringArray(list(random, text)),
  random => new types.PoolVector2Array(list(random, vector2)),
  random => new types.PoolVector3Array(list(random, vector3)),
  random => new types.PoolColorArray(list(random, color))
]

/** Generators of keys that Godot considers distinct, so never both 0.0 and -0.0. */
const keys: Array<(random: Random) => Variant> = [
  () => null,
  random => random.oneIn(2),
  random => int(whole(random)),
  random => float(real(random) || 1),
  text,
  random => new Vector2(1 + random.below(9), 0.5),
  plain[15]
]

/** A random value of Godot 3 with at most `levels` nested arrays and dictionaries. */
export function randomVariant (random: Random, levels = 4): Variant {
  if (levels === 0 || !random.oneIn(3)) return random.pick(plain)(random)
  const inner = (): Variant => randomVariant(random, levels - 1)
  return random.oneIn(2)
    ? list(random, inner, 8)
    : new Map(list(random, random => [random.pick(keys)(random), inner()] as const).filter(isNewKey()))
}

function isNewKey (): (pair: readonly [Variant, Variant]) => boolean {
  const known = new Set<string>()
  return ([key]) => {
    const bytes = Buffer.from(encodeVariant(key)).toString('hex')
    return !known.has(bytes) && known.add(bytes) !== undefined
  }
}
