/** Open; closing: our close frame is out and unanswered; ended. */
export type PeerState = 'open' | 'closing' | 'ended'

/** Who or what ended a peer: the client, the server's side, `stop`, a breach of the protocol, output it did not take, input beyond its rates, silence, a broken connection. */
export type EndCause = 'client' | 'server' | 'stop' | 'protocol' | 'slow' | 'flood' | 'silent' | 'reset'

/** Clean: both close frames were exchanged; timeout: ours was not answered in time; reset: the connection ended otherwise. */
export type EndOutcome = 'clean' | 'timeout' | 'reset'

/** How a peer ended: the close code and reason that stand (1006 without a close frame), and seconds from that frame to the end. */
export interface PeerEnd {
  readonly cause: EndCause
  readonly outcome: EndOutcome
  readonly code: number
  readonly reason: string
  readonly seconds: number
}
