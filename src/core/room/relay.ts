import { opcode } from '../../protocol/websocket/frame.ts'
import { target } from '../../protocol/multiplayer/relay-packet.ts'
import type { RelayWire, WireFault } from '../../protocol/multiplayer/relay-wire.ts'
import type { RoomOutbox } from './room-outbox.ts'
import { writeMode } from '../peer/peer-session.ts'
import type { PeerSession } from '../peer/peer-session.ts'
import type { WebSocketPeer } from '../peer/websocket-peer.ts'

/** Why a packet of a peer goes nowhere. */
export type RelayDrop = WireFault | 'too-big' | 'relay-off'

/** What the relay asks of its server. */
export interface RelayHost {
  readonly outbox: RoomOutbox
  /** Bytes of the largest packet that an outbound buffer takes. */
  readonly maxPacketSize: number
  /** Whether peers hear of each other, and may send to each other. */
  readonly serverRelay: boolean
  /** The peer with this id, also one that closes. */
  peer (id: number): PeerSession | undefined
  /** Peers by ascending id, also those that close. */
  sessions (): Iterable<PeerSession>
  /** A packet for the server itself: bytes[start..end) are good until the call returns. */
  receiveData (sender: PeerSession, bytes: Uint8Array, start: number, end: number): void
  /** The same of a packet that is known to be about remote calls. */
  receiveCall (sender: PeerSession, bytes: Uint8Array, start: number, end: number): void
  dropped (reason: RelayDrop, peer: WebSocketPeer): void
}

/** The server as one peer among peers (Godot's WebSocketMultiplayerPeer): who is told of whom, and what goes where. */
export class Relay {
  readonly #host: RelayHost
  readonly #wire: RelayWire
  /** Peers whose write mode is text: they get by themselves what the others get through the log. */
  readonly #inText = new Set<PeerSession>()
  /** Packets that went from one peer to another; one for many counts for each of them. */
  packetsRelayed = 0

  constructor (host: RelayHost, wire: RelayWire) {
    this.#host = host
    this.#wire = wire
  }

  /** Tells the newcomer its id; of the others it hears when it has joined. */
  welcome (peer: PeerSession): void {
    for (const packet of this.#wire.welcome(peer.id)) this.#send(peer, packet)
  }

  /** Tells the newcomer of the others, and the others of the newcomer: also of those that close, as it will hear that they have left. */
  joined (peer: PeerSession): void {
    if (this.#host.serverRelay) {
      this.#sendAll(this.#wire.added(peer.id), peer)
      for (const other of this.#host.sessions()) if (other !== peer) this.#send(peer, this.#wire.added(other.id))
    }
    // A client that had to prove itself first may have been given its write mode then.
    if (peer.writeMode === writeMode.TEXT) this.#inText.add(peer)
    else this.#host.outbox.add(peer.outbox)
  }

  /** Tells the others that the peer has gone. */
  left (peer: PeerSession): void {
    this.#inText.delete(peer)
    if (this.#host.serverRelay) this.#sendAll(this.#wire.removed(peer.id), peer)
  }

  /** The peer now takes text, or binary again. */
  writeModeChanged (peer: PeerSession, isText: boolean): void {
    if (isText) {
      this.#inText.add(peer)
      this.#host.outbox.remove(peer.outbox)
    } else if (this.#inText.delete(peer)) this.#host.outbox.add(peer.outbox)
  }

  /** Passes on what a peer sent: bytes[start..end) is one packet. */
  relay (sender: PeerSession, bytes: Uint8Array, start: number, end: number): void {
    const wire = this.#wire
    const fault = wire.fault(bytes, start, end, sender.id)
    if (fault !== undefined) return this.#host.dropped(fault, sender.peer)
    if (end - start > this.#host.maxPacketSize) return this.#host.dropped('too-big', sender.peer)
    const to = wire.target(bytes, start)
    if (to !== target.SERVER) {
      if (!this.#host.serverRelay) return this.#host.dropped('relay-off', sender.peer)
      wire.stamp(bytes, start, sender.id)
      if (to > 0) return this.#toOne(bytes, start, end, sender, to)
      this.packetsRelayed += this.#toAll(bytes, start, end, sender, to === target.ALL ? undefined : this.#host.peer(-to))
      // Unlike Godot 3, which keeps a packet to all but the server for the server too.
      if (to === target.ALL_BUT_SERVER) return
    }
    this.#take(sender, bytes, start, end)
  }

  /** Sends a packet of the server's; false when there is no such peer, or it has no room (then it is closed as slow). */
  put (to: number, packet: Uint8Array): boolean {
    if (to > target.SERVER) {
      const peer = this.#host.peer(to)
      if (peer === undefined) return false
      this.#send(peer, packet)
    } else if (to !== target.SERVER) this.#toAll(packet, 0, packet.length, undefined, this.#host.peer(-to))
    return true
  }

  /** The server gets what a message carries. */
  #take (sender: PeerSession, bytes: Uint8Array, start: number, end: number): void {
    const callAt = this.#wire.callAt(bytes, start)
    if (callAt === -1) this.#host.receiveData(sender, bytes, this.#wire.dataAt(bytes, start), end)
    else this.#host.receiveCall(sender, bytes, callAt, end)
  }

  #toOne (bytes: Uint8Array, start: number, end: number, sender: PeerSession, to: number): void {
    const peer = this.#host.peer(to)
    if (peer === undefined) this.#host.dropped('unknown-target', sender.peer)
    else this.packetsRelayed += this.#sendPart(peer, bytes, start, end)
  }

  /** How many get it; so too below. */
  #toAll (bytes: Uint8Array, start: number, end: number, sender: PeerSession | undefined, excluded: PeerSession | undefined): number {
    let receivers = this.#host.outbox.sendAll(opcode.BINARY, bytes, start, end, sender?.outbox, excluded === sender ? undefined : excluded?.outbox)
    for (const peer of this.#inText) if (peer !== sender && peer !== excluded) receivers += this.#sendPart(peer, bytes, start, end)
    return receivers
  }

  #sendAll (packet: Uint8Array, without: PeerSession): void {
    this.#toAll(packet, 0, packet.length, without, undefined)
  }

  #send (peer: PeerSession, packet: Uint8Array): void {
    this.#sendPart(peer, packet, 0, packet.length)
  }

  #sendPart (peer: PeerSession, bytes: Uint8Array, start: number, end: number): 0 | 1 {
    if (!peer.isOpen) return 0
    if (this.#host.outbox.hasRoom(peer.outbox, end - start)) {
      this.#host.outbox.send(peer.outbox, this.#inText.has(peer) ? opcode.TEXT : opcode.BINARY, bytes, start, end)
      return 1
    }
    peer.closeSlow()
    return 0
  }
}
