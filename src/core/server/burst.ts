const INTERVAL = 1000

/** Thins out what may happen very often: of each kind one is told a second, with the number of those it stands for. */
export class Bursts {
  readonly #kinds = new Map<string, { count: number, silentUntil: number }>()

  /** One more of this kind: how many are to be told now, 0 for none yet. */
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
