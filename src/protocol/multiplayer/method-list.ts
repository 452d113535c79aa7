import { Buffer } from 'node:buffer'
import { hash } from 'node:crypto'

/** Where the numbers of methods begin that are configured on the node itself, by `rpc_config()`. */
const CONFIGURED = 0x8000

/**
 * The remote methods of a kind of node, as Godot 4 numbers them: those of its script, base classes included, sorted by code point, from 0 on;
 * those configured on the node itself likewise, from 32768 on. Both ends must have the same list; they compare its MD5.
 */
export class MethodList {
  /** Lower-case hex digits, of all names in a row: those configured on the node first. */
  readonly md5: string
  readonly #script: readonly string[]
  readonly #configured: readonly string[]
  readonly #ids: ReadonlyMap<string, number>

  constructor (script: Iterable<string>, configured: Iterable<string> = []) {
    this.#script = sorted(script)
    this.#configured = sorted(configured)
    this.md5 = hash('md5', [...this.#configured, ...this.#script].join(''))
    this.#ids = new Map([...this.#configured.map((name, id) => [name, id + CONFIGURED] as const), ...this.#script.map((name, id) => [name, id] as const)])
  }

  /** The number of a method; undefined when it is none of them. */
  idOf (name: string): number | undefined {
    return this.#ids.get(name)
  }

  /** The method of a number; undefined when there is none. */
  nameOf (id: number): string | undefined {
    return id < CONFIGURED ? this.#script[id] : this.#configured[id - CONFIGURED]
  }
}

/** Without doubles, by code point: JavaScript's own order is by half surrogate pairs. */
function sorted (names: Iterable<string>): string[] {
  return [...new Set(names)].sort((one, other) => Buffer.compare(Buffer.from(one), Buffer.from(other)))
}
