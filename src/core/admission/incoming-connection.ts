import { Handshake } from './handshake.ts'
import type { HandshakeTransport } from './handshake.ts'
import type { Connection, ConnectionReceiver } from '../../transport/connection.ts'
import type { PeerRegistry } from '../server/peer-registry.ts'
import { GodotError } from '../../error.ts'
import { ownBytes } from '../../protocol/own-bytes.ts'
import { MAX_REQUEST_HEAD, parseRequestHead } from '../../protocol/websocket/request-head.ts'
import type { ClosingConnections } from './closing-connections.ts'
import { refusalBytes } from '../../transport/refusal.ts'
import type { AcceptedConnection } from '../../transport/tcp-listener.ts'

const HEAD_END = '\r\n\r\n'
/**
 * Maximum bytes after the request that are read, and kept, before the client is a peer; then reading pauses. Only
 * reading detects that the client has left.
 */
const LOOK_AHEAD = 16_384

/** A connection of the own listener until its client is a peer: reads the upgrade request. */
export class IncomingConnection implements ConnectionReceiver, HandshakeTransport {
  readonly #connection: AcceptedConnection
  readonly #closing: ClosingConnections
  readonly #handshake: Handshake
  /** What has arrived of the request head, one character per byte. */
  #text = ''
  #isComplete = false
  #bytesAhead = 0

  /** `closing`: where it is while a refused client may read why. */
  constructor (registry: PeerRegistry, connection: AcceptedConnection, closing: ClosingConnections) {
    this.#connection = connection
    this.#closing = closing
    this.#handshake = registry.handshake(this)
  }

  /** Starts to read. */
  begin (): void {
    this.#connection.open(this)
    this.#handshake.start(this.#connection.address)
  }

  onData (bytes: Uint8Array, length: number): void {
    // What follows a refusal is discarded.
    if (!this.#handshake.isOpen) return
    if (this.#isComplete) return this.#bufferBytes(bytes.subarray(0, length))
    const known = this.#text.length
    this.#text += Buffer.from(bytes.buffer, bytes.byteOffset, Math.min(length, MAX_REQUEST_HEAD - known))
      .toString('latin1')
    const end = this.#text.indexOf(HEAD_END, Math.max(0, known - HEAD_END.length))
    if (end >= 0) this.#process(this.#text.slice(0, end), bytes.subarray(end + HEAD_END.length - known, length))
    else if (this.#text.length >= MAX_REQUEST_HEAD) this.#handshake.refuse(tooLong())
  }

  /** A client that ends its direction gets no response, as on the mounted endpoint, and does not join. */
  onClientEnd (): void {
    if (this.#handshake.isOpen) this.#connection.destroy()
  }

  onGone (): void {
    this.#handshake.close()
    this.#closing.delete(this)
  }

  // ---- what the handshake needs ----

  takeConnection (): Connection {
    return this.#connection
  }

  refuse (error: GodotError): void {
    // A client that has sent nothing gets no response.
    if (this.#text === '' && error.code === 'handshake-timeout') return this.#connection.destroy()
    this.#connection.write(refusalBytes(error))
    this.#connection.end()
    this.#closing.add(this)
  }

  destroy (): void {
    this.#connection.destroy()
  }

  // ---- what ClosingConnections needs ----

  expire (): void {
    this.#connection.destroy()
  }

  cut (): void {
    this.#connection.destroy()
  }

  /** Keeps what the client sends before it is a peer. */
  #bufferBytes (bytes: Uint8Array): void {
    if (bytes.length === 0) return
    this.#connection.handOn(ownBytes(bytes, 0, bytes.length))
    this.#bytesAhead += bytes.length
    if (this.#bytesAhead >= LOOK_AHEAD) this.#connection.pause()
  }

  #process (text: string, rest: Uint8Array): void {
    this.#isComplete = true
    this.#bufferBytes(rest)
    try {
      const { target, headers } = parseRequestHead(text)
      const { address, port } = this.#connection
      this.#handshake.process({ headers, url: target, host: headers.host, address, port })
    } catch (error) {
      this.#handshake.refuse(error as GodotError)
    }
  }
}

function tooLong (): GodotError {
  return new GodotError('bad-handshake', `request head of more than ${MAX_REQUEST_HEAD} bytes`)
}
