import type { PeerEnd } from '../../core/peer/peer-end.ts'
import type { PeerSession } from '../../core/peer/peer-session.ts'
import type { WebSocketPeer } from '../../core/peer/websocket-peer.ts'
import type { OutboxLink } from '../../core/room/relay/room-outbox.ts'
import type { PeerTable } from '../../core/room/peer-table.ts'
import type { RoomCore } from '../../core/room/room-core.ts'
import type { RoomEnd } from '../../core/room/room-life.ts'
import type { RoomLink, Sent } from '../../core/room/room-link.ts'
import { MAX_STATE } from '../../core/room/room-state.ts'
import type { RoomOptions } from '../../options/option-types.ts'
import { MAX_UNCONFIRMED } from '../congestion.ts'
import type { Congestion } from '../congestion.ts'
import { noteKind, roomMessageSize } from '../message/room-message.ts'
import type { Note } from '../message/room-message.ts'
import type { RemotePeer } from '../peers/remote-peer.ts'
import { target } from '../../protocol/multiplayer/relay-packet.ts'
import { opcode, payloadLengthOfFrame } from '../../protocol/websocket/frame.ts'
import type { RoomTraffic } from './room-traffic.ts'

/** Maximum number of notes about one frame. */
const NOTES_PER_FRAME = 2

/** What the part of a room needs of its node. */
export interface PartHost {
  readonly congestion: Congestion
  /** Receivers of a room have started or stopped lagging behind here. */
  congestionChanged (room: string, isCongested: boolean): void
  /** Whether a room has its home here. */
  isHome (room: string): boolean
  /** Slot of the home of a room. */
  homeOf (room: string): number | undefined
  /** Members on other nodes. */
  members (room: string): PeerTable<RemotePeer> | undefined
  /** Places that are reserved in a room for clients of other nodes. */
  reserved (room: string): number
  peerJoined (session: PeerSession): void
  peerLeft (session: PeerSession, end: PeerEnd | undefined): void
  /** Sends a packet to a peer of another node, or with target 1 to the server of a room there. */
  sendDirect (slot: number, room: string, to: number, opcode: number, packet: Sent): void
  /** Sends what is queued for single peers of other nodes. */
  flushDirect (): void
  optionsChanged (room: string, changes: RoomOptions): void
  closing (room: string, end: RoomEnd): void
  readState (room: string): Promise<Uint8Array | undefined>
  writeState (core: RoomCore, bytes: Uint8Array): Promise<void>
  closed (room: string): void
}

/** The part of a room on this node, as the other nodes see it. */
export class RoomPart implements RoomLink, OutboxLink {
  readonly core: RoomCore
  readonly #host: PartHost
  readonly #traffic: RoomTraffic
  /** Members on other nodes, and whether the room has its home here: cached for `sentAll`. */
  #members: PeerTable<RemotePeer> | undefined
  #isHome = true
  /** Frames of this turn for other nodes: ranges of the log, and notes about single frames. */
  #ranges: number[] = []
  #notes: Note[] = []
  #packets = 0
  /** Those of peers; the others are of the server. */
  #relayed = 0
  #size = 0
  #length = 0
  /** Whether packets for single peers were sent this turn: what is sent to all has to follow them. */
  #hasDirect = false

  constructor (core: RoomCore, host: PartHost, traffic: RoomTraffic) {
    this.core = core
    this.#host = host
    this.#traffic = traffic
    core.outbox.connect(this)
  }

  /** Members on other nodes have joined or left, or the room has another home. */
  update (): void {
    this.#members = this.#host.members(this.core.name)
    this.#isHome = this.#host.isHome(this.core.name)
  }

  get isHome (): boolean {
    return this.#isHome
  }

  get size (): number {
    return this.#members?.size ?? 0
  }

  get reserved (): number {
    return this.#host.reserved(this.core.name)
  }

  has (id: number): boolean {
    return this.#member(id) !== undefined
  }

  get (id: number): WebSocketPeer | undefined {
    return this.#member(id)?.peer
  }

  * peers (after: number): IterableIterator<WebSocketPeer> {
    if (this.#members !== undefined) for (const { peer } of this.#members.after(after)) yield peer
  }

  joined (session: PeerSession): void {
    this.flush()
    this.#host.peerJoined(session)
  }

  left (session: PeerSession, end: PeerEnd | undefined): void {
    this.flush()
    this.#host.peerLeft(session, end)
  }

  sentAll (source: number, to: number, isForServer: boolean): void {
    const isForHome = isForServer && !this.#isHome
    if (this.#members === undefined && !isForHome) return
    this.#pauseIfCongested(source)
    if (this.#hasDirect) this.#flushDirect()
    const { lastFrame, logLength } = this.core.outbox
    this.#flushIfFull(logLength - lastFrame)
    this.#append(lastFrame, logLength)
    if (source !== target.SERVER) this.#relayed++
    const at = { from: this.#length - (logLength - lastFrame), to: this.#length }
    if (to < target.ALL && this.has(-to)) this.#notes.push({ ...at, kind: noteKind.EXCEPT, id: -to })
    if (isForHome) this.#notes.push({ ...at, kind: noteKind.FOR_SERVER, id: source })
  }

  sendTo (to: number, opcode: number, packet: Sent): boolean {
    const member = this.#member(to)
    if (member === undefined) return false
    this.#sendDirect(member.slot, to, opcode, packet)
    return true
  }

  sendToServer (packet: Sent): boolean {
    const slot = this.#host.homeOf(this.core.name)
    if (slot === undefined) return false
    this.#sendDirect(slot, target.SERVER, opcode.BINARY, packet)
    return true
  }

  optionsChanged (changes: RoomOptions): void {
    this.#host.optionsChanged(this.core.name, changes)
  }

  closing (end: RoomEnd): void {
    this.#host.closing(this.core.name, end)
  }

  async readState (): Promise<Uint8Array | undefined> {
    return await this.#host.readState(this.core.name)
  }

  async writeState (bytes: Uint8Array): Promise<void> {
    await this.#host.writeState(this.core, bytes)
  }

  closed (): void {
    this.#traffic.close(this)
    this.#host.closed(this.core.name)
  }

  /** Publishes what was sent to all before something else is sent. */
  flush (): void {
    if (this.#hasDirect) this.#flushDirect()
    if (this.#packets > 0) this.flushing(this.core.outbox.log)
  }

  /** A packet for a single peer of another node is about to be sent: it keeps its place among those sent to all. */
  beforeDirect (): void {
    if (this.#packets > 0) this.flushing(this.core.outbox.log)
    this.#hasDirect = true
  }

  flushing (log: Uint8Array): void {
    if (this.#packets === 0) return
    const frames = {
      packets: this.#packets, relayed: this.#relayed, size: this.#size, notes: this.#notes, ranges: this.#ranges
    }
    this.#traffic.publish(this.core.name, frames, log)
    this.#ranges = []
    this.#notes = []
    this.#packets = this.#relayed = this.#size = this.#length = 0
  }

  get inTransit (): number {
    return MAX_UNCONFIRMED
  }

  congestionChanged (isCongested: boolean): void {
    this.#host.congestionChanged(this.core.name, isCongested)
  }

  #member (id: number): RemotePeer | undefined {
    return this.#members?.get(id)
  }

  /**
   * Publishes the waiting frames unless another one of `frame` bytes fits in the same message. Every broker takes
   * messages of the size of a room's state: `LocalNode` checks that.
   */
  #flushIfFull (frame: number): void {
    const size = roomMessageSize(this.#notes.length + NOTES_PER_FRAME, this.#length + frame)
    if (size > MAX_STATE && size > this.#traffic.maxPayload) this.flushing(this.core.outbox.log)
  }

  /** Adds one frame, log[from..to). */
  #append (from: number, to: number): void {
    const ranges = this.#ranges
    if (ranges.at(-1) === from) ranges[ranges.length - 1] = to
    else ranges.push(from, to)
    this.#packets++
    this.#length += to - from
    this.#size += payloadLengthOfFrame(to - from)
  }

  /** The broker does not keep up: senders are paused. */
  #pauseIfCongested (source: number): void {
    const { congestion } = this.#host
    if (!congestion.isActive) return
    const sender = this.core.members.get(source)
    if (sender !== undefined) congestion.pause(sender)
  }

  #sendDirect (slot: number, to: number, opcode: number, packet: Sent): void {
    this.#pauseIfCongested(packet.source)
    this.beforeDirect()
    this.#host.sendDirect(slot, this.core.name, to, opcode, packet)
  }

  #flushDirect (): void {
    this.#hasDirect = false
    this.#host.flushDirect()
  }
}
