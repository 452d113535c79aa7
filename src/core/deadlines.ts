/** Something that must be over in time. */
export interface Deadlined {
  /** Its time is over. */
  expire (): void
  /** It is ended for another reason. */
  cut (): void
}

/** Milliseconds between two looks at the oldest, at least. */
const MIN_WAIT = 20

/** Things that all get the same time, so that they end in the order they began: one timer looks after them all. */
export class Deadlines {
  readonly #since = new Map<Deadlined, number>()
  readonly #seconds: () => number
  #timer: NodeJS.Timeout | undefined

  /** `seconds`: how long each may take, asked anew at every look. */
  constructor (seconds: () => number) {
    this.#seconds = seconds
  }

  get size (): number {
    return this.#since.size
  }

  add (one: Deadlined): void {
    this.#since.set(one, performance.now())
    // Clearing the timer when all are done would cost more than to let it find nothing.
    if (this.#timer === undefined) this.#arm(this.#seconds() * 1000)
  }

  /** It is over, in time; whether it was there. */
  delete (one: Deadlined): boolean {
    return this.#since.delete(one)
  }

  /** The time that each gets has changed. */
  changed (): void {
    if (this.#timer === undefined) return
    clearTimeout(this.#timer)
    this.#look()
  }

  /** Ends all. */
  cutAll (): void {
    for (const one of this.#since.keys()) {
      this.#since.delete(one)
      one.cut()
    }
  }

  #arm (milliseconds: number): void {
    this.#timer = setTimeout(() => { this.#look() }, Math.max(milliseconds, MIN_WAIT)).unref()
  }

  #look (): void {
    this.#timer = undefined
    const begunBefore = performance.now() - this.#seconds() * 1000
    for (const [one, since] of this.#since) {
      if (since > begunBefore) return this.#arm(since - begunBefore)
      this.#since.delete(one)
      one.expire()
    }
  }
}
