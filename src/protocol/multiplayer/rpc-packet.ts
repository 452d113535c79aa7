import { GodotError } from '../../error.ts'
import type { EncodeOptions, VariantCodec, VariantReader, VariantWriter } from '../variant/variant-codec.ts'
import type { Variant } from '../variant/variant-types.ts'
import { checkArgumentCount, EncodedValues, valueLayout } from './encoded-values.ts'
import type { ValueLayout } from './encoded-values.ts'
import { nodeField, readNode, writePath } from './rpc-node.ts'
import type { RpcNode } from './rpc-node.ts'

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

export interface RemoteCall { type: 'remoteCall', node: RpcNode, name: string, args: readonly Variant[] }
export interface RemoteSet { type: 'remoteSet', node: RpcNode, name: string, value: Variant }
/** `id` stands for `path` in what its sender sends from now on; the answer is a ConfirmPath. */
export interface SimplifyPath { type: 'simplifyPath', id: number, path: string }
export interface ConfirmPath { type: 'confirmPath', path: string }
/** The bytes of `send_bytes`, at least one. */
export interface Raw { type: 'raw', bytes: Uint8Array }

/** A remote call or set whose values have not been decoded: the receiver may not want them. */
export interface ReceivedMember { type: 'remoteCall' | 'remoteSet', node: RpcNode, name: string, values: EncodedValues }

/** A packet as it is received. */
export type ReceivedPacket = ReceivedMember | SimplifyPath | ConfirmPath | Raw

const callLayout = valueLayout(from => from.u8(), from => from.variant())
const setLayout = valueLayout(() => 1, from => from.variant())

/** Reads and writes one packet, after byte 0. */
interface Row<Packet> {
  type: RpcPacket['type']
  read (from: VariantReader, codec: VariantCodec): ReceivedPacket
  write (to: VariantWriter, packet: Packet): void
}

/** The packets, by command number. */
const rows: ReadonlyArray<Row<any>> = [
  {
    type: 'remoteCall',
    read: (from, codec) => readMember(from, codec, 'remoteCall', callLayout),
    write: (to, { node, name, args }: RemoteCall) => writeMember(to, node, name, () => writeArguments(to, args))
  },
  {
    type: 'remoteSet',
    read: (from, codec) => readMember(from, codec, 'remoteSet', setLayout),
    write: (to, { node, name, value }: RemoteSet) => writeMember(to, node, name, () => to.variant(value))
  },
  {
    type: 'simplifyPath',
    // Godot accepts a final path without its NUL.
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
    read: (from): Raw => {
      if (from.remaining === 0) from.fail('raw packet without bytes')
      return { type: 'raw', bytes: from.rest() }
    },
    write: (to, { bytes }: Raw) => {
      if (bytes.length === 0) throw new GodotError('ERR_INVALID_DATA', 'empty packet: expected at least one byte')
      to.bytes(bytes)
    }
  }
]

const commands = new Map(rows.map((row, command) => [row.type, command]))

/** Command number of an announcement. */
export const SIMPLIFY_PATH = commands.get('simplifyPath') as number

/**
 * The RPC packet in `bytes`; its values and the `bytes` of a raw packet are views. Bytes after the last argument are
 * ignored. Throws ERR_INVALID_DATA naming the byte.
 */
export function decodeRpcPacket (codec: VariantCodec, bytes: Uint8Array): ReceivedPacket {
  return codec.parse(from => readPacket(codec, from), bytes)
}

function readPacket (codec: VariantCodec, from: VariantReader): ReceivedPacket {
  const command = from.u8()
  const row = rows[command] ?? from.fail(`unknown RPC command ${command}`, 0)
  return row.read(from, codec)
}

function readMember (
  from: VariantReader,
  codec: VariantCodec,
  type: ReceivedMember['type'],
  layout: ValueLayout
): ReceivedMember {
  const node = readNode(from, from.u32())
  const name = from.cstring()
  return { type, node, name, values: new EncodedValues(codec, layout, from.source, from.offset, from.end) }
}

/**
 * Encodes an RPC packet. Throws ERR_INVALID_PARAMETER for values that cannot be sent, ERR_UNAUTHORIZED for an object
 * unless allowed.
 */
export function encodeRpcPacket (codec: VariantCodec, packet: RpcPacket, options?: EncodeOptions): Uint8Array {
  return codec.build(writePacket, packet, options)
}

function writePacket (to: VariantWriter, packet: RpcPacket): void {
  const command = commands.get(packet.type) as number
  to.u8(command)
  rows[command].write(to, packet)
}

function writeArguments (to: VariantWriter, args: readonly Variant[]): void {
  checkArgumentCount(args)
  to.u8(args.length)
  for (const arg of args) to.variant(arg)
}

function writeMember (to: VariantWriter, node: RpcNode, name: string, writeContent: () => void): void {
  const fieldAt = to.length
  to.u32(nodeField(node))
  to.cstring(name)
  writeContent()
  writePath(to, node, fieldAt)
}
