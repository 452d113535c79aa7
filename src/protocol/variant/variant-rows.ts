import { GodotError } from '../../error.ts'
import type { ByteReader, NumberArray } from '../bytes.ts'
import { guardOf } from './collision-guard.ts'
import type { CollisionGuard } from './collision-guard.ts'
import type { Keys, VariantReader, VariantRow, VariantWriter } from './variant-codec.ts'
import type { Shape } from './variant-shapes.ts'
import * as types from './variant-types.ts'
import type { Variant } from './variant-types.ts'

/** Rows that all versions of Godot share, and functions that make others. */

/** Bit 16 of the first word: 64 bits instead of 32, or only the id of an object. */
export const WIDE = 0x10000

export type Class<Value> = new (...args: any[]) => Value

/** A type that consists of one shape. */
export function fixed<Value> (name: string, Type: Class<Value>, shape: Shape<Value>): VariantRow<Value> {
  return {
    name,
    classes: [Type],
    read: shape.read,
    write: (to, value, type) => {
      to.u32(type)
      shape.write(to, value)
    }
  }
}

/** A packed array of shapes:  | count u32 | elements ... | */
export function packed<Item> (
  name: string,
  Pool: Class<types.PoolArray<Item>>,
  shape: Shape<Item>
): VariantRow<types.PoolArray<Item>> {
  return {
    name,
    classes: [Pool],
    read: from => new Pool(readItems(from.count(shape.size), () => shape.read(from))),
    write: (to, { items }, type) => {
      to.u32(type)
      to.u32(items.length)
      for (const item of items) shape.write(to, item)
    }
  }
}

/** A typed array of integers:  | count u32 | numbers ... | */
export function integers<Items extends Int32Array | BigInt64Array> (
  name: string,
  Type: NumberArray<Items>
): VariantRow<Items> {
  return {
    name,
    classes: [Type],
    read: from => from.numbers(Type, from.count(Type.BYTES_PER_ELEMENT)),
    write: (to, items, type) => { to.u32(type); to.u32(items.length); to.integers(items) }
  }
}

/** The same of floats. */
export function reals<Items extends Float32Array | Float64Array> (
  name: string,
  Type: NumberArray<Items>
): VariantRow<Items> {
  return {
    ...integers(name, Type as NumberArray<any>),
    write: (to, items, type) => { to.u32(type); to.u32(items.length); to.floats(items) }
  }
}

/**
 * Elements for which memory is allocated before they are read: nested containers could each announce as many as a
 * packet holds.
 */
const MAX_RESERVED = 128

export function readItems<Item> (count: number, read: () => Item): Item[] {
  const items = new Array<Item>(Math.min(count, MAX_RESERVED))
  for (let i = 0; i < count; i++) items[i] = read()
  return items
}

export const nil: VariantRow<null> = { name: 'Nil', read: () => null, write: (to, value, type) => to.u32(type) }

export const bool: VariantRow<boolean> = {
  name: 'bool',
  read: from => from.i32() !== 0,
  write: (to, value, type) => { to.u32(type); to.u32(Number(value)) }
}

/** i32 when it fits, else i64. */
export const int: VariantRow<number | bigint> = {
  name: 'int',
  read: (from, word) => word & WIDE ? from.int64() : from.i32(),
  write: (to, value, type) => {
    const isWide = value < -0x80000000 || value > 0x7fffffff
    to.u32(isWide ? type | WIDE : type)
    if (isWide) to.u64(types.int64(BigInt(value)))
    else to.u32(Number(value))
  }
}
/** f32 if that is exact, else f64; NaN is f64, as it never equals itself. Godot 4 calls the type float. */
export const real: VariantRow<number | types.Float> = {
  name: 'real',
  classes: [types.Float],
  read: (from, word) => {
    const value = word & WIDE ? from.f64() : from.f32()
    return from.exactFloats && types.isInt(value) ? new types.Float(value) : value
  },
  write: (to, value, type) => {
    const number = typeof value === 'number' ? value : value.value
    const isWide = Math.fround(number) !== number
    to.u32(isWide ? type | WIDE : type)
    if (isWide) to.f64(number)
    else to.f32(number)
  }
}

export const string: VariantRow<string> = {
  name: 'String',
  read: from => from.string(),
  write: (to, value, type) => { to.u32(type); to.string(value) }
}

/** Upper bit of the name count of a NodePath; not set in an obsolete form. */
const NEW_FORM = 0x80000000

/** | name count u32, bit 31 set | subname count u32 | flags u32: 1 absolute, 2 one more subname | names, subnames | */
export const nodePath: VariantRow<types.NodePath> = {
  name: 'NodePath',
  classes: [types.NodePath],
  read: from => {
    const count = from.u32() - NEW_FORM
    if (count < 0) from.fail('NodePath in the obsolete form', from.offset - 4)
    const subnameCount = from.u32()
    const flags = from.u32()
    const readName = (): string => from.string()
    const names = readItems(from.count(4, count), readName)
    const subnames = readItems(from.count(4, subnameCount + (flags >> 1 & 1)), readName)
    return new types.NodePath({ names, subnames, absolute: (flags & 1) !== 0 })
  },
  write: (to, { names, subnames, absolute }, type) => {
    to.u32(type)
    to.u32(names.length | NEW_FORM)
    to.u32(subnames.length)
    to.u32(Number(absolute))
    for (const name of names) to.string(name)
    for (const name of subnames) to.string(name)
  }
}

/** By id:  | id u64 |  In full:  | class name string | count u32 | name string, Variant ... | */
export const object: VariantRow<types.EncodedObjectAsID | types.EncodedObject | null> = {
  name: 'Object',
  classes: [types.EncodedObjectAsID, types.EncodedObject],
  read: (from, word) => word & WIDE ? readObjectId(from) : readObject(from),
  write: (to, value, type) => {
    const isId = value instanceof types.EncodedObjectAsID
    to.u32(isId ? type | WIDE : type)
    if (isId) to.u64(value.objectId)
    else writeObject(to, value as types.EncodedObject)
  }
}

function readObjectId (from: ByteReader): types.EncodedObjectAsID | null {
  const id = from.u64()
  return id === 0n ? null : new types.EncodedObjectAsID(id)
}

function readObject (from: VariantReader): types.EncodedObject | null {
  if (!from.allowObjects) {
    throw new GodotError('ERR_UNAUTHORIZED', `full objects are not allowed: found one at byte ${from.offset - 4}`)
  }
  const className = from.string()
  if (className === '') return null
  const properties = new Pairs(from)
  from.enter()
  for (let left = from.count(8); left > 0; left--) properties.set(from.string(), from.variant())
  from.leave()
  return new types.EncodedObject(className, properties.map as Map<string, Variant>)
}

function writeObject (to: VariantWriter, { className, properties }: types.EncodedObject): void {
  if (!to.allowObjects) {
    throw new GodotError('ERR_UNAUTHORIZED', `full objects are not allowed: found one of class ${className}`)
  }
  to.string(className)
  to.u32(properties.size)
  to.enter()
  properties.forEach((value, name) => {
    to.string(name)
    to.variant(value)
  })
  to.leave()
}

/** Lower 31 bits of the count of an Array or Dictionary; the upper bit is obsolete and ignored. */
const COUNT = 0x7fffffff

/** | count u32 | Variants ... | */
export const array: VariantRow<readonly Variant[]> = {
  name: 'Array',
  classes: [Array],
  read: from => readVariants(from, from.count(4, from.u32() & COUNT)),
  write: (to, values, type) => {
    to.u32(type)
    writeVariants(to, values)
  }
}

function readVariants (from: VariantReader, count: number): Variant[] {
  from.enter()
  const values = readItems(count, () => from.variant())
  from.leave()
  return values
}

function writeVariants (to: VariantWriter, values: readonly Variant[]): void {
  to.u32(values.length)
  to.enter()
  for (const value of values) to.variant(value)
  to.leave()
}

type Dictionary = ReadonlyMap<Variant, Variant> | { readonly [key: string]: Variant }

/** | pair count u32 | key, value: Variants ... | */
export const dictionary: VariantRow<Dictionary> = {
  name: 'Dictionary',
  classes: [Map, Object],
  read: readPairs,
  write: (to, value, type) => {
    to.u32(type)
    writePairs(to, value instanceof Map ? value : new Map(Object.entries(value)))
  }
}

/** A key that occurs twice keeps its first place and takes the last value, as in Godot. */
function readPairs (from: VariantReader): Map<Variant, Variant> {
  const pairs = new Pairs(from)
  from.enter()
  for (let left = from.count(8, from.u32() & COUNT); left > 0; left--) pairs.read()
  from.leave()
  return pairs.map
}

/** Collects the pairs of a dictionary, or the properties of an object, in linear time, whatever the keys. */
export class Pairs implements Keys {
  readonly map = new Map<Variant, Variant>()
  readonly #from: VariantReader
  /** Keys that are objects by their bytes: equal ones must be one object, as a Map compares objects by identity. */
  #objects: Map<string, Variant> | undefined
  #guard: CollisionGuard | undefined
  #objectGuard: CollisionGuard | undefined

  constructor (from: VariantReader) {
    this.#from = from
  }

  /** Reads a key and a value. */
  read (): void {
    const from = this.#from
    const key = from.key(this)
    this.set(key, from.variant())
  }

  /** Throws ERR_INVALID_DATA when too many keys collide. */
  set (key: Variant, value: Variant): void {
    const { map } = this
    const { size } = map
    // A Map treats -0 as 0, which is an int.
    const distinct = Object.is(key, -0) ? this.unify(new types.Float(-0), '') : key
    map.set(distinct, value)
    if (map.size > size) this.#guard = this.#check(guardOf(map, this.#guard, distinct))
  }

  /** The first key of the same bytes, or this one. Throws as `set`. */
  unify (key: Variant, bytes: string): Variant {
    // A real of either width is the same key, named by its digits; other names begin with the byte of a type.
    const name = key instanceof types.Float ? digitsOf(key.value) : bytes
    this.#objects ??= new Map()
    const first = this.#objects.get(name)
    if (first !== undefined) return first
    this.#objects.set(name, key)
    this.#objectGuard = this.#check(guardOf(this.#objects, this.#objectGuard, name))
    return key
  }

  #check (guard: CollisionGuard | undefined): CollisionGuard | undefined {
    if (guard?.isFlooded === true) this.#from.failByCollisions()
    return guard
  }
}

function digitsOf (value: number): string {
  return Object.is(value, -0) ? '-0' : String(value)
}

function writePairs (to: VariantWriter, pairs: ReadonlyMap<Variant, Variant>): void {
  to.u32(pairs.size)
  to.enter()
  pairs.forEach((value, key) => {
    to.variant(key)
    to.variant(value)
  })
  to.leave()
}

/** | count u32 | bytes ... | zero bytes to a multiple of 4 |  The zero bytes may be missing at the end of a packet. */
export const byteArray: VariantRow<Uint8Array> = {
  name: 'PoolByteArray',
  classes: [Uint8Array],
  read: from => {
    const size = from.count(1)
    const bytes = from.ownBytes(size)
    from.skip(Math.min(-size & 3, from.remaining))
    return bytes
  },
  write: (to, value, type) => {
    to.u32(type)
    to.u32(value.length)
    to.bytes(value)
    to.zeros(-value.length & 3)
  }
}

/** | count i32 | strings that include a NUL ... |  A negative count is read as 0. */
export const stringArray: VariantRow<types.PoolStringArray> = {
  name: 'PoolStringArray',
  classes: [types.PoolStringArray],
  read: from => new types.PoolStringArray(readItems(from.count(4, Math.max(from.i32(), 0)), () => from.string())),
  write: (to, { items }, type) => {
    to.u32(type)
    to.u32(items.length)
    for (const text of items) to.string(text, true)
  }
}
