import type { DirectLinks } from './direct-links.ts'
import type { EventExchange } from './event-exchange.ts'
import type { NodeContext } from './node-context.ts'
import type { RoomTraffic } from './room/room-traffic.ts'

/** The parts of a node whose messages are numbered. */
export interface NumberedParts {
  readonly traffic: RoomTraffic
  readonly direct: DirectLinks
  readonly events: EventExchange
}

/** Numbers of the last messages that a node has sent: to a room, to the node that asks, about events. */
interface Sent { readonly epoch: number, readonly room: number, readonly direct: number, readonly events: number }

/**
 * Learns from other nodes which numbers their messages have so far: otherwise nobody would notice that the first ones
 * are lost. A node asks after it has subscribed, so all that follows the answer is to arrive.
 */
export class FirstNumbers {
  readonly #context: NodeContext
  readonly #parts: NumberedParts
  /** Nodes and rooms that are being asked about: `slot room`. */
  readonly #pending = new Set<string>()
  /** Rooms about which a node has not answered, by slot: asked again after its next heartbeat. */
  readonly #unanswered = new Map<number, Set<string>>()

  constructor (context: NodeContext, parts: NumberedParts) {
    this.#context = context
    this.#parts = parts
    const { traffic, direct, events } = parts
    context.commands.handle('sent', ({ slot, room }: { slot: number, room?: string }): Sent => ({
      epoch: context.lease.epoch,
      room: room === undefined ? 0 : traffic.lastSent(room),
      direct: direct.lastSentTo(slot),
      events: events.lastSent
    }))
  }

  /** Another node has joined. */
  async learn (slot: number): Promise<void> {
    const sent = await this.#ask(slot)
    if (!this.#context.isLive({ slot, epoch: sent.epoch })) return
    this.#parts.direct.received.follow(slot, sent.direct)
    this.#parts.events.received.follow(slot, sent.events)
  }

  /** A node may send to a room that has a part here. */
  learnRoom (slot: number, room: string): void {
    const key = `${slot} ${room}`
    if (this.#pending.has(key) || !this.#parts.traffic.isUnknown(slot, room)) return
    this.#pending.add(key)
    this.#ask(slot, room)
      .then(({ epoch, room: seq }) => {
        if (this.#context.isLive({ slot, epoch })) this.#parts.traffic.follow(slot, room, seq)
      }, () => { this.#remember(slot, room) })
      .finally(() => { this.#pending.delete(key) })
  }

  /** Asks a node again for what it has not answered. */
  retry (slot: number): void {
    const rooms = this.#unanswered.get(slot)
    this.#unanswered.delete(slot)
    for (const room of rooms ?? []) this.learnRoom(slot, room)
  }

  /** The node has left. */
  forget (slot: number): void {
    this.#unanswered.delete(slot)
  }

  async #ask (slot: number, room?: string): Promise<Sent> {
    const { commands, lease } = this.#context
    return await commands.ask(slot, 'sent', { slot: lease.slot, room }) as Sent
  }

  #remember (slot: number, room: string): void {
    const rooms = this.#unanswered.get(slot) ?? new Set()
    this.#unanswered.set(slot, rooms.add(room))
  }
}
