import type { Logger } from '../../../logger.ts'
import { Bursts } from './bursts.ts'

const SECONDS = 10

/** What repeats: its level, what all repetitions have in common, and the message. */
export interface Repetition {
  readonly level: 'debug' | 'warn' | 'error'
  /** Identifies the burst together with the message; logged with every record. */
  readonly key: object
  readonly message: string
}

/** Logs what may repeat: the first event of a burst with its details, then every 10 seconds how many there were. */
export class BurstLog {
  readonly #bursts: Bursts<Repetition & { readonly details: object }>

  constructor (log: Logger) {
    this.#bursts = new Bursts(SECONDS, ({ level, key, message, details }, hits, seconds) => {
      if (seconds === undefined) log[level]({ ...key, ...details }, message)
      else log[level]({ ...key, hits, seconds: Math.round(seconds * 10) / 10 }, `${message} repeatedly`)
    })
  }

  /** One more event; `details` are logged only if it begins a burst. */
  log (event: Repetition, details: object = {}): void {
    this.#bursts.add(`${event.message} ${Object.values(event.key).join(' ')}`, { ...event, details })
  }

  /** Logs the pending counts at once and ends every burst; called when the server or app has stopped. */
  end (): void {
    this.#bursts.end()
  }
}
