import type { ValueOptions } from '../../../src/protocol/multiplayer/encoded-values.ts'
import { decodeRpcPacket } from '../../../src/protocol/multiplayer/rpc-packet.ts'
import { variant3 } from '../../../src/protocol/variant/variant.ts'
import type { RpcPacket } from '../../../src/protocol/multiplayer/rpc-packet.ts'
import { decodeRpc4Packet } from '../../../src/protocol/multiplayer/rpc4-packet.ts'
import { variant4 } from '../../../src/protocol/variant/variant4.ts'
import type { RemoteCall4, Rpc4Packet } from '../../../src/protocol/multiplayer/rpc4-packet.ts'
import type { Variant } from '../../../src/protocol/variant/variant-types.ts'

/** Decodes a packet of Godot 3 including its values. */
export function decodeWholeRpcPacket (bytes: Uint8Array, options?: ValueOptions): RpcPacket {
  const packet = decodeRpcPacket(variant3, bytes)
  if (!('values' in packet)) return packet
  const { type, node, name } = packet
  const values = packet.values.decode(options)
  return type === 'remoteCall' ? { type, node, name, args: values } : { type, node, name, value: values[0] }
}

/** A call of Godot 4 with decoded arguments. */
export type DecodedCall4 = Omit<RemoteCall4, 'values'> & { args: readonly Variant[] }

/** Decodes a packet of Godot 4 including its arguments. */
export function decodeWholeRpc4Packet (
  bytes: Uint8Array, options?: ValueOptions
): Exclude<Rpc4Packet, RemoteCall4> | DecodedCall4 {
  const packet = decodeRpc4Packet(variant4, bytes)
  if (packet.type !== 'remoteCall') return packet
  const { type, node, method } = packet
  return { type, node, method, args: packet.values.decode(options) }
}
