import type { ServerOptions } from '../../../options/option-types.ts'
import type { RelayWire } from '../../../protocol/multiplayer/relay-wire.ts'
import { relayWire3 } from '../../../protocol/multiplayer/relay-wire3.ts'
import { relayWire4 } from '../../../protocol/multiplayer/relay-wire4.ts'
import { decodeRpcPacket, encodeRpcPacket } from '../../../protocol/multiplayer/rpc-packet.ts'
import type { ReceivedPacket } from '../../../protocol/multiplayer/rpc-packet.ts'
import { decodeRpc4Packet } from '../../../protocol/multiplayer/rpc4-packet.ts'
import type { Rpc4Packet } from '../../../protocol/multiplayer/rpc4-packet.ts'
import type { VariantCodec } from '../../../protocol/variant/variant-codec.ts'
import { variant3 } from '../../../protocol/variant/variant.ts'
import { variant4 } from '../../../protocol/variant/variant4.ts'
import type { Announcement, RpcLink, RpcReceiver, RpcWire } from './rpc-wire.ts'
import { RpcWire3 } from './rpc-wire3.ts'
import { confirmations4, RpcWire4 } from './rpc-wire4.ts'

/** The protocol of the clients of one version of Godot. */
export interface Wire {
  readonly relay: RelayWire
  readonly variants: VariantCodec
  /** The path that a packet announces. Throws GodotError for a malformed packet; undefined for any other one. */
  announcementIn (packet: Uint8Array): Announcement | undefined
  /** The packets that confirm a path of a node that is not registered. */
  confirmationsOf (announcement: Announcement, options: ServerOptions): Uint8Array[]
  openRpc (link: RpcLink, receiver: RpcReceiver, options: ServerOptions): RpcWire
}

/** Every wire, by the value of option `wire`. */
export const wires: Readonly<Record<ServerOptions['wire'], Wire>> = {
  godot3: {
    relay: relayWire3,
    variants: variant3,
    announcementIn: packet => announcementOf(decodeRpcPacket(variant3, packet)),
    confirmationsOf: ({ path }) => [encodeRpcPacket(variant3, { type: 'confirmPath', path })],
    openRpc: (link, receiver) => new RpcWire3(link, receiver, variant3)
  },
  godot4: {
    relay: relayWire4,
    variants: variant4,
    announcementIn: packet => announcementOf(decodeRpc4Packet(variant4, packet)),
    confirmationsOf: (announcement, { confirmPath }) => confirmations4(variant4, confirmPath, true, announcement),
    openRpc: (link, receiver, { confirmPath }) => new RpcWire4(link, receiver, variant4, confirmPath)
  }
}

function announcementOf (packet: ReceivedPacket | Rpc4Packet): Announcement | undefined {
  return packet.type === 'simplifyPath' ? packet : undefined
}
