import { closeCode } from '../protocol/websocket/close-code.ts'
import type { CompleteClusterOptions } from '../options/defaults.ts'
import type { SignalEmitter } from '../core/server/signals.ts'
import type { ClusterSignals } from './cluster.ts'
import type { DirectLinks } from './direct-links.ts'
import type { EventExchange } from './event-exchange.ts'
import type { ClusterNode } from './membership/membership-host.ts'
import { decodeJson, encodeJson } from './message/json.ts'
import type { NodeContext } from './node-context.ts'
import type { PeerSync } from './peers/peer-sync.ts'
import type { RoomPart } from './room/room-part.ts'
import type { RecentRoom, RoomTraffic } from './room/room-traffic.ts'

/** Bytes of a heartbeat apart from its digest. */
const HEARTBEAT_OVERHEAD = 1024

/** Numbers of the last messages of a node, sent with its heartbeats to detect lost ones. */
interface Digest {
  readonly peers: number
  readonly rooms: readonly RecentRoom[]
  /** By slot of the receiver. */
  readonly direct: ReadonlyArray<[number, number]>
  /** Events for operators. */
  readonly events: number
}

/** The parts of a node whose messages are numbered. */
export interface GapsParts {
  readonly rules: CompleteClusterOptions
  readonly peers: PeerSync
  readonly traffic: RoomTraffic
  readonly direct: DirectLinks
  readonly events: EventExchange
  readonly signals: SignalEmitter<ClusterSignals>
}

/**
 * Detects lost messages of other nodes and reports them to applications and clients, so that nothing is lost silently.
 */
export class Gaps {
  readonly #context: NodeContext
  readonly #parts: GapsParts

  constructor (context: NodeContext, parts: GapsParts) {
    this.#context = context
    this.#parts = parts
  }

  /** For the next heartbeat of this node. */
  digest (): Uint8Array {
    const { peers, traffic, direct, events: { lastSent: events } } = this.#parts
    const digest: Digest = { peers: peers.seq, rooms: [], direct: direct.lastSent, events }
    const free = this.#context.maxPayload - HEARTBEAT_OVERHEAD - encodeJson(digest).length
    return encodeJson({ ...digest, rooms: traffic.recent(free) })
  }

  /** A heartbeat of a node: earlier messages that have not arrived are lost. */
  check (node: ClusterNode, bytes: Uint8Array): void {
    const { peers, traffic, direct, events } = this.#parts
    const digest = decodeJson<Digest>(bytes)
    for (const room of digest.rooms) traffic.checkSeq(node.slot, room)
    for (const [slot, seq] of digest.direct) {
      if (slot === this.#context.lease.slot) this.directLost(node.slot, direct.received.reported(node.slot, seq))
    }
    this.eventsLost(node.slot, events.received.reported(node.slot, digest.events))
    peers.checkSeq(node.slot, digest.peers)
  }

  /** Messages about the peers of a node were lost; its peers are fetched again. */
  peersLost (node: ClusterNode, count: number): void {
    this.#report(node, count, '')
  }

  /** Events for operators were lost. */
  eventsLost (slot: number, count: number): void {
    if (count === 0) return
    const node = this.#context.nodeIn(slot)
    if (node !== undefined) this.#report(node, count, '')
  }

  /** Packets of a node for single peers were lost, of unknown rooms. */
  directLost (slot: number, count: number): void {
    if (count === 0) return
    const node = this.#context.nodeIn(slot)
    if (node !== undefined) this.#report(node, count, '')
    for (const part of this.#parts.traffic.parts()) this.#react(part, slot)
  }

  /** Messages of a node to a room were lost. */
  roomLost (part: RoomPart, slot: number, count: number): void {
    const node = this.#context.nodeIn(slot)
    if (node !== undefined) this.#report(node, count, part.core.name)
    this.#react(part, slot)
  }

  #report (node: ClusterNode, lost: number, room: string): void {
    const message = 'messages of a node were lost'
    this.#context.failures.log({ level: 'warn', key: { node: node.id }, message }, { lost, room })
    this.#parts.signals.emit('gap', node, lost, room)
  }

  /** The peers of the node leave and join again, or (`close`) the peers of the room are closed. */
  #react ({ core }: RoomPart, slot: number): void {
    if (this.#parts.rules.onGap === 'close') {
      for (const session of core.members.after(0)) session.close('cluster', closeCode.GOING_AWAY, 'messages were lost')
      return
    }
    for (const { id, slot: home } of this.#parts.peers.replica.inRoom(core.name)?.after(0) ?? []) {
      if (home === slot) core.remoteRejoined(id)
    }
  }
}
