import { Socket } from 'node:net'
import type { Duplex } from 'node:stream'

/** A write request of Node; `oncomplete` is called only if the system does not take all bytes at once. */
interface WriteRequest { oncomplete?: (status: number) => void, buffer?: Uint8Array }

/** The undocumented handle of a net.Socket. */
interface Handle {
  readonly writeQueueSize: number
  writeBuffer (request: WriteRequest, bytes: Uint8Array): number
}

/** A net.Socket with what is not documented of it. */
interface HandleSocket { _handle?: Partial<Handle> | null }

const Request = requestClass()

/**
 * Writes to a plain TCP socket past its stream, whose bookkeeping costs as much as the system call. What the system
 * does not take at once waits in libuv, as with the stream.
 */
export class DirectWriter {
  /** Bytes of the writes that the system has not taken completely. */
  pending = 0
  readonly #socket: Duplex & HandleSocket
  readonly #onConfirmed: () => void
  /** Used again until a write has to wait. */
  #request: WriteRequest

  private constructor (socket: Duplex, onConfirmed: () => void) {
    this.#socket = socket
    this.#onConfirmed = onConfirmed
    this.#request = new Request!()
  }

  /**
   * A writer for the socket; `onConfirmed` is called when nothing is pending any more. Undefined for any socket but a
   * net.Socket as Node made it, and where Node does without these internals.
   */
  static of (socket: Duplex, onConfirmed: () => void): DirectWriter | undefined {
    const { _handle: handle } = socket as HandleSocket
    if (Request === undefined || Object.getPrototypeOf(socket) !== Socket.prototype) return undefined
    if (typeof handle?.writeBuffer !== 'function' || typeof handle.writeQueueSize !== 'number') return undefined
    if (Object.hasOwn(socket, 'write') || Object.hasOwn(socket, '_write')) return undefined
    return new DirectWriter(socket, onConfirmed)
  }

  /** Whether nothing waits in the stream, which must be sent first. */
  get isReady (): boolean {
    const { writableLength, writableCorked, writable } = this.#socket
    return writable && writableLength === 0 && writableCorked === 0
  }

  /** Writes bytes, which must not change while something is pending. */
  write (bytes: Uint8Array): void {
    const socket = this.#socket
    const handle = socket._handle as Handle | null
    if (handle === null) return
    const error = handle.writeBuffer(this.#request, bytes)
    if (error !== 0) {
      socket.destroy()
      return
    }
    if (handle.writeQueueSize > 0) this.#wait(bytes)
  }

  #wait (bytes: Uint8Array): void {
    const request = this.#request
    this.#request = new Request!()
    this.pending += bytes.length
    request.buffer = bytes
    request.oncomplete = status => {
      this.pending -= bytes.length
      if (status < 0) this.#socket.destroy()
      if (this.pending === 0) this.#onConfirmed()
    }
  }
}

/** The class of write requests, of which Node shows an instance to the handle of a socket. */
function requestClass (): (new () => WriteRequest) | undefined {
  let found: (new () => WriteRequest) | undefined
  const handle = {
    readStart: () => 0,
    readStop: () => 0,
    close: (callback?: () => void) => { callback?.() },
    writeBuffer: (request: WriteRequest) => {
      found = request.constructor as new () => WriteRequest
      return 0
    }
  }
  try {
    const socket = new Socket({ handle, manualStart: true } as object)
    socket.on('error', () => {})
    socket.write(Buffer.alloc(1))
    socket.destroy()
  } catch { /* A Node whose sockets take no such handle. */ }
  return found
}
