import { opcode } from '../protocol/frame.ts'
import { encodeRelayPacket, encodeSystemPacket, readId, RELAY_HEAD, relayFault, relayType, target } from '../protocol/relay-packet.ts'
import type { RelayFault } from '../protocol/relay-packet.ts'
import type { OutputLog } from './output-log.ts'
import type { WebSocketPeer } from './websocket-peer.ts'

/** Why a packet of a peer goes nowhere. */
export type RelayDrop = RelayFault | 'unknown-target' | 'own-target' | 'too-big'

/** What the relay asks of its server. */
export interface RelayHost {
  readonly log: OutputLog
  /** Bytes of the largest packet that an outbound buffer takes. */
  readonly maxPacketSize: number
  /** The peer with this id, also one that closes. */
  peer (id: number): WebSocketPeer | undefined
  /** Open peers by ascending id. */
  openPeers (): Iterable<WebSocketPeer>
  /** A packet for the server itself: bytes[start..end) are good until the call returns. */
  keep (sender: WebSocketPeer, bytes: Uint8Array, start: number, end: number): void
  dropped (reason: RelayDrop, peer: WebSocketPeer): void
}

/** The server as one peer among peers (Godot's WebSocketMultiplayerPeer): who is told of whom, and what goes where. */
export class MultiplayerPeer {
  readonly #host: RelayHost
  /** Peers whose write mode is text: they get by themselves what the others get through the log. */
  readonly #inText = new Set<WebSocketPeer>()
  /** Packets that went from one peer to another; one for many counts for each of them. */
  packetsRelayed = 0

  constructor (host: RelayHost) {
    this.#host = host
  }

  /** Tells the newcomer its id and of the others, and the others of the newcomer. */
  joined (peer: WebSocketPeer): void {
    this.#sendAll(encodeSystemPacket(relayType.ADD, peer.id), peer)
    this.#send(peer, encodeSystemPacket(relayType.ID, peer.id))
    this.#send(peer, encodeSystemPacket(relayType.ADD, target.SERVER))
    for (const other of this.#host.openPeers()) if (other !== peer) this.#send(peer, encodeSystemPacket(relayType.ADD, other.id))
    this.#host.log.add(peer.output)
  }

  /** Tells the others that the peer has gone. */
  left (peer: WebSocketPeer): void {
    this.#inText.delete(peer)
    this.#sendAll(encodeSystemPacket(relayType.DEL, peer.id), peer)
  }

  /** The peer now takes text, or binary again. */
  writeModeChanged (peer: WebSocketPeer, isText: boolean): void {
    if (isText) {
      this.#inText.add(peer)
      this.#host.log.remove(peer.output)
    } else if (this.#inText.delete(peer)) this.#host.log.add(peer.output)
  }

  /** Passes on what a peer sent: bytes[start..end) is one packet. */
  relay (sender: WebSocketPeer, bytes: Uint8Array, start: number, end: number): void {
    const fault = relayFault(bytes, start, end, sender.id)
    if (fault !== undefined) return this.#host.dropped(fault, sender)
    if (end - start > this.#host.maxPacketSize) return this.#host.dropped('too-big', sender)
    const to = readId(bytes, start + 5)
    if (to === target.ALL) this.packetsRelayed += this.#toAll(bytes, start, end, sender, undefined)
    else if (to < 0) this.packetsRelayed += this.#toAll(bytes, start, end, sender, this.#host.peer(-to))
    else if (to !== target.SERVER) return this.#toOne(bytes, start, end, sender, to)
    // Unlike Godot 3, which keeps a packet to all but the server for the server too.
    if (to !== target.ALL_BUT_SERVER) this.#host.keep(sender, bytes, start + RELAY_HEAD, end)
  }

  /** Sends the server's own packet; false when there is no such peer, or it has no room (then it is closed as slow). */
  put (to: number, payload: Uint8Array): boolean {
    const packet = encodeRelayPacket(relayType.DATA, target.SERVER, to, payload)
    if (to > target.SERVER) {
      const peer = this.#host.peer(to)
      if (peer === undefined) return false
      this.#send(peer, packet)
    } else if (to !== target.SERVER) this.#toAll(packet, 0, packet.length, undefined, this.#host.peer(-to))
    return true
  }

  #toOne (bytes: Uint8Array, start: number, end: number, sender: WebSocketPeer, to: number): void {
    if (to === sender.id) return this.#host.dropped('own-target', sender)
    const peer = this.#host.peer(to)
    if (peer === undefined) this.#host.dropped('unknown-target', sender)
    else this.packetsRelayed += this.#sendPart(peer, bytes, start, end)
  }

  /** How many get it; so too below. */
  #toAll (bytes: Uint8Array, start: number, end: number, sender: WebSocketPeer | undefined, excluded: WebSocketPeer | undefined): number {
    let receivers = this.#host.log.sendAll(opcode.BINARY, bytes, start, end, sender?.output, excluded === sender ? undefined : excluded?.output)
    for (const peer of this.#inText) if (peer !== sender && peer !== excluded) receivers += this.#sendPart(peer, bytes, start, end)
    return receivers
  }

  #sendAll (packet: Uint8Array, without: WebSocketPeer): void {
    this.#toAll(packet, 0, packet.length, without, undefined)
  }

  #send (peer: WebSocketPeer, packet: Uint8Array): void {
    this.#sendPart(peer, packet, 0, packet.length)
  }

  #sendPart (peer: WebSocketPeer, bytes: Uint8Array, start: number, end: number): 0 | 1 {
    if (!peer.isOpen) return 0
    if (this.#host.log.hasRoom(peer.output, end - start)) {
      this.#host.log.send(peer.output, this.#inText.has(peer) ? opcode.TEXT : opcode.BINARY, bytes, start, end)
      return 1
    }
    peer.closeSlow()
    return 0
  }
}
