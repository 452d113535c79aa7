/**
 * Godot's mathematical types, immutable, with Godot's names and defaults. Components are JavaScript numbers, which are
 * rounded to 32-bit floats when they are sent; those of types whose name ends in i are 32-bit integers.
 */

/** A 2D vector. */
export class Vector2 {
  readonly x: number
  readonly y: number

  constructor (x = 0, y = 0) {
    this.x = x
    this.y = y
  }
}

/** A rectangle: `position` of its corner, and `size`. */
export class Rect2 {
  readonly position: Vector2
  readonly size: Vector2

  constructor (position = new Vector2(), size = new Vector2()) {
    this.position = position
    this.size = size
  }
}

/** A 3D vector. */
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

/** A 2D transform by its columns: the `x` axis, the `y` axis and the `origin`. */
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

/** A plane: its `normal`, and its distance `d` from the origin. */
export class Plane {
  readonly normal: Vector3
  readonly d: number

  constructor (normal = new Vector3(), d = 0) {
    this.normal = normal
    this.d = d
  }
}

/** A rotation as a unit quaternion. */
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

/** An axis-aligned box: `position` of its corner, and `size`. */
export class AABB {
  readonly position: Vector3
  readonly size: Vector3

  constructor (position = new Vector3(), size = new Vector3()) {
    this.position = position
    this.size = size
  }
}

/** Rotation and scale in 3D by its columns: the `x`, `y` and `z` axes. */
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

/** A 3D transform. */
export class Transform {
  readonly basis: Basis
  readonly origin: Vector3

  constructor (basis = new Basis(), origin = new Vector3()) {
    this.basis = basis
    this.origin = origin
  }
}

/** Red, green, blue and alpha, 0 to 1; brighter colours exceed 1. */
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

/** A 2D vector of integers (Godot 4). */
export class Vector2i {
  readonly x: number
  readonly y: number

  constructor (x = 0, y = 0) {
    this.x = x
    this.y = y
  }
}

/** A rectangle of integers (Godot 4). */
export class Rect2i {
  readonly position: Vector2i
  readonly size: Vector2i

  constructor (position = new Vector2i(), size = new Vector2i()) {
    this.position = position
    this.size = size
  }
}

/** A 3D vector of integers (Godot 4). */
export class Vector3i {
  readonly x: number
  readonly y: number
  readonly z: number

  constructor (x = 0, y = 0, z = 0) {
    this.x = x
    this.y = y
    this.z = z
  }
}

/** A 4D vector (Godot 4). */
export class Vector4 {
  readonly x: number
  readonly y: number
  readonly z: number
  readonly w: number

  constructor (x = 0, y = 0, z = 0, w = 0) {
    this.x = x
    this.y = y
    this.z = z
    this.w = w
  }
}

/** A 4D vector of integers (Godot 4). */
export class Vector4i {
  readonly x: number
  readonly y: number
  readonly z: number
  readonly w: number

  constructor (x = 0, y = 0, z = 0, w = 0) {
    this.x = x
    this.y = y
    this.z = z
    this.w = w
  }
}

/** A 4x4 matrix by its columns (Godot 4). */
export class Projection {
  readonly x: Vector4
  readonly y: Vector4
  readonly z: Vector4
  readonly w: Vector4

  constructor (
    x = new Vector4(1, 0, 0, 0),
    y = new Vector4(0, 1, 0, 0),
    z = new Vector4(0, 0, 1, 0),
    w = new Vector4(0, 0, 0, 1)
  ) {
    this.x = x
    this.y = y
    this.z = z
    this.w = w
  }
}

// Godot 4's names.
export const Quaternion = Quat
export type Quaternion = Quat
export const Transform3D = Transform
export type Transform3D = Transform
