import type { SSEMessage } from '@fastify/sse'
import type { FeedEvent } from '../../src/admin/feed-event.ts'

/** Maximum characters queued for a reader. */
const MAX_WAITING = 1 << 20

/**
 * The events for one reader: first those it missed, then new ones. A stream that is read too slowly ends by itself. It
 * can be iterated once, and yields all events of an event loop turn together, so that they are sent in one write.
 */
export class EventStream implements AsyncIterable<SSEMessage> {
  readonly #missed: readonly FeedEvent[]
  readonly #mark: SSEMessage
  readonly #onSlow: () => void
  #waiting: SSEMessage[] = []
  #characters = 0
  #wake: (() => void) | undefined
  #isOver = false

  /** `missed` and then `mark` come before all others; `onSlow` is called when the reader does not keep up. */
  constructor (missed: readonly FeedEvent[], mark: SSEMessage, onSlow: () => void) {
    this.#missed = missed
    this.#mark = mark
    this.#onSlow = onSlow
  }

  /** Adds an event. */
  readonly send = (event: FeedEvent): void => {
    if (this.#isOver) return
    this.#waiting.push(messageOf(event))
    this.#characters += event.text.length
    if (this.#characters > MAX_WAITING) {
      this.#waiting = []
      this.end()
      this.#onSlow()
    } else this.#wake?.()
  }

  /** Ends the stream after the queued events. */
  end (): void {
    this.#isOver = true
    this.#wake?.()
  }

  async * [Symbol.asyncIterator] (): AsyncGenerator<SSEMessage> {
    for (const event of this.#missed) yield messageOf(event)
    yield this.#mark
    while (this.#waiting.length > 0 || !this.#isOver) {
      if (this.#waiting.length === 0) await this.#nextTurn()
      const batch = this.#waiting
      this.#waiting = []
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

/** An event as it is sent; its text is already JSON. */
function messageOf ({ id, type, text }: FeedEvent): SSEMessage {
  return { ...(id === '' ? {} : { id }), event: type, data: text }
}
