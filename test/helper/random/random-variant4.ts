import * as types from '../../../src/protocol/variant/variant-types.ts'
import type { Variant } from '../../../src/protocol/variant/variant-types.ts'
import type { Random } from './random.ts'
import { randomVariant } from './random-variant.ts'

const f32 = (random: Random): number => Math.fround((random.uint32() - 2 ** 31) / 1000)
const i32 = (random: Random): number => random.uint32() | 0
const u64 = (random: Random): bigint => BigInt(random.uint32()) << 32n | BigInt(random.uint32())
const text = (random: Random): string => random.pick(['', 'a', 'Ünï', '日本', '😀', 'x'.repeat(random.below(70))])
const list = <Item>(random: Random, item: (random: Random) => Item): Item[] =>
  Array.from({ length: random.below(5) }, () => item(random))

const vector4 = (random: Random): types.Vector4 => new types.Vector4(f32(random), f32(random), f32(random), f32(random))
const vector2i = (random: Random): types.Vector2i => new types.Vector2i(i32(random), i32(random))
const stringName = (random: Random): types.StringName => new types.StringName(text(random))

/** Generators of values of types that Godot 3 does not have, and of typed containers. */
const added: Array<(random: Random) => Variant> = [
  vector2i,
  random => new types.Rect2i(vector2i(random), vector2i(random)),
  random => new types.Vector3i(i32(random), i32(random), i32(random)),
  vector4,
  random => new types.Vector4i(i32(random), i32(random), i32(random), i32(random)),
  random => new types.Projection(vector4(random), vector4(random), vector4(random), vector4(random)),
  stringName,
  random => new types.RID(u64(random)),
  random => new types.EncodedObjectAsID(u64(random) | 1n),
  () => new types.Callable(),
  random => new types.Signal(text(random), u64(random)),
  random => BigInt64Array.from(list(random, random => BigInt.asIntN(64, u64(random)))),
  random => Float64Array.from(list(random, f32)),
  random => new types.PackedVector4Array(list(random, vector4)),
  random => new types.TypedArray('int', list(random, i32)),
  random => new types.TypedArray('float', list(random, f32)),
  random => new types.TypedArray('StringName', list(random, stringName)),
  random => new types.TypedArray('Array', list(random, random => list(random, i32))),
  random => new types.TypedArray('EncodedObjectAsID', [null, new types.EncodedObjectAsID(u64(random) | 1n)]),
  random => new types.TypedDictionary('String', 'Vector2i', new Map(list(random, random =>
    [text(random), vector2i(random)] as const))),
  random =>
    new types.TypedDictionary('int', 'Variant', new Map(list(random, random => [i32(random), text(random)] as const)))
]

/** A random value of Godot 4 with at most `levels` nested arrays and dictionaries. */
export function randomVariant4 (random: Random, levels = 3): Variant {
  if (levels === 0 || !random.oneIn(3)) return random.oneIn(2) ? randomVariant(random, 0) : random.pick(added)(random)
  const inner = (): Variant => randomVariant4(random, levels - 1)
  return random.oneIn(2) ? list(random, inner) : new Map(list(random, random => [i32(random), inner()] as const))
}
