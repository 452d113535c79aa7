import { sizeOf } from './handle-writer.ts'
import type { HandleWriter, HandleWriterHost } from './handle-writer.ts'
import { writeTo } from './stream-request.ts'
import type { StreamRequest, WritableHandle } from './stream-request.ts'

/** The largest TLS record in bytes: a write of up to this size is passed to the system at once. */
const MAX_RECORD = 16_384

/** The handle of a TLS connection, not documented: it encrypts for the TCP handle below it. */
interface TlsHandle extends WritableHandle {
  readonly _parent: { readonly writeQueueSize: number }
}

/** Whether a handle is one of TLS above one of TCP. */
export function isTlsHandle (handle: object): handle is TlsHandle {
  return typeof (handle as Partial<TlsHandle>)._parent?.writeQueueSize === 'number'
}

/**
 * Writes to a TLS handle. It encrypts at once but is busy until the next turn of the loop, however much the system
 * accepts; a second write until then would abort the process.
 */
export class TlsWriter implements HandleWriter {
  pending = 0
  readonly #handle: TlsHandle
  readonly #host: HandleWriterHost
  /** The last write; the handle is busy while it has the request. */
  #request: StreamRequest | undefined
  #queue: Uint8Array[] | undefined
  #onIdle: (() => void) | undefined

  constructor (handle: TlsHandle, host: HandleWriterHost) {
    this.#handle = handle
    this.#host = host
  }

  /** Asks the TCP handle: what was encrypted in this turn is not backlog while that accepts everything. */
  get isFull (): boolean {
    return this.#handle._parent.writeQueueSize > 0
  }

  get unsentBytes (): number {
    return this.#handle.writeQueueSize + this.#handle._parent.writeQueueSize
  }

  write (bytes: Uint8Array | Uint8Array[]): void {
    const size = sizeOf(bytes)
    if (size === 0) return
    if (!this.#isBusy) return this.#start(bytes, size)
    this.#queue = [this.#queue ?? [], bytes].flat()
    this.pending += size
    this.#waitForCompletion()
  }

  whenIdle (callback: () => void): void {
    if (!this.#isBusy) return callback()
    this.#onIdle = callback
    this.#waitForCompletion()
  }

  get #isBusy (): boolean {
    return this.#request !== undefined && this.#request.getAsyncId() >= 0
  }

  #start (bytes: Uint8Array | Uint8Array[], size: number): void {
    const request = writeTo(this.#handle, bytes)
    // A handle drops the request at once only if the write has failed.
    if (typeof request === 'number' || request.getAsyncId() < 0) return this.#host.destroy()
    this.#request = request
    if (size <= MAX_RECORD && !this.isFull) return
    this.pending += size
    this.#waitForCompletion()
  }

  #waitForCompletion (): void {
    this.#request!.oncomplete = this.#onComplete
  }

  readonly #onComplete = (status: number): void => {
    const queue = this.#queue
    this.#request = undefined
    this.#queue = undefined
    this.pending = 0
    if (status < 0) this.#host.destroy()
    else if (queue !== undefined) this.#start(queue, sizeOf(queue))
    if (this.pending === 0) this.#host.onWritten()
    if (this.#onIdle !== undefined) this.whenIdle(this.#onIdle)
  }
}
