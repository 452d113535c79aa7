import { decodeRpcPacket, encodeRpcPacket } from '../../protocol/multiplayer/rpc-packet.ts'
import type { RpcNode, SimplifyPath } from '../../protocol/multiplayer/rpc-packet.ts'
import { fromRoot, PathCache } from './path-cache.ts'
import type { OwnPath } from './path-cache.ts'
import { isConfirmedByAll, MOST_SINGLY, receiversOf } from './rpc-wire.ts'
import type { OutgoingMember, RpcWire, RpcWireHost } from './rpc-wire.ts'
import type { WebSocketPeer } from '../peer/websocket-peer.ts'

/** Reals that are whole numbers come as plain numbers: a handler wants to count with them, not to send them back as they were. */
const DECODING = { exactFloats: false }

/**
 * Calls between Godot 3 peers. A path is announced to each receiver once, and its number used for those that confirmed it; once all
 * receivers of a call have, it is one packet, relayed. Until then it goes to each singly, to those that did not confirm with the full path;
 * Godot does so with any number of receivers, but they take the full path from a relayed packet as well.
 */
export class RpcWire3 implements RpcWire {
  readonly #host: RpcWireHost
  readonly #paths = new PathCache()

  constructor (host: RpcWireHost) {
    this.#host = host
  }

  /** Godot 3 sends names: it does not matter which others there are. */
  addNode (): void {}

  checkKind (): void {}

  isInternal (): boolean {
    return false
  }

  /** A Godot 3 relay cannot tell remote calls from bytes of the application. */
  receiveData (sender: WebSocketPeer, bytes: Uint8Array): void {
    this.receive(sender, bytes)
  }

  receive (sender: WebSocketPeer, bytes: Uint8Array): void {
    const packet = decodeRpcPacket(bytes, DECODING)
    switch (packet.type) {
      case 'remoteCall': return this.#receiveMember(sender, packet.node, { kind: 'method', name: packet.name, values: packet.args })
      case 'remoteSet': return this.#receiveMember(sender, packet.node, { kind: 'property', name: packet.name, values: [packet.value] })
      case 'simplifyPath': return this.#receiveAnnouncement(sender, packet)
      case 'confirmPath': return this.#receiveConfirmation(sender, packet.path)
      case 'raw': return this.#host.onRaw(sender, packet.bytes)
    }
  }

  send (to: number, path: string, member: OutgoingMember): void {
    const own = this.#paths.own(path)
    const byNumber = encodeMember(own.id, member)
    if (isConfirmedByAll(this.#host, own, to)) this.#host.putTo(to, byNumber)
    else this.#sendUnconfirmed(to, own, byNumber, encodeMember(path, member))
  }

  sendBytes (to: number, bytes: Uint8Array): void {
    this.#host.putTo(to, encodeRpcPacket({ type: 'raw', bytes }))
  }

  forgetPeer (peer: number): void {
    this.#paths.forgetPeer(peer)
  }

  forgetPath (path: string): void {
    this.#paths.forgetPath(path)
  }

  #receiveMember (sender: WebSocketPeer, node: RpcNode, { kind, name, values }: OutgoingMember): void {
    const path = typeof node === 'string' ? fromRoot(node) : this.#paths.announced(sender.id, node)
    if (path === undefined) this.#host.onRefusal(sender, 'rpc-unknown-path', { node, name })
    else this.#host.onMember(sender, path, kind, name, values)
  }

  /** Without the answer the sender would go on with full paths, which is what it shall do when it announces too much. */
  #receiveAnnouncement (sender: WebSocketPeer, { id, path }: SimplifyPath): void {
    if (this.#paths.announce(sender.id, id, fromRoot(path))) this.#host.putTo(sender.id, encodeRpcPacket({ type: 'confirmPath', path }))
    else this.#host.onRefusal(sender, 'rpc-too-many-paths', { node: path })
  }

  #receiveConfirmation (sender: WebSocketPeer, path: string): void {
    if (!this.#paths.confirm(sender.id, path)) this.#host.onRefusal(sender, 'rpc-unasked-confirm', { node: path })
  }

  /** All announcements go out before the first call. */
  #sendUnconfirmed (to: number, own: OwnPath, byNumber: Uint8Array, byPath: Uint8Array): void {
    const receivers = receiversOf(this.#host, to)
    for (const id of receivers) if (!own.told.has(id)) this.#announce(id, own)
    if (receivers.length > MOST_SINGLY) return this.#host.putTo(to, byPath)
    for (const id of receivers) this.#host.putTo(id, own.confirmed.has(id) ? byNumber : byPath)
  }

  #announce (peer: number, { id, path, told }: OwnPath): void {
    told.add(peer)
    this.#host.putTo(peer, encodeRpcPacket({ type: 'simplifyPath', id, path }))
  }
}

function encodeMember (node: RpcNode, { kind, name, values }: OutgoingMember): Uint8Array {
  return kind === 'method'
    ? encodeRpcPacket({ type: 'remoteCall', node, name, args: values })
    : encodeRpcPacket({ type: 'remoteSet', node, name, value: values[0] })
}
