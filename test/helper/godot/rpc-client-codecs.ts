import type { ServerOptions } from '../../../src/options/option-types.ts'
import { MethodList } from '../../../src/protocol/multiplayer/method-list.ts'
import { encodeCall4, encodeConfirmPath4, encodeSimplifyPath4 } from '../../../src/protocol/multiplayer/rpc4-packet.ts'
import { variant4 } from '../../../src/protocol/variant/variant4.ts'
import { encodeRpcPacket } from '../../../src/protocol/multiplayer/rpc-packet.ts'
import { variant3 } from '../../../src/protocol/variant/variant.ts'
import { RELAY_HEAD } from '../../../src/protocol/multiplayer/relay-packet.ts'
import type { Variant } from '../../../src/protocol/variant/variant-types.ts'
import { clientCodecs } from './client-codecs.ts'
import { decodeWholeRpc4Packet, decodeWholeRpcPacket } from './rpc-packets.ts'

/**
 * Encodes remote calls of a client of one wire, and describes those of the server. All nodes have the methods
 * `methodNames`.
 */
export interface RpcClientCodec {
  /** A remote call from client `id` to the server. */
  call (id: number, node: string | number, name: string, args: readonly Variant[]): Buffer
  announce (id: number, number: number, path: string): Buffer
  confirm (id: number, number: number, path: string): Buffer
  raw (id: number, bytes: Uint8Array): Buffer
  /** Describes a message: `call Main hit 5`, `call #1 hit 5`, `path 1 Main`, `confirm`, `raw 0102`. */
  describe (message: Uint8Array): string
}

/** The methods of all nodes. */
export const methodNames = ['hit', 'move', 'quiet'] as const

const list = new MethodList(methodNames)
const nodeText = (node: string | number): string => typeof node === 'number' ? `#${node}` : node
const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex')
const to3 = (id: number, packet: Uint8Array): Buffer => clientCodecs.godot3.encodeData(id, 1, packet)

/** One row per wire. */
export const rpcClientCodecs: Record<ServerOptions['wire'], RpcClientCodec> = {
  godot3: {
    call: (id, node, name, args) => to3(id, encodeRpcPacket(variant3, { type: 'remoteCall', node, name, args })),
    announce: (id, number, path) => to3(id, encodeRpcPacket(variant3, { type: 'simplifyPath', id: number, path })),
    confirm: (id, _, path) => to3(id, encodeRpcPacket(variant3, { type: 'confirmPath', path })),
    raw: (id, bytes) => to3(id, encodeRpcPacket(variant3, { type: 'raw', bytes })),
    describe: message => {
      const packet = decodeWholeRpcPacket(message.subarray(RELAY_HEAD))
      switch (packet.type) {
        case 'remoteCall': return `call ${nodeText(packet.node)} ${packet.name} ${packet.args.join()}`
        case 'simplifyPath': return `path ${packet.id} ${packet.path}`
        case 'raw': return `raw ${hex(packet.bytes)}`
        default: return 'confirm'
      }
    }
  },
  godot4: {
    call: (_, node, name, args) => Buffer.from(encodeCall4(variant4, node, list.idOf(name) ?? 200, args)),
    announce: (_, number, path) => Buffer.from(encodeSimplifyPath4(variant4, list.md5, number, path)),
    confirm: (_, number) => Buffer.from(encodeConfirmPath4(variant4, true, number)),
    raw: (_, bytes) => Buffer.of(3, ...bytes),
    describe: message => {
      const packet = decodeWholeRpc4Packet(message)
      switch (packet.type) {
        case 'remoteCall': return `call ${nodeText(packet.node)} ${list.nameOf(packet.method)!} ${packet.args.join()}`
        case 'simplifyPath': return `path ${packet.id} ${packet.path}${packet.md5 === list.md5
          ? ''
          : ' with other methods'}`
        case 'raw': return `raw ${hex(packet.bytes)}`
        default: return 'confirm'
      }
    }
  }
}
