import type { Bus } from '../bus/bus.ts'
import { decodeRoomMessage, encodeRoomMessage } from '../message/room-message.ts'
import type { Frames, RoomMessage } from '../message/room-message.ts'
import type { Lease } from '../room-directory.ts'
import type { Subjects } from '../subjects.ts'
import type { RoomPart } from './room-part.ts'

/** Milliseconds for which a room that was sent to is named in heartbeats. */
const RECENT = 4000

/** What the traffic of rooms needs of its node. */
export interface TrafficHost {
  readonly lease: Lease
  readonly bus: Bus
  /** Whether a message comes from a node that is in the cluster. */
  isLive (lease: Lease): boolean
  receive (part: RoomPart, message: RoomMessage): void
  /** Messages of a node to a room were lost. */
  lost (part: RoomPart, slot: number, count: number): void
}

/** A part, the end of its subscription, and the number of the last message of each node. */
interface Open { readonly part: RoomPart, readonly unsubscribe: () => void, readonly received: Map<number, number> }

/** Number of the last message to a room, and when that was. */
interface Last { seq: number, at: number }

/** What rooms send to their parts on other nodes: one message per room and turn. */
export class RoomTraffic {
  readonly #host: TrafficHost
  readonly #subjects: Subjects
  readonly #open = new Map<string, Open>()
  readonly #sent = new Map<string, Last>()

  constructor (host: TrafficHost, subjects: Subjects) {
    this.#host = host
    this.#subjects = subjects
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
  open (room: string, part: RoomPart): void {
    const unsubscribe = this.#host.bus.subscribe(this.#subjects.room(room), ({ bytes }) => { this.#receive(room, bytes) })
    this.#open.set(room, { part, unsubscribe, received: new Map() })
  }

  close (room: string): void {
    this.#open.get(room)?.unsubscribe()
    this.#open.delete(room)
    this.#sent.delete(room)
  }

  publish (room: string, frames: Frames, log: Uint8Array): void {
    const last = this.#sent.get(room) ?? { seq: 0, at: 0 }
    last.seq++
    last.at = performance.now()
    this.#sent.set(room, last)
    const stamp = { ...this.#host.lease, seq: last.seq }
    this.#host.bus.publish(this.#subjects.room(room), encodeRoomMessage(stamp, frames, log))
  }

  /** Rooms and numbers of their last messages, those of the last seconds. */
  * recent (): IterableIterator<[string, number]> {
    const since = performance.now() - RECENT
    for (const [room, { seq, at }] of this.#sent) if (at >= since) yield [room, seq]
  }

  /** A node has told the number of its last message to a room: those that did not arrive before are lost. */
  checkSeq (slot: number, room: string, seq: number): void {
    const open = this.#open.get(room)
    if (open !== undefined) this.#count(open, slot, seq, seq)
  }

  /** The node is gone, or has joined anew: numbers begin again. */
  forget (slot: number): void {
    for (const { received } of this.#open.values()) received.delete(slot)
  }

  #receive (room: string, bytes: Uint8Array): void {
    const open = this.#open.get(room)
    const message = decodeRoomMessage(bytes)
    if (open === undefined || !this.#host.isLive(message)) return
    this.#count(open, message.slot, message.seq, message.seq - 1)
    this.#host.receive(open.part, message)
  }

  /** Up to `seq` everything has arrived or is lost; up to `known` it should have arrived before. */
  #count ({ part, received }: Open, slot: number, seq: number, known: number): void {
    const last = received.get(slot)
    received.set(slot, seq)
    // The first message since this part or that one was opened.
    if (last === undefined || seq < last) return
    if (known > last) this.#host.lost(part, slot, known - last)
  }
}
