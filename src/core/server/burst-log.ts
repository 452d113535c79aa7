import type { Logger } from '../../logger.ts'

const BURST_SECONDS = 10

/** What repeats: its level, what all repetitions have in common, and the message. */
export interface Repetition {
  readonly level: 'debug' | 'warn' | 'error'
  /** Identifies the burst together with the message; logged with every record. */
  readonly key: object
  readonly message: string
}

/**
 * Logs what clients or listeners can repeat at will: the first event of a burst with its details, then every 10 seconds
 * how often it
 * happened since. A burst ends after 10 seconds without an event.
 */
export class BurstLog {
  readonly #log: Logger
  readonly #hits = new Map<string, number>()

  constructor (log: Logger) {
    this.#log = log
  }

  /** One more event; `details` are logged only if it begins a burst. */
  hit (event: Repetition, details: object = {}): void {
    const id = `${event.message} ${Object.values(event.key).join(' ')}`
    const hits = this.#hits.get(id)
    this.#hits.set(id, (hits ?? -1) + 1)
    if (hits !== undefined) return
    this.#log[event.level]({ ...event.key, ...details }, event.message)
    this.#summariseLater(id, event)
  }

  #summariseLater (id: string, event: Repetition): void {
    setTimeout(() => {
      const hits = this.#hits.get(id)!
      if (hits === 0) {
        this.#hits.delete(id)
        return
      }
      this.#hits.set(id, 0)
      this.#log[event.level]({ ...event.key, hits, seconds: BURST_SECONDS }, `${event.message} repeatedly`)
      this.#summariseLater(id, event)
    }, BURST_SECONDS * 1000).unref()
  }
}
