import { join } from 'node:path'
import { readFileSync } from 'node:fs'
import * as types from '../../../src/protocol/variant/variant-types.ts'
import type { Variant } from '../../../src/protocol/variant/variant-types.ts'
import { root } from '../../../scripts/root.ts'

type TypeName = string | { class: string }

/** A value written by a real Godot: `type` is Godot's name, `value` its content, `hex` its bytes. */
export interface Vector {
  name: string
  type: string
  value: any
  hex: string
  /** Types of a typed array or dictionary of Godot 4: a name, or a class. */
  element_type?: TypeName
  key_type?: TypeName
  value_type?: TypeName
  /** The value as the only argument of a Godot 4 RPC; bare bytes with `rpc_raw`. */
  rpc?: string
  rpc_raw?: boolean
  /** Offsets of bytes that Godot does not initialize. */
  undefined_bytes?: number[]
}

/** Bytes decoded by a real Godot, and the result. */
export interface DecodeVector {
  name: string
  hex: string
  ok: boolean
  error?: string
  /** The bytes that Godot encodes the decoded value to. */
  reencoded?: string
}

export function readVectors<Content> (file: string): Content {
  return JSON.parse(readFileSync(join(root, 'test/vectors', `${file}.json`), 'utf8'))
}

export const hexOf = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex')
export const bytesOf = (hex: string): Uint8Array => new Uint8Array(Buffer.from(hex, 'hex'))

/** A number of a vector; those that JSON cannot represent are strings. */
function numberOf (value: number | string): number {
  return { nan: NaN, inf: Infinity, '-inf': -Infinity, '-0': -0 }[value] ?? Number(value)
}

const vector2 = ([x, y]: number[]): types.Vector2 => new types.Vector2(numberOf(x), numberOf(y))
const vector3 = ([x, y, z]: number[]): types.Vector3 => new types.Vector3(numberOf(x), numberOf(y), numberOf(z))
const vector4 = ([x, y, z, w]: number[]): types.Vector4 =>
  new types.Vector4(numberOf(x), numberOf(y), numberOf(z), numberOf(w))
const vector2i = ([x, y]: number[]): types.Vector2i => new types.Vector2i(x, y)
const color = ([r, g, b, a]: number[]): types.Color => new types.Color(r, g, b, a)
const basis = ({ rows: [a, b, c] }: { rows: number[][] }): types.Basis =>
  new types.Basis(...[0, 1, 2].map(column => vector3([a[column], b[column], c[column]])))
const pairsOf = (pairs: Array<[Vector, Vector]>): Map<Variant, Variant> =>
  new Map(pairs.map(([key, value]) => [valueOf(key), valueOf(value)]))

/** Converters from the content of a vector to a JavaScript value, by Godot type. */
const values: Record<string, (value: any, vector: Partial<Vector>) => Variant> = {
  Nil: () => null,
  bool: value => value,
  int: value => types.int(BigInt(value)),
  real: value => types.float(numberOf(value)),
  String: value => value,
  Vector2: vector2,
  Rect2: ({ position, size }) => new types.Rect2(vector2(position), vector2(size)),
  Vector3: vector3,
  Transform2D: ({ x, y, origin }) => new types.Transform2D(vector2(x), vector2(y), vector2(origin)),
  Plane: ({ normal, d }) => new types.Plane(vector3(normal), d),
  Quat: ([x, y, z, w]) => new types.Quat(x, y, z, w),
  AABB: ({ position, size }) => new types.AABB(vector3(position), vector3(size)),
  Basis: basis,
  Transform: value => new types.Transform(basis(value.basis), vector3(value.origin)),
  Color: color,
  NodePath: value => new types.NodePath(value),
  RID: ({ id = 0 }) => new types.RID(BigInt(id)),
  Object: ({ id }) => new types.EncodedObjectAsID(BigInt(id)),
  Dictionary: (pairs, { key_type: key, value_type: value }) =>
    key ?? value ? new types.TypedDictionary(nameOf(key), nameOf(value), pairsOf(pairs)) : pairsOf(pairs),
  Array: (items, { element_type: type }) =>
    type ? new types.TypedArray(nameOf(type), items.map(valueOf)) : items.map(valueOf),
  PoolByteArray: items => Uint8Array.from(items),
  PoolIntArray: items => Int32Array.from(items),
  PoolRealArray: items => Float32Array.from(items.map(numberOf)),
  PoolStringArray: items => new types.PoolStringArray(items),
  PoolVector2Array: items => new types.PoolVector2Array(items.map(vector2)),
  PoolVector3Array: items => new types.PoolVector3Array(items.map(vector3)),
  PoolColorArray: items => new types.PoolColorArray(items.map(color)),
  float: value => types.float(numberOf(value)),
  Vector2i: vector2i,
  Rect2i: ({ position, size }) => new types.Rect2i(vector2i(position), vector2i(size)),
  Vector3i: ([x, y, z]) => new types.Vector3i(x, y, z),
  Vector4: vector4,
  Vector4i: ([x, y, z, w]) => new types.Vector4i(x, y, z, w),
  Projection: ({ columns }) => new types.Projection(...columns.map(vector4)),
  StringName: value => new types.StringName(value),
  Callable: () => new types.Callable(),
  Signal: ({ name, object }) => new types.Signal(name, BigInt(object)),
  PackedInt64Array: items => BigInt64Array.from(items.map(BigInt)),
  PackedFloat64Array: items => Float64Array.from(items.map(numberOf)),
  PackedVector4Array: items => new types.PackedVector4Array(items.map(vector4))
}

/** Types with a different name in Godot 4. */
const renamed: Record<string, string> = {
  Quaternion: 'Quat',
  Transform3D: 'Transform',
  PackedByteArray: 'PoolByteArray',
  PackedInt32Array: 'PoolIntArray',
  PackedFloat32Array: 'PoolRealArray',
  PackedStringArray: 'PoolStringArray',
  PackedVector2Array: 'PoolVector2Array',
  PackedVector3Array: 'PoolVector3Array',
  PackedColorArray: 'PoolColorArray'
}

function nameOf (type: TypeName = 'Variant'): string {
  return typeof type === 'string' ? type : type.class
}

/** The JavaScript value that a vector describes. */
export function valueOf (vector: Vector): Variant {
  return values[renamed[vector.type] ?? vector.type](vector.value, vector)
}

/** Hex with the bytes at `offsets` set to zero. */
export function blank (hex: string, offsets: number[] = []): string {
  const bytes = bytesOf(hex)
  for (const offset of offsets) bytes[offset] = 0
  return hexOf(bytes)
}
