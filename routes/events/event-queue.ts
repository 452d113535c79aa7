import type { SSEMessage } from '@fastify/sse'
import type { EventType, FeedEvent } from '../../src/admin/feed-event.ts'

/** Waiting events of one kind that are sent one by one; more are merged. */
const MAX_SINGLE = 50

/** What can happen to thousands of peers and rooms at once. */
const mergedTypes: ReadonlySet<EventType> = new Set([
  'client_connected', 'client_close_request', 'client_disconnected',
  'peer_connected', 'peer_disconnected', 'peer_moved', 'room_opened', 'room_closed'
] as const)

/** Events of one kind that wait: how many of them are merged, and the latest. */
interface Kind { single: number, merged: number, latest: FeedEvent }

/** Events that wait for a reader. If it may merge, many events of the same type and cause become one with a count. */
export class EventQueue {
  readonly #mayMerge: boolean
  #events: FeedEvent[] = []
  readonly #kinds = new Map<string, Kind>()
  #lastId = ''

  constructor (mayMerge: boolean) {
    this.#mayMerge = mayMerge
  }

  get isEmpty (): boolean {
    return this.#events.length === 0
  }

  /** Adds an event; returns the number of characters that now wait in addition. */
  add (event: FeedEvent): number {
    if (event.id !== '') this.#lastId = event.id
    if (this.#mayMerge && mergedTypes.has(event.type) && this.#merge(event)) return 0
    this.#events.push(event)
    return event.text.length
  }

  /** Whether the event is merged with others. */
  #merge (event: FeedEvent): boolean {
    const key = `${event.type} ${causeOf(event)}`
    const kind = this.#kinds.get(key) ?? { single: 0, merged: 0, latest: event }
    this.#kinds.set(key, kind)
    if (kind.single < MAX_SINGLE) {
      kind.single++
      return false
    }
    kind.merged++
    kind.latest = event
    return true
  }

  /**
   * Removes all events. Among merged ones only the last has an id: a reader that has not received it gets all of them
   * when it reconnects.
   */
  take (): SSEMessage[] {
    const merged = [...this.#kinds.values()].filter(({ merged }) => merged > 0).map(describeMerged)
    const events = this.#events.map(messageOf)
    this.#events = []
    this.#kinds.clear()
    if (merged.length === 0) return events
    const messages: SSEMessage[] = [...events.map(({ id, ...message }) => message), ...merged]
    messages.at(-1)!.id = this.#lastId
    return messages
  }
}

function causeOf ({ data }: FeedEvent): string {
  return (data as { cause?: string }).cause ?? ''
}

function describeMerged ({ merged: count, latest }: Kind): SSEMessage {
  const cause = causeOf(latest)
  return {
    event: 'merged',
    data: JSON.stringify({
      type: 'merged',
      at: new Date(latest.at).toISOString(),
      of: latest.type,
      ...(cause === '' ? {} : { cause }),
      count
    })
  }
}

/** An event as it is sent; its text is already JSON. */
function messageOf ({ id, type, text }: FeedEvent): SSEMessage {
  return { ...(id === '' ? {} : { id }), event: type, data: text }
}
