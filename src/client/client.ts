import type { FeedData } from '../admin/feed-event.ts'
import { inTime } from './in-time.ts'
import { parseEventStream } from './parse-event-stream.ts'
import { operations, type Operations, type Problem } from './operations.ts'

/** Options of a PeerServerClient. */
export interface ClientOptions {
  /** Base URL of the service, e.g. `http://127.0.0.1:3000`; also with the path of the REST API. */
  readonly url: string
  /** Admin token; omit it for a service without one. */
  readonly token?: string | undefined
  /** Name of one of the service's other servers, e.g. `godot4`; default: its first server. */
  readonly server?: string | undefined
  /** Path of the REST API relative to `url`; default: `api/v1`. */
  readonly prefix?: string
  /** Seconds until a call that gets no response rejects with a TimeoutError; default: 30; Infinity: 24 days. */
  readonly timeout?: number
}

/** Options of a single call. */
export interface CallOptions {
  /** Aborts the call; it rejects with the signal's reason. */
  readonly signal?: AbortSignal
  /** Seconds until it rejects with a TimeoutError; default: option `timeout` of the client. */
  readonly timeout?: number
}

/** The data of each type of event. */
export type FeedEventData = FeedData

/** What every event has; `node`: id of the node that it happened on, in a cluster. */
interface EventOrigin { readonly at: string, readonly node?: string }

type FeedEvents = {
  [Type in keyof FeedEventData]: { readonly type: Type } & EventOrigin & FeedEventData[Type]
}

/**
 * An event of the feed. Three types are about the stream itself: `open` (all missed events have been sent), `reset`
 * (some events were missed and are no longer available), and `merged` (many events of one type; parameter `merge`).
 */
export type ClientEvent =
  | FeedEvents[keyof FeedEvents]
  | { readonly type: 'reset', readonly at: string }
  | MergedEvents
  | { readonly type: 'open' }

/** Many events of one type and cause. */
export interface MergedEvents {
  /** Distinguishes it from a single event. */
  readonly type: 'merged'
  /** When the latest of them happened. */
  readonly at: string
  /** Their type. */
  readonly of: keyof FeedEventData
  /** Their cause, if they have one. */
  readonly cause?: FeedEventData['peer_disconnected']['cause']
  /** Number of events. */
  readonly count: number
}

type Parameters<Name extends keyof Operations> = Operations[Name]['parameters']

/**
 * The arguments of `call` after the name: parameters, body and options; all are optional if the operation requires
 * neither parameters nor a body.
 */
export type CallArguments<Name extends Exclude<keyof Operations, 'events'>> = undefined extends Operations[Name]['body']
  ? Record<never, never> extends Parameters<Name>
    ? [parameters?: Parameters<Name>, body?: undefined, options?: CallOptions]
    : [parameters: Parameters<Name>, body?: undefined, options?: CallOptions]
  : [parameters: Parameters<Name>, body: Operations[Name]['body'], options?: CallOptions]

const DEFAULT_PREFIX = 'api/v1'
const DEFAULT_TIMEOUT = 30
/** Milliseconds that a timer can wait for. */
const MAX_TIMEOUT = 2 ** 31 - 1
/** Milliseconds without a byte after which a stream of events is lost: three times the interval of its comments. */
const MAX_SILENCE = 45_000

/** An error response of the REST API, or parameters that no request can be made of (status 400). */
export class ApiError extends Error {
  /** HTTP status. */
  readonly status: number
  /** The problem details of the body (RFC 9457); empty when the body has none. */
  readonly problem: Partial<Problem>

  constructor (status: number, problem: Partial<Problem>) {
    super(problem.detail ?? `the service responded with ${status}`)
    this.name = 'ApiError'
    this.status = status
    this.problem = problem
  }

  /** One line for each invalid parameter or member, e.g. `code must be integer`; the message when there is none. */
  get details (): string[] {
    const { errors } = this.problem
    // The body may be that of another web server.
    if (!Array.isArray(errors) || errors.length === 0) return [this.message]
    return errors.map(({ pointer, message }) => `${String(pointer).split('/').slice(2).join('/')} ${message}`.trim())
  }
}

/** Typed client of the REST API, for Node and browsers: `await client.call('disconnectPeer', { id, code: 4001 })`. */
export class PeerServerClient {
  readonly #root: URL
  readonly #server: string | undefined
  readonly #headers: Readonly<Record<string, string>>
  /** Seconds until a call without a response rejects. */
  readonly #timeout: number

  constructor ({ url, token, server, prefix = DEFAULT_PREFIX, timeout = DEFAULT_TIMEOUT }: ClientOptions) {
    const path = server === undefined ? `${prefix}/` : `${prefix}/${encodeSegment('server', server)}/`
    this.#root = new URL(path, baseOf(url, prefix))
    this.#server = server
    this.#timeout = timeout
    this.#headers = token === undefined ? {} : { authorization: `Bearer ${token}` }
  }

  /**
   * Calls an operation. Rejects with ApiError for an error response, a redirect or unknown parameters, TypeError when
   * the service cannot be reached, TimeoutError when it does not respond in time, and the signal's reason when the call
   * is aborted.
   */
  async call<Name extends Exclude<keyof Operations, 'events'>> (
    name: Name, ...[parameters = {}, body, { signal, timeout: seconds = this.#timeout } = {}]: CallArguments<Name>
  ): Promise<Operations[Name]['response']> {
    const timeout = AbortSignal.timeout(millisecondsOf(seconds))
    const response = await this.#send(name, parameters as Record<string, unknown>, {
      ...encodeBody(body),
      signal: signal === undefined ? timeout : AbortSignal.any([signal, timeout])
    })
    return (response.status === 204 ? undefined : await readJson(response)) as Operations[Name]['response']
  }

  /**
   * Follows the event feed from the event after `lastId`. Each event comes with its id; events that cannot be replayed
   * have none. Returns when the service ends the stream, because it stops or after `duration`. Throws what `call`
   * rejects with: TypeError also when the connection is lost later, TimeoutError also after 45 seconds without a byte
   * (the service sends a comment every 15 seconds), the reason of `signal` when that aborts, and ApiError also when the
   * response is not an event stream.
   */
  async * events (
    parameters: Operations['events']['parameters'] = {}, lastId: string = '', signal?: AbortSignal
  ): AsyncGenerator<{ id: string | undefined, event: ClientEvent }> {
    const headers = { accept: 'text/event-stream', ...(lastId === '' ? {} : { 'last-event-id': lastId }) }
    const over = new AbortController()
    const signals = signal === undefined ? [over.signal] : [over.signal, signal]
    try {
      const request = this.#send('events', parameters, { headers, signal: AbortSignal.any(signals) })
      const response = await inTime(request, millisecondsOf(this.#timeout))
      await checkEventStream(response)
      for await (const { id, data } of parseEventStream(response.body!, MAX_SILENCE)) {
        // A message without data is the position of the stream in the feed.
        yield { id, event: data === '' ? { type: 'open' } : JSON.parse(data) }
      }
    } finally {
      over.abort()
    }
  }

  async #send (name: keyof Operations, parameters: Record<string, unknown>, init: RequestInit): Promise<Response> {
    const { method, path, query } = operations[name]
    const names = new Set<string>(query)
    const segment = (parameter: string): string => {
      names.add(parameter)
      return encodeSegment(parameter, String(parameters[parameter]))
    }
    const url = new URL(path.slice(1).replace(/\{(\w+)\}/g, (_, parameter: string) => segment(parameter)), this.#root)
    const unknown = Object.keys(parameters).find(one => parameters[one] !== undefined && !names.has(one))
    if (unknown !== undefined) throw invalidParameter(unknown, `is not a parameter of ${name}`)
    for (const parameter of query) {
      if (parameters[parameter] !== undefined) url.searchParams.set(parameter, String(parameters[parameter]))
    }
    const headers = { ...init.headers as Record<string, string>, ...this.#headers }
    // A redirect would turn POST into GET, and lose the token on its way to another origin.
    const response = await fetch(url, { method, ...init, headers, redirect: 'manual' })
    if (response.ok) return response
    if (isRedirect(response)) throw redirected(response)
    const problem = (await response.json().catch(() => undefined) ?? {}) as Partial<Problem>
    // The service has every path for each of its servers.
    const isUnknownServer = this.#server !== undefined && problem.code === 'not-found'
    const detail = isUnknownServer ? { detail: `no server ${this.#server}: ${problem.detail}` } : {}
    throw new ApiError(response.status, { ...problem, ...detail })
  }
}

/** As timers take them. */
function millisecondsOf (seconds: number): number {
  return Math.min(Math.ceil(seconds * 1000), MAX_TIMEOUT)
}

/** The URL that the path of the REST API is relative to; it may be given with that path. */
function baseOf (url: string, prefix: string): string {
  const base = url.replace(/\/+$/, '')
  return base.endsWith(`/${prefix}`) ? base.slice(0, -prefix.length) : `${base}/`
}

/** Whether a response is a redirect; browsers hide everything else about it. */
function isRedirect ({ type, status }: Response): boolean {
  return type === 'opaqueredirect' || (status >= 300 && status < 400)
}

function redirected ({ status, headers }: Response): ApiError {
  return new ApiError(status, { detail: `the service redirects to ${headers.get('location') ?? 'another URL'}` })
}

/** A segment of a path. Some texts cannot be one: the URL would be that of another operation, or none. */
function encodeSegment (parameter: string, text: string): string {
  const message = segmentFault(text)
  if (message === undefined) return encodeURIComponent(text)
  throw invalidParameter(parameter, message)
}

function invalidParameter (parameter: string, message: string): ApiError {
  return new ApiError(400, {
    code: 'bad-request', detail: `${parameter} ${message}`, errors: [{ pointer: `/params/${parameter}`, message }]
  })
}

function segmentFault (text: string): string | undefined {
  if (text === '') return 'must not be empty'
  if (text === '.' || text === '..') return `must not be ${text}`
  return text.isWellFormed() ? undefined : 'must be Unicode'
}

/** The JSON of a response; ApiError when it has none, e.g. because it comes from another web server. */
async function readJson (response: Response): Promise<unknown> {
  try {
    return await response.json()
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error
    throw new ApiError(response.status, { detail: 'the response is not JSON' })
  }
}

/** Throws ApiError for a response without events, e.g. because it is a page of another web server. */
async function checkEventStream ({ status, headers, body }: Response): Promise<void> {
  if (/^text\/event-stream\b/i.test(headers.get('content-type') ?? '')) return
  await body?.cancel().catch(() => {})
  throw new ApiError(status, { detail: 'the response is not a stream of events' })
}

/** Strings and bytes are sent unchanged, everything else as JSON. */
function encodeBody (body: unknown): RequestInit {
  if (body === undefined) return {}
  if (typeof body === 'string') return { body, headers: { 'content-type': 'text/plain' } }
  if (body instanceof Uint8Array) {
    return { body: Uint8Array.from(body), headers: { 'content-type': 'application/octet-stream' } }
  }
  const isVariant = 'variant' in (body as object)
  return {
    body: JSON.stringify(isVariant ? (body as { variant: unknown }).variant : body),
    headers: { 'content-type': isVariant ? 'application/vnd.godot.variant+json' : 'application/json' }
  }
}
