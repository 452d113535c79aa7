import { MAIN } from '../core/room/room-name.ts'
import type { DirectLinks } from './direct-links.ts'
import type { EventExchange } from './event-exchange.ts'
import type { LastNumbers } from './message/last-numbers.ts'
import type { NodeContext } from './node-context.ts'
import type { RoomTraffic } from './room/room-traffic.ts'

/** The parts of a node whose messages are numbered. */
export interface FirstNumbersParts {
  readonly traffic: RoomTraffic
  readonly direct: DirectLinks
  readonly events: EventExchange
}

/** Numbers of the last messages that a node has sent: to a room, to the node that asks, and of events. */
interface Sent { readonly epoch: number, readonly room: number, readonly direct: number, readonly events: number }

/**
 * Asks other nodes for the numbers of their last messages: without them the loss of their first messages would go
 * unnoticed. A node asks after it has subscribed, so every message after the response is expected to arrive.
 */
export class FirstNumbers {
  readonly #context: NodeContext
  readonly #parts: FirstNumbersParts
  /** Nodes and rooms that are being asked about (`slot room`), and for which numbers. */
  readonly #pending = new Map<string, LastNumbers>()
  /** Rooms about which a node has not responded, by its slot; it is asked again after its next heartbeat. */
  readonly #unanswered = new Map<number, Set<string>>()

  constructor (context: NodeContext, parts: FirstNumbersParts) {
    this.#context = context
    this.#parts = parts
    const { traffic, direct, events } = parts
    context.commands.handle('sent', ({ slot, room }: { slot: number, room: string }): Sent => ({
      epoch: context.lease.epoch,
      room: traffic.lastSent(room),
      direct: direct.lastSentTo(slot),
      events: events.lastSent
    }))
  }

  /** Another node has joined; its application may send to `main` although no member or home of it is there. */
  async learn (slot: number): Promise<void> {
    const received = this.#parts.traffic.received(MAIN)
    const sent = await this.#ask(slot, MAIN)
    if (!this.#context.isLive({ slot, epoch: sent.epoch })) return
    received?.expectAfter(slot, sent.room)
    this.#parts.direct.received.expectAfter(slot, sent.direct)
    this.#parts.events.received.expectAfter(slot, sent.events)
  }

  /**
   * A node may send to a room that has a part here. If that is closed and opened again before the response, the new one
   * missed what was sent in between, and asks itself.
   */
  learnRoom (slot: number, room: string): void {
    const key = `${slot} ${room}`
    const received = this.#parts.traffic.received(room)
    if (received?.isUnknown(slot) !== true || this.#pending.get(key) === received) return
    this.#pending.set(key, received)
    this.#ask(slot, room)
      .then(({ epoch, room: seq }) => {
        if (this.#context.isLive({ slot, epoch })) received.expectAfter(slot, seq)
      }, () => { this.#remember(slot, room) })
      .finally(() => { if (this.#pending.get(key) === received) this.#pending.delete(key) })
  }

  /** Repeats the requests to which a node has not responded. */
  retry (slot: number): void {
    const rooms = this.#unanswered.get(slot)
    this.#unanswered.delete(slot)
    for (const room of rooms ?? []) this.learnRoom(slot, room)
  }

  /** The node has left. */
  forget (slot: number): void {
    this.#unanswered.delete(slot)
  }

  async #ask (slot: number, room: string): Promise<Sent> {
    const { commands, lease } = this.#context
    return await commands.ask(slot, 'sent', { slot: lease.slot, room }) as Sent
  }

  #remember (slot: number, room: string): void {
    const rooms = this.#unanswered.get(slot) ?? new Set()
    this.#unanswered.set(slot, rooms.add(room))
  }
}
