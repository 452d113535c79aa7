import { GodotError } from '../../error.ts'
import type { VariantCodec } from '../../protocol/variant/variant-codec.ts'
import type { Packet } from '../../core/peer/packet-queue.ts'
import type { PeerEnd, PeerState } from '../../core/peer/peer-end.ts'
import { WebSocketPeer } from '../../core/peer/websocket-peer.ts'
import type { PeerBackend, PeerTraffic } from '../../core/peer/websocket-peer.ts'
import { writeMode } from '../../core/peer/write-mode.ts'
import type { InboxSender } from '../../core/room/server-inbox.ts'
import type { Room } from '../../core/room/room.ts'
import type { PeerFacts } from '../../core/server/cluster-link.ts'

/** What remote peers need of their cluster. */
export interface RemotePeerHost {
  readonly variants: VariantCodec
  /** The room of this name, if a part of it is here. */
  room (name: string): Room | undefined
  /** Sends one message to a peer of another node. */
  send (peer: RemotePeer, bytes: Uint8Array, isText: boolean): void
  /** Asks its node to close it. */
  close (peer: RemotePeer, code: number, reason: string): void
}

/** Traffic is counted by the peer's own node. */
const UNKNOWN_TRAFFIC: PeerTraffic =
  { packetsOut: 0, bytesOut: 0, bufferedAmount: 0, connection: { setNoDelay: () => {} } }

/** A peer that is connected to another node of the cluster. */
export class RemotePeer implements PeerBackend, InboxSender {
  /** Replaced when it moves to another room. */
  facts: PeerFacts
  /** Slot of its node. */
  readonly slot: number
  data: unknown
  end: PeerEnd | undefined
  readonly #host: RemotePeerHost
  #writeMode: number = writeMode.BINARY
  #peer: WebSocketPeer | undefined
  #onEnd: Array<(end: PeerEnd) => void> | undefined

  constructor (host: RemotePeerHost, slot: number, facts: PeerFacts) {
    this.#host = host
    this.slot = slot
    this.facts = facts
  }

  // ---- constants: getters, as there may be a million peers ----

  get isPaused (): false {
    return false
  }

  get packetsIn (): 0 {
    return 0
  }

  get bytesIn (): 0 {
    return 0
  }

  get unreadPackets (): 0 {
    return 0
  }

  get wasStringPacket (): false {
    return false
  }

  get outbox (): PeerTraffic {
    return UNKNOWN_TRAFFIC
  }

  /** Only its own node knows it. */
  get handshake (): undefined {
    return undefined
  }

  /** It cannot be paused from another node. */
  get isLeaving (): true {
    return true
  }

  // ---- what its node has reported ----

  get id (): number {
    return this.facts.id
  }

  get protocol (): string {
    return this.facts.protocol
  }

  get connectedAt (): number {
    return this.facts.connectedAt
  }

  get age (): number {
    return (Date.now() - this.facts.connectedAt) / 1000
  }

  get address (): string {
    return this.facts.address
  }

  get port (): number {
    return this.facts.port
  }

  get state (): PeerState {
    return this.end === undefined ? 'open' : 'ended'
  }

  get isOpen (): boolean {
    return this.end === undefined
  }

  get writeMode (): number {
    return this.#writeMode
  }

  get variants (): VariantCodec {
    return this.#host.variants
  }

  /** Its public object, always the same. */
  get peer (): WebSocketPeer {
    this.#peer ??= new WebSocketPeer(this)
    return this.#peer
  }

  get room (): Room {
    const { room: name } = this.facts
    const room = this.#host.room(name)
    if (room === undefined) throw new GodotError('ERR_UNAVAILABLE', `room ${name} has no peers on this node`)
    return room
  }

  get roomName (): string {
    return this.facts.room
  }

  moveTo (): void {
    throw new GodotError('ERR_UNAVAILABLE', 'the peer is connected to another node')
  }

  setWriteMode (mode: number): void {
    this.#writeMode = mode
  }

  send (bytes: Uint8Array, isText: boolean): void {
    if (this.end !== undefined) throw new GodotError('FAILED')
    this.#host.send(this, bytes, isText)
  }

  countUnread (): number {
    return this.unreadPackets
  }

  takePacket (): Packet {
    throw new GodotError('ERR_UNAVAILABLE', 'packets of a peer are read on its own node')
  }

  close (_cause: 'server', code: number, reason: string): void {
    if (this.end === undefined) this.#host.close(this, code, reason)
  }

  async ended (): Promise<PeerEnd> {
    if (this.end !== undefined) return this.end
    return await new Promise(resolve => { (this.#onEnd ??= []).push(resolve) })
  }

  /** Its node has reported its end, or was lost. */
  finish (end: PeerEnd): void {
    this.end = end
    for (const resolve of this.#onEnd ?? []) resolve(end)
  }

  /* c8 ignore next: the packets of such a sender are queued over the limits, or dropped */
  pauseReading (): void {}

  resumeReading (): void {}
}
