import * as types from '../../src/protocol/variant/variant-types.ts'
import type { Variant } from '../../src/protocol/variant/variant-types.ts'
import type { Dice } from './dice.ts'
import { randomVariant } from './random-variant.ts'

const f32 = (dice: Dice): number => Math.fround((dice.word() - 2 ** 31) / 1000)
const i32 = (dice: Dice): number => dice.word() | 0
const u64 = (dice: Dice): bigint => BigInt(dice.word()) << 32n | BigInt(dice.word())
const text = (dice: Dice): string => dice.pick(['', 'a', 'Ünï', '日本', '😀', 'x'.repeat(dice.below(70))])
const list = <Item>(dice: Dice, item: (dice: Dice) => Item): Item[] => Array.from({ length: dice.below(5) }, () => item(dice))

const vector4 = (dice: Dice): types.Vector4 => new types.Vector4(f32(dice), f32(dice), f32(dice), f32(dice))
const vector2i = (dice: Dice): types.Vector2i => new types.Vector2i(i32(dice), i32(dice))
const stringName = (dice: Dice): types.StringName => new types.StringName(text(dice))

/** Makers of values of each type that Godot 3 does not have, and of what containers with a type hold. */
const added: Array<(dice: Dice) => Variant> = [
  vector2i,
  dice => new types.Rect2i(vector2i(dice), vector2i(dice)),
  dice => new types.Vector3i(i32(dice), i32(dice), i32(dice)),
  vector4,
  dice => new types.Vector4i(i32(dice), i32(dice), i32(dice), i32(dice)),
  dice => new types.Projection(vector4(dice), vector4(dice), vector4(dice), vector4(dice)),
  stringName,
  dice => new types.RID(u64(dice)),
  dice => new types.EncodedObjectAsID(u64(dice) | 1n),
  () => new types.Callable(),
  dice => new types.Signal(text(dice), u64(dice)),
  dice => BigInt64Array.from(list(dice, dice => BigInt.asIntN(64, u64(dice)))),
  dice => Float64Array.from(list(dice, f32)),
  dice => new types.PackedVector4Array(list(dice, vector4)),
  dice => new types.TypedArray('int', list(dice, i32)),
  dice => new types.TypedArray('float', list(dice, f32)),
  dice => new types.TypedArray('StringName', list(dice, stringName)),
  dice => new types.TypedArray('Array', list(dice, dice => list(dice, i32))),
  dice => new types.TypedArray('EncodedObjectAsID', [null, new types.EncodedObjectAsID(u64(dice) | 1n)]),
  dice => new types.TypedDictionary('String', 'Vector2i', new Map(list(dice, dice => [text(dice), vector2i(dice)] as const))),
  dice => new types.TypedDictionary('int', 'Variant', new Map(list(dice, dice => [i32(dice), text(dice)] as const)))
]

/** A random value of Godot 4, with at most `levels` arrays and dictionaries in each other. */
export function randomVariant4 (dice: Dice, levels = 3): Variant {
  if (levels === 0 || !dice.once(3)) return dice.once(2) ? randomVariant(dice, 0) : dice.pick(added)(dice)
  const inner = (): Variant => randomVariant4(dice, levels - 1)
  return dice.once(2) ? list(dice, inner) : new Map(list(dice, dice => [i32(dice), inner()] as const))
}
