/** What a heartbeat needs of a peer. */
export interface HeartbeatPeer {
  readonly id: number
  readonly isOpen: boolean
  /** Whether input of it waits, or reading is paused: then its silence says nothing. */
  readonly isPaused: boolean
  /** Looks since it was last heard; whatever comes from it sets it to 0. */
  missedHeartbeats: number
  ping (): void
  destroy (cause: 'silent'): void
}

/** Looks in an interval. */
const LOOKS = 40
const MIN_MILLISECONDS = 10
/** Of an interval, the last part over which the pings of peers are spread that fell silent at the same time. */
const SPREAD = 0.25

/**
 * Finds peers that are gone without a word: one that is silent for an interval is pinged, one silent for two is cut.
 */
export class Heartbeat {
  readonly #peers: () => Iterable<HeartbeatPeer>
  #timer: NodeJS.Timeout | undefined
  #looks = 0

  constructor (peers: () => Iterable<HeartbeatPeer>) {
    this.#peers = peers
  }

  /** Begins with `interval` seconds; 0: not at all. */
  start (interval: number): void {
    this.stop()
    if (interval === 0) return
    const milliseconds = Math.max(interval * 1000 / LOOKS, MIN_MILLISECONDS)
    this.#looks = Math.max(2, Math.round(interval * 1000 / milliseconds))
    this.#timer = setInterval(() => { this.#look() }, milliseconds).unref()
  }

  stop (): void {
    clearInterval(this.#timer)
  }

  #look (): void {
    const spread = Math.ceil(this.#looks * SPREAD)
    const silent: HeartbeatPeer[] = []
    for (const peer of this.#peers()) {
      if (!peer.isOpen) continue
      const looks = ++peer.missedHeartbeats
      // A paused peer is pinged too: that its client has gone shows only when something is sent to it.
      if (looks === this.#looks - peer.id % spread) peer.ping()
      if (looks <= 2 * this.#looks) continue
      if (peer.isPaused) peer.missedHeartbeats = 0
      else silent.push(peer)
    }
    for (const peer of silent) peer.destroy('silent')
  }
}
