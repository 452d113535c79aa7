interface Burst<Event> { count: number, latest: Event, since: number, timer: NodeJS.Timeout }

/** `seconds`: the time in which these events occurred; undefined for the first event of a burst. */
type Report<Event> = (event: Event, count: number, seconds?: number) => void

/**
 * Reports events that clients can repeat at will: the first of a burst at once, then at intervals how many there were
 * since, with the latest of them. A burst ends after an interval without an event, or with `end`.
 */
export class Bursts<Event> {
  readonly #seconds: number
  readonly #report: Report<Event>
  readonly #bursts = new Map<string, Burst<Event>>()

  constructor (seconds: number, report: Report<Event>) {
    this.#seconds = seconds
    this.#report = report
  }

  /** `count` more events; `kind` identifies the burst that they belong to. */
  add (kind: string, event: Event, count = 1): void {
    const burst = this.#bursts.get(kind)
    if (burst === undefined) {
      this.#bursts.set(kind, { count: 0, latest: event, ...this.#interval(kind) })
      this.#report(event, count)
    } else {
      burst.count += count
      burst.latest = event
    }
  }

  /** Ends every burst: reports at once what has occurred since the last report, and leaves no timer. */
  end (): void {
    const bursts = [...this.#bursts.values()]
    this.#bursts.clear()
    for (const { timer } of bursts) clearTimeout(timer)
    for (const { count, latest, since } of bursts) {
      if (count > 0) this.#report(latest, count, (performance.now() - since) / 1000)
    }
  }

  /** What an interval begins with. */
  #interval (kind: string): Pick<Burst<Event>, 'since' | 'timer'> {
    const timer = setTimeout(() => { this.#intervalOver(kind) }, this.#seconds * 1000).unref()
    return { since: performance.now(), timer }
  }

  #intervalOver (kind: string): void {
    const burst = this.#bursts.get(kind)!
    const { count, latest } = burst
    if (count === 0) {
      this.#bursts.delete(kind)
      return
    }
    Object.assign(burst, { count: 0, ...this.#interval(kind) })
    this.#report(latest, count, this.#seconds)
  }
}
