import { Buffer } from 'node:buffer'
import { ByteReader } from '../bytes.ts'
import { writeId } from './relay-packet.ts'
import { readRpcArgument, writeRpcArgument } from './rpc4-argument.ts'
import { command } from './scene-packet.ts'
import type { DecodeOptions, VariantCodec, VariantReader, VariantWriter } from '../variant/variant-codec.ts'
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
 * spawner: the id its path was announced under. Nodes and synchronizers have ids of their own, starting at 1; that of a
 * synchronizer that was not made by a spawner is PATH_BASED and the id of its path.
 */
export interface Spawn {
  readonly spawner: number
  readonly node: number
  readonly synchronizers: readonly number[]
  readonly name: string
  /** Index of a scene that the spawner may spawn, or the argument of its spawn function. */
  readonly what: { readonly scene: number } | { readonly custom: Variant }
  /** Encoded. */
  readonly values: readonly Uint8Array[]
}

/** Values of a synchronizer, encoded: all that are always sent, or those whose bits are set in `changed`. */
export interface Sync { readonly id: number, readonly values: Uint8Array, readonly changed?: bigint | undefined }

/** Marks a custom spawn, in place of the index of a scene. */
const CUSTOM = 0xff
/** Flag of a sync that is a delta. */
const DELTA = 0x10
/** Limits of Godot for the bytes of a packet, unless a single synchronizer exceeds them or the buffers are smaller. */
const MAX_SYNC = 1350
const MAX_DELTA = 65535

/** Encodes a spawn. Throws ERR_INVALID_PARAMETER for an argument that is not a Variant. */
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
  if ('custom' in what) writeSized(to, what.custom)
  for (const value of values) to.bytes(value)
}

function writeSized (to: VariantWriter, value: Variant): void {
  const at = to.length
  to.u32(0)
  writeRpcArgument(to, value)
  to.patchU32(at, to.length - at - 4)
}

/**
 * Decodes a spawn; all values are one view of their bytes. Throws ERR_INVALID_DATA for a packet that is cut off, and as
 * reading an argument does.
 */
export function decodeSpawn (codec: VariantCodec, bytes: Uint8Array, options?: DecodeOptions): Spawn {
  return codec.parse(readSpawn, bytes, options)
}

function readSpawn (from: VariantReader): Spawn {
  from.skip(1)
  const scene = from.u8()
  const [spawner, node] = [from.u32(), from.u32()]
  const count = from.count(4, from.u32())
  const size = from.u32()
  const synchronizers = Array.from({ length: count }, () => from.u32())
  const name = from.utf8(size)
  if (scene !== CUSTOM) return { spawner, node, synchronizers, name, what: { scene }, values: [from.rest()] }
  const length = from.u32()
  const values = from.split(from.offset + length)
  const custom = readRpcArgument(from)
  if (from.remaining > 0) from.fail('bytes after the custom value')
  return { spawner, node, synchronizers, name, what: { custom }, values: [values.rest()] }
}

/** Encodes a despawn. */
export function encodeDespawn (node: number): Uint8Array {
  const bytes = Uint8Array.of(command.DESPAWN, 0, 0, 0, 0)
  writeId(bytes, 1, node)
  return bytes
}

/** Decodes the id of the despawned node. Throws ERR_INVALID_DATA for a packet that is cut off. */
export function decodeDespawn (bytes: Uint8Array): number {
  const from = new ByteReader(bytes)
  from.skip(1)
  return from.u32()
}

/** Encodes a sync in packets as large as Godot's, or of `limit` bytes; `time` increases by one for each sync. */
export function encodeSyncs (time: number, syncs: readonly Sync[], limit: number = MAX_SYNC): Uint8Array[] {
  return packed([command.SYNC, time & 0xff, time >> 8 & 0xff], syncs, Math.min(limit, MAX_SYNC))
}

/** Encodes changed values, likewise. */
export function encodeDeltas (deltas: readonly Sync[], limit: number = MAX_DELTA): Uint8Array[] {
  return packed([command.SYNC | DELTA], deltas, Math.min(limit, MAX_DELTA))
}

/** Packets with this header, and as many synchronizers in each as fit. */
function packed (head: readonly number[], syncs: readonly Sync[], limit: number): Uint8Array[] {
  const packets: Uint8Array[] = []
  for (let from = 0; from < syncs.length;) {
    let size = head.length + sizeOf(syncs[from])
    let to = from + 1
    while (to < syncs.length && size + sizeOf(syncs[to]) <= limit) size += sizeOf(syncs[to++])
    packets.push(packet(head, syncs.slice(from, to), size))
    from = to
  }
  return packets
}

function sizeOf ({ values, changed }: Sync): number {
  return (changed === undefined ? 8 : 16) + values.length
}

function packet (head: readonly number[], syncs: readonly Sync[], size: number): Uint8Array {
  const bytes = Buffer.allocUnsafe(size)
  bytes.set(head)
  let at = head.length
  for (const { id, values, changed } of syncs) {
    at = bytes.writeUInt32LE(id, at)
    if (changed !== undefined) at = bytes.writeBigUInt64LE(changed, at)
    at = bytes.writeUInt32LE(values.length, at)
    bytes.set(values, at)
    at += values.length
  }
  return bytes
}

/**
 * Decodes a sync or a delta; the values are views. Throws ERR_INVALID_DATA for a packet that is cut off.
 */
export function decodeSyncs (bytes: Uint8Array): Sync[] {
  const from = new ByteReader(bytes)
  const isDelta = (from.u8() & DELTA) !== 0
  if (!isDelta) from.skip(2)
  const syncs: Sync[] = []
  while (from.remaining > 0) {
    const id = from.u32()
    const changed = isDelta ? from.u64() : undefined
    syncs.push({ id, changed, values: from.bytes(from.u32()) })
  }
  return syncs
}
