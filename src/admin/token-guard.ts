import { addressKey } from '../core/admission/address-key.ts'

/** Wrong tokens of an address that get their response at once. */
const FREE = 5
/** Milliseconds between the responses to more of them: doubled with each, from the first to the last. */
const FIRST_PAUSE = 50
const LAST_PAUSE = 500
const MAX_DELAY = 30_000
/** Milliseconds without a wrong token after which an address starts over. */
const FORGET_AFTER = 60_000
const MAX_ADDRESSES = 10_000

interface Failures { readonly count: number, readonly answeredAt: number }

/**
 * Slows down addresses that try wrong tokens: they get their responses one after the other, with growing pauses. Right
 * tokens are not delayed.
 */
export class TokenGuard {
  /** By address (IPv6: /64), the one with the latest failure last. */
  readonly #failures = new Map<string, Failures>()

  /** Counts a wrong token of this address; returns the milliseconds after which to respond to it. */
  failed (address: string, now: number = performance.now()): number {
    const key = addressKey(address)
    const known = this.#failures.get(key) ?? { count: 0, answeredAt: -Infinity }
    const count = now - known.answeredAt > FORGET_AFTER ? 1 : known.count + 1
    const pause = count <= FREE ? 0 : Math.min(LAST_PAUSE, FIRST_PAUSE * 2 ** (count - FREE - 1))
    const answeredAt = Math.min(Math.max(now, known.answeredAt) + pause, now + MAX_DELAY)
    this.#failures.delete(key)
    this.#failures.set(key, { count, answeredAt })
    if (this.#failures.size > MAX_ADDRESSES) this.#failures.delete(this.#failures.keys().next().value!)
    return answeredAt - now
  }
}
