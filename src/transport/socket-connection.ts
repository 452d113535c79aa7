import { Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import { canonicalAddress } from '../address-range.ts'
import type { Connection, ConnectionReceiver } from './connection.ts'

/** Where all plain sockets read into: a chunk is handled before the next one comes, so one buffer serves them all. */
const readBuffer = new Uint8Array(65536)
const NOTHING = Buffer.alloc(0)

/**
 * Handle of a socket as net.Socket keeps it, not documented; that of a TLS socket has the one below it as `_parent`.
 */
interface Handle { readStop (): void, reading: boolean, writeQueueSize?: number, _parent?: Handle }

/** A socket, taken over from the HTTP server that accepted it, or our own from the start. */
export class SocketConnection implements Connection {
  readonly address: string
  readonly port: number
  #socket: Duplex
  #head: Uint8Array
  #readsByItself = false
  #receiver: ConnectionReceiver | undefined
  #isPaused = false

  /** `head`: bytes that came behind the request already. `address`: the client's, where a proxy tells it. */
  constructor (socket: Duplex, head: Uint8Array, address: string | undefined = undefined) {
    const { remoteAddress = '', remotePort = 0 } = socket as Partial<Socket>
    this.address = canonicalAddress(address ?? remoteAddress)
    this.port = remotePort
    this.#socket = socket
    this.#head = head
    setNoDelay(socket, true)
  }

  /** A connection of which only the TCP handle is there yet; it reads into `readBuffer` from the first byte. */
  static ofHandle (handle: object): SocketConnection {
    const connection: SocketConnection =
      new SocketConnection(socketOf(handle, length => connection.#onRead(length)), NOTHING)
    connection.#readsByItself = true
    return connection
  }

  get bufferedAmount (): number {
    return this.#socket.destroyed ? 0 : this.#socket.writableLength
  }

  /**
   * Of TLS, the TCP socket below tells; where that cannot be asked, bytes that are not confirmed yet count as refused.
   */
  get isFull (): boolean {
    const handle = handleOf(this.#socket)
    return ((handle?._parent ?? handle)?.writeQueueSize ?? this.bufferedAmount) > 0
  }

  get unsentBytes (): number {
    const handle = handleOf(this.#socket)
    if (handle?.writeQueueSize === undefined) return this.bufferedAmount
    return handle.writeQueueSize + (handle._parent?.writeQueueSize ?? 0)
  }

  open (receiver: ConnectionReceiver): void {
    const isFirst = this.#receiver === undefined
    this.#receiver = receiver
    const early = this.#head.length > 0 ? [this.#head] : []
    this.#head = NOTHING
    if (isFirst) this.#begin(early)
    else if (this.#isPaused) this.resume()
    const socket = this.#socket
    for (const chunk of early) receiver.onData(chunk, chunk.length)
    if (socket.destroyed && socket.closed) receiver.onGone()
  }

  /**
   * Hands the connection on to the receiver that opens it next, also if it is paused; that one begins with `head`, what
   * this one did not want.
   */
  handOn (head: Uint8Array): void {
    this.#head = head
  }

  write (bytes: Uint8Array): void {
    if (this.#socket.writable) this.#socket.write(bytes)
  }

  cork (): void {
    this.#socket.cork()
  }

  uncork (): void {
    this.#socket.uncork()
  }

  whenWritten (callback: () => void): void {
    if (this.#socket.destroyed) setImmediate(callback)
    else this.#socket.write(NOTHING, () => { callback() })
  }

  pause (): void {
    this.#isPaused = true
    if (this.#receiver !== undefined) this.#socket.pause()
  }

  resume (): void {
    this.#isPaused = false
    if (this.#receiver !== undefined) this.#socket.resume()
  }

  setNoDelay (enabled: boolean): void {
    setNoDelay(this.#socket, enabled)
  }

  end (): void {
    this.#socket.end()
    this.resume()
  }

  destroy (): void {
    this.#socket.destroy()
  }

  #begin (early: Uint8Array[]): void {
    const socket = this.#socket = this.#takeOver(early)
    socket.on('error', () => { socket.destroy() })
    socket.on('end', () => { socket.end() })
    socket.on('close', () => { this.#receiver!.onGone() })
    if (this.#isPaused) socket.pause()
  }

  /**
   * Moves a plain TCP socket's handle into a socket that reads into `readBuffer`: no buffer is allocated per chunk.
   * `handle` is an option of net.Socket that Node uses itself but does not document; every other kind of socket (TLS,
   * in-process) reads by 'data' events.
   */
  #takeOver (early: Uint8Array[]): Duplex {
    const old = this.#socket
    if (this.#readsByItself) return old
    const handle = plainHandle(old)
    if (handle === undefined) {
      if (old instanceof Socket) old.setTimeout(0)
      old.on('data', (chunk: Buffer) => {
        this.#receiver!.onData(new Uint8Array(chunk.buffer, chunk.byteOffset, chunk.length), chunk.length)
      })
      return old
    }
    handle.readStop()
    handle.reading = false
    for (let chunk = old.read(); chunk !== null; chunk = old.read()) early.push(chunk)
    const socket = socketOf(handle, length => this.#onRead(length))
    release(old as Socket)
    return socket
  }

  #onRead (length: number): boolean {
    this.#receiver!.onData(readBuffer, length)
    return length === readBuffer.length ? this.#rest() : !this.#isPaused
  }

  /**
   * Whoever has filled the whole buffer may have more, and libuv would go on with that: first the others have their
   * turn.
   */
  #rest (): false {
    if (resting.length === 0) setImmediate(wakeResting)
    resting.push(() => { if (!this.#isPaused) this.#socket.resume() })
    return false
  }
}

let resting: Array<() => void> = []

function wakeResting (): void {
  const rested = resting
  resting = []
  for (const wake of rested) wake()
}

/**
 * A socket on a handle that reads into `readBuffer`. Its constructor copies the options and sets the last four: that
 * they are there already spares each copy a hidden class of its own, which is a tenth of a handshake.
 */
function socketOf (handle: object, callback: (length: number) => boolean): Socket {
  const onread = { buffer: readBuffer, callback }
  return new Socket({
    handle,
    onread,
    allowHalfOpen: false,
    emitClose: false,
    autoDestroy: true,
    decodeStrings: false
  } as object)
}

/**
 * The TCP handle of a socket that is a net.Socket itself, not one built on top of it, and has nothing left to write.
 */
function plainHandle (socket: Duplex): Handle | undefined {
  const isPlain = Object.getPrototypeOf(socket) === Socket.prototype
  if (!isPlain || socket.destroyed || socket.readableEnded || socket.writableLength > 0) return undefined
  return handleOf(socket)
}

function handleOf (socket: Duplex): Handle | undefined {
  return (socket as { _handle?: Handle | null })._handle ?? undefined
}

/**
 * Ends a socket whose handle has moved on, together with all that listens to it: the request, the response, the
 * server's parser.
 */
function release (socket: Socket): void {
  (socket as unknown as { _handle: null })._handle = null
  socket.removeAllListeners()
  socket.on('error', () => {})
  socket.destroy()
}

function setNoDelay (socket: Duplex, enabled: boolean): void {
  if (socket instanceof Socket) socket.setNoDelay(enabled)
}
