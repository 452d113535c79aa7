import { classNames, variantCodec } from './variant-codec.ts'
import type { VariantReader, VariantRow } from './variant-codec.ts'
import * as rows from './variant-rows.ts'
import type { Class } from './variant-rows.ts'
import * as shapes from './variant-shapes.ts'
import type { Components, Shape } from './variant-shapes.ts'
import * as types from './variant-types.ts'
import { array, dictionary } from './variant4-containers.ts'

/** Components as double precision builds send them. */
function doubles (from: VariantReader): Components {
  return { f32: () => from.f64(), i32: () => from.i32() }
}

/** A shape of floats, which are f64 if bit 16 is set. Written as f32, as ordinary builds do. */
function floats<Value> (name: string, type: Class<Value>, shape: Shape<Value>): VariantRow<Value> {
  return {
    ...rows.fixed(name, type, shape),
    read: (from, word) => shape.read(word & rows.WIDE ? doubles(from) : from)
  }
}

/** A packed array of such shapes. */
function packedFloats<Item> (
  name: string,
  Pool: Class<types.PoolArray<Item>>,
  shape: Shape<Item>
): VariantRow<types.PoolArray<Item>> {
  const narrow = rows.packed(name, Pool, shape)
  return {
    ...narrow,
    read: (from, word) => {
      if (!(word & rows.WIDE)) return narrow.read(from, word)
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

/** The 39 types of Godot 4, each at its number. */
const godot4: readonly VariantRow[] = [
  rows.nil,
  rows.bool,
  rows.int,
  { ...rows.real, name: 'float' },
  rows.string,
  floats('Vector2', types.Vector2, shapes.vector2),
  rows.fixed('Vector2i', types.Vector2i, shapes.vector2i),
  floats('Rect2', types.Rect2, shapes.rect2),
  rows.fixed('Rect2i', types.Rect2i, shapes.rect2i),
  floats('Vector3', types.Vector3, shapes.vector3),
  rows.fixed('Vector3i', types.Vector3i, shapes.vector3i),
  floats('Transform2D', types.Transform2D, shapes.transform2D),
  floats('Vector4', types.Vector4, shapes.vector4),
  rows.fixed('Vector4i', types.Vector4i, shapes.vector4i),
  floats('Plane', types.Plane, shapes.plane),
  floats('Quaternion', types.Quaternion, shapes.quat),
  floats('AABB', types.AABB, shapes.aabb),
  floats('Basis', types.Basis, shapes.basis),
  floats('Transform3D', types.Transform3D, shapes.transform),
  floats('Projection', types.Projection, shapes.projection),
  rows.fixed('Color', types.Color, shapes.color),
  stringName,
  rows.nodePath,
  rid,
  rows.object,
  callable,
  signal,
  dictionary,
  array,
  { ...rows.byteArray, name: 'PackedByteArray' },
  rows.integers('PackedInt32Array', Int32Array),
  rows.integers('PackedInt64Array', BigInt64Array),
  rows.reals('PackedFloat32Array', Float32Array),
  rows.reals('PackedFloat64Array', Float64Array),
  { ...rows.stringArray, name: 'PackedStringArray' },
  packedFloats('PackedVector2Array', types.PackedVector2Array, shapes.vector2),
  packedFloats('PackedVector3Array', types.PackedVector3Array, shapes.vector3),
  rows.packed('PackedColorArray', types.PackedColorArray, shapes.color),
  packedFloats('PackedVector4Array', types.PackedVector4Array, shapes.vector4)
]

/** Godot 4's name of the type of each class. */
export const classNames4 = classNames(godot4)

/** Variants of Godot 4, which refuses more than 1024 levels and text that is not strict UTF-8. */
export const variant4 = variantCodec(godot4, { maxDepth: 1024, strictText: true })

/** As `encodeVariant`, for Godot 4: the bytes of `var_to_bytes`. */
export const encodeVariant4 = variant4.encode

/** As `decodeVariant`, for Godot 4: the value of `bytes_to_var`. */
export const decodeVariant4 = variant4.decode
