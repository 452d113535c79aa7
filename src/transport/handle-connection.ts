import { Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import { TLSSocket } from 'node:tls'
import { canonicalAddress } from '../address-range.ts'
import type { Connection, ConnectionReceiver } from './connection.ts'
import type { HandleWriter, HandleWriterHost } from './handle-writer.ts'
import { afterOthers, readBuffer } from './read-buffer.ts'
import { requests } from './stream-request.ts'
import type { StreamRequest, WritableHandle } from './stream-request.ts'
import { TcpWriter } from './tcp-writer.ts'
import { isTlsHandle, TlsWriter } from './tls-writer.ts'

const connectionKey = Symbol('connection')

/** A handle of TCP or TLS, not documented: what sockets of Node wrap. */
interface Handle extends WritableHandle {
  onread: (this: Handle) => void
  readonly bytesRead: number
  /** Reads into the buffer from now on. */
  useUserBuffer (buffer: Uint8Array): void
  /** Returns an error code, not 0, if it is reading already or cannot read. */
  readStart (): number
  readStop (): number
  shutdown (request: StreamRequest): number
  close (callback: () => void): void
  getpeername (out: { address?: string, port?: number }): number
  setNoDelay (enabled: boolean): number
  [connectionKey]?: HandleConnection
}

const methods = [
  'useUserBuffer', 'readStart', 'readStop', 'writeBuffer', 'writev', 'shutdown', 'close', 'getpeername', 'setNoDelay'
] as const
const EMPTY = new Uint8Array(0)

/** Prototypes of plain sockets: a subclass may process bytes between handle and stream. */
const prototypes: unknown[] = [Socket.prototype, TLSSocket.prototype]

/**
 * A TCP or TLS connection that bypasses the sockets of Node, whose streams cost more than the system calls: reads into
 * `readBuffer`, and writes to the handle. What the system does not accept at once libuv keeps, and over TLS OpenSSL.
 */
export class HandleConnection implements Connection, HandleWriterHost {
  readonly address: string
  readonly port: number
  /** Undefined once the connection has ended. */
  #handle: Handle | undefined
  /** The socket of the handle if an HTTP server accepted it; used to close the handle. */
  readonly #socket: Socket | undefined
  #receiver: ConnectionReceiver | undefined
  /** What the receiver that opens the connection next gets first. */
  #early: Uint8Array[]
  #bytesRead = 0
  #isPaused = false
  /** Chunks that arrived while it was paused: a TLS handle delivers all that it has read. An empty one is the end. */
  #kept: Uint8Array[] | undefined
  readonly #writer: HandleWriter
  #corked: Uint8Array[] | undefined
  #onceWritten: (() => void) | undefined
  /** Whether our direction ends, whether it has ended, and whether the client's has. */
  #isEnding = false
  #hasEnded = false
  #isClientGone = false
  #isClosed = false

  private constructor (handle: object, socket: Socket | undefined, head: Uint8Array, address: string, port: number) {
    this.address = canonicalAddress(address)
    this.port = port
    this.#handle = handle as Handle
    this.#handle.setNoDelay(true)
    this.#socket = socket
    this.#early = head.length > 0 ? [head] : []
    if (isTlsHandle(handle)) {
      this.#writer = new TlsWriter(handle, this)
      this.#watchWrites(socket!)
    } else this.#writer = new TcpWriter(this.#handle, this)
  }

  /** The connection of an accepted handle that nobody else uses, and that `suits`. */
  static ofHandle (handle: object): HandleConnection {
    const name: { address?: string, port?: number } = {}
    ;(handle as Handle).getpeername(name)
    return new HandleConnection(handle, undefined, EMPTY, name.address ?? '', name.port ?? 0)
  }

  /**
   * A connection that takes over the socket's handle when it is opened; arguments as those of SocketConnection.
   * Undefined for any other kind of socket, for one that others read or write, and in a Node version without these
   * internals.
   */
  static ofSocket (socket: Duplex, head: Uint8Array, address: string | undefined): HandleConnection | undefined {
    const { _handle: handle } = socket as { _handle?: object | null }
    if (handle == null || !isPlain(socket) || !HandleConnection.suits(handle)) return undefined
    if (socket instanceof TLSSocket && !isIdle(socket, handle)) return undefined
    const { remoteAddress = '', remotePort = 0 } = socket
    return new HandleConnection(handle, socket, head, address ?? remoteAddress, remotePort)
  }

  /** Whether a TCP handle, accepted or listening, has everything that is needed. */
  static suits (handle: object): boolean {
    const tcp = handle as Handle
    return requests !== undefined && 'onread' in tcp && methods.every(name => typeof tcp[name] === 'function') &&
      typeof tcp.bytesRead === 'number' && typeof tcp.writeQueueSize === 'number'
  }

  static #onRead (this: Handle): void {
    this[connectionKey]!.#read()
  }

  get bufferedAmount (): number {
    return this.#handle === undefined ? 0 : this.#writer.pending
  }

  get isFull (): boolean {
    return this.#handle !== undefined && this.#writer.isFull
  }

  get unsentBytes (): number {
    return this.#handle === undefined ? 0 : this.#writer.unsentBytes
  }

  open (receiver: ConnectionReceiver): void {
    const isFirst = this.#receiver === undefined
    this.#receiver = receiver
    const early = this.#early
    this.#early = []
    if (isFirst) this.#begin(early)
    if (isFirst && this.#isPaused) this.pause()
    else if (isFirst || this.#isPaused) this.resume()
    for (const chunk of early) receiver.onData(chunk, chunk.length)
    if (this.#isClosed) receiver.onGone()
  }

  /** Passes bytes that this receiver did not use to the receiver that opens the connection next, in order. */
  handOn (bytes: Uint8Array): void {
    this.#early.push(bytes)
  }

  write (bytes: Uint8Array): void {
    if (this.#corked !== undefined) this.#corked.push(bytes)
    else this.#write(bytes)
  }

  cork (): void {
    this.#corked ??= []
  }

  uncork (): void {
    const parts = this.#corked
    this.#corked = undefined
    if (parts !== undefined && parts.length > 0) this.#write(parts)
  }

  whenWritten (callback: () => void): void {
    if (this.bufferedAmount === 0) setImmediate(callback)
    else this.#onceWritten = callback
  }

  onWritten (): void {
    const callback = this.#onceWritten
    this.#onceWritten = undefined
    callback?.()
  }

  pause (): void {
    this.#isPaused = true
    if (this.#receiver !== undefined) this.#handle?.readStop()
  }

  resume (): void {
    this.#isPaused = false
    if (this.#receiver === undefined || this.#isClientGone) return
    if (this.#kept === undefined) this.#handle?.readStart()
    else setImmediate(() => { this.#deliverKept() })
  }

  setNoDelay (enabled: boolean): void {
    this.#handle?.setNoDelay(enabled)
  }

  end (): void {
    this.resume()
    if (this.#handle === undefined || this.#isEnding) return
    this.#isEnding = true
    this.#writer.whenIdle(() => { this.#shutdown() })
  }

  destroy (): void {
    const handle = this.#handle
    this.#handle = undefined
    if (this.#socket !== undefined) this.#socket.destroy()
    else handle?.close(() => { this.#closed() })
  }

  #shutdown (): void {
    if (this.#handle === undefined) return
    const request = new requests!.Shutdown()
    const onComplete = (): void => {
      this.#hasEnded = true
      if (this.#isClientGone) this.destroy()
    }
    request.oncomplete = onComplete
    if (this.#handle.shutdown(request) !== 0) this.destroy()
  }

  /** Starts to read; `early` gets what the socket has read already. */
  #begin (early: Uint8Array[]): void {
    if (this.#socket !== undefined) this.#takeOver(this.#socket, early)
    const handle = this.#handle
    if (handle === undefined) return
    this.#bytesRead = handle.bytesRead
    handle[connectionKey] = this
    handle.onread = HandleConnection.#onRead
    handle.useUserBuffer(readBuffer)
  }

  #takeOver (socket: Socket, early: Uint8Array[]): void {
    // From now on the timeouts of the peer apply.
    socket.setTimeout(0)
    socket.on('error', () => { socket.destroy() })
    socket.on('close', () => { this.#closed() })
    // If the socket has read the end already, a TLS handle does not report it again.
    const onEnd = (): void => { this.#onNothingMore() }
    if (socket.readableEnded) setImmediate(onEnd)
    else socket.on('end', onEnd)
    for (let chunk = socket.read(); chunk !== null; chunk = socket.read()) early.push(chunk)
    this.#isClosed = socket.closed
    if (socket.destroyed) this.#handle = undefined
  }

  /** What others write to the TLS socket is sent in order: two writes at a time would abort the process. */
  #watchWrites (socket: Socket): void {
    const write: Socket['_write'] = (chunk: string | Uint8Array, encoding, callback) => {
      this.write(typeof chunk === 'string' ? Buffer.from(chunk, encoding) : chunk)
      callback()
    }
    Object.assign(socket, { _write: write, _writev: undefined })
  }

  #closed (): void {
    this.#handle = undefined
    this.#isClosed = true
    this.#receiver?.onGone()
  }

  #write (bytes: Uint8Array | Uint8Array[]): void {
    if (this.#handle !== undefined && !this.#isEnding) this.#writer.write(bytes)
  }

  /** Node reports only the total of what it has read. */
  #read (): void {
    const handle = this.#handle
    if (handle === undefined) return
    const { bytesRead } = handle
    const length = bytesRead - this.#bytesRead
    if (length === 0) return this.#onNothing(handle)
    this.#bytesRead = bytesRead
    if (this.#isPaused || this.#kept !== undefined) return this.#bufferChunk(readBuffer.slice(0, length))
    this.#receiver!.onData(readBuffer, length)
    if (length < readBuffer.length || this.#isPaused) return
    this.#handle?.readStop()
    afterOthers(() => { if (!this.#isPaused) this.resume() })
  }

  /**
   * Nothing was read: libuv has stopped by itself at the end, cannot start again after an error, or continues reading.
   */
  #onNothing (handle: Handle): void {
    const isEnd = handle.readStart() === 0
    handle.readStop()
    if (!isEnd) {
      if (handle.readStart() !== 0) this.destroy()
      return
    }
    this.#onNothingMore()
  }

  /** The end was read. */
  #onNothingMore (): void {
    if (this.#isPaused || this.#kept !== undefined) this.#bufferChunk(EMPTY)
    else this.#onEnd()
  }

  #bufferChunk (chunk: Uint8Array): void {
    this.#kept ??= []
    this.#kept.push(chunk)
  }

  #deliverKept (): void {
    while (!this.#isPaused && this.#handle !== undefined) {
      const chunk = this.#kept?.shift()
      if (chunk === undefined) {
        this.#kept = undefined
        return this.resume()
      }
      if (chunk.length > 0) this.#receiver!.onData(chunk, chunk.length)
      else this.#onEnd()
    }
  }

  /** The client has ended its direction. */
  #onEnd (): void {
    if (this.#handle === undefined) return
    this.#isClientGone = true
    if (this.#hasEnded) this.destroy()
    else this.#receiver!.onClientEnd()
  }
}

/** Whether it is a socket as Node made it, open in both directions, that nobody else reads or writes. */
function isPlain (socket: Duplex): socket is Socket {
  return prototypes.includes(Object.getPrototypeOf(socket)) && !socket.destroyed && !socket.readableEnded &&
    socket.writable && socket.writableLength === 0 && socket.writableCorked === 0 &&
    !Object.hasOwn(socket, 'write') && !Object.hasOwn(socket, '_write') &&
    socket.listenerCount('data') + socket.listenerCount('readable') === 0
}

/** Whether a TLS socket wraps a TCP handle, and writes nothing, not even the empty writes of HTTP responses. */
function isIdle (socket: TLSSocket, handle: object): boolean {
  const { _writableState: state } = socket as { _writableState?: { pendingcb?: number } }
  return isTlsHandle(handle) && state?.pendingcb === 0
}
