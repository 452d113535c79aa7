/** Why reading from a peer is paused, one bit each. */
export const pauseReason = {
  /** The queue its packet goes to is full. */
  QUEUE: 1,
  /** It exceeded a rate limit. */
  RATE: 2,
  /** Receivers of its room lag behind. */
  ROOM: 4,
  /** The application has been asked about it and has not answered yet. */
  APPLICATION: 8,
  /** Other peers are read first. */
  TURN: 16,
  /** The broker of the cluster lags behind. */
  CLUSTER: 32
} as const

/** One reason. */
export type PauseReason = typeof pauseReason[keyof typeof pauseReason]
