import { GodotError } from '../../error.ts'
import * as shapes from './variant-shapes.ts'
import * as types from './variant-types.ts'
import { classNames3 } from './variant.ts'
import { classNames4 } from './variant4.ts'
import type { Variant } from './variant-types.ts'

type Json = null | boolean | number | string | readonly Json[] | { readonly [name: string]: Json }

const MAX_DEPTH = 100

/**
 * Types of fixed size, given as the list of their components in the order in which they are sent: a Basis row by row.
 */
const shaped: Readonly<Record<string, shapes.Shape<Variant>>> = {
  Vector2: shapes.vector2,
  Vector2i: shapes.vector2i,
  Rect2: shapes.rect2,
  Rect2i: shapes.rect2i,
  Vector3: shapes.vector3,
  Vector3i: shapes.vector3i,
  Vector4: shapes.vector4,
  Vector4i: shapes.vector4i,
  Transform2D: shapes.transform2D,
  Plane: shapes.plane,
  Quat: shapes.quat,
  Quaternion: shapes.quat,
  AABB: shapes.aabb,
  Basis: shapes.basis,
  Transform: shapes.transform,
  Transform3D: shapes.transform,
  Projection: shapes.projection,
  Color: shapes.color
} as Record<string, shapes.Shape<any>>

const list = <Result>(read: (item: Json) => unknown, make: (items: any[]) => Result) =>
  (given: Json, fail: Fail): Result => {
    if (!Array.isArray(given)) fail('an array')
    return make((given as Json[]).map(read))
  }
const items = (name: string) => (item: Json) => readShape(name, item)
const text = (item: Json): string => typeof item === 'string' ? item : fault('a string')
const integer = (min: number, max: number) => (item: Json): number => {
  const isValid = typeof item === 'number' && Number.isInteger(item) && item >= min && item <= max
  return isValid ? item : fault(`an integer from ${min} to ${max}`)
}
const i32 = integer(-2147483648, 2147483647)
const number = (item: Json): number => typeof item === 'number' ? item : fault('a number')

type Fail = (expected: string) => never

/** Makers of values of the types without a fixed size, by type. */
const makers: Readonly<Record<string, (given: Json, fail: Fail, depth: number) => Variant>> = {
  int: given => readInt(given),
  float: given => types.float(number(given)),
  NodePath: given => new types.NodePath(text(given)),
  StringName: given => new types.StringName(text(given)),
  Dictionary: (given, fail, depth) => new Map(list(pair => readPair(pair, depth), pairs => pairs)(given, fail)),
  PoolByteArray: list(integer(0, 255), items => Uint8Array.from(items)),
  PoolIntArray: list(i32, items => Int32Array.from(items)),
  PoolRealArray: list(number, items => Float32Array.from(items)),
  PoolStringArray: list(text, items => new types.PoolStringArray(items)),
  PoolVector2Array: list(items('Vector2'), items => new types.PoolVector2Array(items)),
  PoolVector3Array: list(items('Vector3'), items => new types.PoolVector3Array(items)),
  PoolColorArray: list(items('Color'), items => new types.PoolColorArray(items)),
  PackedInt64Array: list(item => BigInt(readInt(item)), items => BigInt64Array.from(items)),
  PackedFloat64Array: list(number, items => Float64Array.from(items)),
  PackedVector4Array: list(items('Vector4'), items => new types.PackedVector4Array(items))
}

/** Godot 3's names of the types of Godot 4 that both have. */
const aliases = new Map([...classNames4].map(([type, name]) => [name, classNames3.get(type)]))

/**
 * The Variant that a JSON value represents. Null, booleans, numbers, strings and arrays represent themselves, an object
 * a Dictionary; but an object whose only member is named like a type is of that type: `{"Vector2": [1, 2]}`, `{"int":
 * 7}`, `{"PoolStringArray": ["a"]}`, and `{"Dictionary": [[key, value]]}` for keys that are not strings. Throws
 * ERR_INVALID_PARAMETER.
 */
export function variantFromJson (json: unknown): Variant {
  return read(json as Json, 0)
}

function read (json: Json, depth: number): Variant {
  if (depth > MAX_DEPTH) {
    throw new GodotError('ERR_INVALID_PARAMETER', `too many levels: a Variant has at most ${MAX_DEPTH}`)
  }
  if (typeof json !== 'object' || json === null) return json
  if (Array.isArray(json)) return json.map(item => read(item, depth + 1))
  const entries = Object.entries(json)
  if (entries.length === 1) {
    const [name, given] = entries[0]
    if (Object.hasOwn(shaped, name)) return readShape(name, given)
    const type = Object.hasOwn(makers, name) ? name : aliases.get(name) ?? name
    if (Object.hasOwn(makers, type)) return makers[type](given, expected => fault(`${name}: ${expected}`), depth)
  }
  return new Map(entries.map(([name, value]) => [name, read(value, depth + 1)]))
}

function readShape (name: string, given: Json): Variant {
  const shape = shaped[name]
  const size = shape.size / 4
  const isValid = Array.isArray(given) && given.length === size && given.every(item => typeof item === 'number')
  if (!isValid) return fault(`${name}: an array of ${size} numbers`)
  let at = 0
  const next = (): number => given[at++] as number
  return shape.read({ f32: next, i32: () => i32(next()) })
}

function readPair (pair: Json, depth: number): [Variant, Variant] {
  if (!Array.isArray(pair) || pair.length !== 2) return fault('Dictionary: an array of pairs of a key and a value')
  return [read(pair[0], depth + 1), read(pair[1], depth + 1)]
}

/** JSON numbers are exact up to 2^53; larger ints are given as strings. */
function readInt (given: Json): number | bigint {
  if (typeof given === 'string' && /^-?\d{1,19}$/.test(given)) return types.int(BigInt(given))
  return Number.isInteger(given) ? types.int(given as number) : fault('an integer')
}

function fault (expected: string): never {
  throw new GodotError('ERR_INVALID_PARAMETER', `not a Variant: expected ${expected}`)
}
