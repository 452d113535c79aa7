import type { VariantReader, VariantWriter } from '../variant/variant-codec.ts'

/** A node in a packet: the id its path was announced under, or the path itself, such as `Main/Pawn`. */
export type RpcNode = number | string

/** Bit of the node field that marks the offset of a path, counted from byte 0 of the packet. */
const FULL_PATH = 0x80000000

/**
 * The node that a field stands for. A path is cut off the end of `from`, so that a truncated argument cannot swallow
 * its bytes.
 */
export function readNode (from: VariantReader, field: number): RpcNode {
  // Godot accepts a final path without its NUL.
  return field < FULL_PATH ? field : from.split(field - FULL_PATH).cstring('optional')
}

/** What to write into the field of a node until `writePath` is called. */
export function nodeField (node: RpcNode): number {
  return typeof node === 'number' ? node : 0
}

/** Ends a packet: appends a path, and writes its offset into the u32 field at byte `fieldAt`. */
export function writePath (to: VariantWriter, node: RpcNode, fieldAt: number): void {
  if (typeof node === 'number') return
  to.patchU32(fieldAt, to.length + FULL_PATH)
  to.cstring(node)
}
