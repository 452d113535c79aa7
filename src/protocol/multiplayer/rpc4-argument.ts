import type { VariantReader, VariantWriter } from '../variant/variant-codec.ts'
import { int64, isInt } from '../variant/variant-types.ts'
import type { Variant } from '../variant/variant-types.ts'

/**
 * An argument of a Godot 4 RPC. The first byte has the type in bits 0..5 and a size in bits 6, 7:
 *
 *   bool           | 01 or 81: false or true |
 *   int            | 02, 42, 82 or c2 | i8, i16, i32 or i64 |
 *   anything else  | a Variant, from its first word on |
 */
const [BOOL, INT] = [1, 2]

/** Readers of an int, by its size. */
const readInt: ReadonlyArray<(from: VariantReader) => number | bigint> =
  [from => from.i8(), from => from.i16(), from => from.i32(), from => from.int64()]

/** Reads an argument; throws ERR_INVALID_DATA, or ERR_UNAUTHORIZED for an object that is not allowed. */
export function readRpcArgument (from: VariantReader): Variant {
  const [type, size] = [from.peek() & 0x3f, from.peek() >> 6]
  if (type !== BOOL && type !== INT) return size === 0 ? from.variant() : from.fail(`size bits at type ${type}`)
  from.skip(1)
  return type === BOOL ? size >= 2 : readInt[size](from)
}

/** Writes an argument in its shortest form; throws as `VariantWriter.variant` does. */
export function writeRpcArgument (to: VariantWriter, value: Variant): void {
  if (typeof value === 'boolean') to.u8(BOOL | Number(value) << 7)
  else if (typeof value === 'bigint' || (typeof value === 'number' && isInt(value))) writeInt(to, value)
  else to.variant(value)
}

function writeInt (to: VariantWriter, value: number | bigint): void {
  const size = [0x80, 0x8000, 0x80000000].filter(limit => value < -limit || value >= limit).length
  to.u8(INT | size << 6)
  if (size === 0) to.u8(Number(value))
  else if (size === 1) to.u16(Number(value))
  else if (size === 2) to.u32(Number(value))
  else to.u64(int64(BigInt(value)))
}
