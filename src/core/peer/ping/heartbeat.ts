/** What a heartbeat needs of a peer. */
export interface HeartbeatPeer {
  readonly id: number
  readonly isOpen: boolean
  /** Whether its input is queued or its reading paused, so that silence means nothing. */
  readonly isPaused: boolean
  /** Checks since its last data; any data resets it to 0. */
  missedHeartbeats: number
  ping (): void
  destroy (cause: 'silent'): void
}

/** Checks per interval. */
const CHECKS = 40
const MIN_MILLISECONDS = 10
/** The last part of an interval, over which the pings of peers that became silent together are spread. */
const SPREAD = 0.25

/** Detects lost peers: pings a peer that is silent for one interval, and disconnects it after two. */
export class Heartbeat {
  readonly #peers: () => Iterable<HeartbeatPeer>
  #timer: NodeJS.Timeout | undefined
  #checksPerInterval = 0

  constructor (peers: () => Iterable<HeartbeatPeer>) {
    this.#peers = peers
  }

  /** Starts with an interval in seconds; 0 disables heartbeats. */
  start (interval: number): void {
    this.stop()
    if (interval === 0) return
    // Counted in checks of the previous interval.
    for (const peer of this.#peers()) peer.missedHeartbeats = 0
    const milliseconds = Math.max(interval * 1000 / CHECKS, MIN_MILLISECONDS)
    this.#checksPerInterval = Math.max(2, Math.round(interval * 1000 / milliseconds))
    this.#timer = setInterval(() => { this.#check() }, milliseconds).unref()
  }

  stop (): void {
    clearInterval(this.#timer)
  }

  #check (): void {
    const spread = Math.ceil(this.#checksPerInterval * SPREAD)
    const silent: HeartbeatPeer[] = []
    for (const peer of this.#peers()) {
      if (!peer.isOpen) continue
      const missed = ++peer.missedHeartbeats
      // A paused peer is pinged, too: only writing detects that its client has gone.
      if (missed === this.#checksPerInterval - peer.id % spread) peer.ping()
      if (missed <= 2 * this.#checksPerInterval) continue
      if (peer.isPaused) peer.missedHeartbeats = 0
      else silent.push(peer)
    }
    for (const peer of silent) peer.destroy('silent')
  }
}
