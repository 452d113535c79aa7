import { addressKey } from '../core/admission/address-key.ts'

/** Wrong tokens of an address that are answered at once. */
const FREE = 5
const FIRST_DELAY = 100
const MAX_DELAY = 2000
/** Milliseconds without a wrong token after which an address starts anew. */
const FORGET_AFTER = 60_000
const MAX_ADDRESSES = 10_000

interface Failures { count: number, at: number }

/** Slows down addresses that try wrong tokens: the more of them, the later the answer. Right tokens are not delayed. */
export class TokenGuard {
  /** By address (IPv6: /64), the one with the latest failure last. */
  readonly #failures = new Map<string, Failures>()

  /** Milliseconds after which one more wrong token of this address is to be answered. */
  failed (address: string, now: number = performance.now()): number {
    const key = addressKey(address)
    const known = this.#failures.get(key)
    const count = known === undefined || now - known.at > FORGET_AFTER ? 1 : known.count + 1
    this.#failures.delete(key)
    this.#failures.set(key, { count, at: now })
    if (this.#failures.size > MAX_ADDRESSES) this.#failures.delete(this.#failures.keys().next().value!)
    return count <= FREE ? 0 : Math.min(MAX_DELAY, FIRST_DELAY * 2 ** (count - FREE - 1))
  }
}
