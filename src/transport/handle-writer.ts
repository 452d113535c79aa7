/** Writes to the handle of a connection: `TcpWriter` or `TlsWriter`. */
export interface HandleWriter {
  /** Bytes of writes that are not complete. */
  readonly pending: number
  /** Whether the system does not accept everything at once. */
  readonly isFull: boolean
  /** Bytes that libuv and OpenSSL keep. */
  readonly unsentBytes: number
  write (bytes: Uint8Array | Uint8Array[]): void
  /** Calls back when the handle has taken everything; nothing may be written from now on. */
  whenIdle (callback: () => void): void
}

/** The connection of a writer. */
export interface HandleWriterHost {
  /** Called when a write fails. */
  destroy (): void
  /** Called when nothing is pending. */
  onWritten (): void
}

/** Bytes of a write of one part or several. */
export function sizeOf (bytes: Uint8Array | Uint8Array[]): number {
  return bytes instanceof Uint8Array ? bytes.length : bytes.reduce((sum, { length }) => sum + length, 0)
}
