/** Limits for one peer: packets and payload bytes per second; 0 means no limit. */
export interface Rates { readonly packets: number, readonly bytes: number }

/** Shortest pause in milliseconds, so that a peer above its limits is not paused and resumed for every packet. */
const MIN_WAIT = 50
/** Milliseconds within the limits after which a peer counts as calm again. */
const CALM = 1000
/** Milliseconds without calm after which a peer counts as a flood. */
const FLOOD = 5000

/** Two token buckets for one peer, packets and bytes; each holds the tokens of one second. */
export class RateLimit {
  readonly #rates: Rates
  #packets: number
  #bytes: number
  #filledAt: number
  /** When the peer began to exceed its limits, and the end of its last pause. */
  #overSince = 0
  #waitedUntil = -Infinity
  /** The limit that was exceeded last. */
  exceeded: 'packet-rate' | 'byte-rate' = 'packet-rate'

  constructor (rates: Rates, now: number = performance.now()) {
    this.#rates = rates
    this.#packets = capacity(rates.packets)
    this.#bytes = capacity(rates.bytes)
    this.#filledAt = now
  }

  /** Counts a packet of `size` bytes; returns the milliseconds to pause before the next one. */
  take (size: number, now: number = performance.now()): number {
    const { packets, bytes } = this.#rates
    const seconds = (now - this.#filledAt) / 1000
    this.#filledAt = now
    this.#packets = Math.min(capacity(packets), this.#packets + seconds * packets) - 1
    this.#bytes = Math.min(capacity(bytes), this.#bytes + seconds * bytes) - size
    const forPackets = wait(this.#packets, packets)
    const forBytes = wait(this.#bytes, bytes)
    const milliseconds = Math.max(forPackets, forBytes)
    if (milliseconds === 0) return 0
    this.exceeded = forPackets >= forBytes ? 'packet-rate' : 'byte-rate'
    if (now > this.#waitedUntil + CALM) this.#overSince = now
    this.#waitedUntil = now + milliseconds
    return milliseconds
  }

  /** Whether the peer has exceeded its limits for so long that pauses do not help. */
  get isFlood (): boolean {
    return this.#filledAt - this.#overSince > FLOOD && this.#waitedUntil > this.#filledAt
  }
}

function capacity (rate: number): number {
  return Math.max(rate, 1)
}

/** Milliseconds until a bucket with a negative level has refilled. */
function wait (level: number, rate: number): number {
  return level >= 0 || rate === 0 ? 0 : Math.max(MIN_WAIT, -level / rate * 1000)
}
