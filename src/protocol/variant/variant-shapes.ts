import type { ByteReader, ByteWriter } from '../bytes.ts'
import { AABB, Basis, Color, Plane, Quat, Rect2, Transform, Transform2D, Vector2, Vector3 } from './math-types.ts'
import { Projection, Rect2i, Vector2i, Vector3i, Vector4, Vector4i } from './math-types.ts'

/** Source of the components of a shape, one after the other. */
export type Components = Pick<ByteReader, 'f32' | 'i32'>

/** Encoding of a value of fixed size. */
export interface Shape<Value> {
  readonly size: number
  read (from: Components): Value
  write (to: ByteWriter, value: Value): void
}

export const vector2: Shape<Vector2> = {
  size: 8,
  read: from => new Vector2(from.f32(), from.f32()),
  write: (to, { x, y }) => { to.f32(x); to.f32(y) }
}

export const rect2: Shape<Rect2> = {
  size: 16,
  read: from => new Rect2(vector2.read(from), vector2.read(from)),
  write: (to, { position, size }) => { vector2.write(to, position); vector2.write(to, size) }
}

export const vector3: Shape<Vector3> = {
  size: 12,
  read: from => new Vector3(from.f32(), from.f32(), from.f32()),
  write: (to, { x, y, z }) => { to.f32(x); to.f32(y); to.f32(z) }
}

export const transform2D: Shape<Transform2D> = {
  size: 24,
  read: from => new Transform2D(vector2.read(from), vector2.read(from), vector2.read(from)),
  write: (to, { x, y, origin }) => { vector2.write(to, x); vector2.write(to, y); vector2.write(to, origin) }
}

export const plane: Shape<Plane> = {
  size: 16,
  read: from => new Plane(vector3.read(from), from.f32()),
  write: (to, { normal, d }) => { vector3.write(to, normal); to.f32(d) }
}

export const quat: Shape<Quat> = {
  size: 16,
  read: from => new Quat(from.f32(), from.f32(), from.f32(), from.f32()),
  write: (to, { x, y, z, w }) => { to.f32(x); to.f32(y); to.f32(z); to.f32(w) }
}

export const aabb: Shape<AABB> = {
  size: 24,
  read: from => new AABB(vector3.read(from), vector3.read(from)),
  write: (to, { position, size }) => { vector3.write(to, position); vector3.write(to, size) }
}

/** Sent row by row; scripts see the axes, which are the columns. */
export const basis: Shape<Basis> = {
  size: 36,
  read: from => {
    const [first, second, third] = [vector3.read(from), vector3.read(from), vector3.read(from)]
    return new Basis(
      new Vector3(first.x, second.x, third.x),
      new Vector3(first.y, second.y, third.y),
      new Vector3(first.z, second.z, third.z))
  },
  write: (to, { x, y, z }) => {
    to.f32(x.x); to.f32(y.x); to.f32(z.x)
    to.f32(x.y); to.f32(y.y); to.f32(z.y)
    to.f32(x.z); to.f32(y.z); to.f32(z.z)
  }
}

export const transform: Shape<Transform> = {
  size: 48,
  read: from => new Transform(basis.read(from), vector3.read(from)),
  write: (to, value) => { basis.write(to, value.basis); vector3.write(to, value.origin) }
}

export const color: Shape<Color> = {
  size: 16,
  read: from => new Color(from.f32(), from.f32(), from.f32(), from.f32()),
  write: (to, { r, g, b, a }) => { to.f32(r); to.f32(g); to.f32(b); to.f32(a) }
}

// Shapes of Godot 4 only.

export const vector2i: Shape<Vector2i> = {
  size: 8,
  read: from => new Vector2i(from.i32(), from.i32()),
  write: (to, { x, y }) => { to.u32(x); to.u32(y) }
}

export const rect2i: Shape<Rect2i> = {
  size: 16,
  read: from => new Rect2i(vector2i.read(from), vector2i.read(from)),
  write: (to, { position, size }) => { vector2i.write(to, position); vector2i.write(to, size) }
}

export const vector3i: Shape<Vector3i> = {
  size: 12,
  read: from => new Vector3i(from.i32(), from.i32(), from.i32()),
  write: (to, { x, y, z }) => { to.u32(x); to.u32(y); to.u32(z) }
}

export const vector4: Shape<Vector4> = {
  size: 16,
  read: from => new Vector4(from.f32(), from.f32(), from.f32(), from.f32()),
  write: (to, { x, y, z, w }) => { to.f32(x); to.f32(y); to.f32(z); to.f32(w) }
}

export const vector4i: Shape<Vector4i> = {
  size: 16,
  read: from => new Vector4i(from.i32(), from.i32(), from.i32(), from.i32()),
  write: (to, { x, y, z, w }) => { to.u32(x); to.u32(y); to.u32(z); to.u32(w) }
}

export const projection: Shape<Projection> = {
  size: 64,
  read: from => new Projection(vector4.read(from), vector4.read(from), vector4.read(from), vector4.read(from)),
  write: (to, { x, y, z, w }) => { for (const column of [x, y, z, w]) vector4.write(to, column) }
}
