import { once } from 'node:events'
import { get, type IncomingMessage } from 'node:http'
import { get as getSecurely } from 'node:https'
import type { Test } from 'tap'
import { pem } from './keys.ts'
import { withTimeout } from '../with-timeout.ts'

/** One Server-Sent Event: its fields, and its data as JSON where it has any. */
export interface ServerSentEvent { id?: string, event?: string, retry?: string, data?: any }

/** Parses a stream of Server-Sent Events without a library, in order to check every byte. */
export class EventSourceReader {
  readonly status: number
  readonly headers: Headers
  /** Resolves when the stream ends: true if it ended normally, false if the connection was cut. */
  readonly ended: Promise<boolean>
  /** All events so far. */
  readonly events: ServerSentEvent[] = []
  readonly comments: string[] = []
  readonly #unread: ServerSentEvent[] = []
  readonly #response: IncomingMessage
  #wake = (): void => {}

  constructor (response: IncomingMessage) {
    this.#response = response
    this.status = response.statusCode as number
    this.headers = new Headers(response.headers as Record<string, string>)
    this.ended = this.#read()
    this.ended.then(() => { this.#wake() })
  }

  /** The next event of one of these types that was not returned before; of any type by default. */
  async next (...types: string[]): Promise<ServerSentEvent> {
    for (;;) {
      const at = this.#unread.findIndex(({ event }) => types.length === 0 || types.includes(event as string))
      if (at >= 0) return this.#unread.splice(at, 1)[0]
      await this.changed(() => `event ${types.join(' or ')}`)
    }
  }

  /** Resolves when data arrives or the stream ends. */
  async changed (awaited = () => 'data'): Promise<void> {
    const change = new Promise<void>(resolve => { this.#wake = resolve })
    await withTimeout(() => `${awaited()}; so far ${JSON.stringify(this.events)}`, change)
  }

  /** Cuts the connection. */
  close (): void {
    this.#response.destroy()
  }

  async #read (): Promise<boolean> {
    let text = ''
    try {
      for await (const chunk of this.#response.setEncoding('utf8')) {
        text += chunk
        const blocks = text.split('\n\n')
        text = blocks.pop()!
        for (const block of blocks) this.#take(block)
        this.#wake()
      }
      return true
    } catch {
      return false
    }
  }

  #take (block: string): void {
    const event: Record<string, any> = {}
    for (const line of block.split('\n')) {
      const [name, ...value] = line.split(': ')
      if (name === '' || line.startsWith(':')) this.comments.push(line)
      else event[name] = value.join(': ')
    }
    if (event.data !== undefined) event.data = JSON.parse(event.data)
    if (Object.keys(event).length === 0) return
    this.events.push(event)
    if (event.event !== undefined) this.#unread.push(event)
  }
}

/** Opens a stream; the test closes it. */
export async function openEvents (
  t: Test, url: string, headers: Record<string, string> = {}
): Promise<EventSourceReader> {
  // Without fetch: after a cut stream it opens another connection without a request, for which a closing app waits.
  const request = url.startsWith('https:')
    ? getSecurely(url, { agent: false, headers, ca: pem('root.pem') })
    : get(url, { agent: false, headers })
  t.teardown(() => { request.destroy() })
  const [response] = await once(request, 'response') as [IncomingMessage]
  return new EventSourceReader(response)
}
