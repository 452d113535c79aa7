/**
 * State of a peer's connection. `closing`: the server has sent a close frame or is about to, and the client has not
 * answered it.
 */
export type PeerState = 'open' | 'closing' | 'ended'

/**
 * Who or what ended a peer: the client (`client`), the application (`server`), the closing of its room (`room`),
 * `stop`, a protocol error (`protocol`), output that it did not read (`slow`), input over its rate limits (`flood`),
 * unanswered pings (`silent`), the loss of the cluster (`cluster`), or a broken connection (`reset`).
 */
export type EndCause = 'client' | 'server' | 'room' | 'stop' | 'protocol' | 'slow' | 'flood' | 'silent' | 'cluster' |
  'reset'

/**
 * Clean: both close frames were exchanged; timeout: the client did not answer ours within `closeTimeout`; reset: the
 * connection ended otherwise.
 */
export type EndOutcome = 'clean' | 'timeout' | 'reset'

/** How a peer ended. */
export interface PeerEnd {
  /** What ended the peer. */
  readonly cause: EndCause
  /** How the connection closed. */
  readonly outcome: EndOutcome
  /** Code of the first close frame, 1005 if it had none; 1006 without a frame. */
  readonly code: number
  /** Reason of the first close frame. */
  readonly reason: string
  /** Seconds from the start of closing to the end of the connection. */
  readonly seconds: number
}
