/** Times of membership, in milliseconds; all nodes of a cluster have the same. */
export interface Timings {
  /** Between two heartbeats, and between two renewals of the lease of a slot. */
  readonly heartbeat: number
  /** A node that has not renewed its lease for so long no longer owns its slot. */
  readonly lease: number
  /** For how long nobody gets a slot whose lease has ended. */
  readonly quarantine: number
  /** A node is pinged after this time without a heartbeat. */
  readonly silence: number
  /** A node that does not answer in this time is lost. */
  readonly ping: number
  /** For how long a starting node waits to hear of the others. */
  readonly hello: number
}

/** What a cluster has by default: a crashed node is lost within 4 s, a slot is free again after 14 s. */
export const defaultTimings: Timings = {
  heartbeat: 1000,
  lease: 3000,
  quarantine: 11_000,
  silence: 2500,
  ping: 500,
  hello: 2000
}
