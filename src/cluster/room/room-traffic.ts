import { LastNumbers } from '../message/last-numbers.ts'
import { decodeRoomMessage, encodeRoomMessage } from '../message/room-message.ts'
import type { Frames, RoomMessage } from '../message/room-message.ts'
import type { NodeContext } from '../node-context.ts'
import type { RoomPart } from './room-part.ts'

/** Milliseconds after its last message for which heartbeats name a room. */
const RECENT = 4000
/** Maximum number of rooms in one heartbeat. */
const MAX_RECENT = 2000
/** Bytes of a room in a heartbeat besides its name. */
const ENTRY_BYTES = 16

/** What happens with the traffic of rooms. */
export interface TrafficHost {
  receive (part: RoomPart, message: RoomMessage): void
  /** Messages of a node to a room were lost. */
  lost (part: RoomPart, slot: number, count: number): void
}

/** A part, the end of its subscription, and the numbers of the last messages of other nodes. */
interface Open { readonly part: RoomPart, readonly unsubscribe: () => void, readonly received: LastNumbers }

/** Number of the last message to a room, and when that was. */
interface Last { seq: number, at: number }

/** What rooms send to their parts on other nodes: one message per room and turn. */
export class RoomTraffic {
  readonly #context: NodeContext
  readonly #host: TrafficHost
  readonly #open = new Map<string, Open>()
  readonly #sent = new Map<string, Last>()

  constructor (context: NodeContext, host: TrafficHost) {
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
    const unsubscribe = bus.subscribe(subjects.room(name), ({ bytes }) => { this.#receive(name, bytes) })
    this.#open.set(name, { part, unsubscribe, received: new LastNumbers() })
  }

  close ({ core: { name: room } }: RoomPart): void {
    this.#open.get(room)?.unsubscribe()
    this.#open.delete(room)
    this.#sent.delete(room)
  }

  publish (room: string, frames: Frames, log: Uint8Array): void {
    const last = this.#sent.get(room) ?? { seq: 0, at: 0 }
    last.seq++
    last.at = performance.now()
    // The last one is the most recent one.
    this.#sent.delete(room)
    this.#sent.set(room, last)
    const { lease, subjects } = this.#context
    this.#context.publish(subjects.room(room), encodeRoomMessage({ ...lease, seq: last.seq }, frames, log))
  }

  /** Number of the last message sent to a room; 0 before the first. */
  lastSent (room: string): number {
    return this.#sent.get(room)?.seq ?? 0
  }

  /** Expects every message of a node to a room after this number. */
  expectAfter (slot: number, room: string, seq: number): void {
    this.#open.get(room)?.received.expectAfter(slot, seq)
  }

  /** Whether the room is open, and the loss of a node's next message to it would go unnoticed. */
  isUnknown (slot: number, room: string): boolean {
    return this.#open.get(room)?.received.isUnknown(slot) === true
  }

  /** Rooms with recent messages and the numbers of the last ones, as many as fit in `bytes` of a heartbeat. */
  recent (bytes: number): Array<[string, number]> {
    const since = performance.now() - RECENT
    let left = bytes
    const isNamed = ([room, { at }]: [string, Last]): boolean => {
      left -= room.length + ENTRY_BYTES
      return left >= 0 && at >= since
    }
    const latest = [...this.#sent].slice(-MAX_RECENT).reverse()
    return latest.filter(isNamed).map(([room, { seq }]) => [room, seq])
  }

  /** A node has reported the number of its last message to a room: earlier ones that did not arrive are lost. */
  checkSeq (slot: number, room: string, seq: number): void {
    const open = this.#open.get(room)
    if (open !== undefined) this.#report(open, slot, open.received.reported(slot, seq))
  }

  /** The node has left, or joined again: numbers start over. */
  forget (slot: number): void {
    for (const { received } of this.#open.values()) received.forget(slot)
  }

  #receive (room: string, bytes: Uint8Array): void {
    const open = this.#open.get(room)
    const message = decodeRoomMessage(bytes)
    if (open === undefined || !this.#context.isLive(message)) return
    const lost = open.received.arrived(message.slot, message.seq)
    if (lost === undefined) return
    this.#report(open, message.slot, lost)
    this.#host.receive(open.part, message)
  }

  #report ({ part }: Open, slot: number, lost: number): void {
    if (lost > 0) this.#host.lost(part, slot, lost)
  }

  /** A node no longer has members of a room: when it has some again, its numbers start over. */
  forgetIn (room: string, slot: number): void {
    this.#open.get(room)?.received.forget(slot)
  }
}
