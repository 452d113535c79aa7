import { Buffer } from 'node:buffer'
import { ByteWriter } from '../bytes.ts'
import { writeRpcArgument } from './rpc4-argument.ts'
import { command } from './scene-packet.ts'
import type { VariantCodec, VariantWriter } from '../variant/variant-codec.ts'
import type { Variant } from '../variant/variant-types.ts'

/**
 * Packets of Godot 4's MultiplayerSpawner and MultiplayerSynchronizer, little-endian; values are arguments as in remote
 * calls:
 *
 *   spawn    | 4 u8 | scene u8, 255: custom | spawner u32 | node u32 | synchronizers u32 | name size u32 | u32 each |
 *            | name NUL | bytes u32, one value (custom only) | the values that go with a spawn ... |
 *   despawn  | 5 u8 | node u32 |
 *   sync     | 6 u8 | time u16 | of each synchronizer: id u32, bytes u32, all values that are always sent ... |
 *   delta    | 16h u8 | of each synchronizer: id u32, which values u64 (a bit each), bytes u32, changed values ... |
 *
 * spawner: the id its path was announced under. Nodes and synchronizers have ids of their own, starting at 1.
 */
export interface Spawn {
  readonly spawner: number
  readonly node: number
  readonly synchronizers: readonly number[]
  readonly name: string
  /** Index of a scene that the spawner may spawn, or the argument of its spawn function. */
  readonly what: { readonly scene: number } | { readonly custom: Variant }
  readonly values: readonly Variant[]
}

/** Values of a synchronizer: all that are always sent, or those whose bits are set in `changed`. */
export interface Sync { readonly id: number, readonly values: readonly Variant[], readonly changed?: bigint }

/** Marks a custom spawn, in place of the index of a scene. */
const CUSTOM = 0xff
/** Flag of a sync that is a delta. */
const DELTA = 0x10
/** Limits of Godot for the bytes of a packet, unless a single synchronizer exceeds them. */
const MAX_SYNC = 1350
const MAX_DELTA = 65535

/** Encodes a spawn. Throws ERR_INVALID_PARAMETER for a value that is not a Variant; so do the functions below. */
export function encodeSpawn (codec: VariantCodec, spawn: Spawn): Uint8Array {
  return codec.build(writeSpawn, spawn)
}

function writeSpawn (to: VariantWriter, { spawner, node, synchronizers, name, what, values }: Spawn): void {
  to.u8(command.SPAWN)
  to.u8('scene' in what ? what.scene : CUSTOM)
  for (const number of [spawner, node, synchronizers.length]) to.u32(number)
  const sizeAt = to.length
  to.u32(0)
  for (const id of synchronizers) to.u32(id)
  const nameAt = to.length
  to.cstring(name)
  to.patchU32(sizeAt, to.length - nameAt)
  if ('custom' in what) writeSized(to, [what.custom])
  for (const value of values) writeRpcArgument(to, value)
}

/** Encodes a despawn. */
export function encodeDespawn (node: number): Uint8Array {
  const to = new ByteWriter()
  to.u8(command.DESPAWN)
  to.u32(node)
  return to.done()
}

/** Encodes a sync in packets as large as Godot's; `time` increases by one for each sync. */
export function encodeSyncs (codec: VariantCodec, time: number, syncs: readonly Sync[]): Uint8Array[] {
  return packed(codec, Uint8Array.of(command.SYNC, time & 0xff, time >> 8 & 0xff), syncs, MAX_SYNC)
}

/** Encodes changed values. */
export function encodeDeltas (codec: VariantCodec, syncs: readonly Sync[]): Uint8Array[] {
  return packed(codec, Uint8Array.of(command.SYNC | DELTA), syncs, MAX_DELTA)
}

/** Packets with this header, and as many synchronizers in each as fit. */
function packed (codec: VariantCodec, head: Uint8Array, syncs: readonly Sync[], limit: number): Uint8Array[] {
  const packets: Uint8Array[][] = []
  let room = 0
  for (const part of syncs.map(sync => codec.build(writeSync, sync))) {
    if (part.length > room) {
      packets.push([head])
      room = limit - head.length
    }
    packets.at(-1)!.push(part)
    room -= part.length
  }
  return packets.map(parts => Buffer.concat(parts))
}

function writeSync (to: VariantWriter, { id, values, changed }: Sync): void {
  to.u32(id)
  if (changed !== undefined) to.u64(changed)
  writeSized(to, values)
}

function writeSized (to: VariantWriter, values: readonly Variant[]): void {
  const at = to.length
  to.u32(0)
  for (const value of values) writeRpcArgument(to, value)
  to.patchU32(at, to.length - at - 4)
}
