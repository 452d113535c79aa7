import { Buffer } from 'node:buffer'
import { writeRpcArgument } from './rpc4-argument.ts'
import { command } from './scene-packet.ts'
import type { VariantWriter } from '../variant/variant-codec.ts'
import type { Variant } from '../variant/variant-types.ts'
import { variant4 } from '../variant/variant4.ts'

/**
 * Packets of Godot 4's MultiplayerSpawner and MultiplayerSynchronizer, little-endian; values are arguments as in remote calls:
 *
 *   spawn    | 4 u8 | scene u8, 255: custom | spawner u32 | node u32 | synchronizers u32 | bytes of the name u32 | a u32 each |
 *            | name NUL | bytes u32, one value (custom only) | the values that go with a spawn ... |
 *   despawn  | 5 u8 | node u32 |
 *   sync     | 6 u8 | time u16 | of each synchronizer: id u32, bytes u32, all values that are always sent ... |
 *   delta    | 16h u8 | of each synchronizer: id u32, which values u64 (a bit each), bytes u32, the values that changed ... |
 *
 * spawner: the number that its path was announced under. Nodes and synchronizers have numbers of their own, from 1 on.
 */
export interface Spawn {
  readonly spawner: number
  readonly node: number
  readonly synchronizers: readonly number[]
  readonly name: string
  /** Number of a scene that the spawner may spawn, or what its spawn function is given. */
  readonly what: { readonly scene: number } | { readonly custom: Variant }
  readonly values: readonly Variant[]
}

/** What a synchronizer sends: all its values of a kind, or those whose bits are set in `changed`. */
export interface Sync { readonly id: number, readonly values: readonly Variant[], readonly changed?: bigint }

/** A custom spawn in place of the number of a scene. */
const CUSTOM = 0xff
/** The flag that makes a sync a delta. */
const DELTA = 0x10
/** Bytes of a sync, as Godot keeps to unless a single one is larger. */
const MAX_SYNC = 1350
const MAX_DELTA = 65535

/** The bytes of a spawn. Throws ERR_INVALID_PARAMETER for what is no Variant; so too below. */
export function encodeSpawn (spawn: Spawn): Uint8Array {
  return variant4.build(writeSpawn, spawn)
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

/** The bytes of a despawn. */
export function encodeDespawn (node: number): Uint8Array {
  return variant4.build(to => {
    to.u8(command.DESPAWN)
    to.u32(node)
  }, undefined)
}

/** The packets of a sync, each as large as Godot makes them; `time` is one more for each sync. */
export function encodeSyncs (time: number, syncs: readonly Sync[]): Uint8Array[] {
  return packed(Uint8Array.of(command.SYNC, time & 0xff, time >> 8 & 0xff), syncs, MAX_SYNC)
}

/** The packets of what changed. */
export function encodeDeltas (syncs: readonly Sync[]): Uint8Array[] {
  return packed(Uint8Array.of(command.SYNC | DELTA), syncs, MAX_DELTA)
}

/** Packets with this head, and as many of the synchronizers in each as fit. */
function packed (head: Uint8Array, syncs: readonly Sync[], limit: number): Uint8Array[] {
  const packets: Uint8Array[][] = []
  let room = 0
  for (const part of syncs.map(sync => variant4.build(writeSync, sync))) {
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
