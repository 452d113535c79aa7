import { Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import { canonicalAddress } from '../address-range.ts'
import type { Connection, ConnectionReceiver } from './connection.ts'
import { afterOthers, readBuffer } from './read-buffer.ts'
import { requests, writeTo } from './stream-request.ts'
import type { StreamRequest, WritableHandle } from './stream-request.ts'

const connectionKey = Symbol('connection')

/** A TCP handle, not documented: what net.Socket stands on. */
interface TcpHandle extends WritableHandle {
  onread: (this: TcpHandle) => void
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
const NOTHING = new Uint8Array(0)

/**
 * A plain TCP connection that bypasses net.Socket, whose streams cost more than the system calls: reads into
 * `readBuffer`, and writes to the handle, where libuv keeps what the system does not accept at once.
 */
export class HandleConnection implements Connection {
  readonly address: string
  readonly port: number
  /** Undefined once the connection has ended. */
  #handle: TcpHandle | undefined
  /** The socket of the handle, if an HTTP server has accepted it: closes it. */
  readonly #socket: Socket | undefined
  #receiver: ConnectionReceiver | undefined
  #head: Uint8Array
  #bytesRead = 0
  #isPaused = false
  /** Bytes of writes that the system has not taken completely. */
  #pending = 0
  #corked: Uint8Array[] | undefined
  #onWritten: (() => void) | undefined
  /** Whether our direction ends, whether it has ended, and whether the client's has. */
  #isEnding = false
  #hasEnded = false
  #isClientGone = false
  #isClosed = false

  private constructor (handle: object, socket: Socket | undefined, head: Uint8Array, address: string, port: number) {
    this.address = canonicalAddress(address)
    this.port = port
    this.#handle = handle as TcpHandle
    this.#socket = socket
    this.#head = head
  }

  /** The connection of an accepted handle that nobody else uses, and that `suits`. */
  static ofHandle (handle: object): HandleConnection {
    const name: { address?: string, port?: number } = {}
    ;(handle as TcpHandle).getpeername(name)
    return new HandleConnection(handle, undefined, NOTHING, name.address ?? '', name.port ?? 0)
  }

  /**
   * A connection that takes over the socket's handle when it is opened; arguments as those of SocketConnection.
   * Undefined for any other kind of socket, for one that others read or write, and where Node does without this.
   */
  static ofSocket (socket: Duplex, head: Uint8Array, address: string | undefined): HandleConnection | undefined {
    const { _handle: handle } = socket as { _handle?: object | null }
    if (handle == null || !isPlain(socket) || !HandleConnection.suits(handle)) return undefined
    const { remoteAddress = '', remotePort = 0 } = socket
    return new HandleConnection(handle, socket, head, address ?? remoteAddress, remotePort)
  }

  /** Whether a TCP handle, accepted or listening, has everything that is needed. */
  static suits (handle: object): boolean {
    const tcp = handle as TcpHandle
    return requests !== undefined && 'onread' in tcp && methods.every(name => typeof tcp[name] === 'function') &&
      typeof tcp.bytesRead === 'number' && typeof tcp.writeQueueSize === 'number'
  }

  static #onRead (this: TcpHandle): void {
    this[connectionKey]!.#read()
  }

  get bufferedAmount (): number {
    return this.#handle === undefined ? 0 : this.#pending
  }

  get isFull (): boolean {
    return this.unsentBytes > 0
  }

  get unsentBytes (): number {
    return this.#handle?.writeQueueSize ?? 0
  }

  open (receiver: ConnectionReceiver): void {
    const isFirst = this.#receiver === undefined
    this.#receiver = receiver
    const early = this.#head.length > 0 ? [this.#head] : []
    this.#head = NOTHING
    if (isFirst) this.#begin(early)
    if (isFirst !== this.#isPaused) this.resume()
    for (const chunk of early) receiver.onData(chunk, chunk.length)
    if (this.#isClosed) receiver.onGone()
  }

  /** Passes `head`, bytes that this receiver did not use, to the receiver that opens the connection next. */
  handOn (head: Uint8Array): void {
    this.#head = head
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
    else this.#onWritten = callback
  }

  pause (): void {
    this.#isPaused = true
    if (this.#receiver !== undefined) this.#handle?.readStop()
  }

  resume (): void {
    this.#isPaused = false
    if (this.#receiver !== undefined && !this.#isClientGone) this.#handle?.readStart()
  }

  setNoDelay (enabled: boolean): void {
    this.#handle?.setNoDelay(enabled)
  }

  end (): void {
    this.resume()
    const handle = this.#handle
    if (handle === undefined || this.#isEnding) return
    this.#isEnding = true
    const request = new requests!.Shutdown()
    const onComplete = (): void => {
      this.#hasEnded = true
      if (this.#isClientGone) this.destroy()
    }
    request.oncomplete = onComplete
    if (handle.shutdown(request) !== 0) this.destroy()
  }

  destroy (): void {
    const handle = this.#handle
    this.#handle = undefined
    if (this.#socket !== undefined) this.#socket.destroy()
    else handle?.close(() => { this.#closed() })
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
    handle.setNoDelay(true)
  }

  #takeOver (socket: Socket, early: Uint8Array[]): void {
    // From now on the timeouts of the peer apply.
    socket.setTimeout(0)
    socket.on('error', () => { socket.destroy() })
    socket.on('close', () => { this.#closed() })
    for (let chunk = socket.read(); chunk !== null; chunk = socket.read()) early.push(chunk)
    this.#isClosed = socket.closed
    if (socket.destroyed) this.#handle = undefined
  }

  #closed (): void {
    this.#handle = undefined
    this.#isClosed = true
    this.#receiver?.onGone()
  }

  #write (bytes: Uint8Array | Uint8Array[]): void {
    if (this.#handle === undefined || this.#isEnding) return
    const request = writeTo(this.#handle, bytes)
    if (request === 0) return
    if (typeof request === 'number') return this.destroy()
    this.#await(request, bytes)
  }

  /** What the system has not taken at once is confirmed later. */
  #await (request: StreamRequest, bytes: Uint8Array | Uint8Array[]): void {
    const size = bytes instanceof Uint8Array ? bytes.length : bytes.reduce((sum, { length }) => sum + length, 0)
    const onComplete = (status: number): void => {
      this.#pending -= size
      if (status < 0) this.destroy()
      if (this.#pending === 0) this.#confirmed()
    }
    this.#pending += size
    request.bytes = bytes
    request.oncomplete = onComplete
    if (typeof request.writeStatus === 'number') onComplete(request.writeStatus)
  }

  #confirmed (): void {
    const callback = this.#onWritten
    this.#onWritten = undefined
    callback?.()
  }

  /** Node reports only the total of what it has read. */
  #read (): void {
    const handle = this.#handle
    if (handle === undefined) return
    const { bytesRead } = handle
    const length = bytesRead - this.#bytesRead
    if (length === 0) return this.#onNothing(handle)
    this.#bytesRead = bytesRead
    this.#receiver!.onData(readBuffer, length)
    if (length < readBuffer.length || this.#isPaused) return
    this.#handle?.readStop()
    afterOthers(() => { if (!this.#isPaused) this.resume() })
  }

  /** Nothing was read: libuv has stopped by itself at the end, cannot start again after an error, or reads on. */
  #onNothing (handle: TcpHandle): void {
    const isEnd = handle.readStart() === 0
    handle.readStop()
    if (!isEnd) {
      if (handle.readStart() !== 0) this.destroy()
      return
    }
    this.#isClientGone = true
    if (this.#hasEnded) this.destroy()
    else this.end()
  }
}

/** Whether it is a net.Socket itself as Node made it, open in both directions, that nobody else reads. */
function isPlain (socket: Duplex): socket is Socket {
  return Object.getPrototypeOf(socket) === Socket.prototype && !socket.destroyed && !socket.readableEnded &&
    socket.writable && socket.writableLength === 0 && socket.writableCorked === 0 &&
    !Object.hasOwn(socket, 'write') && !Object.hasOwn(socket, '_write') &&
    socket.listenerCount('data') + socket.listenerCount('readable') === 0
}
