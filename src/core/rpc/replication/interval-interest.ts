import type { Interest, Presence } from './presence.ts'

type Rule = (peer: number, presence: Presence) => boolean

/** The rule of one spawner for which peers get its nodes, checked at intervals. */
export class IntervalInterest implements Interest {
  #rule: Rule | undefined
  #milliseconds = 0
  #last = -Infinity

  /** It is checked at once, then every `milliseconds`. */
  set (rule: Rule, milliseconds: number): void {
    this.#rule = rule
    this.#milliseconds = milliseconds
    this.#last = -Infinity
  }

  includes (peer: number, presence: Presence): boolean {
    return Boolean(this.#rule?.(peer, presence) ?? true)
  }

  isDueAt (now: number): boolean {
    if (this.#rule === undefined || this.#last === now) return this.#rule !== undefined
    if (now - this.#last < this.#milliseconds) return false
    this.#last = now
    return true
  }
}
