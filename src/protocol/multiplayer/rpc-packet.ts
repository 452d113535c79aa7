import { GodotError } from '../../error.ts'
import type { VariantReader, VariantWriter } from '../variant/variant-codec.ts'
import type { DecodeOptions, EncodeOptions } from '../variant/variant-codec.ts'
import type { Variant } from '../variant/variant-types.ts'
import { variant3 } from '../variant/variant.ts'

/**
 * RPC packets of Godot 3, the payload of multiplayer data packets, little-endian; texts are UTF-8 ended by one NUL:
 *
 *   remote call    | 0 u8 | node u32 | name NUL | count u8 | count Variants ... | path NUL, in the full-path form |
 *   remote set     | 1 u8 | node u32 | name NUL | Variant ...                   | path NUL, in the full-path form |
 *   simplify path  | 2 u8 | id u32 | path NUL |
 *   confirm path   | 3 u8 | path NUL |
 *   raw            | 4 u8 | bytes ... |
 *
 * node: an id announced by simplify path; or with bit 31 set, the offset of the path from byte 0 (full-path form).
 */
export type RpcPacket = RemoteCall | RemoteSet | SimplifyPath | ConfirmPath | Raw

/** A node: the number its path was announced under, or the path itself, such as `Main/Pawn`. */
export type RpcNode = number | string

export interface RemoteCall { type: 'remoteCall', node: RpcNode, name: string, args: readonly Variant[] }
export interface RemoteSet { type: 'remoteSet', node: RpcNode, name: string, value: Variant }
/** `id` stands for `path` in what its sender sends from now on; to be answered by a ConfirmPath. */
export interface SimplifyPath { type: 'simplifyPath', id: number, path: string }
export interface ConfirmPath { type: 'confirmPath', path: string }
/** The bytes of `send_bytes`, at least one. */
export interface Raw { type: 'raw', bytes: Uint8Array }

/** Bit of the node that marks an offset. */
const FULL_PATH = 0x80000000

/** How one packet stands in bytes, after byte 0. */
interface Row<Packet> {
  type: RpcPacket['type']
  read (from: VariantReader): Packet
  write (to: VariantWriter, packet: Packet): void
}

/** The packets, each at its command number. */
const rows: ReadonlyArray<Row<any>> = [
  {
    type: 'remoteCall',
    read: (from): RemoteCall => {
      const node = readNode(from)
      const name = from.cstring()
      return { type: 'remoteCall', node, name, args: readArguments(from) }
    },
    write: (to, { node, name, args }: RemoteCall) => writeMember(to, node, name, () => writeArguments(to, args))
  },
  {
    type: 'remoteSet',
    read: (from): RemoteSet => {
      const node = readNode(from)
      return { type: 'remoteSet', node, name: from.cstring(), value: from.variant() }
    },
    write: (to, { node, name, value }: RemoteSet) => writeMember(to, node, name, () => to.variant(value))
  },
  {
    type: 'simplifyPath',
    // Godot does not miss the NUL of a path at the end.
    read: (from): SimplifyPath => ({ type: 'simplifyPath', id: from.u32(), path: from.cstring('optional') }),
    write: (to, { id, path }: SimplifyPath) => { to.u32(id); to.cstring(path) }
  },
  {
    type: 'confirmPath',
    read: (from): ConfirmPath => ({ type: 'confirmPath', path: from.cstring('optional') }),
    write: (to, { path }: ConfirmPath) => to.cstring(path)
  },
  {
    type: 'raw',
    read: (from): Raw => from.remaining > 0 ? { type: 'raw', bytes: from.rest() } : from.fail('raw packet without bytes'),
    write: (to, { bytes }: Raw) => {
      if (bytes.length === 0) throw new GodotError('ERR_INVALID_DATA', 'a raw packet has at least one byte')
      to.bytes(bytes)
    }
  }
]

const commands = new Map(rows.map((row, command) => [row.type, command]))

/**
 * The RPC packet in `bytes`. Bytes after the last argument are ignored; `bytes` of a raw packet are a view.
 * Throws ERR_INVALID_DATA naming the byte, or ERR_UNAUTHORIZED for an object among the arguments unless allowed.
 */
export function decodeRpcPacket (bytes: Uint8Array, options?: DecodeOptions): RpcPacket {
  return variant3.parse(readPacket, bytes, options)
}

function readPacket (from: VariantReader): RpcPacket {
  const command = from.u8()
  const row = rows[command] ?? from.fail(`no RPC command ${command}`, 0)
  return row.read(from)
}

/** The bytes of an RPC packet. Throws ERR_INVALID_PARAMETER for values, names or counts that cannot be sent. */
export function encodeRpcPacket (packet: RpcPacket, options?: EncodeOptions): Uint8Array {
  return variant3.build(writePacket, packet, options)
}

function writePacket (to: VariantWriter, packet: RpcPacket): void {
  const command = commands.get(packet.type) as number
  to.u8(command)
  rows[command].write(to, packet)
}

/** Arguments end where the path starts, so that one cut short cannot swallow it. */
function readNode (from: VariantReader): RpcNode {
  const node = from.u32()
  return node < FULL_PATH ? node : from.split(node - FULL_PATH).cstring('optional')
}

function readArguments (from: VariantReader): Variant[] {
  const args: Variant[] = []
  for (let left = from.u8(); left > 0; left--) args.push(from.variant())
  return args
}

function writeArguments (to: VariantWriter, args: readonly Variant[]): void {
  if (args.length > 255) throw new GodotError('ERR_INVALID_PARAMETER', `${args.length} arguments, at most 255 can be sent`)
  to.u8(args.length)
  for (const arg of args) to.variant(arg)
}

function writeMember (to: VariantWriter, node: RpcNode, name: string, writeContent: () => void): void {
  const at = to.length
  to.u32(typeof node === 'number' ? node : 0)
  to.cstring(name)
  writeContent()
  if (typeof node === 'number') return
  to.patchU32(at, to.length + FULL_PATH)
  to.cstring(node)
}
