/** Why reading from a peer is paused, one bit each. */
export const pauseReason = {
  /** The queue its packet goes to is full. */
  QUEUE: 1,
  /** It exceeded a rate limit. */
  RATE: 2,
  /** Receivers of its room are behind. */
  ROOM: 4,
  /** The application has been asked about it and has not answered yet. */
  APPLICATION: 8,
  /** Others have their turn first. */
  TURN: 16,
  /** What it sends to other nodes of the cluster piles up. */
  CLUSTER: 32
} as const

/** One reason. */
export type PauseReason = typeof pauseReason[keyof typeof pauseReason]
