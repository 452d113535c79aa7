import { GodotError } from '../error.ts'

/**
 * Godot's values that JavaScript has no counterpart for: small, immutable, with Godot's names and defaults.
 * Components are JavaScript numbers; Godot rounds them to 32-bit floats when they are sent.
 */

export class Vector2 {
  readonly x: number
  readonly y: number

  constructor (x = 0, y = 0) {
    this.x = x
    this.y = y
  }
}

export class Rect2 {
  readonly position: Vector2
  readonly size: Vector2

  constructor (position = new Vector2(), size = new Vector2()) {
    this.position = position
    this.size = size
  }
}

export class Vector3 {
  readonly x: number
  readonly y: number
  readonly z: number

  constructor (x = 0, y = 0, z = 0) {
    this.x = x
    this.y = y
    this.z = z
  }
}

/** A 2D transform: where the x axis, the y axis and the origin go. */
export class Transform2D {
  readonly x: Vector2
  readonly y: Vector2
  readonly origin: Vector2

  constructor (x = new Vector2(1, 0), y = new Vector2(0, 1), origin = new Vector2()) {
    this.x = x
    this.y = y
    this.origin = origin
  }
}

export class Plane {
  readonly normal: Vector3
  readonly d: number

  constructor (normal = new Vector3(), d = 0) {
    this.normal = normal
    this.d = d
  }
}

/** A rotation; Godot 4 calls it Quaternion. */
export class Quat {
  readonly x: number
  readonly y: number
  readonly z: number
  readonly w: number

  constructor (x = 0, y = 0, z = 0, w = 1) {
    this.x = x
    this.y = y
    this.z = z
    this.w = w
  }
}

export class AABB {
  readonly position: Vector3
  readonly size: Vector3

  constructor (position = new Vector3(), size = new Vector3()) {
    this.position = position
    this.size = size
  }
}

/** Rotation and scale in 3D: where the x, y and z axes go, as a script sees them. */
export class Basis {
  readonly x: Vector3
  readonly y: Vector3
  readonly z: Vector3

  constructor (x = new Vector3(1, 0, 0), y = new Vector3(0, 1, 0), z = new Vector3(0, 0, 1)) {
    this.x = x
    this.y = y
    this.z = z
  }
}

/** A 3D transform; Godot 4 calls it Transform3D. */
export class Transform {
  readonly basis: Basis
  readonly origin: Vector3

  constructor (basis = new Basis(), origin = new Vector3()) {
    this.basis = basis
    this.origin = origin
  }
}

/** Red, green, blue, alpha from 0 to 1; brighter colours are allowed. */
export class Color {
  readonly r: number
  readonly g: number
  readonly b: number
  readonly a: number

  constructor (r = 0, g = 0, b = 0, a = 1) {
    this.r = r
    this.g = g
    this.b = b
    this.a = a
  }
}

/** What a NodePath is made of: `/root/Main:position:x` is absolute, has two names and two subnames. */
export interface NodePathParts {
  names: readonly string[]
  subnames: readonly string[]
  absolute: boolean
}

/** A path to a node and, after colons, its properties: `new NodePath('/root/Main:position')`, or from its parts. */
export class NodePath implements NodePathParts {
  readonly names: readonly string[]
  readonly subnames: readonly string[]
  readonly absolute: boolean

  constructor (path: string | NodePathParts = '') {
    const { names, subnames, absolute } = typeof path === 'string' ? parseNodePath(path) : path
    this.names = names
    this.subnames = subnames
    this.absolute = absolute
  }

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

/** A resource handle of the sender; Godot 3 sends no id, so there it arrives empty. */
export class RID {
  readonly id: bigint

  constructor (id = 0n) {
    this.id = id
  }
}

/** An object of the sender, of which only the instance id travels. */
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

/** Elements of one type, which Godot keeps packed: `[...array]`, `array.length`, `array.items[0]`. */
export class PoolArray<Item> implements Iterable<Item> {
  readonly items: readonly Item[]

  constructor (items: readonly Item[] = []) {
    this.items = items
  }

  get length (): number { return this.items.length }

  [Symbol.iterator] (): Iterator<Item> { return this.items[Symbol.iterator]() }
}

export class PoolStringArray extends PoolArray<string> {}
export class PoolVector2Array extends PoolArray<Vector2> {}
export class PoolVector3Array extends PoolArray<Vector3> {}
export class PoolColorArray extends PoolArray<Color> {}

export const PoolByteArray = Uint8Array
export type PoolByteArray = Uint8Array
export const PoolIntArray = Int32Array
export type PoolIntArray = Int32Array
export const PoolRealArray = Float32Array
export type PoolRealArray = Float32Array

/** A real whose value is a whole number, such as 3.0, which as a JavaScript number would be taken for an int. */
export class Float {
  readonly value: number

  constructor (value: number) {
    this.value = value
  }

  valueOf (): number { return this.value }
  toString (): string { return String(this.value) }
  toJSON (): number { return this.value }
}

/** Whether a JavaScript number is sent as Godot's int: safe integers are, -0 is not. */
export function isInt (value: number): boolean {
  return Number.isSafeInteger(value) && !Object.is(value, -0)
}

/**
 * `value` as it must be given to become an int: without its fraction, as a number where that is exact, else a bigint.
 * Throws ERR_INVALID_PARAMETER for what no 64-bit integer can hold.
 */
export function int (value: number | bigint | Float): number | bigint {
  const whole = typeof value === 'bigint' ? value : Math.trunc(Number(value)) + 0
  if (Number.isSafeInteger(Number(whole))) return Number(whole)
  if (typeof whole === 'number' && !Number.isFinite(whole)) throw new GodotError('ERR_INVALID_PARAMETER', `${whole} is no int`)
  return int64(BigInt(whole))
}

/** `value` itself when 64 bits hold it; throws ERR_INVALID_PARAMETER when not. */
export function int64 (value: bigint): bigint {
  if (BigInt.asIntN(64, value) !== value) throw new GodotError('ERR_INVALID_PARAMETER', `${value} does not fit an int of 64 bits`)
  return value
}

/** `value` as it must be given to become a real (Godot 4: float): whole numbers are wrapped in a Float. */
export function float (value: number | bigint | Float): number | Float {
  const number = Number(value)
  return isInt(number) ? new Float(number) : number
}

/** Any value that Godot can send; which of them a given Godot knows is told by its table of rows. */
export type Variant =
  | null | boolean | number | bigint | string | Float
  | Vector2 | Rect2 | Vector3 | Transform2D | Plane | Quat | AABB | Basis | Transform | Color
  | NodePath | RID | EncodedObjectAsID | EncodedObject
  | readonly Variant[] | ReadonlyMap<Variant, Variant> | { readonly [key: string]: Variant }
  | Uint8Array | Int32Array | Float32Array | PoolStringArray | PoolVector2Array | PoolVector3Array | PoolColorArray
