/** What a connection tells its peer. */
export interface ConnectionReceiver {
  /** bytes[0..length) came; they may be overwritten by the receiver and are good until the call returns. */
  onData (bytes: Uint8Array, length: number): void
  /** The connection is over, whoever ended it; nothing comes after this, and it comes once. */
  onGone (): void
}

/** One open socket of any kind, seen as bytes: the least that the core needs of it. */
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
   * Bytes written that the system has not accepted yet, as exactly as it tells; falls while it accepts a large write.
   */
  readonly unsentBytes: number
  /** Starts to deliver; nothing is lost that came before. */
  open (receiver: ConnectionReceiver): void
  /** Sends bytes; they must not change until `bufferedAmount` is 0. Does nothing once the connection is over. */
  write (bytes: Uint8Array): void
  /** Gathers the writes up to `uncork` into one. */
  cork (): void
  uncork (): void
  /** Calls back once, when everything written so far has left (or the connection is over). */
  whenWritten (callback: () => void): void
  pause (): void
  resume (): void
  setNoDelay (enabled: boolean): void
  /** Ends our direction after what was written, and goes on reading until the other side ends too. */
  end (): void
  /** Cuts it at once. */
  destroy (): void
}
