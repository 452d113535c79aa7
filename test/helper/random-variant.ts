import * as types from '../../src/protocol/variant/variant-types.ts'
import type { Variant } from '../../src/protocol/variant/variant-types.ts'
import { encodeVariant } from '../../src/protocol/variant/variant.ts'
import type { Dice } from './dice.ts'

const { Vector2, Vector3, Color, float, int } = types

const f32s = [0, -0, 1, -1, 0.5, 1e-45, -3.4028234663852886e38, Infinity, -Infinity, NaN, 16777216].map(Math.fround)
const reals = [...f32s, 0.1, 1 / 3, 5e-324, 1e39, 2 ** 53, 2 ** 53 - 1, 2 ** 63, -1.7976931348623157e308]
const ints = [0, 1, -1, 127, 2 ** 31 - 1, 2 ** 31, -(2 ** 31), -(2 ** 31) - 1, 2 ** 53 - 1, 2n ** 53n, 2n ** 63n - 1n, -(2n ** 63n)]
const characters = ['a', 'Z', '0', ' ', '/', ':', '"', '\n', 'é', 'ß', '€', '日', '本', '\uffff', '\ufffd', '😀', '\u{10ffff}']

const f32 = (dice: Dice): number => dice.once(3) ? dice.pick(f32s) : Math.fround((dice.word() - 2 ** 31) / 1000)
const real = (dice: Dice): number => dice.once(2) ? dice.pick(reals) : dice.bytes(8).readDoubleLE()
const whole = (dice: Dice): number | bigint => dice.once(2) ? dice.pick(ints) : dice.once(3) ? BigInt.asIntN(64, BigInt(dice.word()) << 32n | BigInt(dice.word())) : dice.word() | 0
const list = <Item>(dice: Dice, item: (dice: Dice) => Item, most = 5): Item[] => Array.from({ length: dice.below(most + 1) }, () => item(dice))
const text = (dice: Dice): string => list(dice, dice => dice.pick(characters), dice.once(10) ? 80 : 9).join('')
const name = (dice: Dice): string => 'n' + text(dice).replaceAll(/[/:]/g, '')

const vector2 = (dice: Dice): types.Vector2 => new Vector2(f32(dice), f32(dice))
const vector3 = (dice: Dice): types.Vector3 => new Vector3(f32(dice), f32(dice), f32(dice))
const color = (dice: Dice): types.Color => new Color(f32(dice), f32(dice), f32(dice), f32(dice))
const basis = (dice: Dice): types.Basis => new types.Basis(vector3(dice), vector3(dice), vector3(dice))

/** One maker of random values per type of Godot 3; Object is left out, as its id does not survive in Godot. */
const plain: Array<(dice: Dice) => Variant> = [
  () => null,
  dice => dice.once(2),
  dice => int(whole(dice)),
  dice => float(real(dice)),
  text,
  vector2,
  dice => new types.Rect2(vector2(dice), vector2(dice)),
  vector3,
  dice => new types.Transform2D(vector2(dice), vector2(dice), vector2(dice)),
  dice => new types.Plane(vector3(dice), f32(dice)),
  dice => new types.Quat(f32(dice), f32(dice), f32(dice), f32(dice)),
  dice => new types.AABB(vector3(dice), vector3(dice)),
  basis,
  dice => new types.Transform(basis(dice), vector3(dice)),
  color,
  dice => new types.NodePath({ names: [name(dice), ...list(dice, name)], subnames: list(dice, name, 2), absolute: dice.once(2) }),
  () => new types.RID(),
  dice => new Uint8Array(dice.bytes(dice.below(40))),
  dice => Int32Array.from(list(dice, dice => dice.word())),
  dice => Float32Array.from(list(dice, f32)),
  dice => new types.PoolStringArray(list(dice, text)),
  dice => new types.PoolVector2Array(list(dice, vector2)),
  dice => new types.PoolVector3Array(list(dice, vector3)),
  dice => new types.PoolColorArray(list(dice, color))
]

/** Keys of which Godot takes no two for the same: not both 0.0 and -0.0. */
const keys: Array<(dice: Dice) => Variant> = [
  () => null,
  dice => dice.once(2),
  dice => int(whole(dice)),
  dice => float(real(dice) || 1),
  text,
  dice => new Vector2(1 + dice.below(9), 0.5),
  plain[15]
]

/** A random value of Godot 3, with at most `levels` arrays and dictionaries in each other. */
export function randomVariant (dice: Dice, levels = 4): Variant {
  if (levels === 0 || !dice.once(3)) return dice.pick(plain)(dice)
  const inner = (): Variant => randomVariant(dice, levels - 1)
  return dice.once(2) ? list(dice, inner, 8) : new Map(list(dice, dice => [dice.pick(keys)(dice), inner()] as const).filter(isNewKey()))
}

function isNewKey (): (pair: readonly [Variant, Variant]) => boolean {
  const known = new Set<string>()
  return ([key]) => {
    const bytes = Buffer.from(encodeVariant(key)).toString('hex')
    return !known.has(bytes) && known.add(bytes) !== undefined
  }
}
