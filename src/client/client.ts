import type { FeedData } from '../admin/feed-event.ts'
import { operations, type Operations, type Problem } from './operations.ts'

/** Where the service is, who asks, which of its servers (the first unless given), and how many seconds a call may take (30). */
export interface ClientOptions { readonly url: string, readonly token?: string | undefined, readonly server?: string | undefined, readonly timeout?: number }

/** What happens, as the feed tells it. `open` and `reset` are about the stream itself: what was missed has been told, or is no longer known. */
export type ClientEvent = { [Type in keyof FeedData]: { readonly type: Type, readonly at: string } & FeedData[Type] }[keyof FeedData] |
  { readonly type: 'reset', readonly at: string } | { readonly type: 'open' }

type Given<Name extends keyof Operations> = undefined extends Operations[Name]['body']
  ? Record<never, never> extends Operations[Name]['parameters'] ? [parameters?: Operations[Name]['parameters']] : [parameters: Operations[Name]['parameters']]
  : [parameters: Operations[Name]['parameters'], body: Operations[Name]['body']]

const API = 'api/v1/'
const TIMEOUT = 30

/** What the service refuses, and why. */
export class ApiError extends Error {
  readonly status: number
  readonly problem: Partial<Problem>

  constructor (status: number, problem: Partial<Problem>) {
    super(problem.detail ?? `the service answered with ${status}`)
    this.name = 'ApiError'
    this.status = status
    this.problem = problem
  }
}

/** The REST API with types: `await client.call('disconnectPeer', { id, code: 4001 })`. */
export class PeerServerClient {
  readonly #root: URL
  readonly #headers: Readonly<Record<string, string>>
  readonly #timeout: number

  constructor ({ url, token, server, timeout = TIMEOUT }: ClientOptions) {
    this.#root = new URL(server === undefined ? API : `${API}${server}/`, url.endsWith('/') ? url : `${url}/`)
    this.#timeout = timeout * 1000
    this.#headers = token === undefined ? {} : { authorization: `Bearer ${token}` }
  }

  /** Calls an operation with its parameters and its body; ApiError when it is refused, TypeError when nobody is there, TimeoutError. */
  async call<Name extends keyof Operations> (name: Name, ...[parameters = {}, body]: Given<Name>): Promise<Operations[Name]['answer']> {
    const response = await this.#send(name, parameters as Record<string, unknown>, bodyOf(body), AbortSignal.timeout(this.#timeout))
    return (response.status === 204 ? undefined : await jsonOf(response)) as Operations[Name]['answer']
  }

  /** Follows what happens, from behind the event with `lastId` on; ends with the stream. Each comes with its id, if it has one. */
  async * events (parameters: Operations['events']['parameters'] = {}, lastId: string = '', signal?: AbortSignal): AsyncGenerator<{ id: string | undefined, event: ClientEvent }> {
    const headers = { accept: 'text/event-stream', ...(lastId === '' ? {} : { 'last-event-id': lastId }) }
    const response = await this.#send('events', parameters, { headers }, signal)
    for await (const { id, data } of messages(response.body!)) {
      // An id alone is the place in the feed where the stream stands.
      if (data !== undefined) yield { id, event: JSON.parse(data) }
      else if (id !== undefined) yield { id, event: { type: 'open' } }
    }
  }

  async #send (name: keyof Operations, parameters: Record<string, unknown>, init: RequestInit, signal?: AbortSignal): Promise<Response> {
    const { method, path, query } = operations[name]
    const url = new URL(path.slice(1).replace(/\{(\w+)\}/g, (_, part: string) => encodeURIComponent(String(parameters[part]))), this.#root)
    for (const part of query) if (parameters[part] !== undefined) url.searchParams.set(part, String(parameters[part]))
    const response = await fetch(url, { method, ...init, headers: { ...init.headers as Record<string, string>, ...this.#headers }, ...(signal === undefined ? {} : { signal }) })
    if (response.ok) return response
    throw new ApiError(response.status, await response.json().catch(() => ({})) as Partial<Problem>)
  }
}

/** The JSON of an answer; ApiError when it is none, as that of another web server. */
async function jsonOf (response: Response): Promise<unknown> {
  try {
    return await response.json()
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error
    throw new ApiError(response.status, { detail: 'the answer is no JSON' })
  }
}

/** The messages of a stream of events, as this service writes them. */
async function * messages (body: ReadableStream<Uint8Array>): AsyncGenerator<{ id: string | undefined, data: string | undefined }> {
  let text = ''
  for await (const chunk of body.pipeThrough(new TextDecoderStream())) {
    const blocks = (text + chunk).split('\n\n')
    text = blocks.pop()!
    for (const block of blocks) {
      const fields = new Map(block.split('\n').map(line => line.split(/: (.*)/s, 2) as [string, string]))
      yield { id: fields.get('id'), data: fields.get('data') }
    }
  }
}

/** Text and bytes go as they are, a Variant in JSON as such, everything else as JSON. */
function bodyOf (body: unknown): RequestInit {
  if (body === undefined) return {}
  if (typeof body === 'string') return { body, headers: { 'content-type': 'text/plain' } }
  if (body instanceof Uint8Array) return { body: Buffer.from(body), headers: { 'content-type': 'application/octet-stream' } }
  const isVariant = 'variant' in (body as object)
  return { body: JSON.stringify(isVariant ? (body as { variant: unknown }).variant : body), headers: { 'content-type': isVariant ? 'application/vnd.godot.variant+json' : 'application/json' } }
}
