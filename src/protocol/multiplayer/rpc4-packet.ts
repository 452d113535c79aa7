import { Buffer } from 'node:buffer'
import { readI32 } from '../bytes.ts'
import type { VariantCodec, VariantReader, VariantWriter } from '../variant/variant-codec.ts'
import type { Variant } from '../variant/variant-types.ts'
import { checkArgumentCount, EncodedValues, valueLayout } from './encoded-values.ts'
import { readRpcArgument, writeRpcArgument } from './rpc4-argument.ts'
import { nodeField, readNode, writePath } from './rpc-node.ts'
import type { RpcNode } from './rpc-node.ts'
import { command } from './scene-packet.ts'

/**
 * Packets of remote calls of Godot 4, little-endian; texts are UTF-8 ended by one NUL:
 *
 *   remote call    | 0, flags u8 | node u8, u16, u32 | method u8, u16 | count u8 | arguments ... |
 *                  | path NUL (full-path form) |
 *   simplify path  | 1 u8 | MD5 of the method list in 32 hex digits, NUL | id u32 | path NUL |
 *   confirm path   | 2 u8 | lists are equal u8 | id u32 |           since Godot 4.3
 *                  | 2 u8 | lists are equal u8 | path NUL |         until Godot 4.2
 *   raw            | 3 u8 | bytes ... |
 *   spawn, despawn, sync: 4, 5, 6; see replication4-packet.ts
 *
 * flags of a call: bits 4, 5 size of the node (0 u8, 1 u16, 2 u32); bit 6 size of the method (0 u8, 1 u16); bit 7:
 * there is no count, what follows is one byte array, or nothing at all. node: an id announced by simplify path; or, u32
 * only, with bit 31 set the offset of the path from byte 0.
 */
export type Rpc4Packet = RemoteCall4 | SimplifyPath4 | ConfirmPath4 | Raw4 | Replication4

/** `method` is a number of a MethodList. The arguments have not been decoded: the receiver may not want them. */
export interface RemoteCall4 { type: 'remoteCall', node: RpcNode, method: number, values: EncodedValues }
/** `id` stands for `path` in what its sender sends from now on; its node has the methods of the list with this MD5. */
export interface SimplifyPath4 { type: 'simplifyPath', md5: string, id: number, path: string }
/**
 * Confirms an announcement. When received, `id` and `path` are what the bytes mean in either form; six bytes may be of
 * both.
 */
export interface ConfirmPath4 {
  type: 'confirmPath'
  isEqual: boolean
  id?: number | undefined
  path?: string | undefined
}
/** The bytes of `send_bytes`, at least one. */
export interface Raw4 { type: 'raw', bytes: Uint8Array }
/** A packet of spawners and synchronizers, whole: see replication4-packet.ts. */
export interface Replication4 { type: 'replication', bytes: Uint8Array }

/** Flags of a call; at NODE_SHIFT the size of the node: 0 u8, 1 u16, 2 u32. */
const NODE_SHIFT = 4
const WIDE_METHOD = 0x40
const NO_COUNT = 0x80
const MD5_DIGITS = 32

/** Arguments after their count. */
const counted = valueLayout(from => from.u8(), readRpcArgument)
/** One byte array without a count, or nothing. */
const bare = valueLayout(from => Math.min(from.remaining, 1), from => Uint8Array.from(from.rest()))

/** Reads one packet, after byte 0. */
type Read = (from: VariantReader, flags: number, codec: VariantCodec) => Rpc4Packet

/** Readers of the packets, by command; SYS is not among them. */
const readers: readonly Read[] = [
  readCall,
  from => {
    const md5 = Buffer.from(from.bytes(MD5_DIGITS)).toString('latin1')
    from.skip(1)
    // Godot accepts a final path without its NUL.
    return { type: 'simplifyPath', md5, id: from.u32(), path: from.cstring('optional') }
  },
  readConfirmation,
  from => from.remaining > 0 ? { type: 'raw', bytes: from.rest() } : from.fail('raw packet without bytes'),
  readReplication,
  readReplication,
  readReplication
]

/**
 * The packet in `bytes`; its values and the `bytes` of a raw packet are views. Bytes after the last argument are
 * ignored. Throws ERR_INVALID_DATA naming the byte.
 */
export function decodeRpc4Packet (codec: VariantCodec, bytes: Uint8Array): Rpc4Packet {
  return codec.parse(from => readPacket(codec, from), bytes)
}

function readPacket (codec: VariantCodec, from: VariantReader): Rpc4Packet {
  const first = from.u8()
  const read = readers[first & 7] ?? from.fail('unexpected SYS packet', 0)
  return read(from, first, codec)
}

function readReplication (from: VariantReader): Rpc4Packet {
  return { type: 'replication', bytes: from.source.subarray(from.offset - 1, from.end) }
}

function readCall (from: VariantReader, flags: number, codec: VariantCodec): RemoteCall4 {
  const node = readNode(from, readNumber(from, flags >> NODE_SHIFT & 3))
  const method = flags & WIDE_METHOD ? from.u16() : from.u8()
  const layout = flags & NO_COUNT ? bare : counted
  const values = new EncodedValues(codec, layout, from.source, from.offset, from.end)
  return { type: 'remoteCall', node, method, values }
}

function readNumber (from: VariantReader, size: number): number {
  switch (size) {
    case 0: return from.u8()
    case 1: return from.u16()
    case 2: return from.u32()
    default: return from.fail('invalid node size', 0)
  }
}

/** Six bytes may have either form. */
function readConfirmation (from: VariantReader): ConfirmPath4 {
  const isEqual = from.u8() !== 0
  const rest = from.rest()
  const end = rest.indexOf(0)
  const isPath = end > 0 && end === rest.length - 1
  if (rest.length !== 4 && !isPath) return from.fail('invalid confirmation', 0)
  const id = rest.length === 4 ? readI32(rest, 0) >>> 0 : undefined
  return { type: 'confirmPath', isEqual, id, path: isPath ? Buffer.from(rest.subarray(0, end)).toString() : undefined }
}

/**
 * Encodes a call; `isWide`: an id of a node takes four bytes, however small. Throws ERR_INVALID_PARAMETER for values
 * that cannot be sent.
 */
export function encodeCall4 (
  codec: VariantCodec,
  node: RpcNode,
  method: number,
  args: readonly Variant[],
  isWide = false
): Uint8Array {
  return codec.build(writeCall, { node, method, args, isWide })
}

/** Encodes the announcement of a path. */
export function encodeSimplifyPath4 (codec: VariantCodec, md5: string, id: number, path: string): Uint8Array {
  return codec.build(to => {
    to.u8(command.SIMPLIFY_PATH)
    to.cstring(md5)
    to.u32(id)
    to.cstring(path)
  }, undefined)
}

/** Encodes a confirmation, with the id as since Godot 4.3, or the path as until 4.2. */
export function encodeConfirmPath4 (codec: VariantCodec, isEqual: boolean, node: RpcNode): Uint8Array {
  return codec.build(to => {
    to.u8(command.CONFIRM_PATH)
    to.u8(Number(isEqual))
    if (typeof node === 'number') to.u32(node)
    else to.cstring(node)
  }, undefined)
}

interface Call { node: RpcNode, method: number, args: readonly Variant[], isWide: boolean }

function writeCall (to: VariantWriter, { node, method, args, isWide }: Call): void {
  checkArgumentCount(args)
  const size = typeof node === 'string' || isWide || node > 0xffff ? 2 : Number(node > 0xff)
  const isBare = args.length === 0 || isLoneBytes(args)
  to.u8(command.REMOTE_CALL | size << NODE_SHIFT | (method > 0xff ? WIDE_METHOD : 0) | (isBare ? NO_COUNT : 0))
  const fieldAt = to.length
  writeNumber(to, nodeField(node), size)
  writeNumber(to, method, Number(method > 0xff))
  if (isBare) to.bytes((args[0] ?? EMPTY) as Uint8Array)
  else writeArguments(to, args)
  writePath(to, node, fieldAt)
}

const EMPTY = new Uint8Array()

/** An empty byte array would arrive as no argument (a defect of Godot), so it is sent as a Variant. */
function isLoneBytes (args: readonly Variant[]): boolean {
  return args.length === 1 && args[0] instanceof Uint8Array && args[0].length > 0
}

function writeNumber (to: VariantWriter, number: number, size: number): void {
  if (size === 0) to.u8(number)
  else if (size === 1) to.u16(number)
  else to.u32(number)
}

function writeArguments (to: VariantWriter, args: readonly Variant[]): void {
  to.u8(args.length)
  for (const arg of args) writeRpcArgument(to, arg)
}
