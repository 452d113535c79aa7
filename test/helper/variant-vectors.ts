import { readFileSync } from 'node:fs'
import * as types from '../../src/protocol/variant-types.ts'
import type { Variant } from '../../src/protocol/variant-types.ts'

/** A value written by a real Godot: `type` is Godot's name, `value` its content, `hex` its bytes. */
export interface Vector {
  name: string
  type: string
  value: any
  hex: string
  /** Offsets of bytes that Godot leaves as they are in memory. */
  undefined_bytes?: number[]
}

/** Bytes given to a real Godot, and what it made of them. */
export interface DecodeVector {
  name: string
  hex: string
  ok: boolean
  error?: string
  /** The bytes Godot writes for the value it read. */
  reencoded?: string
}

export function readVectors<Content> (file: string): Content {
  return JSON.parse(readFileSync(new URL(`../vectors/${file}.json`, import.meta.url), 'utf8'))
}

export const hexOf = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex')
export const bytesOf = (hex: string): Uint8Array => new Uint8Array(Buffer.from(hex, 'hex'))

/** A number of a vector; JSON has no word for some. */
export function numberOf (value: number | string): number {
  return { nan: NaN, inf: Infinity, '-inf': -Infinity, '-0': -0 }[value] ?? Number(value)
}

const vector2 = ([x, y]: number[]): types.Vector2 => new types.Vector2(numberOf(x), numberOf(y))
const vector3 = ([x, y, z]: number[]): types.Vector3 => new types.Vector3(numberOf(x), numberOf(y), numberOf(z))
const color = ([r, g, b, a]: number[]): types.Color => new types.Color(r, g, b, a)
const basis = ({ rows: [a, b, c] }: { rows: number[][] }): types.Basis =>
  new types.Basis(...[0, 1, 2].map(column => vector3([a[column], b[column], c[column]])))

/** The JavaScript value for the content of a vector, by Godot's type. */
const values: Record<string, (value: any) => Variant> = {
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
  Dictionary: pairs => new Map(pairs.map((pair: any) => pair.map(valueOf))),
  Array: items => items.map(valueOf),
  PoolByteArray: items => Uint8Array.from(items),
  PoolIntArray: items => Int32Array.from(items),
  PoolRealArray: items => Float32Array.from(items.map(numberOf)),
  PoolStringArray: items => new types.PoolStringArray(items),
  PoolVector2Array: items => new types.PoolVector2Array(items.map(vector2)),
  PoolVector3Array: items => new types.PoolVector3Array(items.map(vector3)),
  PoolColorArray: items => new types.PoolColorArray(items.map(color))
}

/** The JavaScript value that a vector describes. */
export function valueOf ({ type, value }: Pick<Vector, 'type' | 'value'>): Variant {
  return values[type](value)
}

/** Bytes as hex with those at `offsets` set to zero. */
export function blank (hex: string, offsets: number[] = []): string {
  const bytes = bytesOf(hex)
  for (const offset of offsets) bytes[offset] = 0
  return hexOf(bytes)
}
