import { Buffer } from 'node:buffer'
import { hash } from 'node:crypto'

/** First number of the methods configured on the node itself, by `rpc_config()`. */
const CONFIGURED = 0x8000

/**
 * The remote methods of a kind of node, as Godot 4 numbers them: those of its script, including base classes, sorted by
 * code point, starting at 0; those configured on the node itself likewise, starting at 32768. Both sides must have the
 * same list; they compare its MD5.
 */
export class MethodList {
  /** Of all names concatenated, those configured on the node first; lower-case hex digits. */
  readonly md5: string
  readonly #script: readonly string[]
  readonly #configured: readonly string[]
  readonly #ids: ReadonlyMap<string, number>

  constructor (script: Iterable<string>, configured: Iterable<string> = []) {
    this.#script = sorted(script)
    this.#configured = sorted(configured)
    this.md5 = hash('md5', [...this.#configured, ...this.#script].join(''))
    const configuredIds = this.#configured.map((name, id) => [name, id + CONFIGURED] as const)
    this.#ids = new Map([...configuredIds, ...this.#script.map((name, id) => [name, id] as const)])
  }

  /** The number of a method, undefined for an unknown one. */
  idOf (name: string): number | undefined {
    return this.#ids.get(name)
  }

  /** The method with this number, if there is one. */
  nameOf (id: number): string | undefined {
    return id < CONFIGURED ? this.#script[id] : this.#configured[id - CONFIGURED]
  }
}

/** Deduplicated and sorted by code point; JavaScript itself sorts by UTF-16 code unit. */
function sorted (names: Iterable<string>): string[] {
  return [...new Set(names)].sort((one, other) => Buffer.compare(Buffer.from(one), Buffer.from(other)))
}
