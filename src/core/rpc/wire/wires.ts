import type { ServerOptions } from '../../../options/option-types.ts'
import type { RelayWire } from '../../../protocol/multiplayer/relay-wire.ts'
import { relayWire3 } from '../../../protocol/multiplayer/relay-wire3.ts'
import { relayWire4 } from '../../../protocol/multiplayer/relay-wire4.ts'
import type { VariantCodec } from '../../../protocol/variant/variant-codec.ts'
import { variant3 } from '../../../protocol/variant/variant.ts'
import { variant4 } from '../../../protocol/variant/variant4.ts'
import type { RpcLink, RpcReceiver, RpcWire } from './rpc-wire.ts'
import { RpcWire3 } from './rpc-wire3.ts'
import { RpcWire4 } from './rpc-wire4.ts'

/** The protocol of the clients of one version of Godot. */
export interface Wire {
  readonly relay: RelayWire
  readonly variants: VariantCodec
  openRpc (link: RpcLink, receiver: RpcReceiver, options: ServerOptions): RpcWire
}

/** Every wire, by the value of option `wire`. */
export const wires: Readonly<Record<ServerOptions['wire'], Wire>> = {
  godot3: {
    relay: relayWire3,
    variants: variant3,
    openRpc: (link, receiver) => new RpcWire3(link, receiver, variant3)
  },
  godot4: {
    relay: relayWire4,
    variants: variant4,
    openRpc: (link, receiver, { confirmPath }) => new RpcWire4(link, receiver, variant4, confirmPath)
  }
}
