const INTERVAL = 1000

/** Rate-limits reports of frequent events: at most one per second and kind, with the number of events it stands for. */
export class Bursts {
  readonly #kinds = new Map<string, { count: number, silentUntil: number }>()

  /** Counts an event of this kind; returns the number of events to report now, 0 for none yet. */
  hit (kind: string, now: number = performance.now()): number {
    let burst = this.#kinds.get(kind)
    if (burst === undefined) this.#kinds.set(kind, burst = { count: 0, silentUntil: -Infinity })
    burst.count++
    if (now < burst.silentUntil) return 0
    const { count } = burst
    burst.count = 0
    burst.silentUntil = now + INTERVAL
    return count
  }
}
