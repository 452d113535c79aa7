/** State of a peer's connection; closing: the server closes it, and the client has not answered the close frame. */
export type PeerState = 'open' | 'closing' | 'ended'

/**
 * Who or what ended a peer: the client, a call of the application (`server`), the closing of its
 * room (`room`), `stop`, a protocol error, output that it
 * did not read (`slow`), input beyond its rate limits (`flood`), unanswered pings (`silent`), the loss of the cluster
 * (`cluster`), or a broken connection.
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
  /** Code of the first close frame, 1006 without one. */
  readonly code: number
  /** Reason of the first close frame. */
  readonly reason: string
  /** Seconds from the start of closing to the end of the connection. */
  readonly seconds: number
}
