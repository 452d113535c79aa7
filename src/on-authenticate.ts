/** A client that is connected, but not let in yet; it becomes the peer that it is given as. */
export interface AuthenticatingPeer {
  readonly id: number
  readonly protocol: string
  /** What the application keeps with it. */
  data: unknown
  getConnectedHost (): string
  getConnectedPort (): number
}

/** `true` lets the client in, `false` turns it away; bytes are sent to it, and it may go on; with nothing it may go on too, or `completeAuth` let it in. */
export type AuthenticateAnswer = boolean | Uint8Array | undefined | void

/**
 * Judges what a client sends by `send_auth`, one at a time; one that completes without having sent anything is judged by no bytes. What it
 * throws is logged, and the client turned away.
 */
export type Authenticate = (peer: AuthenticatingPeer, data: Uint8Array) => AuthenticateAnswer | Promise<AuthenticateAnswer>
