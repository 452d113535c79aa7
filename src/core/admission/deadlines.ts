import { Roster } from '../roster.ts'
import type { Rostered } from '../roster.ts'

/** Something with a time limit. */
export interface Deadlined extends Rostered {
  /** When it began, on the clock of `performance.now()`. */
  since?: number | undefined
  /** Its time limit has passed. */
  expire (): void
  /** Ends it early, for a reason other than its time limit. */
  cut (): void
}

/** Shortest time between two checks. */
const MIN_WAIT_MS = 20
/** If the timer is later than this, the process was busy, and what has arrived is read before the check. */
const LATE_MS = 50

/** Items that share one time limit, each counted from its own beginning, with a single timer. */
export class Deadlines {
  readonly #items = new Roster<Deadlined>()
  readonly #seconds: () => number
  #timer: NodeJS.Timeout | undefined
  #nextCheck = 0

  /** `seconds`: the time limit, read at every check. */
  constructor (seconds: () => number) {
    this.#seconds = seconds
  }

  get size (): number {
    return this.#items.size
  }

  /** Adds an item that began at `since`, on the clock of `performance.now()`. */
  add (item: Deadlined, since: number = performance.now()): void {
    item.since = since
    this.#items.add(item)
    const due = since + this.#seconds() * 1000
    // Letting the timer find nothing is cheaper than clearing it whenever all items are done.
    if (this.#timer === undefined || due < this.#nextCheck) this.#arm(due)
  }

  /** Removes an item; returns whether it was there. */
  delete (item: Deadlined): boolean {
    return this.#items.delete(item)
  }

  /** The time limit has changed. */
  changed (): void {
    if (this.#timer !== undefined) this.#check()
  }

  /** Removes and cuts all items. */
  cutAll (): void {
    for (const item of this.#items.items) if (this.#items.delete(item)) item.cut()
    clearTimeout(this.#timer)
    this.#timer = undefined
  }

  #arm (due: number): void {
    clearTimeout(this.#timer)
    this.#nextCheck = due
    const now = performance.now()
    const fires = Math.max(due, now + MIN_WAIT_MS)
    this.#timer = setTimeout(() => {
      if (performance.now() - fires < LATE_MS) this.#check()
      else setImmediate(() => { this.#check() })
    }, fires - now).unref()
  }

  #check (): void {
    clearTimeout(this.#timer)
    this.#timer = undefined
    const time = this.#seconds() * 1000
    const now = performance.now()
    let next = Infinity
    for (const item of this.#items.items) {
      const due = item.since! + time
      if (due <= now && this.#items.delete(item)) item.expire()
      else if (item.rosterIndex !== undefined) next = Math.min(next, due)
    }
    if (next < Infinity) this.#arm(next)
  }
}
