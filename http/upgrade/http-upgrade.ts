import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import type { Deadlined } from '../../src/core/admission/deadlines.ts'
import type { Handshake, HandshakeTransport } from '../../src/core/admission/handshake.ts'
import type { UpgradeRequest } from '../../src/core/admission/upgrade-request.ts'
import type { Connection } from '../../src/transport/connection.ts'
import type { PeerRegistry } from '../../src/core/server/peer-registry.ts'
import { GodotError } from '../../src/error.ts'
import type { ClosingConnections } from '../../src/core/admission/closing-connections.ts'
import { refusalBytes, sendRefusal } from '../../src/transport/refusal.ts'
import { HandleConnection } from '../../src/transport/handle-connection.ts'
import { SocketConnection } from '../../src/transport/socket-connection.ts'
import { assignedResponse } from './assigned-response.ts'
import { responseApart } from './response-apart.ts'

/** Milliseconds that a client may take to read enough for its refusal to be sent. */
const REFUSAL_MS = 1000

/** Event of the HTTP server: an upgrade request for one of our endpoints has arrived. */
export const endpointUpgrade = 'fastify-peer-server:upgrade'

/**
 * An upgrade request that an HTTP server has read, until it gets a response. Any response other than 101, whether of a
 * route, a hook or the router, closes the connection, as nothing reads from it any more.
 */
export class HttpUpgrade implements HandshakeTransport, Deadlined {
  readonly socket: Duplex
  /** Why it is refused as soon as the router has found its server. */
  refusal: GodotError | undefined
  readonly #head: Buffer
  readonly #since: number | undefined
  readonly #closing: ClosingConnections
  #response: ServerResponse | undefined
  #handshake: Handshake | undefined
  #refusalTimer: NodeJS.Timeout | undefined

  /** `head`: bytes after the request. `since`: when the connection began, if this is its first request. */
  constructor (socket: Duplex, head: Buffer, since: number | undefined, closing: ClosingConnections) {
    this.socket = socket
    this.#head = head
    this.#since = since
    this.#closing = closing
  }

  /**
   * Watches for the response that @fastify/websocket assigns to the socket. Where it cannot be found, a connection that
   * somebody else refuses stays open until the handshake times out, and that of another route until the host closes it.
   */
  watchResponse (): void {
    const onNewListener = (event: string | symbol): void => {
      if (event !== 'close') return
      const response = assignedResponse(this.socket)
      if (response === undefined) return
      this.socket.off('newListener', onNewListener)
      this.respondWith(response)
    }
    this.socket.on('newListener', onNewListener)
  }

  /** Sets the response that the request gets. */
  respondWith (response: ServerResponse): void {
    if (this.#response !== undefined) return
    this.#response = response
    response.shouldKeepAlive = false
    response.once('finish', () => {
      // A response that is not ours has refused the client.
      if (this.#handshake?.isOpen === true) this.#handshake.close()
      this.#closeSocket()
    })
  }

  /** Whether it will get a response: from the route that was found, or one that refuses it. */
  get isRouted (): boolean {
    return this.#handshake !== undefined || this.#response !== undefined
  }

  /** The router has found the endpoint of this server. */
  claim (registry: PeerRegistry): void {
    this.#handshake ??= registry.handshake(this, this.#since)
  }

  /** Limits the time that the hooks of the host may take from now on. */
  limitTime (): void {
    if (this.#response?.writableEnded === true) return this.#limitRefusal()
    if (this.#handshake?.state !== 'waiting') return
    this.#handshake.start()
    this.#watchEnd()
  }

  /** The hooks of the host let the request through. */
  process (request: UpgradeRequest): void {
    this.#handshake!.process(request)
    if (this.#handshake!.isOpen) this.#watchEnd()
  }

  /** Refuses the client. */
  reject (error: GodotError): void {
    if (this.#handshake === undefined) this.refuse(error)
    else this.#handshake.refuse(error)
  }

  // ---- what the handshake needs ----

  takeConnection ({ address }: UpgradeRequest): Connection {
    this.#detachResponse()
    return HandleConnection.ofSocket(this.socket, this.#head, address) ??
      new SocketConnection(responseApart(this.socket), this.#head, address)
  }

  refuse (error: GodotError): void {
    this.#watchEnd()
    const response = this.#response
    if (response !== undefined && !response.headersSent && response.socket != null) {
      this.#limitRefusal()
      return sendRefusal(response, error)
    }
    this.socket.write(refusalBytes(error))
    this.#closeSocket()
  }

  destroy (): void {
    this.socket.destroy()
  }

  // ---- what ClosingConnections needs ----

  expire (): void {
    this.socket.destroy()
  }

  cut (): void {
    this.socket.destroy()
  }

  #isWatched = false

  #watchEnd (): void {
    if (this.#isWatched) return
    this.#isWatched = true
    if (this.socket.destroyed) this.#onClose()
    else this.socket.once('end', this.#onEnd).once('close', this.#onClose)
  }

  /** A client that ends its direction gets no response, as of any HTTP server of Node, and does not join. */
  readonly #onEnd = (): void => {
    if (this.#handshake?.isOpen === true) this.socket.destroy()
  }

  readonly #onClose = (): void => {
    clearTimeout(this.#refusalTimer)
    this.#handshake?.close()
    this.#closing.delete(this)
  }

  /** Releases the request, which the connection would keep, unless the host waits for the end of the response. */
  #detachResponse (): void {
    const response = this.#response
    if (response === undefined || response.listenerCount('close') > 0) return
    if (assignedResponse(this.socket) === response) response.detachSocket(this.socket as Socket)
  }

  /** Destroys the connection if the client does not read: the refusal cannot be sent, and nothing else would end it. */
  #limitRefusal (): void {
    this.#refusalTimer ??= setTimeout(() => { this.socket.destroy() }, REFUSAL_MS).unref()
  }

  /** Ends our direction, discards what the client still sends, and destroys the socket in time. */
  #closeSocket (): void {
    clearTimeout(this.#refusalTimer)
    if (this.socket.destroyed) return
    this.#watchEnd()
    this.socket.end()
    this.socket.resume()
    this.#closing.add(this)
  }
}

/** Where an upgrade is kept on its request; a WeakMap would cost every garbage collection. */
const upgradeKey = Symbol('upgrade')
type UpgradedRequest = IncomingMessage & { [upgradeKey]?: HttpUpgrade }

/** Keeps the upgrade with its request. */
export function setUpgrade (request: IncomingMessage, upgrade: HttpUpgrade): void {
  (request as UpgradedRequest)[upgradeKey] = upgrade
}

/** The upgrade of a request, undefined for any other request. */
export function upgradeOf (request: IncomingMessage): HttpUpgrade | undefined {
  return (request as UpgradedRequest)[upgradeKey]
}
