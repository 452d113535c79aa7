import type { Lease } from '../membership/lease.ts'
import { decodeJson, encodeJson } from '../message/json.ts'
import type { NodeContext } from '../node-context.ts'
import type { RoomPart } from './room-part.ts'

/** Milliseconds between reports that a room is still congested; other nodes forget a report after two seconds. */
const REPEAT = 1000

/** What a node says about its part of a room. */
interface Report extends Lease { readonly room: string, readonly isCongested: boolean }

/**
 * Backpressure over nodes: while receivers of a room lag behind on one node, members that send are paused on all. At
 * most one message per room and turn.
 */
export class CongestedRooms {
  readonly #context: NodeContext
  readonly #partOf: (room: string) => RoomPart | undefined
  /** Rooms whose state may differ from what was reported to the others. */
  readonly #changed = new Map<string, boolean>()
  /** Rooms that the others know to be congested here. */
  readonly #reported = new Set<string>()
  #timer: NodeJS.Timeout | undefined
  #isArmed = false

  constructor (context: NodeContext, partOf: (room: string) => RoomPart | undefined) {
    this.#context = context
    this.#partOf = partOf
  }

  /** Receives the reports of other nodes; returns a function that unsubscribes. */
  listen (): () => void {
    const { bus, subjects } = this.#context
    const unsubscribe = bus.subscribe(subjects.congestion, ({ bytes }) => { this.#receive(decodeJson(bytes)) })
    return () => {
      unsubscribe()
      this.#endRepeating()
      this.#reported.clear()
    }
  }

  /** Receivers of a room have started or stopped lagging behind on this node. */
  changed (room: string, isCongested: boolean): void {
    this.#changed.set(room, isCongested)
    if (this.#isArmed) return
    this.#isArmed = true
    setImmediate(() => {
      this.#isArmed = false
      this.#reportChanges()
    })
  }

  #reportChanges (): void {
    for (const [room, isCongested] of this.#changed) {
      if (isCongested === this.#reported.has(room)) continue
      if (isCongested) this.#reported.add(room)
      else this.#reported.delete(room)
      this.#send(room, isCongested)
    }
    this.#changed.clear()
    if (this.#reported.size === 0) this.#endRepeating()
    else this.#timer ??= setInterval(() => { for (const room of this.#reported) this.#send(room, true) }, REPEAT)
  }

  #endRepeating (): void {
    clearInterval(this.#timer)
    this.#timer = undefined
  }

  #send (room: string, isCongested: boolean): void {
    const { lease, subjects } = this.#context
    if (lease.slot > 0) this.#context.publish(subjects.congestion, encodeJson({ ...lease, room, isCongested }))
  }

  #receive (report: Report): void {
    if (!this.#context.isLive(report)) return
    this.#partOf(report.room)?.core.outbox.setCongestedElsewhere(report.slot, report.isCongested)
  }
}
