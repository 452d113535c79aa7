import { GodotError } from '../../error.ts'
import type { ServerOptions } from '../../options.ts'
import { checkClose, closeCode } from '../../protocol/websocket/close-code.ts'
import { Admission } from '../admission/admission.ts'
import type { AdmissionHost } from '../admission/admission.ts'
import type { Authentication } from '../room/authentication.ts'
import type { Ban, BanTerms } from '../admission/bans.ts'
import { Handshake } from '../admission/handshake.ts'
import type { HandshakeHost, HandshakeTransport } from '../admission/handshake.ts'
import type { LimitName } from './limits.ts'
import type { Logger } from './logger.ts'
import type { PeerEnd } from '../peer/peer-end.ts'
import { PeerIds } from '../admission/peer-ids.ts'
import type { Rates } from '../peer/rate-limit.ts'
import { ServerPackets } from './server-packets.ts'
import type { Connection } from '../peer/transport.ts'
import { WebSocketPeer } from '../peer/websocket-peer.ts'
import type { PeerHost } from '../peer/websocket-peer.ts'

/** A client that has finished its handshake, and the answer that makes it a peer. */
interface Arrival { readonly connection: Connection, readonly protocol: string, readonly answer: Uint8Array, readonly handshake: Handshake | undefined }

const NOTHING = new Uint8Array(0)

/** Who is there: clients come in, become peers, and leave, each with one connect and one disconnect signal. */
export abstract class ServerPeers extends ServerPackets implements PeerHost, AdmissionHost, HandshakeHost {
  /** Who may come in. */
  readonly admission: Admission
  readonly #ids: PeerIds
  /** Without autoPoll: what waits for the poll. */
  #arrived: Arrival[] = []
  #wakes: Array<() => void> = []
  #isPolling = false
  /** Peers whose socket is not released yet, and who waits for all of them. */
  readonly #sockets = new Set<WebSocketPeer>()
  #onReleased: (() => void) | undefined

  constructor (options: Partial<ServerOptions>, journal: Logger, drawId: (() => number) | undefined) {
    super(options, journal)
    this.#ids = new PeerIds(drawId)
    this.admission = new Admission(this.options, this)
  }

  abstract get autoPoll (): boolean
  abstract isListening (): boolean

  // ---- what an application asks ----

  /** Whether a peer with this id is there, also while it closes. Never throws. */
  hasPeer (id: number): boolean {
    return this.table.has(id)
  }

  /** Address of a peer; ERR_DOES_NOT_EXIST when there is none. */
  getPeerAddress (id: number): string {
    return this.getPeer(id).getConnectedHost()
  }

  /** Port of a peer; ERR_DOES_NOT_EXIST when there is none. */
  getPeerPort (id: number): number {
    return this.getPeer(id).getConnectedPort()
  }

  /** Closes a peer, or a client that authenticates; ERR_DOES_NOT_EXIST when there is none, ERR_INVALID_PARAMETER for a code or reason that cannot be sent. */
  disconnectPeer (id: number, code: number = closeCode.NORMAL, reason: string = ''): void {
    const peer = this.authentication?.find(id) ?? this.getPeer(id)
    peer.close(code, reason)
  }

  /** How many peers are there, closing ones too. */
  get peerCount (): number {
    return this.table.size
  }

  /** The same by state, and the handshakes under way. */
  countPeers (): { open: number, closing: number, pending: number } {
    let open = 0
    for (const peer of this.table) if (peer.isOpen) open++
    return { open, closing: this.peerCount - open, pending: this.pendingCount }
  }

  /** Handshakes under way. */
  get pendingCount (): number {
    return this.admission.pendingCount
  }

  /** Clients that have finished the handshake, but not option `authenticate`. */
  get authenticatingCount (): number {
    return this.authentication?.size ?? 0
  }

  /** The peers with an id above `after`, by ascending id; peers may come and go meanwhile. */
  peers (after: number = 0): IterableIterator<WebSocketPeer> {
    return this.table.after(after)
  }

  /** Without autoPoll: reads what came and signals it, peers by ascending id, each to its end; then lets newcomers in. */
  poll (): void {
    if (this.autoPoll || this.#isPolling) return
    this.#isPolling = true
    this.catchUp()
    this.#isPolling = false
  }

  /** Keeps an IP address or a CIDR range out, for so many seconds or for ever, and closes its peers with 1008; ERR_INVALID_PARAMETER. */
  ban (address: string, terms: BanTerms = {}): Ban {
    checkClose(closeCode.POLICY, terms.reason ?? '')
    const ban = this.admission.bans.ban(address, terms)
    for (const peer of this.everyone()) if (this.admission.bans.find(peer.getConnectedHost()) === ban) peer.closeFor('server', closeCode.POLICY, ban.reason)
    return ban
  }

  /** Lifts a ban of exactly this address or range; ERR_DOES_NOT_EXIST when there is none. */
  unban (address: string): Ban {
    return this.admission.bans.unban(address)
  }

  /** The bans that stand, the oldest first. */
  bans (): Ban[] {
    return this.admission.bans.list()
  }

  /** Sends data to a client that has to prove itself (option authenticate), as Godot 4's `send_auth`; ERR_DOES_NOT_EXIST for any other. */
  sendAuth (id: number, data: Uint8Array): void {
    this.#guard.send(id, data)
  }

  /** Lets a client in without being asked, as Godot 4's `complete_auth`: it joins as soon as it has completed too. ERR_DOES_NOT_EXIST for any other. */
  completeAuth (id: number): void {
    this.#guard.complete(id)
  }

  // ---- what the transport asks ----

  /** Throws unless a newcomer would be let in now. */
  checkJoin (): void {
    this.admission.checkOpen()
    if (this.admission.isFull) throw new GodotError('server-full')
  }

  /** The handshake of a connection that began just now or at `since`. */
  handshake (transport: HandshakeTransport, since?: number): Handshake {
    return new Handshake(this, transport, since)
  }

  /**
   * A client finished its handshake: `answer` is the 101 to send first. Without autoPoll it becomes a peer in the next poll. A handshake
   * that is not given is not asked for: nothing is checked, but the peer counts.
   */
  accept (connection: Connection, protocol: string = '', answer: Uint8Array = NOTHING, handshake: Handshake | undefined = undefined): void {
    if (handshake === undefined) {
      this.admission.countConnection(connection.address, 1)
      this.admission.countPlace(1)
    }
    const arrival = { connection, protocol, answer, handshake }
    if (this.autoPoll) this.#admit(arrival)
    else this.#arrived.push(arrival)
  }

  // ---- what peers and handshakes ask ----

  get onHandshake () {
    return this.options.onHandshake
  }

  get perMessageDeflate (): boolean {
    return this.options.perMessageDeflate
  }

  get rates (): Rates | undefined {
    const { maxPacketsPerSecond: packets, maxBytesPerSecond: bytes } = this.options
    return packets > 0 || bytes > 0 ? { packets, bytes } : undefined
  }

  get closeTimeout (): number {
    return this.options.closeTimeout
  }

  closeRequested (peer: WebSocketPeer, code: number, reason: string): void {
    if (!this.table.has(peer.id)) return
    this.notices.emit('close_requested', peer, code, reason)
    // Godot reports a close frame without a code as 0.
    this.signals.emit('client_close_request', peer.id, code === closeCode.NO_STATUS ? 0 : code, reason)
  }

  soon (wake: () => void): void {
    if (this.autoPoll) setImmediate(wake)
    else this.#wakes.push(wake)
  }

  authenticated (peer: WebSocketPeer): void {
    this.#join(peer)
  }

  notAuthenticated (peer: WebSocketPeer, why: LimitName | undefined): void {
    if (why !== undefined) this.limited(why, { peer: peer.id, address: peer.getConnectedHost() })
    this.signals.emit('peer_authentication_failed', peer.id)
  }

  ended (peer: WebSocketPeer, end: PeerEnd): void {
    if (this.authentication?.delete(peer) !== true) this.#left(peer, end)
    this.#ids.release(peer.id)
    this.admission.countPlace(-1)
    const limit = limitOf(end)
    if (limit !== undefined) this.limited(limit, { peer: peer.id, address: peer.getConnectedHost() })
  }

  released (peer: WebSocketPeer): void {
    this.admission.countConnection(peer.getConnectedHost(), -1)
    this.#sockets.delete(peer)
    if (this.#sockets.size === 0) this.#onReleased?.()
  }

  protected timeoutChanged (): void {
    this.admission.pending.changed()
  }

  /** The peers, and the clients that are to become peers; they may come and go meanwhile. */
  protected * everyone (): IterableIterator<WebSocketPeer> {
    if (this.authentication !== undefined) yield * this.authentication.peers
    yield * this.table.after(0)
  }

  /** Reads and signals what waits for a poll. */
  protected catchUp (): void {
    const wakes = this.#wakes
    this.#wakes = []
    for (const wake of wakes) wake()
    for (const peer of this.everyone()) peer.poll()
    const arrived = this.#arrived
    this.#arrived = []
    for (const arrival of arrived) this.#admit(arrival)
  }

  /** Whoever is not a peer yet is cut. */
  protected cutNewcomers (): void {
    this.admission.pending.cutAll()
    for (const { connection, handshake } of this.#arrived.splice(0)) {
      if (handshake !== undefined) continue
      this.admission.countConnection(connection.address, -1)
      this.admission.countPlace(-1)
      connection.destroy()
    }
  }

  /** Resolves when every socket is released; what is left after `closeTimeout` is cut. */
  protected async whenReleased (): Promise<void> {
    if (this.#sockets.size === 0) return
    const timer = setTimeout(() => { for (const peer of this.#sockets) peer.outbox.connection.destroy() }, this.closeTimeout * 1000)
    await new Promise<void>(resolve => { this.#onReleased = resolve })
    this.#onReleased = undefined
    clearTimeout(timer)
  }

  #admit ({ connection, protocol, answer, handshake }: Arrival): void {
    if (handshake !== undefined) {
      if (!handshake.join()) return
      this.notices.emit('accepted', handshake.seconds)
    }
    const peer = new WebSocketPeer(this, connection, this.#ids.take(), protocol, handshake?.isDeflated)
    peer.data = handshake?.data
    this.#sockets.add(peer)
    if (answer.length > 0) this.outbox.sendRaw(peer.outbox, answer)
    if (this.gdMpApi) this.relay.welcome(peer)
    if (this.gdMpApi && this.authentication !== undefined) {
      this.authentication.begin(peer)
      this.signals.emit('peer_authenticating', peer.id)
    } else this.#join(peer)
    peer.open()
  }

  /** From here on it is one of the peers. */
  #join (peer: WebSocketPeer): void {
    this.table.add(peer)
    if (this.gdMpApi) this.relay.joined(peer)
    else this.outbox.add(peer.outbox)
    this.log.debug({ peer: peer.id, address: peer.getConnectedHost(), port: peer.getConnectedPort() }, 'peer joined')
    this.notices.emit('joined', peer)
    if (this.gdMpApi) this.tellMultiplayer(peer, true)
    if (this.gdMpApi) this.signals.emit('peer_connected', peer.id)
    else this.signals.emit('client_connected', peer.id, peer.protocol)
  }

  /** The peer is there for its listeners while they hear that it is gone, as in Godot. */
  #left (peer: WebSocketPeer, end: PeerEnd): void {
    if (this.gdMpApi) this.relay.left(peer)
    this.tellMultiplayer(peer, false)
    this.log.debug({ peer: peer.id, end }, 'peer left')
    this.notices.emit('left', peer, end)
    if (this.gdMpApi) this.signals.emit('peer_disconnected', peer.id)
    else this.signals.emit('client_disconnected', peer.id, end.outcome === 'clean')
    this.table.delete(peer)
  }

  get #guard (): Authentication {
    if (this.authentication === undefined) throw new GodotError('ERR_UNCONFIGURED', 'without option authenticate nobody has to prove himself')
    return this.authentication
  }
}

/** The limit that ended a peer, if one did. */
function limitOf ({ cause, code }: PeerEnd): LimitName | undefined {
  if (cause === 'slow') return 'slow-peer'
  if (cause === 'silent') return 'silent-peer'
  return cause === 'protocol' && code === closeCode.TOO_BIG ? 'message-too-big' : undefined
}
