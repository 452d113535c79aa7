/** Receives what happens on a connection. */
export interface ConnectionReceiver {
  /** bytes[0..length) have arrived; valid until the call returns, and the receiver may overwrite them. */
  onData (bytes: Uint8Array, length: number): void
  /** The client has ended its direction: no more bytes come. The receiver ends ours too, or destroys the connection. */
  onClientEnd (): void
  /** The connection has ended, whichever side ended it. Called once; nothing follows. */
  onGone (): void
}

/** An open socket of any kind as a stream of bytes: what the core needs of it. */
export interface Connection {
  /** Address of the other side, IPv4 dotted also on a dual-stack socket. */
  readonly address: string
  /** Port of the other side. */
  readonly port: number
  /** Bytes written that the system has not taken yet; at 0 all buffers given to `write` may be used again. */
  readonly bufferedAmount: number
  /** Whether the system accepts no more bytes for now: what is written waits in the process. */
  readonly isFull: boolean
  /**
   * Bytes written that the system has not accepted yet, as far as it reports them; falls while it accepts a large
   * write.
   */
  readonly unsentBytes: number
  /** Starts delivering, beginning with what has arrived before. */
  open (receiver: ConnectionReceiver): void
  /** Sends bytes; they must not change until `bufferedAmount` is 0. Does nothing once the connection has ended. */
  write (bytes: Uint8Array): void
  /** Combines all writes until `uncork` into one. */
  cork (): void
  uncork (): void
  /** Calls back once, when everything written so far has been sent (or the connection has ended). */
  whenWritten (callback: () => void): void
  pause (): void
  resume (): void
  setNoDelay (enabled: boolean): void
  /** Ends our direction after what was written; reading continues until the other side ends, too. */
  end (): void
  /** Cuts it at once. */
  destroy (): void
}
