import type { SSEMessage } from '@fastify/sse'
import type { FeedEvent } from '../../src/admin/feed-event.ts'
import { EventQueue } from './event-queue.ts'

/** Maximum characters queued for a reader. */
const MAX_WAITING = 1 << 20
/** Missed events that are never merged, as a client that asks for recent ones wants to see them. */
const MAX_UNMERGED = 1000

/** What a stream begins with, and what follows. */
export interface StreamOptions {
  /** Events before `mark`. */
  readonly missed: readonly FeedEvent[]
  /** The message between those and new events. */
  readonly mark: SSEMessage
  /** Whether many events of one kind may become one. */
  readonly mayMerge: boolean
  /** Called when the reader does not keep up. */
  readonly onSlow: () => void
}

/**
 * The events for one reader: first those it missed, then new ones. A stream that is read too slowly ends by itself. It
 * can be iterated once, and yields all events of an event loop turn together, so that they are sent in one write.
 */
export class EventStream implements AsyncIterable<SSEMessage> {
  readonly #options: StreamOptions
  readonly #queue: EventQueue
  /** Characters of events that wait or are being sent. */
  #characters = 0
  #wake: (() => void) | undefined
  #isOver = false

  constructor (options: StreamOptions) {
    this.#options = options
    this.#queue = new EventQueue(options.mayMerge)
  }

  /** Adds an event. */
  readonly send = (event: FeedEvent): void => {
    if (this.#isOver) return
    this.#characters += this.#queue.add(event)
    if (this.#characters > MAX_WAITING) {
      this.#queue.take()
      this.end()
      this.#options.onSlow()
    } else this.#wake?.()
  }

  /** Ends the stream after the queued events. */
  end (): void {
    this.#isOver = true
    this.#wake?.()
  }

  async * [Symbol.asyncIterator] (): AsyncGenerator<SSEMessage> {
    const { missed, mark, mayMerge } = this.#options
    const before = new EventQueue(mayMerge && missed.length > MAX_UNMERGED)
    for (const event of missed) before.add(event)
    yield * before.take()
    yield mark
    while (!this.#queue.isEmpty || !this.#isOver) {
      if (this.#queue.isEmpty) await this.#nextTurn()
      const batch = this.#queue.take()
      this.#characters = batch.reduce((sum, { data }) => sum + (data as string).length, 0)
      for (const message of batch) {
        this.#characters -= (message.data as string).length
        yield message
      }
    }
  }

  /** Resolves at the end of the event loop turn in which an event arrives. */
  async #nextTurn (): Promise<void> {
    await new Promise<void>(resolve => { this.#wake = () => { setImmediate(resolve) } })
    this.#wake = undefined
  }
}
