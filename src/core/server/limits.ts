import type { Logger } from './logger.ts'

/** What a server keeps clients from, and the option (or call, or limit of the system) that says how far they may go. */
export const limits = {
  'server-full': 'maxPeers',
  'address-limit': 'maxPeersPerAddress',
  'join-rate': 'maxJoinsPerMinute',
  'too-many-handshakes': 'maxPendingHandshakes',
  'handshake-timeout': 'handshakeTimeout',
  'origin-refused': 'allowedOrigins',
  banned: 'ban',
  'join-refused': 'onHandshake',
  'auth-refused': 'authenticate',
  'auth-timeout': 'authTimeout',
  'packet-rate': 'maxPacketsPerSecond',
  'byte-rate': 'maxBytesPerSecond',
  'message-too-big': 'inputBufferKb',
  'slow-peer': 'outputBufferKb',
  'silent-peer': 'pingInterval',
  'no-descriptor': 'ulimit -n'
} as const

/** A limit, by what happens at it. */
export type LimitName = keyof typeof limits

const BURST_SECONDS = 10

/** Counts how often each limit was hit, and logs the first hit of a burst and then how many there were, not every one. */
export class LimitBook {
  /** Hits since the start. */
  readonly counts = Object.fromEntries(Object.keys(limits).map(name => [name, 0])) as Record<LimitName, number>
  readonly #log: Logger
  readonly #bursts = new Map<LimitName, number>()

  constructor (log: Logger) {
    this.#log = log
  }

  /** A limit was hit; `details` say by whom. */
  hit (name: LimitName, details: object): void {
    this.counts[name]++
    const hits = this.#bursts.get(name)
    this.#bursts.set(name, (hits ?? 0) + 1)
    if (hits !== undefined) return
    this.#log.warn({ limit: name, option: limits[name], ...details }, 'a limit was hit')
    this.#watch(name)
  }

  /** Looks every few seconds how the burst goes on; one without a hit ends it. */
  #watch (name: LimitName): void {
    this.#bursts.set(name, 0)
    setTimeout(() => {
      const hits = this.#bursts.get(name)!
      this.#bursts.delete(name)
      if (hits === 0) return
      this.#log.warn({ limit: name, option: limits[name], hits, seconds: BURST_SECONDS }, 'a limit was hit again and again')
      this.#watch(name)
    }, BURST_SECONDS * 1000).unref()
  }
}
