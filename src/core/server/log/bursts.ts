interface Burst<Event> { count: number, latest: Event }

/**
 * Reports events that clients can repeat at will: the first of a burst at once, then at intervals how many there were
 * since, with the latest of them. A burst ends after an interval without an event.
 */
export class Bursts<Event> {
  readonly #seconds: number
  readonly #report: (event: Event, count: number, isFirst: boolean) => void
  readonly #bursts = new Map<string, Burst<Event>>()

  constructor (seconds: number, report: (event: Event, count: number, isFirst: boolean) => void) {
    this.#seconds = seconds
    this.#report = report
  }

  /** `count` more events; `kind` identifies the burst that they belong to. */
  hit (kind: string, event: Event, count = 1): void {
    const burst = this.#bursts.get(kind)
    if (burst === undefined) {
      this.#bursts.set(kind, { count: 0, latest: event })
      this.#reportLater(kind)
      this.#report(event, count, true)
    } else {
      burst.count += count
      burst.latest = event
    }
  }

  #reportLater (kind: string): void {
    setTimeout(() => {
      const burst = this.#bursts.get(kind)!
      const { count, latest } = burst
      if (count === 0) {
        this.#bursts.delete(kind)
        return
      }
      burst.count = 0
      this.#reportLater(kind)
      this.#report(latest, count, false)
    }, this.#seconds * 1000).unref()
  }
}
