const WINDOW_MS = 60_000

/** Counts the events of the last minute, by key. Forgets keys that had none. */
export class RatePerMinute {
  /** Times of the events of each key, oldest first. */
  readonly #times = new Map<string, number[]>()
  #sweptAt = -Infinity

  /** Events in the last minute. */
  count (key: string, now: number = performance.now()): number {
    const times = this.#times.get(key)
    if (times === undefined) return 0
    dropUntil(times, now - WINDOW_MS)
    return times.length
  }

  /** Counts one event now. */
  add (key: string, now: number = performance.now()): void {
    this.#sweep(now)
    const times = this.#times.get(key)
    if (times === undefined) this.#times.set(key, [now])
    else {
      dropUntil(times, now - WINDOW_MS)
      times.push(now)
    }
  }

  /** Takes back the latest event: what it was counted for did not happen. */
  removeLatest (key: string): void {
    this.#times.get(key)?.pop()
  }

  /** Number of keys in memory. */
  get size (): number {
    return this.#times.size
  }

  /** Once a minute, forgets the keys without events in the last minute. */
  #sweep (now: number): void {
    if (now - this.#sweptAt < WINDOW_MS) return
    this.#sweptAt = now
    for (const [key, times] of this.#times) {
      if ((times.at(-1) ?? -Infinity) <= now - WINDOW_MS) this.#times.delete(key)
    }
  }
}

/** Removes the times up to `end`. */
function dropUntil (times: number[], end: number): void {
  let old = 0
  while (old < times.length && times[old] <= end) old++
  if (old > 0) times.splice(0, old)
}
