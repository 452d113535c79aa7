import { decodeRpcPacket, encodeRpcPacket } from '../../../protocol/multiplayer/rpc-packet.ts'
import type { VariantCodec } from '../../../protocol/variant/variant-codec.ts'
import type { ReceivedMember, RpcPacket, SimplifyPath } from '../../../protocol/multiplayer/rpc-packet.ts'
import type { RpcNode } from '../../../protocol/multiplayer/rpc-node.ts'
import type { WebSocketPeer } from '../../peer/websocket-peer.ts'
import { CallSender } from './call-sender.ts'
import { fromRoot } from './node-path.ts'
import { PathCache } from './path-cache.ts'
import type { MemberCall, MovedPaths, RpcLink, RpcReceiver, RpcWire } from './rpc-wire.ts'

/** Calls between Godot 3 peers: members go by name. */
export class RpcWire3 implements RpcWire {
  readonly #link: RpcLink
  readonly #codec: VariantCodec
  readonly #receiver: RpcReceiver
  readonly #paths = new PathCache()
  readonly #sender: CallSender

  constructor (link: RpcLink, receiver: RpcReceiver, codec: VariantCodec) {
    this.#link = link
    this.#codec = codec
    this.#receiver = receiver
    this.#sender = new CallSender(link)
  }

  /** Members go by name: it does not matter which others there are. */
  addNode (): void {}

  checkKind (): void {}

  /** A Godot 3 relay cannot tell remote calls from bytes of the application. */
  receiveData (sender: WebSocketPeer, bytes: Uint8Array): void {
    this.receive(sender, bytes)
  }

  receive (sender: WebSocketPeer, bytes: Uint8Array): void {
    const packet = decodeRpcPacket(this.#codec, bytes)
    switch (packet.type) {
      case 'remoteCall':
      case 'remoteSet': return this.#receiveMember(sender, packet)
      case 'simplifyPath': return this.#receiveAnnouncement(sender, packet)
      case 'confirmPath': return this.#receiveConfirmation(sender, packet.path)
      case 'raw': return this.#receiver.receiveRaw(sender, packet.bytes)
    }
  }

  send (to: number, path: string, call: MemberCall): void {
    const own = this.#paths.own(path)
    if (this.#sender.isConfirmed(own, to)) {
      return this.#link.putTo(to, encodeRpcPacket(this.#codec, packetOf(own.id, call)))
    }
    this.#sender.sendUnconfirmed(to, own, {
      encode: node => encodeRpcPacket(this.#codec, packetOf(node, call)),
      announcement: () => encodeRpcPacket(this.#codec, { type: 'simplifyPath', id: own.id, path })
    })
  }

  sendBytes (to: number, bytes: Uint8Array): void {
    this.#link.putTo(to, encodeRpcPacket(this.#codec, { type: 'raw', bytes }))
  }

  pathsOf (peer: number): MovedPaths {
    const paths = this.#paths
    return { announced: paths.announcementsOf(peer), lastId: 0, unconfirmed: paths.unconfirmedOf(peer) }
  }

  /** Clients accept an id for another path. */
  adopt (peer: number, { announced, unconfirmed }: MovedPaths): void {
    for (const { id, path } of announced) this.#paths.announce(peer, id, path)
    this.#paths.expectLate(peer, unconfirmed)
  }

  forgetPeer (peer: number): void {
    this.#paths.forgetPeer(peer)
  }

  forgetPath (path: string): void {
    this.#paths.forgetPath(path)
  }

  #receiveMember (sender: WebSocketPeer, { type, node, name, values }: ReceivedMember): void {
    const path = this.#paths.resolve(sender.id, node)
    if (path === undefined) return this.#receiver.refuse(sender, 'rpc-unknown-path', { node, name })
    this.#receiver.receiveMember(sender, path, type === 'remoteCall' ? 'method' : 'property', name, values)
  }

  /** Without a confirmation the sender continues with full paths, as it should if it announces too much. */
  #receiveAnnouncement (sender: WebSocketPeer, { id, path }: SimplifyPath): void {
    if (!this.#paths.announce(sender.id, id, fromRoot(path))) {
      return this.#receiver.refuse(sender, 'rpc-too-many-paths', { node: path })
    }
    this.#link.putTo(sender.id, encodeRpcPacket(this.#codec, { type: 'confirmPath', path }))
  }

  #receiveConfirmation (sender: WebSocketPeer, path: string): void {
    if ((this.#paths.confirm(sender.id, path) ?? this.#paths.confirmLate(sender.id, path)) !== undefined) return
    this.#receiver.refuse(sender, 'rpc-unasked-confirm', { node: path })
  }
}

function packetOf (node: RpcNode, { kind, name, values }: MemberCall): RpcPacket {
  return kind === 'method'
    ? { type: 'remoteCall', node, name, args: values }
    : { type: 'remoteSet', node, name, value: values[0] }
}
