import type { PacketSender } from '../incoming-queue.ts'
import { pauseReason } from '../pause-reason.ts'
import { RateLimit } from './rate-limit.ts'
import type { Rates } from './rate-limit.ts'

/** The peer of a throttle. */
export interface ThrottledPeer extends PacketSender {
  /** Whether packets of it are handled. */
  readonly isOpen: boolean
  /** Whether no more packets will come: it can no longer be paused. */
  readonly isLeaving: boolean
  /** A frame exceeded a limit; `isFlood`: pauses do not help. */
  overRate (limit: RateLimit['exceeded'], isFlood: boolean): void
}

/**
 * Keeps a peer within its rate limits: one that exceeds them is paused, and reported as a flood if that continues for
 * long. Excess frames of a peer that is leaving are dropped.
 */
export class PeerThrottle {
  readonly #peer: ThrottledPeer
  #limit: RateLimit | undefined
  /** While the peer is paused. */
  #timer: NodeJS.Timeout | undefined
  /** Frames that were dropped because they exceeded a limit when the peer left. */
  dropped = 0

  constructor (peer: ThrottledPeer, rates: Rates | undefined) {
    this.#peer = peer
    this.setRates(rates)
  }

  /** Applies other limits; returns whether the peer was paused for the previous ones, which ends soon. */
  setRates (rates: Rates | undefined): boolean {
    this.#limit = rates === undefined ? undefined : new RateLimit(rates)
    if (this.#timer === undefined) return false
    this.end()
    return true
  }

  /** Whether a frame of an open peer with `size` payload bytes is handled; it counts for the limits, if any. */
  mayPass (size: number): boolean {
    return this.#limit === undefined || this.#mayPassLimit(this.#limit, size)
  }

  /** The peer has ended. */
  end (): void {
    clearTimeout(this.#timer)
    this.#timer = undefined
  }

  #mayPassLimit (limit: RateLimit, size: number): boolean {
    const peer = this.#peer
    // What a leaving client has sent is read at once: after its first frame over the limit all others count as over it.
    const wait = this.dropped > 0 ? Infinity : limit.take(size)
    if (wait === 0) return true
    if (peer.isLeaving) {
      this.dropped++
      return false
    }
    const { isFlood } = limit
    peer.overRate(limit.exceeded, isFlood)
    if (!isFlood) this.#pauseFor(wait)
    return peer.isOpen
  }

  #pauseFor (milliseconds: number): void {
    if (this.#timer !== undefined) return
    this.#peer.pauseReading(pauseReason.RATE)
    this.#timer = setTimeout(() => {
      this.#timer = undefined
      this.#peer.resumeReading(pauseReason.RATE)
    }, milliseconds)
  }
}
