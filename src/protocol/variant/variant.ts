import { classNames, variantCodec } from './variant-codec.ts'
import type { VariantRow } from './variant-codec.ts'
import * as rows from './variant-rows.ts'
import * as shapes from './variant-shapes.ts'
import * as types from './variant-types.ts'

/** In Godot 3 a path without names is empty, even if it is marked absolute. */
const nodePath: VariantRow<types.NodePath> = {
  ...rows.nodePath,
  read: (from, word) => {
    const path = rows.nodePath.read(from, word)
    return path.names.length + path.subnames.length === 0 ? new types.NodePath() : path
  }
}

/** The 27 types of Godot 3, each at its number. */
const godot3: readonly VariantRow[] = [
  rows.nil,
  rows.bool,
  rows.int,
  rows.real,
  rows.string,
  rows.fixed('Vector2', types.Vector2, shapes.vector2),
  rows.fixed('Rect2', types.Rect2, shapes.rect2),
  rows.fixed('Vector3', types.Vector3, shapes.vector3),
  rows.fixed('Transform2D', types.Transform2D, shapes.transform2D),
  rows.fixed('Plane', types.Plane, shapes.plane),
  rows.fixed('Quat', types.Quat, shapes.quat),
  rows.fixed('AABB', types.AABB, shapes.aabb),
  rows.fixed('Basis', types.Basis, shapes.basis),
  rows.fixed('Transform', types.Transform, shapes.transform),
  rows.fixed('Color', types.Color, shapes.color),
  nodePath,
  { name: 'RID', classes: [types.RID], read: () => new types.RID(), write: (to, value, type) => to.u32(type) },
  rows.object,
  rows.dictionary,
  rows.array,
  rows.byteArray,
  rows.integers('PoolIntArray', Int32Array),
  rows.reals('PoolRealArray', Float32Array),
  rows.stringArray,
  rows.packed('PoolVector2Array', types.PoolVector2Array, shapes.vector2),
  rows.packed('PoolVector3Array', types.PoolVector3Array, shapes.vector3),
  rows.packed('PoolColorArray', types.PoolColorArray, shapes.color)
]

/** Godot 3's name of the type of each class. */
export const classNames3 = classNames(godot3)

/** Variants of Godot 3, which refuses more than 100 levels since 3.4. */
export const variant3 = variantCodec(godot3, { maxDepth: 100, strictText: false })

/**
 * The bytes of `value`, equal to those of Godot 3's `var2bytes`. A whole number is an int, any other a real: see `int`
 * and `float`. Throws ERR_INVALID_PARAMETER if it is not a Variant, ERR_UNAUTHORIZED for an `EncodedObject` unless
 * allowed.
 */
export const encodeVariant = variant3.encode

/**
 * The value at the start of `bytes`, as Godot 3's `bytes2var` returns it; bytes after it are ignored.
 * Throws ERR_INVALID_DATA naming the byte, or ERR_UNAUTHORIZED for an object sent in full unless allowed.
 */
export const decodeVariant = variant3.decode
