/** Times of membership, in milliseconds; all nodes of a cluster have the same. */
export interface Timings {
  /** Between two heartbeats, and between two renewals of the lease of a slot. */
  readonly heartbeat: number
  /** Time without renewal after which a node no longer owns its slot. */
  readonly lease: number
  /** Time for which a slot stays unused after its lease has ended. */
  readonly quarantine: number
  /** Time without a heartbeat after which a node is pinged. */
  readonly silence: number
  /** Time without a response after which a node is lost. */
  readonly ping: number
  /** Time for which a starting node waits for the others. */
  readonly hello: number
  /**
   * Minimum time for which stores keep deleted keys. A node that was disconnected for that long has lost its slot,
   * and loads all keys again.
   */
  readonly deleted: number
}

/** The defaults: a crashed node is lost within 4 s, its slot is free again after 14 s. */
export const defaultTimings: Timings = {
  heartbeat: 1000,
  lease: 3000,
  quarantine: 11_000,
  silence: 2500,
  ping: 500,
  hello: 2000,
  deleted: 120_000
}
