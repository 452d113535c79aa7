import { once } from 'node:events'
import { get, type IncomingMessage } from 'node:http'
import type { Test } from 'tap'
import { withTimeout } from './with-timeout.ts'

/** One Server-Sent Event: its fields, and its data as JSON where it has any. */
export interface ServerSentEvent { id?: string, event?: string, retry?: string, data?: any }

/** A stream of Server-Sent Events, read by hand so that every byte of it is seen. */
export class EventSourceReader {
  readonly status: number
  readonly headers: Headers
  /** Resolves when the stream is over: true when it ended in order, false when it was cut. */
  readonly ended: Promise<boolean>
  /** Everything that came so far but comments. */
  readonly events: ServerSentEvent[] = []
  readonly comments: string[] = []
  readonly #unseen: ServerSentEvent[] = []
  readonly #response: IncomingMessage
  #wake = (): void => {}

  constructor (response: IncomingMessage) {
    this.#response = response
    this.status = response.statusCode as number
    this.headers = new Headers(response.headers as Record<string, string>)
    this.ended = this.#read()
    this.ended.then(() => { this.#wake() })
  }

  /** The next event that is of one of these types, and has not been handed out; of any type unless given. */
  async next (...types: string[]): Promise<ServerSentEvent> {
    for (;;) {
      const at = this.#unseen.findIndex(({ event }) => types.length === 0 || types.includes(event as string))
      if (at >= 0) return this.#unseen.splice(at, 1)[0]
      await this.changed(() => `an event ${types.join(' or ')}`)
    }
  }

  /** Resolves when something comes, or the stream is over. */
  async changed (awaited = () => 'anything'): Promise<void> {
    const change = new Promise<void>(resolve => { this.#wake = resolve })
    await withTimeout(5, () => `${awaited()}; so far ${JSON.stringify(this.events)}`, change)
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
    if (event.event !== undefined) this.#unseen.push(event)
  }
}

/** Opens a stream; it ends with the test. */
export async function openEvents (
  t: Test, url: string, headers: Record<string, string> = {}
): Promise<EventSourceReader> {
  // Not by fetch: after a stream that was cut it opens a connection for a request that never comes, and a closing app
  // waits for that.
  const request = get(url, { agent: false, headers })
  t.teardown(() => { request.destroy() })
  const [response] = await once(request, 'response') as [IncomingMessage]
  return new EventSourceReader(response)
}
