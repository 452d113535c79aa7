import { GodotError } from '../../error.ts'
import type { ErrorCode } from '../../error.ts'
import { checkedAnswer } from '../../on-handshake.ts'
import type { Accepted, HandshakeRequest, OnHandshake, Refused } from '../../on-handshake.ts'
import type { AcceptedDeflate } from '../../protocol/websocket/deflate-offer.ts'
import { checkUpgrade, chooseProtocol, upgradeResponse } from '../../protocol/websocket/upgrade.ts'
import type { Connection } from '../../transport/connection.ts'
import type { Admission } from './admission.ts'
import type { Deadlined } from './deadlines.ts'
import { describeHandshake } from './peer-handshake.ts'
import { withoutTokens } from './token.ts'
import { acceptableDeflate, handshakeRequest, requestedProtocols } from './upgrade-request.ts'
import type { UpgradeRequest } from './upgrade-request.ts'

/**
 * - `waiting`: the upgrade request is incomplete, or hooks of the host are running
 * - `deciding`: option `onHandshake` was called, or another node of the cluster is asked
 * - `accepted`: waits for the poll that makes the client a peer
 * - `joined`: the client is a peer, for which its connection and place count
 * - `closed`: refused, timed out, or the client is gone
 */
export type HandshakeState = 'waiting' | 'deciding' | 'accepted' | 'joined' | 'closed'

/** The connection of a handshake, as its transport has it. */
export interface HandshakeTransport {
  /** The connection of the client, for its peer. */
  takeConnection (request: UpgradeRequest): Connection
  /** Responds with the error and closes the connection; `Handshake.close` follows when the connection is gone. */
  refuse (error: GodotError): void
  /** Closes the connection at once. */
  destroy (): void
}

/** What a handshake needs of its server. */
export interface HandshakeHost {
  readonly admission: Admission
  readonly protocols: readonly string[]
  readonly onHandshake: OnHandshake | undefined
  readonly perMessageDeflate: boolean
  /** The room that a request asks for; throws invalid-room-name. */
  requestedRoom (request: UpgradeRequest): string
  /** Throws unless a client of this address may enter the room. */
  checkRoom (name: string, address: string): void
  /** In a cluster, resolves when the room can take the client, and rejects with a refusal; undefined if it can now. */
  prepareRoom (name: string, address: string): Promise<void> | undefined
  /** Makes the client a peer, now or in the next poll: first `Handshake.join`, then the response is sent. */
  accept (connection: Connection, protocol: string, response: Uint8Array, handshake: Handshake): void
  /** The client was refused. */
  refusedHandshake (reason: ErrorCode, address: string): void
  /** `onHandshake` threw or rejected, for a request with this URL. */
  onHandshakeFailed (error: unknown, url: string): void
  /** A handshake failed for a reason that is not a refusal. */
  failedHandshake (error: unknown): void
}

/**
 * How a client is accepted: the subprotocol of its peer, that of the response ('' for none), and permessage-deflate.
 */
export interface Acceptance {
  readonly protocol: string
  readonly responseProtocol: string
  readonly deflate: AcceptedDeflate | undefined
}

/**
 * Takes one client from its connection to its peer, in the same way for every transport. Everything that a handshake
 * counts as (a pending handshake, a place, a connection of its address) is released if it ends without a peer, in
 * whatever order events occur.
 */
export class Handshake implements Deadlined {
  /** What option `onHandshake` returned for the peer. */
  data: unknown
  /** Name of the room that the client enters. */
  room = ''
  /** Id of the trace that the request belongs to, if there is one. */
  traceId: string | undefined
  /** The upgrade request of an accepted client as JSON of a `PeerHandshake`. */
  handshakeJson: string | undefined
  /** Window of what is compressed for the client, 9 to 15 bits; 0 without permessage-deflate. */
  windowBits = 0
  /** When the connection began, on the clock of `performance.now()`. */
  readonly since: number
  /** Index in the roster of handshakes with a deadline. */
  rosterIndex: number | undefined
  readonly #host: HandshakeHost
  readonly #transport: HandshakeTransport
  #state: HandshakeState = 'waiting'
  /** Undefined until the client's address is known. */
  #address: string | undefined
  /** What it holds: a connection of its address, a pending handshake, a place. */
  #isCounted = false
  #isPending = false
  #hasPlace = false

  /** `since`: when the connection began, on the clock of `performance.now()`. */
  constructor (host: HandshakeHost, transport: HandshakeTransport, since: number = performance.now()) {
    this.#host = host
    this.#transport = transport
    this.since = since
  }

  get state (): HandshakeState {
    return this.#state
  }

  /** Seconds since the connection began. */
  get seconds (): number {
    return (performance.now() - this.since) / 1000
  }

  /**
   * Counts the handshake as pending, and limits its time from now on; with an address also checks whether the client
   * may connect. Refuses with too-many-handshakes, banned or address-limit.
   */
  start (address: string | undefined = undefined): void {
    this.#attempt(() => {
      this.#startTimeout()
      if (address !== undefined) this.#identify(address)
    })
  }

  /**
   * Decides about an upgrade request: the client becomes a peer, or is refused. Does nothing once the handshake is
   * closed.
   */
  process (request: UpgradeRequest): void {
    this.#attempt(() => {
      const acceptance = this.#check(request)
      this.room = this.#host.requestedRoom(request)
      this.traceId = request.traceId
      const { onHandshake } = this.#host
      if (onHandshake === undefined) this.#prepareRoom(acceptance, request)
      else this.#decide(onHandshake, acceptance, request)
    })
  }

  /** Makes the client a peer if it may still join: limits, bans and the state of the server are checked once more. */
  join (): boolean {
    if (this.#state !== 'accepted') return false
    try {
      this.#checkLast()
    } catch (error) {
      this.refuse(error as GodotError)
      return false
    }
    this.#state = 'joined'
    this.#stopTimeout()
    this.#host.admission.countJoin(this.#address!)
    return true
  }

  /** Refuses the client. */
  refuse (error: GodotError): void {
    if (!this.isOpen) return
    this.#end()
    this.#host.refusedHandshake(error.code, this.#address ?? '')
    this.#transport.refuse(error)
  }

  /** The connection is gone. */
  close (): void {
    if (this.#state === 'joined') return
    this.#end()
    // A refused connection counts until it is gone.
    if (this.#isCounted) this.#host.admission.countConnection(this.#address!, -1)
    this.#isCounted = false
  }

  /** `handshakeTimeout` is over. */
  expire (): void {
    this.#host.admission.reportLimit('handshake-timeout', { address: this.#address })
    this.refuse(new GodotError('handshake-timeout'))
  }

  /** The server stops. */
  cut (): void {
    this.refuse(new GodotError('not-listening'))
    this.#transport.destroy()
  }

  /** Whether it is neither closed nor a peer. */
  get isOpen (): boolean {
    return this.#state !== 'closed' && this.#state !== 'joined'
  }

  /** Runs a step of a handshake that waits; an error refuses the client. */
  #attempt (step: () => void): void {
    if (this.#state !== 'waiting') return
    try {
      step()
    } catch (error) {
      this.refuse(this.#known(error))
    }
  }

  #known (error: unknown): GodotError {
    if (error instanceof GodotError) return error
    this.#host.failedHandshake(error)
    return new GodotError('join-failed')
  }

  #startTimeout (): void {
    if (this.#isPending) return
    const { admission } = this.#host
    admission.checkPending()
    this.#isPending = true
    admission.pending.add(this, this.since)
  }

  #stopTimeout (): void {
    if (!this.#isPending) return
    this.#isPending = false
    this.#host.admission.pending.delete(this)
  }

  /** Counts a connection of the address; throws banned or address-limit. */
  #identify (address: string): void {
    if (this.#address !== undefined) return
    const { admission } = this.#host
    this.#address = address
    admission.checkBan(address)
    admission.checkAddress(address)
    admission.countConnection(address, 1)
    this.#isCounted = true
  }

  /** Checks everything that the server decides itself, and takes a place. */
  #check (request: UpgradeRequest): Acceptance {
    const { admission, protocols, perMessageDeflate } = this.#host
    const { address, headers } = request
    this.#identify(address)
    checkUpgrade(headers)
    if (!this.#isPending) admission.checkPending()
    admission.checkAccepting()
    admission.checkBan(address)
    admission.checkOrigin(request)
    admission.checkJoinRate(address)
    const requested = requestedProtocols(headers)
    const protocol = chooseProtocol(protocols, requested.names)
    admission.checkPlace(address)
    this.#hasPlace = true
    admission.countPlace(1)
    // A browser that has requested a subprotocol, if only to carry a token, accepts no response without one.
    const responseProtocol = protocol === '' ? requested.carrier ?? '' : protocol
    return { protocol, responseProtocol, deflate: perMessageDeflate ? acceptableDeflate(headers) : undefined }
  }

  /** Checks again what may have changed while the handshake waited for the application or a poll. */
  #checkLast (): void {
    const { admission } = this.#host
    admission.checkAccepting()
    admission.checkBan(this.#address!)
    admission.checkJoinRate(this.#address!)
    this.#host.checkRoom(this.room, this.#address!)
  }

  /** Lets the application decide. */
  #decide (onHandshake: OnHandshake, acceptance: Acceptance, request: UpgradeRequest): void {
    this.#startTimeout()
    this.#state = 'deciding'
    this.#ask(onHandshake, handshakeRequest(request, this.room)).then(({ data, room }) => {
      if (this.#state !== 'deciding') return
      this.data = data
      if (room !== undefined) this.room = room
      this.#prepareRoom(acceptance, request)
    }).catch((error: unknown) => { this.refuse(this.#known(error)) })
  }

  /** Accepts the client once it has a place in its room. */
  #prepareRoom (acceptance: Acceptance, request: UpgradeRequest): void {
    const prepared = this.#host.prepareRoom(this.room, request.address)
    if (prepared === undefined) return this.#accept(acceptance, request)
    this.#startTimeout()
    this.#state = 'deciding'
    prepared.then(() => {
      if (this.#state === 'deciding') this.#accept(acceptance, request)
    }).catch((error: unknown) => { this.refuse(this.#known(error)) })
  }

  /** How the application accepts the client; rejects with join-refused or join-failed. */
  async #ask (onHandshake: OnHandshake, request: HandshakeRequest): Promise<Accepted> {
    let answer: Accepted | Refused
    try {
      answer = checkedAnswer('onHandshake', await onHandshake(request))
    } catch (error) {
      this.#host.onHandshakeFailed(error, withoutTokens(request.url))
      throw new GodotError('join-failed')
    }
    const { status, reason } = answer as Refused
    if (status === undefined) return answer as Accepted
    if (this.isOpen) this.#host.admission.reportLimit('join-refused', { address: request.address, status, reason })
    throw new GodotError('join-refused', reason, status)
  }

  #accept ({ protocol, responseProtocol, deflate }: Acceptance, request: UpgradeRequest): void {
    this.#host.checkRoom(this.room, request.address)
    this.#state = 'accepted'
    this.windowBits = deflate?.windowBits ?? 0
    this.handshakeJson = describeHandshake(request.url, request.headers)
    const key = request.headers['sec-websocket-key'] as string
    const response = upgradeResponse(key, responseProtocol, deflate?.response, request.responseHeaders)
    this.#host.accept(this.#transport.takeConnection(request), protocol, response, this)
    // Without autoPoll it waits for the next poll, which is limited by handshakeTimeout, too.
    if (this.isOpen) this.#startTimeout()
  }

  /** Releases what it holds, except for the connection, which is still there. */
  #end (): void {
    this.#state = 'closed'
    this.#stopTimeout()
    if (this.#hasPlace) this.#host.admission.countPlace(-1)
    this.#hasPlace = false
  }
}
