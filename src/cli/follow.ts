import { setTimeout as wait } from 'node:timers/promises'
import { ApiError, type ClientEvent, type PeerServerClient } from '../client/client.ts'
import { eventTypes } from '../admin/feed-event.ts'

/** All but the packets themselves. */
const types = Object.keys(eventTypes).filter(type => type !== 'packet').join(',')
/** Milliseconds until the next try. */
const AGAIN = 1000
/** Milliseconds without anything, where `stats` come every second, after which a connection is held to be dead. */
const SILENCE = 10_000

/** What happens, for ever: a stream that breaks is taken up where it was, and `onTrouble` told why. What is refused ends it. */
export async function * follow (client: PeerServerClient, signal: AbortSignal, onTrouble: (trouble: string) => void, patience: number = SILENCE): AsyncGenerator<ClientEvent> {
  let lastId = ''
  while (!signal.aborted) {
    const silence = new AbortController()
    const timer = setTimeout(() => { silence.abort() }, patience)
    try {
      for await (const { id, event } of client.events({ types }, lastId, AbortSignal.any([signal, silence.signal]))) {
        timer.refresh()
        lastId = id ?? lastId
        yield event
      }
      onTrouble('the service has ended the stream')
    } catch (error) {
      if (signal.aborted) return
      onTrouble(troubleOf(error))
    } finally {
      clearTimeout(timer)
    }
    await wait(AGAIN, undefined, { signal }).catch(() => {})
  }
}

/** What is said of a failure that may pass; what the service refuses is thrown again. */
function troubleOf (error: unknown): string {
  if (!(error instanceof ApiError)) return 'the service does not answer'
  // Of what stands before it, too, while it starts anew.
  if (error.status >= 500) return `the service answers with ${error.status}`
  throw error
}
