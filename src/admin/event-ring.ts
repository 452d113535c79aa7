import { FeedEvent } from './feed-event.ts'
import type { EventType, FeedData } from './feed-event.ts'

/** The latest events, and the places of all: an id leads to what came after it. */
export class EventRing {
  readonly #size: number
  /** Tells the ids of this process from those of one before it. */
  readonly #name = crypto.randomUUID().slice(0, 8)
  readonly #kept: FeedEvent[] = []
  #count = 0

  /** Keeps up to `size` events. */
  constructor (size: number) {
    this.#size = size
  }

  /** The id of the latest event, or of the place before the first. */
  get lastId (): string {
    return this.#id(this.#count)
  }

  add<Type extends EventType> (type: Type, data: FeedData[Type]): FeedEvent {
    const event = new FeedEvent(type, data, this.#id(++this.#count))
    if (this.#size > 0) this.#kept[this.#count % this.#size] = event
    return event
  }

  /** What came after the event with this id, the oldest first; undefined when not all of that is kept, or the id is none of ours. */
  since (id: string): FeedEvent[] | undefined {
    const [name, place] = id.split('-')
    const seen = Number(place)
    const missed = this.#count - seen
    if (name !== this.#name || id !== this.#id(seen) || missed < 0 || missed > this.#size || this.#size === 0) return undefined
    return Array.from({ length: missed }, (_, i) => this.#kept[(seen + 1 + i) % this.#size])
  }

  /** All that are kept, the oldest first. */
  all (): FeedEvent[] {
    return this.since(this.#id(Math.max(0, this.#count - this.#size))) ?? []
  }

  #id (place: number): string {
    return `${this.#name}-${place}`
  }
}
