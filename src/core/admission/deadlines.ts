/** Something that must be over in time. */
export interface Deadlined {
  /** Its time is over. */
  expire (): void
  /** It is ended for another reason. */
  cut (): void
}

/** Milliseconds between two looks, at least. */
const MIN_WAIT = 20

/** Things that all get the same time, counted for each from when it began: one timer looks after them all. */
export class Deadlines {
  readonly #since = new Map<Deadlined, number>()
  readonly #seconds: () => number
  #timer: NodeJS.Timeout | undefined
  #nextLook = 0

  /** `seconds`: how long each may take, asked anew at every look. */
  constructor (seconds: () => number) {
    this.#seconds = seconds
  }

  get size (): number {
    return this.#since.size
  }

  /** `since`: when it began, on the clock of `performance.now()`. */
  add (one: Deadlined, since: number = performance.now()): void {
    this.#since.set(one, since)
    const due = since + this.#seconds() * 1000
    // Clearing the timer when all are done would cost more than to let it find nothing.
    if (this.#timer === undefined || due < this.#nextLook) this.#arm(due)
  }

  /** It is over, in time; whether it was there. */
  delete (one: Deadlined): boolean {
    return this.#since.delete(one)
  }

  /** The time that each gets has changed. */
  changed (): void {
    if (this.#timer !== undefined) this.#look()
  }

  /** Ends all. */
  cutAll (): void {
    for (const one of this.#since.keys()) {
      this.#since.delete(one)
      one.cut()
    }
  }

  #arm (due: number): void {
    clearTimeout(this.#timer)
    this.#nextLook = due
    this.#timer = setTimeout(() => { this.#look() }, Math.max(due - performance.now(), MIN_WAIT)).unref()
  }

  #look (): void {
    clearTimeout(this.#timer)
    this.#timer = undefined
    const time = this.#seconds() * 1000
    const now = performance.now()
    let next = Infinity
    for (const [one, since] of this.#since) {
      if (since + time > now) next = Math.min(next, since + time)
      else {
        this.#since.delete(one)
        one.expire()
      }
    }
    if (next < Infinity) this.#arm(next)
  }
}
