import { sizeOf } from './handle-writer.ts'
import type { HandleWriter, HandleWriterHost } from './handle-writer.ts'
import { writeTo } from './stream-request.ts'
import type { StreamRequest, WritableHandle } from './stream-request.ts'

/** Writes to a TCP handle: it passes on at once what the system accepts, and keeps the rest. */
export class TcpWriter implements HandleWriter {
  pending = 0
  readonly #handle: WritableHandle
  readonly #host: HandleWriterHost

  constructor (handle: WritableHandle, host: HandleWriterHost) {
    this.#handle = handle
    this.#host = host
  }

  get isFull (): boolean {
    return this.#handle.writeQueueSize > 0
  }

  get unsentBytes (): number {
    return this.#handle.writeQueueSize
  }

  write (bytes: Uint8Array | Uint8Array[]): void {
    const request = writeTo(this.#handle, bytes)
    if (request === 0) return
    if (typeof request === 'number') this.#host.destroy()
    else this.#waitForCompletion(request, bytes)
  }

  whenIdle (callback: () => void): void {
    callback()
  }

  #waitForCompletion (request: StreamRequest, bytes: Uint8Array | Uint8Array[]): void {
    const size = sizeOf(bytes)
    const onComplete = (status: number): void => {
      this.pending -= size
      if (status < 0) this.#host.destroy()
      if (this.pending === 0) this.#host.onWritten()
    }
    this.pending += size
    request.bytes = bytes
    request.oncomplete = onComplete
    if (typeof request.writeStatus === 'number') onComplete(request.writeStatus)
  }
}
