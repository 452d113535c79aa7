import { errors, GodotError } from '../error.ts'
import type { ErrorCode } from '../error.ts'
import type { Bus, BusMessage } from './bus/bus.ts'
import { BusError } from './bus/bus.ts'
import type { Subjects } from './subjects.ts'

/** Milliseconds that another node has for an answer. */
const ANSWER_WITHIN = 2000

type Handler = (parameters: any) => unknown

/** An answer, or the error in its place. */
interface Answer {
  readonly result?: unknown
  readonly error?: { readonly code: ErrorCode, readonly message: string, readonly status: number }
}

/** What nodes ask of each other: named commands with JSON parameters and results. */
export class NodeCommands {
  readonly #subjects: Subjects
  readonly #handlers = new Map<string, Handler>()
  #bus: Bus | undefined

  constructor (subjects: Subjects) {
    this.#subjects = subjects
  }

  /** Answers a command of other nodes from now on; what the handler throws or rejects with is the answer's error. */
  handle (command: string, handler: Handler): void {
    this.#handlers.set(command, handler)
  }

  /** Answers commands to this slot; returns a function that ends it. */
  listen (bus: Bus, slot: number): () => void {
    this.#bus = bus
    return bus.subscribe(this.#subjects.commands(slot), message => { this.#receive(message) })
  }

  /** Asks a node; rejects with its error, or cluster-unavailable when it does not answer in two seconds. */
  async ask (slot: number, command: string, parameters: object): Promise<unknown> {
    const bytes = Buffer.from(JSON.stringify({ command, parameters }))
    const { result, error } = parse(await this.#request(slot, bytes)) as Answer
    if (error === undefined) return result
    const { code, message, status } = error
    throw new GodotError(code in errors ? code : 'FAILED', message, status)
  }

  async #request (slot: number, bytes: Uint8Array): Promise<Uint8Array> {
    try {
      return await this.#bus!.request(this.#subjects.commands(slot), bytes, ANSWER_WITHIN)
    } catch (error) {
      if (!(error instanceof BusError)) throw error
      throw new GodotError('cluster-unavailable', `the node in slot ${slot} does not answer: ${error.fault}`)
    }
  }

  async #receive (message: BusMessage): Promise<void> {
    // Read before anything is awaited: the bytes are valid until then.
    const { command, parameters } = parse(message.bytes) as { command: string, parameters: unknown }
    message.respond(Buffer.from(JSON.stringify(await this.#answer(command, parameters))))
  }

  async #answer (command: string, parameters: unknown): Promise<Answer> {
    try {
      const handler = this.#handlers.get(command)
      if (handler === undefined) throw new GodotError('FAILED', `unknown command ${command}`)
      return { result: await handler(parameters) }
    } catch (error) {
      const known = error instanceof GodotError ? error : new GodotError('FAILED', String(error))
      const { code, message, statusCode } = known
      return { error: { code, message, status: statusCode } }
    }
  }
}

function parse (bytes: Uint8Array): unknown {
  return JSON.parse(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString())
}
