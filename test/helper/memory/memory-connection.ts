import type { Connection, ConnectionReceiver } from '../../../src/transport/connection.ts'

/**
 * A connection that stays in the process. The server's side is the Connection; the client's side has the other verbs:
 * it `delivers` bytes, `takes` what was written, and `hangs up`; between `stall` and `unstall` it takes nothing, as a
 * client that does not read.
 */
export class MemoryConnection implements Connection {
  readonly address: string
  readonly port: number
  #receiver: ConnectionReceiver | undefined
  #incoming: Uint8Array[] = []
  #outgoing: Uint8Array[] = []
  #isPaused = false
  #isInputEnded = false
  #isEnded = false
  #isOver = false
  #isStalled = false
  #waiting: Uint8Array[] = []
  #onWritten: Array<() => void> = []

  constructor (address = '127.0.0.1', port = 0) {
    this.address = address
    this.port = port
  }

  // ---- the client's side ----

  /** Whether the server ended its direction or cut the connection. */
  get isEnded (): boolean {
    return this.#isEnded
  }

  /** Delivers bytes to the server as one chunk, immediately or when it resumes reading. */
  deliver (bytes: Uint8Array): void {
    // The receiver may overwrite a chunk.
    this.#incoming.push(Uint8Array.from(bytes))
    this.#readOn()
  }

  /** Bytes that the server wrote since the last call. */
  take (): Buffer {
    const bytes = Buffer.concat(this.#outgoing)
    this.#outgoing = []
    return bytes
  }

  /** Stops accepting written bytes, which then wait. */
  stall (): void {
    this.#isStalled = true
  }

  /** Accepts waiting bytes, and all later ones. */
  unstall (): void {
    this.#isStalled = false
    this.#outgoing.push(...this.#waiting)
    this.#waiting = []
    const callbacks = this.#onWritten
    this.#onWritten = []
    for (const callback of callbacks) setImmediate(callback)
  }

  /** Whether the server has paused reading. */
  get isPaused (): boolean {
    return this.#isPaused
  }

  /** Ends the client's direction; it still takes what is written. */
  endInput (): void {
    this.#isInputEnded = true
    setImmediate(() => { this.#receiver?.onClientEnd() })
  }

  /** Closes the connection from the client's side. */
  disconnect (): void {
    this.destroy()
  }

  // ---- the server's side ----

  get bufferedAmount (): number {
    return this.#isOver ? 0 : this.#waiting.reduce((sum, bytes) => sum + bytes.length, 0)
  }

  get isFull (): boolean {
    return this.bufferedAmount > 0
  }

  get unsentBytes (): number {
    return this.bufferedAmount
  }

  open (receiver: ConnectionReceiver): void {
    this.#receiver = receiver
    this.#readOn()
  }

  write (bytes: Uint8Array): void {
    if (!this.#isEnded) (this.#isStalled ? this.#waiting : this.#outgoing).push(Uint8Array.from(bytes))
  }

  cork (): void {}

  uncork (): void {}

  whenWritten (callback: () => void): void {
    if (this.bufferedAmount === 0) setImmediate(callback)
    else this.#onWritten.push(callback)
  }

  pause (): void {
    this.#isPaused = true
  }

  resume (): void {
    this.#isPaused = false
    this.#readOn()
  }

  setNoDelay (): void {}

  end (): void {
    this.#isEnded = true
    if (this.#isInputEnded) this.destroy()
  }

  destroy (): void {
    this.#isEnded = true
    if (this.#isOver) return
    this.#isOver = true
    // As with a socket, onGone is called asynchronously.
    setImmediate(() => { this.#receiver?.onGone() })
    this.unstall()
  }

  #readOn (): void {
    while (this.#receiver !== undefined && !this.#isPaused && !this.#isOver && this.#incoming.length > 0) {
      const chunk = this.#incoming.shift()!
      this.#receiver.onData(chunk, chunk.length)
    }
  }
}
