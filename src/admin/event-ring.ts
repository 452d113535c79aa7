import { FeedEvent } from './feed-event.ts'
import type { EventType, FeedData, Origin } from './feed-event.ts'

/**
 * The most recent events, bounded in number and in memory, and the position of every event: an id shows which events
 * came after it.
 */
export class EventRing {
  #maxEvents: number
  #maxBytes: number
  /** Distinguishes the ids of this process from those of an earlier one. */
  readonly #name = crypto.randomUUID().slice(0, 8)
  readonly #slots: Array<FeedEvent | undefined> = []
  /** Events since the start; the position of the latest. */
  #count = 0
  #kept = 0
  #bytes = 0

  /** Keeps up to `maxEvents` events of together about `maxBytes` bytes of memory. */
  constructor (maxEvents: number, maxBytes: number) {
    this.#maxEvents = maxEvents
    this.#maxBytes = maxBytes
  }

  /** From now on keeps at least `maxEvents` events of together at least `maxBytes` bytes. */
  extend (maxEvents: number, maxBytes: number): void {
    const events = this.all()
    this.#maxEvents = Math.max(maxEvents, this.#maxEvents)
    this.#maxBytes = Math.max(maxBytes, this.#maxBytes)
    this.#slots.length = 0
    for (const [at, event] of events.entries()) {
      this.#slots[(this.#count - events.length + 1 + at) % this.#maxEvents] = event
    }
  }

  /** Whether any event is ever kept. */
  get isKeeping (): boolean {
    return this.#maxEvents > 0
  }

  /** The id of the latest event, or of the position before the first. */
  get lastId (): string {
    return this.#id(this.#count)
  }

  /** Estimated memory of the events that are kept, in bytes. */
  get bytes (): number {
    return this.#bytes
  }

  /** Adds an event; the oldest ones are removed to make space. */
  add<Type extends EventType> (type: Type, data: FeedData[Type], origin?: Origin): FeedEvent {
    const event = new FeedEvent(type, data, this.#id(this.#count + 1), origin)
    if (this.#kept === this.#maxEvents) this.#dropOldest()
    this.#count++
    if (this.#maxEvents === 0) return event
    this.#slots[this.#count % this.#maxEvents] = event
    this.#kept++
    this.#bytes += event.size
    while (this.#bytes > this.#maxBytes) this.#dropOldest()
    return event
  }

  /**
   * The events after the one with this id, oldest first; undefined when some of them are no longer kept, or the id was
   * not issued by it.
   */
  since (id: string): FeedEvent[] | undefined {
    const [name, position] = id.split('-')
    const seen = Number(position)
    const missed = this.#count - seen
    if (name !== this.#name || id !== this.#id(seen) || missed < 0 || missed > this.#kept || this.#maxEvents === 0) {
      return undefined
    }
    return Array.from({ length: missed }, (_, i) => this.#slots[(seen + 1 + i) % this.#maxEvents]!)
  }

  /** All events that are kept, oldest first. */
  all (): FeedEvent[] {
    return this.since(this.#id(this.#count - this.#kept)) ?? []
  }

  #dropOldest (): void {
    if (this.#kept === 0) return
    const slot = (this.#count - this.#kept + 1) % this.#maxEvents
    this.#bytes -= this.#slots[slot]!.size
    this.#slots[slot] = undefined
    this.#kept--
  }

  #id (position: number): string {
    return `${this.#name}-${position}`
  }
}
