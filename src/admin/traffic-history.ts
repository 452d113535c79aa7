import type { Stats } from './feed-event.ts'

/** Seconds that are kept. */
export const HISTORY_SECONDS = 600

const columns = ['peers', 'packetsIn', 'packetsOut', 'bytesIn', 'bytesOut'] as const
type Column = typeof columns[number]

/** Open peers, and traffic per second: one number for each second, the latest last. */
export interface TrafficSamples extends Readonly<Record<Column, number[]>> {
  /** Milliseconds since 1970 of the latest sample. */
  readonly at: number
}

type Totals = Record<Column, number>

/** Traffic of the last ten minutes, second by second. It takes 24 KB, whatever the traffic. */
export class TrafficHistory {
  readonly #slots: Readonly<Record<Column, Float64Array>> = fill(() => new Float64Array(HISTORY_SECONDS))
  /** Seconds so far; the slots hold the last of them. */
  #count = 0
  #totals: Totals | undefined
  /** When these totals were read: since the start of the process, and since 1970. */
  #readAt = 0
  #at = Date.now()

  /** Adds the totals of this moment: each second since the last totals gets the mean rates. */
  add ({ peers: { open }, ...totals }: Stats, now: number = performance.now()): void {
    const read: Totals = { ...totals, peers: open }
    const before = this.#totals
    const elapsed = (now - this.#readAt) / 1000
    // Also after a pause of the process every second has its slot.
    const seconds = Math.max(1, Math.round(elapsed))
    this.#totals = read
    this.#readAt = now
    this.#at = Date.now()
    if (before === undefined) return
    for (let i = 0; i < Math.min(seconds, HISTORY_SECONDS); i++, this.#count++) {
      const slot = this.#count % HISTORY_SECONDS
      for (const name of columns) {
        this.#slots[name][slot] = name === 'peers' ? open : Math.max(0, read[name] - before[name]) / elapsed
      }
    }
  }

  /** What is kept. */
  get samples (): TrafficSamples {
    const kept = Math.min(this.#count, HISTORY_SECONDS)
    const first = this.#count - kept
    const valueAt = (name: Column, i: number): number => this.#slots[name][(first + i) % HISTORY_SECONDS]
    // A tenth of a packet is as precise as a chart can be.
    const read = (name: Column): number[] =>
      Array.from({ length: kept }, (_, i) => Math.round(valueAt(name, i) * 10) / 10)
    return { at: this.#at, ...fill(read) }
  }
}

/** The sum of several histories, second by second from the latest on. Its time is that of the first. */
export function sumOfSamples (all: readonly TrafficSamples[]): TrafficSamples {
  const length = Math.max(...all.map(({ peers }) => peers.length))
  const sum = (name: Column): number[] => Array.from({ length }, (_, i) => {
    const total = all.reduce((sum, samples) => sum + (samples[name].at(i - length) ?? 0), 0)
    return Math.round(total * 10) / 10
  })
  return { at: all[0].at, ...fill(sum) }
}

function fill<Value> (valueOf: (name: Column) => Value): Record<Column, Value> {
  return Object.fromEntries(columns.map(name => [name, valueOf(name)])) as Record<Column, Value>
}
