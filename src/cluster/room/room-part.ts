import type { PeerEnd } from '../../core/peer/peer-end.ts'
import type { PeerSession } from '../../core/peer/peer-session.ts'
import type { WebSocketPeer } from '../../core/peer/websocket-peer.ts'
import type { RoomOutboxLink } from '../../core/room/relay/room-outbox.ts'
import type { PeerTable } from '../../core/room/peer-table.ts'
import type { RoomCore } from '../../core/room/room-core.ts'
import type { RoomEnd } from '../../core/room/room-life.ts'
import type { RoomLink, Sent } from '../../core/room/room-link.ts'
import { MAX_STATE } from '../../core/room/room-state.ts'
import type { RoomOptions } from '../../options/option-types.ts'
import { MAX_UNCONFIRMED } from '../congestion.ts'
import type { Congestion } from '../congestion.ts'
import type { DirectLinks } from '../direct-links.ts'
import type { RoomHomes } from '../homes/room-homes.ts'
import { noteKind, roomMessageSize } from '../message/room-message.ts'
import type { Note } from '../message/room-message.ts'
import type { PeerSync } from '../peers/peer-sync.ts'
import type { RemotePeer } from '../peers/remote-peer.ts'
import { target } from '../../protocol/multiplayer/relay-packet.ts'
import { opcode, payloadLengthOfFrame } from '../../protocol/websocket/frame.ts'
import type { CongestedRooms } from './congested-rooms.ts'
import type { RoomTraffic } from './room-traffic.ts'

/** Maximum number of notes about one frame. */
const NOTES_PER_FRAME = 2

/** The parts of a node that RoomPart works with. */
export interface NodeParts {
  readonly homes: RoomHomes
  readonly peers: PeerSync
  readonly traffic: RoomTraffic
  readonly direct: DirectLinks
  readonly congestion: Congestion
  readonly congestedRooms: CongestedRooms
}

/** The part of a room on this node, as the other nodes see it. */
export class RoomPart implements RoomLink, RoomOutboxLink {
  readonly core: RoomCore
  readonly #parts: NodeParts
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

  constructor (core: RoomCore, parts: NodeParts) {
    this.core = core
    this.#parts = parts
    core.outbox.connect(this)
  }

  /** Members on other nodes have joined or left, or the room has another home. */
  update (): void {
    const { homes, peers } = this.#parts
    this.#members = peers.replica.inRoom(this.core.name)
    this.#isHome = homes.lookup.isHome(this.core.name)
  }

  get isHome (): boolean {
    return this.#isHome
  }

  get size (): number {
    return this.#members?.size ?? 0
  }

  get reserved (): number {
    return this.#parts.homes.entry.seats.count(this.core.name)
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
    this.#parts.peers.joined(session)
  }

  left (session: PeerSession, end: PeerEnd | undefined): void {
    this.flush()
    this.#parts.peers.left(session, end)
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
    const slot = this.#parts.homes.lookup.homeOf(this.core.name)
    if (slot === undefined) return false
    this.#sendDirect(slot, target.SERVER, opcode.BINARY, packet)
    return true
  }

  optionsChanged (changes: RoomOptions): void {
    this.#parts.homes.changes.changed(this.core.name, changes)
  }

  closing (end: RoomEnd): void {
    this.#parts.homes.closing.closeElsewhere(this.core.name, end)
  }

  async readState (): Promise<Uint8Array | undefined> {
    return await this.#parts.homes.readState(this.core)
  }

  async writeState (bytes: Uint8Array): Promise<void> {
    await this.#parts.homes.writeState(this.core, bytes)
  }

  closed (): void {
    this.#parts.traffic.close(this)
    this.#parts.homes.closed(this.core.name)
    // Those of the next room of the name are not its members.
    this.#members = undefined
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
    this.#parts.traffic.publish(this.core.name, frames, log)
    this.#ranges = []
    this.#notes = []
    this.#packets = this.#relayed = this.#size = this.#length = 0
  }

  get inTransit (): number {
    return MAX_UNCONFIRMED
  }

  congestionChanged (isCongested: boolean): void {
    this.#parts.congestedRooms.changed(this.core.name, isCongested)
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
    if (size > MAX_STATE && size > this.#parts.traffic.maxPayload) this.flushing(this.core.outbox.log)
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
    const { congestion } = this.#parts
    if (!congestion.isActive) return
    const sender = this.core.members.get(source)
    if (sender !== undefined) congestion.pause(sender)
  }

  #sendDirect (slot: number, to: number, opcode: number, { source, bytes, start, end }: Sent): void {
    this.#pauseIfCongested(source)
    this.beforeDirect()
    this.#parts.direct.send(slot, { room: this.core.name, opcode, source, target: to }, bytes, start, end)
  }

  #flushDirect (): void {
    this.#hasDirect = false
    this.#parts.direct.flush()
  }
}
