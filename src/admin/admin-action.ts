import { isTokenName, MASK } from '../core/admission/token.ts'

/**
 * A state-changing request to the REST API by an administrator: the operation, who sent it, its parameters and the HTTP
 * status.
 */
export interface AdminAction {
  /** The operationId, or method and path where no operation matched. */
  readonly action: string
  /** Name of the token; null where the host authenticates, or the service has no token. */
  readonly by: string | null
  /** IP address of the administrator. */
  readonly address: string
  /** The peer that the operation is about. */
  readonly id?: number
  /** The room that the operation is about. */
  readonly room?: string
  /** Path, query and body parameters: bounded in size, tokens masked, packets as their length in bytes. */
  readonly parameters: Readonly<Record<string, unknown>>
  /** HTTP status of the response. */
  readonly status: number
}

/** The parts of a request that an audit entry is made of, as HTTP parsed them. */
export interface AdminRequest {
  readonly operation: string
  readonly by: string | null
  readonly address: string
  readonly params: unknown
  readonly query: unknown
  readonly body: unknown
  readonly status: number
}

const MAX_CHARACTERS = 4096
const MAX_NAME = 64
const MAX_TEXT = 200
const MAX_ITEMS = 200
const MAX_MEMBERS = 32
const MAX_DEPTH = 4
/** What a number, a boolean or null counts against MAX_CHARACTERS. */
const SCALAR_CHARACTERS = 8

/** The audit entry of a request. Whatever the request contains, the entry takes at most a few KiB. */
export function describeAdminAction (
  { operation, by, address, params, query, body, status }: AdminRequest
): AdminAction {
  const { id: text, room, ...others } = (params ?? {}) as Record<string, unknown>
  const id = integerOf(text)
  const path = text === undefined || id !== undefined ? others : { id: text, ...others }
  const sources = [path, query, isPlain(body) || body === undefined ? body : { body }]
  return {
    action: truncate(operation, MAX_TEXT),
    by,
    address: truncate(address, MAX_NAME),
    ...(id === undefined ? {} : { id }),
    ...(room === undefined ? {} : { room: truncate(String(room), MAX_NAME) }),
    parameters: new Summary().ofMembers(sources, 1),
    status
  }
}

/** The integer that a parameter is; undefined for one of a request that was refused because it is none. */
function integerOf (parameter: unknown): number | undefined {
  const number = Number(parameter)
  return Number.isSafeInteger(number) && String(number) === String(parameter) ? number : undefined
}

/** Members of other values, such as the characters of a string, are not parameters. */
function isPlain (value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value) && !(value instanceof Uint8Array)
}

/** Copies values of any size into copies of bounded size. */
class Summary {
  #left = MAX_CHARACTERS

  /** The members of several objects in one; `...` stands for those that are left out. */
  ofMembers (sources: readonly unknown[], depth: number): Record<string, unknown> {
    const entries: Array<[string, unknown]> = []
    for (const source of sources) {
      const members = (source ?? {}) as Record<string, unknown>
      // Not Object.entries, which takes long for very many.
      for (const name in members) {
        if (entries.length === MAX_MEMBERS || this.#left <= 0) {
          return Object.fromEntries([...entries, ['...', 'truncated']])
        }
        entries.push([this.#text(name, MAX_NAME), isTokenName(name) ? MASK : this.#value(members[name], depth)])
      }
    }
    return Object.fromEntries(entries)
  }

  #value (value: unknown, depth: number): unknown {
    if (value instanceof Uint8Array) return value.length
    if (typeof value === 'string') return this.#text(value, MAX_TEXT)
    if (typeof value !== 'object' || value === null) {
      this.#left -= SCALAR_CHARACTERS
      return value
    }
    if (depth === MAX_DEPTH) return '...'
    return Array.isArray(value) ? this.#items(value, depth + 1) : this.ofMembers([value], depth + 1)
  }

  #items (items: readonly unknown[], depth: number): unknown[] {
    const kept: unknown[] = []
    for (const item of items.slice(0, MAX_ITEMS)) {
      if (this.#left <= 0) break
      kept.push(this.#value(item, depth))
    }
    return kept.length < items.length ? [...kept, `and ${items.length - kept.length} more`] : kept
  }

  #text (text: string, max: number): string {
    const kept = truncate(text, Math.max(0, Math.min(max, this.#left)))
    this.#left -= kept.length
    return kept
  }
}

function truncate (text: string, max: number): string {
  // Copied: a slice would keep the whole text in memory.
  return text.length <= max ? text : Buffer.from(`${text.slice(0, max)}...`).toString()
}
