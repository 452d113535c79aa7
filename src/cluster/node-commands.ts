import { errors, GodotError } from '../error.ts'
import type { ErrorCode } from '../error.ts'
import type { Bus, BusMessage } from './bus/bus.ts'
import { BusError } from './bus/bus.ts'
import { decodeJson, encodeJson } from './message/json.ts'
import type { Subjects } from './subjects.ts'

/** Timeout for the response of another node, in milliseconds. */
const ANSWER_WITHIN = 2000

const EMPTY = new Uint8Array(0)

/** `bytes`: what came with the parameters; valid until the handler awaits something. */
type Handler = (parameters: any, bytes: Uint8Array) => unknown

/** A result, or the error in its place. */
interface Answer {
  readonly result?: unknown
  readonly error?: { readonly code: ErrorCode, readonly message: string, readonly status: number }
}

/**
 * Requests between nodes: named commands with JSON parameters, optional bytes, and a JSON result. A request:
 *
 *     | length of the JSON u32 le | JSON | bytes ... |
 */
export class NodeCommands {
  readonly #subjects: Subjects
  readonly #handlers = new Map<string, Handler>()
  #bus: Bus | undefined

  constructor (subjects: Subjects) {
    this.#subjects = subjects
  }

  /** Bytes of the largest response. */
  get maxAnswer (): number {
    return this.#bus?.maxPayload ?? Infinity
  }

  /**
   * Handles a command of other nodes from now on; what the handler throws or rejects with is the error of the response.
   */
  handle (command: string, handler: Handler): void {
    this.#handlers.set(command, handler)
  }

  /** Handles commands to this slot; returns a function that unsubscribes. */
  listen (bus: Bus, slot: number): () => void {
    this.#bus = bus
    return bus.subscribe(this.#subjects.commands(slot), message => { this.#receive(message) })
  }

  /** Asks a node; rejects with its error, or cluster-unavailable when it does not respond in two seconds. */
  async ask (slot: number, command: string, parameters: object, bytes: Uint8Array = EMPTY): Promise<unknown> {
    const request = encodeRequest({ command, parameters }, bytes)
    const { result, error } = decodeJson<Answer>(await this.#request(slot, request))
    if (error === undefined) return result
    const { code, message, status } = error
    throw new GodotError(code in errors ? code : 'FAILED', message, status)
  }

  async #request (slot: number, bytes: Uint8Array): Promise<Uint8Array> {
    if (this.#bus === undefined) throw new GodotError('cluster-unavailable')
    try {
      return await this.#bus.request(this.#subjects.commands(slot), bytes, ANSWER_WITHIN)
    } catch (error) {
      if (!(error instanceof BusError)) throw error
      throw new GodotError('cluster-unavailable', `the node in slot ${slot} does not respond: ${error.fault}`)
    }
  }

  async #receive (message: BusMessage): Promise<void> {
    // Read before anything is awaited: the bytes are valid until then.
    const answer = await this.#answer(message.bytes)
    message.respond(answer.length > this.maxAnswer ? encodeJson(tooLarge) : answer)
  }

  async #answer (request: Uint8Array): Promise<Uint8Array> {
    try {
      const { command, parameters, bytes } = decodeRequest(request)
      const handler = this.#handlers.get(command)
      if (handler === undefined) throw new GodotError('cluster-unavailable', `unknown command ${command}`)
      return encodeJson({ result: await handler(parameters, bytes) } satisfies Answer)
    } catch (error) {
      const { code, message, statusCode } = knownError(error)
      return encodeJson({ error: { code, message, status: statusCode } } satisfies Answer)
    }
  }
}

function knownError (error: unknown): GodotError {
  return error instanceof GodotError ? error : new GodotError('FAILED', String(error))
}

const tooLarge: Answer = {
  error: { code: 'FAILED', message: 'the response of the node exceeds max_payload', status: errors.FAILED.status }
}

interface Request { readonly command: string, readonly parameters: unknown }

const LENGTH_BYTES = 4

function encodeRequest (request: Request, bytes: Uint8Array): Uint8Array {
  const json = encodeJson(request)
  const length = Buffer.allocUnsafe(LENGTH_BYTES)
  length.writeUInt32LE(json.length)
  return Buffer.concat([length, json, bytes])
}

function decodeRequest (message: Uint8Array): Request & { readonly bytes: Uint8Array } {
  const end = LENGTH_BYTES + new DataView(message.buffer, message.byteOffset).getUint32(0, true)
  return { ...decodeJson<Request>(message.subarray(LENGTH_BYTES, end)), bytes: message.subarray(end) }
}
