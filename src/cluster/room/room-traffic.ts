import { LastNumbers } from '../message/last-numbers.ts'
import { decodeRoomMessage, encodeRoomMessage } from '../message/room-message.ts'
import type { Frames, RoomMessage } from '../message/room-message.ts'
import type { NodeContext } from '../node-context.ts'
import type { RoomPart } from './room-part.ts'

/** Milliseconds after its last message for which heartbeats name a room. */
const RECENT = 4000
/** Maximum number of rooms in one heartbeat. */
const MAX_RECENT = 2000
/** Bytes of a room in a heartbeat apart from its name. */
const ENTRY_BYTES = 27

/** What RoomTraffic needs of its node, and reports to it. */
export interface RoomTrafficHost {
  /** Whether a message of a node is deferred until the node's peers are known; then `receive` is called. */
  deferUntilPeersKnown (slot: number, bytes: Uint8Array, receive: (bytes: Uint8Array) => void): boolean
  receive (part: RoomPart, message: RoomMessage): void
  /** Messages of a node to a room were lost. */
  lost (part: RoomPart, slot: number, count: number): void
}

/** A part, the end of its subscription, and the numbers of the last messages of other nodes. */
interface Open { readonly part: RoomPart, readonly unsubscribe: () => void, readonly received: LastNumbers }

/** Number of the last message to a room, when that was, and the number before the first one. */
interface Last { seq: number, at: number, readonly start: number }

/** A room in a heartbeat: the number of the last message to it, and the one before the first. */
export type RecentRoom = [room: string, seq: number, start: number]

/** What rooms send to their parts on other nodes: one message per room and turn. */
export class RoomTraffic {
  readonly #context: NodeContext
  readonly #host: RoomTrafficHost
  readonly #open = new Map<string, Open>()
  /** By room, the most recent last. A room that is closed stays while heartbeats name it. */
  readonly #sent = new Map<string, Last>()
  /** The highest number of a room that is no longer in `#sent`. Later rooms begin there: numbers never go back. */
  #highest = 0

  constructor (context: NodeContext, host: RoomTrafficHost) {
    this.#context = context
    this.#host = host
  }

  /** Bytes of the largest message. */
  get maxPayload (): number {
    return this.#context.maxPayload
  }

  /** The part of a room that is on this node. */
  part (room: string): RoomPart | undefined {
    return this.#open.get(room)?.part
  }

  /** All parts; they may be opened and closed during the iteration. */
  * parts (): IterableIterator<RoomPart> {
    for (const { part } of this.#open.values()) yield part
  }

  /** Receives what other nodes send to a room. */
  open (part: RoomPart): void {
    const { bus, subjects } = this.#context
    const { name } = part.core
    const unsubscribe = bus.subscribe(subjects.room(name), ({ bytes }) => { this.#receive(open, bytes) })
    const open: Open = { part, unsubscribe, received: new LastNumbers() }
    this.#open.set(name, open)
  }

  close (part: RoomPart): void {
    const { name } = part.core
    const open = this.#open.get(name)
    if (open?.part !== part) return
    open.unsubscribe()
    this.#open.delete(name)
  }

  publish (room: string, frames: Frames, log: Uint8Array): void {
    const last = this.#sent.get(room) ?? { seq: this.#highest, at: 0, start: this.#highest }
    last.seq++
    last.at = performance.now()
    // The last one is the most recent one.
    this.#sent.delete(room)
    this.#sent.set(room, last)
    const { seq, start } = last
    const { lease, subjects } = this.#context
    this.#context.publish(subjects.room(room), encodeRoomMessage({ ...lease, seq, start }, frames, log))
  }

  /** Number of the last message sent to a room; 0 before the first, whose number may be higher than 1. */
  lastSent (room: string): number {
    return this.#sent.get(room)?.seq ?? 0
  }

  /** Numbers of the last messages to a room that have arrived since its part was opened. */
  received (room: string): LastNumbers | undefined {
    return this.#open.get(room)?.received
  }

  /** Rooms with recent messages and their numbers, as many as fit in `bytes` of a heartbeat. */
  recent (bytes: number): RecentRoom[] {
    const since = performance.now() - RECENT
    this.#forgetClosed(since)
    let left = bytes
    const isNamed = ([room, { at }]: [string, Last]): boolean => {
      left -= room.length + ENTRY_BYTES
      return left >= 0 && at >= since
    }
    const latest = [...this.#sent].slice(-MAX_RECENT).reverse()
    return latest.filter(isNamed).map(([room, { seq, start }]) => [room, seq, start])
  }

  /** Forgets rooms that are closed and have had no message since then. */
  #forgetClosed (since: number): void {
    for (const [room, { seq, at }] of this.#sent) {
      if (at >= since) return
      if (this.#open.has(room)) continue
      this.#highest = Math.max(this.#highest, seq)
      this.#sent.delete(room)
    }
  }

  /** A node has reported the number of its last message to a room: earlier ones that did not arrive are lost. */
  checkSeq (slot: number, [room, seq, start]: RecentRoom): void {
    const open = this.#open.get(room)
    if (open !== undefined) this.#report(open, slot, open.received.reported(slot, seq, start))
  }

  /** The node has left, or has joined again: then it is asked for its numbers. */
  forget (slot: number): void {
    for (const { received } of this.#open.values()) received.forget(slot)
  }

  #receive (open: Open, bytes: Uint8Array): void {
    const message = decodeRoomMessage(bytes)
    if (this.#open.get(open.part.core.name) !== open || !this.#context.isLive(message)) return
    if (this.#host.deferUntilPeersKnown(message.slot, bytes, held => { this.#receive(open, held) })) return
    const lost = open.received.arrived(message.slot, message.seq, message.start)
    if (lost === undefined) return
    this.#report(open, message.slot, lost)
    this.#host.receive(open.part, message)
  }

  #report ({ part }: Open, slot: number, lost: number): void {
    if (lost > 0) this.#host.lost(part, slot, lost)
  }
}
