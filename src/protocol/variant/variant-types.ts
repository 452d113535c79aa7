import { GodotError } from '../../error.ts'
import type {
  AABB, Basis, Color, Plane, Projection, Quat, Rect2, Rect2i, Transform, Transform2D,
  Vector2, Vector2i, Vector3, Vector3i, Vector4, Vector4i
} from './math-types.ts'

export * from './math-types.ts'

/** Godot's values that have no JavaScript counterpart: small, immutable, with Godot's names and defaults. */

/** The parts of a NodePath: `/root/Main:position:x` is absolute, has two names and two subnames. */
export interface NodePathParts {
  /** Names of nodes. */
  names: readonly string[]
  /** Names of properties. */
  subnames: readonly string[]
  /** Whether it starts at the root. */
  absolute: boolean
}

/** A path to a node and, after colons, its properties: `new NodePath('/root/Main:position')`, or from its parts. */
export class NodePath implements NodePathParts {
  /** Names of nodes. */
  readonly names: readonly string[]
  /** Names of properties. */
  readonly subnames: readonly string[]
  /** Whether it starts at the root. */
  readonly absolute: boolean

  constructor (path: string | NodePathParts = '') {
    const { names, subnames, absolute } = typeof path === 'string' ? parseNodePath(path) : path
    this.names = names
    this.subnames = subnames
    this.absolute = absolute
  }

  /** The path as text. */
  toString (): string {
    return (this.absolute ? '/' : '') + [this.names.join('/'), ...this.subnames].join(':')
  }
}

function parseNodePath (text: string): NodePathParts {
  const [names, ...subnames] = text.split(':')
  return {
    names: names.split('/').filter(name => name !== ''),
    subnames: subnames.filter(name => name !== ''),
    absolute: text.startsWith('/')
  }
}

/** An interned name (Godot 4). */
export class StringName {
  readonly text: string

  constructor (text = '') {
    this.text = text
  }

  /** The text. */
  toString (): string { return this.text }
  /** The text. */
  toJSON (): string { return this.text }
}

/** A resource handle of the sender. Godot 3 does not send its id: there it arrives empty. */
export class RID {
  readonly id: bigint

  constructor (id = 0n) {
    this.id = id
  }
}

/** An object of the sender, represented by its instance id. */
export class EncodedObjectAsID {
  readonly objectId: bigint

  constructor (objectId: bigint) {
    this.objectId = objectId
  }
}

/** An object sent in full, as data: class name and properties. Nothing is ever instantiated from it. */
export class EncodedObject {
  readonly className: string
  readonly properties: ReadonlyMap<string, Variant>

  constructor (className: string, properties: ReadonlyMap<string, Variant> = new Map()) {
    this.className = className
    this.properties = properties
  }
}

/** A function of the sender (Godot 4); its content is not sent. */
export class Callable {
  /** Makes the class distinct from others for TypeScript. */
  readonly isCallable = true
}

/** A signal of an object of the sender (Godot 4). */
export class Signal {
  readonly name: string
  readonly objectId: bigint

  constructor (name = '', objectId = 0n) {
    this.name = name
    this.objectId = objectId
  }
}

/** A packed array of one element type: `[...array]`, `array.length`, `array.items[0]`. */
export class PoolArray<Item> implements Iterable<Item> {
  readonly items: readonly Item[]

  constructor (items: readonly Item[] = []) {
    this.items = items
  }

  /** Number of elements. */
  get length (): number { return this.items.length }

  /** Iterates the elements. */
  [Symbol.iterator] (): Iterator<Item> { return this.items[Symbol.iterator]() }
}

/** A packed array of strings. */
export class PoolStringArray extends PoolArray<string> {}
/** A packed array of Vector2. */
export class PoolVector2Array extends PoolArray<Vector2> {}
/** A packed array of Vector3. */
export class PoolVector3Array extends PoolArray<Vector3> {}
/** A packed array of Color. */
export class PoolColorArray extends PoolArray<Color> {}
/** A packed array of Vector4 (Godot 4). */
export class PackedVector4Array extends PoolArray<Vector4> {}

export const PoolByteArray = Uint8Array
export type PoolByteArray = Uint8Array
export const PoolIntArray = Int32Array
export type PoolIntArray = Int32Array
export const PoolRealArray = Float32Array
export type PoolRealArray = Float32Array

// Godot 4's names.
export const PackedByteArray = Uint8Array
export type PackedByteArray = Uint8Array
export const PackedInt32Array = Int32Array
export type PackedInt32Array = Int32Array
export const PackedInt64Array = BigInt64Array
export type PackedInt64Array = BigInt64Array
export const PackedFloat32Array = Float32Array
export type PackedFloat32Array = Float32Array
export const PackedFloat64Array = Float64Array
export type PackedFloat64Array = Float64Array
export const PackedStringArray = PoolStringArray
export type PackedStringArray = PoolStringArray
export const PackedVector2Array = PoolVector2Array
export type PackedVector2Array = PoolVector2Array
export const PackedVector3Array = PoolVector3Array
export type PackedVector3Array = PoolVector3Array
export const PackedColorArray = PoolColorArray
export type PackedColorArray = PoolColorArray

/**
 * Godot 4's `Array[type]`: `new TypedArray('int', [1, 2])`. The type is Godot's name of a built-in type, the name of a
 * class, or the `res://` path of a script.
 */
export class TypedArray {
  readonly type: string
  readonly items: readonly Variant[]

  constructor (type: string, items: readonly Variant[] = []) {
    this.type = type
    this.items = items
  }
}

/** Godot 4's `Dictionary[keyType, valueType]`, see `TypedArray`; the type `Variant` is any. */
export class TypedDictionary {
  readonly keyType: string
  readonly valueType: string
  readonly pairs: ReadonlyMap<Variant, Variant>

  constructor (keyType: string, valueType: string, pairs: ReadonlyMap<Variant, Variant> = new Map()) {
    this.keyType = keyType
    this.valueType = valueType
    this.pairs = pairs
  }
}

/** A real whose value is a whole number, such as 3.0: as a JavaScript number it would be sent as an int. */
export class Float {
  readonly value: number

  constructor (value: number) {
    this.value = value
  }

  /** The number, so that it can be calculated with. */
  valueOf (): number { return this.value }
  /** The number as text. */
  toString (): string { return String(this.value) }
  /** The number. */
  toJSON (): number { return this.value }
}

/** Whether a JavaScript number is sent as an int: safe integers are, except -0. */
export function isInt (value: number): boolean {
  return Number.isSafeInteger(value) && !Object.is(value, -0)
}

/**
 * `value` as an int: without its fraction, as a number where that is exact, else as a bigint. Throws
 * ERR_INVALID_PARAMETER for a value beyond 64 bits, NaN or infinity.
 */
export function int (value: number | bigint | Float): number | bigint {
  const whole = typeof value === 'bigint' ? value : Math.trunc(Number(value)) + 0
  if (Number.isSafeInteger(Number(whole))) return Number(whole)
  if (typeof whole === 'number' && !Number.isFinite(whole)) {
    throw new GodotError('ERR_INVALID_PARAMETER', `${whole} is not an int`)
  }
  return int64(BigInt(whole))
}

/** `value` itself; throws ERR_INVALID_PARAMETER if it does not fit 64 bits. */
export function int64 (value: bigint): bigint {
  if (BigInt.asIntN(64, value) === value) return value
  throw new GodotError('ERR_INVALID_PARAMETER', `${value} does not fit an int of 64 bits`)
}

/** `value` as a real (Godot 4: float): whole numbers are wrapped in a Float. */
export function float (value: number | bigint | Float): number | Float {
  const number = Number(value)
  return isInt(number) ? new Float(number) : number
}

/** Any value that Godot can send; the types of the last two lines exist in Godot 4 only. */
export type Variant =
  | null | boolean | number | bigint | string | Float
  | Vector2 | Rect2 | Vector3 | Transform2D | Plane | Quat | AABB | Basis | Transform | Color
  | NodePath | RID | EncodedObjectAsID | EncodedObject
  | readonly Variant[] | ReadonlyMap<Variant, Variant> | { readonly [key: string]: Variant }
  | Uint8Array | Int32Array | Float32Array | PoolStringArray | PoolVector2Array | PoolVector3Array | PoolColorArray
  | Vector2i | Rect2i | Vector3i | Vector4 | Vector4i | Projection | StringName | Callable | Signal
  | TypedArray | TypedDictionary | BigInt64Array | Float64Array | PackedVector4Array
