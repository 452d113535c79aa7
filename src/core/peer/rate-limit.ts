/** How much one peer may send in a second: packets and payload bytes; 0: as much as it likes. */
export interface Rates { readonly packets: number, readonly bytes: number }

/**
 * A peer that is over its rates waits at least so many milliseconds, so that it does not stop and start with every
 * packet.
 */
const MIN_WAIT = 50
/** After so many milliseconds without being over its rates a peer has calmed down. */
const CALM = 1000
/** A peer that does not calm down for so many milliseconds is a flood. */
const FLOOD = 5000

/**
 * What one peer may still send: two buckets, of packets and of bytes, that hold what may come in a second and fill up
 * evenly.
 */
export class RateLimit {
  readonly #rates: Rates
  #packets: number
  #bytes: number
  #filledAt: number
  /** When it began to be over its rates, and until when it last had to wait. */
  #overSince = 0
  #waitedUntil = -Infinity
  /** Which of the two was hit last. */
  hit: 'packet-rate' | 'byte-rate' = 'packet-rate'

  constructor (rates: Rates, now: number = performance.now()) {
    this.#rates = rates
    this.#packets = capacity(rates.packets)
    this.#bytes = capacity(rates.bytes)
    this.#filledAt = now
  }

  /** A packet of `size` bytes came: for how many milliseconds none may follow, 0 when at once. */
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
    this.hit = forPackets >= forBytes ? 'packet-rate' : 'byte-rate'
    if (now > this.#waitedUntil + CALM) this.#overSince = now
    this.#waitedUntil = now + milliseconds
    return milliseconds
  }

  /** Whether it has been over its rates for long: waiting does not slow it down. */
  get isFlood (): boolean {
    return this.#filledAt - this.#overSince > FLOOD && this.#waitedUntil > this.#filledAt
  }
}

function capacity (rate: number): number {
  return Math.max(rate, 1)
}

/** Milliseconds until a bucket that is short has filled up. */
function wait (level: number, rate: number): number {
  return level >= 0 || rate === 0 ? 0 : Math.max(MIN_WAIT, -level / rate * 1000)
}
