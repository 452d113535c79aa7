import { setTimeout as delay } from 'node:timers/promises'
import { ApiError, type ClientEvent, type PeerServerClient } from '../client/client.ts'
import { eventTypes } from '../client/event-text.ts'

/** Past events to begin with. */
const RECENT_EVENTS = 20
/** Every type except packets. */
const types = [...eventTypes.filter(type => type !== 'packet'), 'stats'].join(',')
/** Milliseconds until the next attempt to connect. */
const RETRY_DELAY = 1000
/** `stats` events come every second. */
const SILENCE_TIMEOUT = 10_000

/** What to follow, and what happens when the connection is lost. */
export interface FollowOptions {
  /** Only events of this room. */
  readonly room?: string | undefined
  readonly signal: AbortSignal
  readonly onLost: (reason: string) => void
  /** Milliseconds of silence after which a connection is considered lost. */
  readonly silenceTimeout?: number
}

/**
 * Yields events until `signal` is aborted, first a few past ones. A lost connection is reported to `onLost` and resumed
 * without missing an event; a request that the service rejects throws ApiError.
 */
export async function * followEvents (
  client: PeerServerClient, { room, signal, onLost, silenceTimeout = SILENCE_TIMEOUT }: FollowOptions
): AsyncGenerator<ClientEvent> {
  let lastId = ''
  while (!signal.aborted) {
    const silent = new AbortController()
    const timer = setTimeout(() => { silent.abort() }, silenceTimeout)
    try {
      const query = { types, recent: RECENT_EVENTS, ...(room === undefined ? {} : { room }) }
      for await (const { id, event } of client.events(query, lastId, AbortSignal.any([signal, silent.signal]))) {
        timer.refresh()
        lastId = id ?? lastId
        yield event
      }
      onLost('the service closed the stream')
    } catch (error) {
      if (signal.aborted) return
      onLost(lossReason(error))
    } finally {
      clearTimeout(timer)
    }
    await delay(RETRY_DELAY, undefined, { signal }).catch(() => {})
  }
}

/** The reason of a loss that may be temporary; throws any other error. */
function lossReason (error: unknown): string {
  if (!(error instanceof ApiError)) return 'no response from the service'
  const { status } = error
  // A proxy responds with such a status, too, while the service restarts. The other two mean too slow, and too often.
  if (status >= 500 || status === 408 || status === 429) return `the service responds with ${status}`
  throw error
}
