import type { Connection, ConnectionReceiver } from '../core/transport.ts'

/** A connection that stays in the process: what the server writes is kept, what the client sends is said by `receive`. For tests and tools. */
export class MemoryConnection implements Connection {
  readonly address: string
  readonly port: number
  /** Everything the server wrote, in order. */
  readonly written: Uint8Array[] = []
  isPaused = false
  isEnded = false
  isOver = false
  #receiver: ConnectionReceiver | undefined
  #buffered = 0
  #isStalled = false
  #onWritten: Array<() => void> = []

  constructor (address = '127.0.0.1', port = 50000) {
    this.address = address
    this.port = port
  }

  get bufferedAmount (): number {
    return this.isOver ? 0 : this.#buffered
  }

  open (receiver: ConnectionReceiver): void {
    this.#receiver = receiver
    if (this.isOver) receiver.onGone()
  }

  /** The client sends bytes, as one chunk. */
  receive (bytes: Uint8Array): void {
    if (!this.isOver) this.#receiver!.onData(Uint8Array.from(bytes), bytes.length)
  }

  /** The client's side breaks off. */
  break (): void {
    this.#end()
  }

  /** From now on the system takes nothing that is written. */
  stall (): void {
    this.#isStalled = true
  }

  /** The system takes everything again. */
  unstall (): void {
    this.#isStalled = false
    this.#buffered = 0
    const callbacks = this.#onWritten
    this.#onWritten = []
    for (const callback of callbacks) callback()
  }

  /** Everything written so far, joined. */
  get bytes (): Buffer {
    return Buffer.concat(this.written)
  }

  write (bytes: Uint8Array): void {
    if (this.isOver || this.isEnded) return
    this.written.push(Uint8Array.from(bytes))
    if (this.#isStalled) this.#buffered += bytes.length
  }

  cork (): void {}
  uncork (): void {}

  whenWritten (callback: () => void): void {
    if (this.bufferedAmount === 0) setImmediate(callback)
    else this.#onWritten.push(callback)
  }

  pause (): void {
    this.isPaused = true
  }

  resume (): void {
    this.isPaused = false
  }

  setNoDelay (): void {}

  end (): void {
    this.isEnded = true
  }

  destroy (): void {
    setImmediate(() => { this.#end() })
  }

  #end (): void {
    if (this.isOver) return
    this.isOver = true
    this.#receiver?.onGone()
    this.unstall()
  }
}
