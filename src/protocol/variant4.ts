import { variantCodec, WIDE } from './variant-codec.ts'
import type { VariantReader, VariantRow } from './variant-codec.ts'
import * as rows from './variant-rows.ts'
import type { Class, Components, Shape } from './variant-rows.ts'
import * as types from './variant-types.ts'
import { array, dictionary } from './variant4-containers.ts'

const vector2i: Shape<types.Vector2i> = {
  size: 8,
  read: from => new types.Vector2i(from.i32(), from.i32()),
  write: (to, { x, y }) => { to.u32(x); to.u32(y) }
}

const rect2i: Shape<types.Rect2i> = {
  size: 16,
  read: from => new types.Rect2i(vector2i.read(from), vector2i.read(from)),
  write: (to, { position, size }) => { vector2i.write(to, position); vector2i.write(to, size) }
}

const vector3i: Shape<types.Vector3i> = {
  size: 12,
  read: from => new types.Vector3i(from.i32(), from.i32(), from.i32()),
  write: (to, { x, y, z }) => { to.u32(x); to.u32(y); to.u32(z) }
}

const vector4: Shape<types.Vector4> = {
  size: 16,
  read: from => new types.Vector4(from.f32(), from.f32(), from.f32(), from.f32()),
  write: (to, { x, y, z, w }) => { to.f32(x); to.f32(y); to.f32(z); to.f32(w) }
}

const vector4i: Shape<types.Vector4i> = {
  size: 16,
  read: from => new types.Vector4i(from.i32(), from.i32(), from.i32(), from.i32()),
  write: (to, { x, y, z, w }) => { to.u32(x); to.u32(y); to.u32(z); to.u32(w) }
}

const projection: Shape<types.Projection> = {
  size: 64,
  read: from => new types.Projection(vector4.read(from), vector4.read(from), vector4.read(from), vector4.read(from)),
  write: (to, { x, y, z, w }) => { vector4.write(to, x); vector4.write(to, y); vector4.write(to, z); vector4.write(to, w) }
}

/** Components as builds of double precision send them. */
function doubles (from: VariantReader): Components {
  return { f32: () => from.f64(), i32: () => from.i32() }
}

/** A shape of floats, which are f64 when bit 16 says so. We write f32, as ordinary builds do. */
function floats<Value> (name: string, type: Class<Value>, shape: Shape<Value>): VariantRow<Value> {
  return {
    ...rows.fixed(name, type, shape),
    read: (from, word) => shape.read(word & WIDE ? doubles(from) : from)
  }
}

/** A packed array of such shapes. */
function packedFloats<Item> (name: string, Pool: Class<types.PoolArray<Item>>, shape: Shape<Item>): VariantRow<types.PoolArray<Item>> {
  const narrow = rows.packed(name, Pool, shape)
  return {
    ...narrow,
    read: (from, word) => {
      if (!(word & WIDE)) return narrow.read(from, word)
      const components = doubles(from)
      return new Pool(rows.readItems(from.count(shape.size * 2), () => shape.read(components)))
    }
  }
}

const stringName: VariantRow<types.StringName> = {
  name: 'StringName',
  classes: [types.StringName],
  read: from => new types.StringName(from.string()),
  write: (to, { text }, type) => { to.u32(type); to.string(text) }
}

const rid: VariantRow<types.RID> = {
  name: 'RID',
  classes: [types.RID],
  read: from => new types.RID(from.u64()),
  write: (to, { id }, type) => { to.u32(type); to.u64(id) }
}

const callable: VariantRow<types.Callable> = {
  name: 'Callable',
  classes: [types.Callable],
  read: () => new types.Callable(),
  write: (to, value, type) => to.u32(type)
}

/** | name string | object id u64 | */
const signal: VariantRow<types.Signal> = {
  name: 'Signal',
  classes: [types.Signal],
  read: from => new types.Signal(from.string(), from.u64()),
  write: (to, { name, objectId }, type) => { to.u32(type); to.string(name); to.u64(objectId) }
}

/** | count u32 | i64 ... | */
const int64Array: VariantRow<BigInt64Array> = {
  name: 'PackedInt64Array',
  classes: [BigInt64Array],
  read: from => BigInt64Array.from(rows.readItems(from.count(8), () => from.i64())),
  write: (to, items, type) => {
    to.u32(type)
    to.u32(items.length)
    for (const item of items) to.u64(item)
  }
}

/** | count u32 | f64 ... | */
const float64Array: VariantRow<Float64Array> = {
  name: 'PackedFloat64Array',
  classes: [Float64Array],
  read: from => Float64Array.from(rows.readItems(from.count(8), () => from.f64())),
  write: (to, items, type) => {
    to.u32(type)
    to.u32(items.length)
    for (const item of items) to.f64(item)
  }
}

/** The 39 types of Godot 4, each at its number. */
const godot4: readonly VariantRow[] = [
  rows.nil,
  rows.bool,
  rows.int,
  { ...rows.real, name: 'float' },
  rows.string,
  floats('Vector2', types.Vector2, rows.vector2),
  rows.fixed('Vector2i', types.Vector2i, vector2i),
  floats('Rect2', types.Rect2, rows.rect2),
  rows.fixed('Rect2i', types.Rect2i, rect2i),
  floats('Vector3', types.Vector3, rows.vector3),
  rows.fixed('Vector3i', types.Vector3i, vector3i),
  floats('Transform2D', types.Transform2D, rows.transform2D),
  floats('Vector4', types.Vector4, vector4),
  rows.fixed('Vector4i', types.Vector4i, vector4i),
  floats('Plane', types.Plane, rows.plane),
  floats('Quaternion', types.Quaternion, rows.quat),
  floats('AABB', types.AABB, rows.aabb),
  floats('Basis', types.Basis, rows.basis),
  floats('Transform3D', types.Transform3D, rows.transform),
  floats('Projection', types.Projection, projection),
  rows.fixed('Color', types.Color, rows.color),
  stringName,
  rows.nodePath,
  rid,
  rows.object,
  callable,
  signal,
  dictionary,
  array,
  { ...rows.byteArray, name: 'PackedByteArray' },
  { ...rows.intArray, name: 'PackedInt32Array' },
  int64Array,
  { ...rows.realArray, name: 'PackedFloat32Array' },
  float64Array,
  { ...rows.stringArray, name: 'PackedStringArray' },
  packedFloats('PackedVector2Array', types.PackedVector2Array, rows.vector2),
  packedFloats('PackedVector3Array', types.PackedVector3Array, rows.vector3),
  rows.packed('PackedColorArray', types.PackedColorArray, rows.color),
  packedFloats('PackedVector4Array', types.PackedVector4Array, vector4)
]

/** Variants of Godot 4, which refuses more than 1024 levels, and text that is not strict UTF-8. */
export const variant4 = variantCodec(godot4, { maxDepth: 1024, strictText: true })
