import { createParser, type EventSourceMessage } from 'eventsource-parser'
import { inTime } from './in-time.ts'

/**
 * Parses a response body of type text/event-stream. eventsource-parser drops blocks without data, but the feed sends a
 * position in such a block, with the fields `id` and `retry`. After `retry` an empty `data` field is inserted here, so
 * that the block arrives as a message with empty data. Throws a TimeoutError after `maxSilence` milliseconds without a
 * byte.
 */
export async function * parseEventStream (
  body: ReadableStream<Uint8Array>, maxSilence: number
): AsyncGenerator<EventSourceMessage> {
  const messages: EventSourceMessage[] = []
  const parser = createParser({ onEvent: message => { messages.push(message) } })
  for await (const lines of completeLines(body, maxSilence)) {
    // `^` and `$` with flag `m` would also match next to U+2028 in the middle of a line, which data may contain.
    parser.feed(lines.replace(/(^|\n)(retry:[^\r\n]*)/g, '$1$2\ndata:'))
    yield * messages.splice(0)
  }
}

/** The text of a body, cut only at the ends of lines. */
async function * completeLines (body: ReadableStream<Uint8Array>, maxSilence: number): AsyncGenerator<string> {
  // Safari cannot iterate a ReadableStream.
  const reader = body.getReader()
  const decoder = new TextDecoder()
  let rest = ''
  try {
    for (;;) {
      const { done, value } = await inTime(reader.read(), maxSilence)
      if (done) return
      rest += decoder.decode(value, { stream: true })
      const end = rest.lastIndexOf('\n') + 1
      yield rest.slice(0, end)
      rest = rest.slice(end)
    }
  } finally {
    await reader.cancel().catch(() => {})
  }
}
