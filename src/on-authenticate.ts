import type { Accepted, Refused } from './on-handshake.ts'

/**
 * A client that is connected but not authenticated. When it is, it becomes the WebSocketPeer with the same id and data.
 */
export interface AuthenticatingPeer {
  /** Id of the future peer. */
  readonly id: number
  /** Negotiated subprotocol, '' if none. */
  readonly protocol: string
  /** Application data, passed on to the peer. */
  data: unknown
  /** IP address of the client. */
  getConnectedHost (): string
  /** TCP port of the client. */
  getConnectedPort (): number
}

/**
 * As of `onHandshake`: nothing, `true` or `{ data }` accepts the client, `false` rejects it, and `{ status, reason }`
 * rejects it with close code 4000 + `status`. Bytes are sent to it as an answer; after an answer, or `null`, the client
 * may send again, or `completeAuth` accepts it.
 */
export type AuthenticateAnswer = Pick<Accepted, 'data' | 'status'> | Refused | boolean | Uint8Array | null | undefined |
  void

/**
 * Decides on the data that a client sends with `send_auth`, one packet at a time; for a client that completes without
 * sending any it is called once with no bytes. If it throws, the error is logged and the client rejected.
 */
export type Authenticate =
  (peer: AuthenticatingPeer, data: Uint8Array) => AuthenticateAnswer | Promise<AuthenticateAnswer>
