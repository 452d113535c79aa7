import { Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import { canonicalAddress } from '../address-range.ts'
import type { Connection, ConnectionReceiver } from './connection.ts'
import { mayUseInternals } from './internals.ts'

const EMPTY = Buffer.alloc(0)

/** The undocumented handle of a net.Socket; `_parent` of a TLS handle is the TCP handle below it. */
interface Handle { writeQueueSize?: number, _parent?: Handle }

/** Any socket of Node, used through its documented methods: in-process, or one that others watch. */
export class SocketConnection implements Connection {
  readonly address: string
  readonly port: number
  readonly #socket: Duplex
  /** What the receiver that opens the connection next gets first. */
  #early: Uint8Array[]
  #receiver: ConnectionReceiver | undefined
  #isPaused = false

  /** `head`: bytes received after the request. `address`: the address of the client if a proxy sent it. */
  constructor (socket: Duplex, head: Uint8Array, address: string | undefined = undefined) {
    const { remoteAddress = '', remotePort = 0 } = socket as Partial<Socket>
    this.address = canonicalAddress(address ?? remoteAddress)
    this.port = remotePort
    this.#socket = socket
    this.#early = head.length > 0 ? [head] : []
    setNoDelay(socket, true)
  }

  get bufferedAmount (): number {
    const socket = this.#socket
    return socket.destroyed ? 0 : socket.writableLength
  }

  /** Asks the TCP handle, also below TLS; without a handle, unconfirmed bytes count as not accepted. */
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
    const early = this.#early
    this.#early = []
    if (isFirst) this.#begin()
    else if (this.#isPaused) this.resume()
    const socket = this.#socket
    for (const chunk of early) receiver.onData(chunk, chunk.length)
    if (socket.destroyed && socket.closed) receiver.onGone()
  }

  /** Passes bytes that this receiver did not use to the receiver that opens the connection next, in order. */
  handOn (bytes: Uint8Array): void {
    this.#early.push(bytes)
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
    else this.#socket.write(EMPTY, () => { callback() })
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

  #begin (): void {
    const socket = this.#socket
    // From now on the timeouts of the peer apply.
    if (socket instanceof Socket) socket.setTimeout(0)
    socket.on('data', ({ buffer, byteOffset, length }: Buffer) => {
      this.#receiver!.onData(new Uint8Array(buffer, byteOffset, length), length)
    })
    socket.on('error', () => { socket.destroy() })
    const onEnd = (): void => { this.#receiver!.onClientEnd() }
    // Node does not report the end again if nobody listened when it came.
    if (socket.readableEnded) setImmediate(onEnd)
    else socket.on('end', onEnd)
    socket.on('close', () => { this.#receiver!.onGone() })
    if (this.#isPaused) socket.pause()
  }
}

function handleOf (socket: Duplex): Handle | undefined {
  return mayUseInternals ? (socket as { _handle?: Handle | null })._handle ?? undefined : undefined
}

function setNoDelay (socket: Duplex, enabled: boolean): void {
  if (socket instanceof Socket) socket.setNoDelay(enabled)
}
