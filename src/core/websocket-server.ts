import { GodotError } from '../error.ts'
import type { ErrorCode } from '../error.ts'
import { parseOptions } from '../options.ts'
import type { ServerOptions } from '../options.ts'
import { checkClose, closeCode } from '../protocol/close-code.ts'
import { opcode } from '../protocol/frame.ts'
import { target } from '../protocol/relay-packet.ts'
import { Admission } from './admission.ts'
import type { AdmissionHost } from './admission.ts'
import { Authentication } from './authentication.ts'
import type { AuthenticationHost } from './authentication.ts'
import type { Ban, BanTerms } from './bans.ts'
import { Handshake } from './handshake.ts'
import type { HandshakeHost } from './handshake.ts'
import { Heartbeat } from './heartbeat.ts'
import { LimitBook } from './limits.ts'
import type { LimitName } from './limits.ts'
import { silentLog } from './log.ts'
import type { Log } from './log.ts'
import { MultiplayerAPI } from './multiplayer-api.ts'
import type { MultiplayerHost } from './multiplayer-api.ts'
import { MultiplayerPeer } from './multiplayer-peer.ts'
import type { RelayDrop, RelayHost } from './multiplayer-peer.ts'
import { OutputLog } from './output-log.ts'
import { ownBytes } from './own-bytes.ts'
import type { Packet, QueueLimits } from './packet-queue.ts'
import { PeerIds } from './peer-ids.ts'
import { PeerTable } from './peer-table.ts'
import type { RateLimit, Rates } from './rate-limit.ts'
import { noRpcDrops } from './rpc-wire.ts'
import type { RpcDrop } from './rpc-wire.ts'
import { ServerSettings } from './server-settings.ts'
import { SignalEmitter } from './signals.ts'
import type { SignalName, Signals } from './signals.ts'
import type { Connection, Keys, Listener, Mount } from './transport.ts'
import { WebSocketPeer } from './websocket-peer.ts'
import type { PeerEnd, PeerHost } from './websocket-peer.ts'
import { wires } from './wires.ts'

/** Why a packet went nowhere; `unread` is one for a server on which nobody reads, `not-admitted` one of a client that has to prove itself first. */
export type DropReason = RelayDrop | RpcDrop | 'unread' | 'not-admitted'

/** What is told beside Godot's signals, for metrics and operators. */
export interface Notices {
  /** A handshake was done, so many seconds after its first byte. */
  accepted: [seconds: number]
  joined: [peer: WebSocketPeer]
  close_requested: [peer: WebSocketPeer, code: number, reason: string]
  left: [peer: WebSocketPeer, end: PeerEnd]
  dropped: [reason: DropReason, peer: WebSocketPeer]
  /** A client was turned away. */
  refused: [reason: ErrorCode, address: string]
  /** A limit was hit, once for each time; `details` say by whom. */
  limited: [limit: LimitName, details: object]
  listening: []
  stopped: []
}

/** Sees a packet of a peer before it goes anywhere: bytes[start..end), good until the call returns. */
export type PacketWatcher = (peer: WebSocketPeer, bytes: Uint8Array, start: number, end: number, isText: boolean) => void

/** What the floors above give a server. */
export interface ServerParts {
  readonly log?: Log
  /** The host's endpoint, for a server without a port of its own. */
  readonly mount?: Mount
  /** Draws a candidate for a peer id, 2 .. 2147483647; at random unless given. */
  readonly drawId?: () => number
  /** Opens a listener on a port for the server. */
  readonly openListener?: (server: WebSocketServer, port: number) => Promise<Listener>
}

/** Godot's NetworkedMultiplayerPeer.ConnectionStatus of a server. */
export const connectionStatus = { DISCONNECTED: 0, CONNECTED: 2 } as const

/** Godot's WebSocketServer: listens, has peers, and in multiplayer mode is one peer among them (id 1). */
export class WebSocketServer extends ServerSettings implements PeerHost, RelayHost, MultiplayerHost, AdmissionHost, HandshakeHost, AuthenticationHost {
  /** What is told beside Godot's signals. */
  readonly notices: SignalEmitter<Notices>
  /** Packets dropped since the start, by reason. */
  readonly drops: Record<DropReason, number> = { 'short-packet': 0, 'not-data': 0, 'spoofed-source': 0, 'unknown-target': 0, 'own-target': 0, 'too-big': 0, 'relay-off': 0, 'not-admitted': 0, unread: 0, ...noRpcDrops }
  /** How often a handler of a remote method or property threw or rejected. */
  failures = 0
  /** Who may come in. */
  readonly admission: Admission
  readonly #limitBook: LimitBook
  readonly #heartbeat = new Heartbeat(() => this.#peers)
  readonly #parts: ServerParts
  readonly #journal: Log
  readonly #signals: SignalEmitter<Signals>
  readonly #peers = new PeerTable()
  readonly #ids: PeerIds
  readonly #wire = wires[this.options.wire]
  readonly #relay = new MultiplayerPeer(this, this.#wire.relay)
  readonly #authentication = this.#openAuthentication()
  #multiplayer: MultiplayerAPI | undefined
  /** Whether the application uses remote calls, which then get all packets. */
  #isCalled = false
  #log!: OutputLog
  #inputLimits!: QueueLimits
  #maxMessageSize = 0
  #maxPacketSize = 0
  #listener: Listener | Mount | undefined
  #isOpening = false
  #listeningSince = 0
  #stopping: Promise<void> | undefined
  #targetPeer: number = target.ALL
  /** Who looks at packets, and whether they go straight to the relay: in multiplayer mode, unless somebody looks. */
  #watchers: readonly PacketWatcher[] = []
  #isStraight = false
  #hasReader = false
  /** Without autoPoll: what waits for the poll. */
  #arrived: Arrival[] = []
  #wakes: Array<() => void> = []
  #isPolling = false
  /** Peers whose socket is not released yet, and who waits for all of them. */
  readonly #sockets = new Set<WebSocketPeer>()
  #onReleased: (() => void) | undefined

  constructor (options: Partial<ServerOptions> = {}, parts: ServerParts = {}) {
    super(options)
    this.#parts = parts
    this.#ids = new PeerIds(parts.drawId)
    this.#journal = parts.log ?? silentLog
    const report = (err: unknown, signal: string): void => { this.#journal.error({ err, signal }, 'a listener failed') }
    this.#signals = new SignalEmitter(report)
    this.notices = new SignalEmitter(report)
    this.#limitBook = new LimitBook(this.#journal)
    this.admission = new Admission(this.options, this)
    this.applyBuffers()
    if (this.mode === 'mounted') this.#checkKeysOfMount()
  }

  // ---- listening ----

  /**
   * Listens: with a port on a listener of its own, without on the host app's endpoint. Port, protocols and mode are the options' unless
   * given. ERR_ALREADY_IN_USE (22) while listening or when the port is taken; a failed listen changes nothing.
   */
  async listen (port: number | undefined = this.options.port, protocols: readonly string[] = this.options.protocols, gdMpApi: boolean = this.options.gdMpApi): Promise<void> {
    const options = parseOptions({ ...this.options, ...(port === undefined ? {} : { port }), protocols: protocols.map(name => name.trim()), gdMpApi })
    await this.#stopping
    if (this.isListening() || this.#isOpening) throw new GodotError('ERR_ALREADY_IN_USE', 'already listening')
    this.#isOpening = true
    try {
      this.#listener = port === undefined ? this.#mount() : await this.#openListener(port)
    } finally {
      this.#isOpening = false
    }
    Object.assign(this.options, { protocols: options.protocols, gdMpApi })
    this.#layCourse()
    this.applyBuffers()
    this.#heartbeat.start(this.options.pingInterval)
    this.#listeningSince = Date.now()
    this.notices.emit('listening')
  }

  /** Closes every peer with `code` and `reason`, cuts handshakes under way, and resolves when all sockets are released; `closeTimeout` at most. */
  async stop (code: number = this.options.stopCode, reason: string = ''): Promise<void> {
    checkClose(code, reason)
    if (this.isListening()) this.#stopping ??= this.#stop(code, reason).finally(() => { this.#stopping = undefined })
    await this.#stopping
  }

  isListening (): boolean {
    return this.#listener !== undefined
  }

  /** The bound port, 0 while there is none. */
  get port (): number {
    return this.#listener?.port ?? 0
  }

  /** Whether it listens, or would, on a port of its own or on the host app's endpoint. */
  get mode (): 'mounted' | 'own' {
    const { mount } = this.#parts
    const isMounted = this.isListening() ? this.#listener === mount : mount !== undefined && this.options.port === undefined
    return isMounted ? 'mounted' : 'own'
  }

  /** Whether clients need `wss://`: on a listener of its own those with keys, on the host app's endpoint it is the host's. */
  get tls (): boolean {
    return this.#listener?.tls ?? (this.mode === 'mounted' ? this.#parts.mount!.tls : this.privateKey !== undefined)
  }

  /** Replaces the keys of the listener while it listens: new connections get them, peers stay as they are. ERR_UNCONFIGURED unless it speaks TLS. */
  setSecureContext (keys: Keys): void {
    const { privateKey, sslCertificate, caChain } = keys
    if (this.#listener === undefined || !('setKeys' in this.#listener) || !this.#listener.tls) throw new GodotError('ERR_UNCONFIGURED', 'no listener of its own that speaks TLS')
    this.#listener.setKeys({ privateKey, sslCertificate, caChain })
    this.change({ privateKey, sslCertificate, caChain })
  }

  /** Seconds it has been listening. */
  get uptime (): number {
    return this.isListening() ? (Date.now() - this.#listeningSince) / 1000 : 0
  }

  /** 0 disconnected, 2 connected: listening. */
  getConnectionStatus (): number {
    return this.isListening() ? connectionStatus.CONNECTED : connectionStatus.DISCONNECTED
  }

  /** The server's own id. */
  getUniqueId (): number {
    return target.SERVER
  }

  // ---- peers ----

  /** Whether a peer with this id is there, also while it closes. Never throws. */
  hasPeer (id: number): boolean {
    return this.#peers.has(id)
  }

  /** The peer with this id; ERR_DOES_NOT_EXIST when there is none. */
  getPeer (id: number): WebSocketPeer {
    const peer = this.#peers.get(id)
    if (peer === undefined) throw new GodotError('ERR_DOES_NOT_EXIST', `no peer ${String(id)}`)
    return peer
  }

  /** Address of a peer; ERR_DOES_NOT_EXIST when there is none. */
  getPeerAddress (id: number): string {
    return this.getPeer(id).getConnectedHost()
  }

  /** Port of a peer; ERR_DOES_NOT_EXIST when there is none. */
  getPeerPort (id: number): number {
    return this.getPeer(id).getConnectedPort()
  }

  /** Closes a peer; ERR_DOES_NOT_EXIST when there is none, ERR_INVALID_PARAMETER for a code or reason that cannot be sent. */
  disconnectPeer (id: number, code: number = closeCode.NORMAL, reason: string = ''): void {
    this.getPeer(id).close(code, reason)
  }

  /** How many peers are there, closing ones too. */
  get peerCount (): number {
    return this.#peers.size
  }

  /** The same by state, and the handshakes under way. */
  countPeers (): { open: number, closing: number, pending: number } {
    let open = 0
    for (const peer of this.#peers) if (peer.isOpen) open++
    return { open, closing: this.peerCount - open, pending: this.pendingCount }
  }

  /** Packets that went from one peer to another since the start; one for many counts for each of them. */
  get packetsRelayed (): number {
    return this.#relay.packetsRelayed
  }

  /** Shows every packet that comes to `watch`, until the result is called; while nobody watches it costs nothing. */
  watchPackets (watch: PacketWatcher): () => void {
    this.#watchers = [...this.#watchers, watch]
    this.#layCourse()
    return () => {
      this.#watchers = this.#watchers.filter(one => one !== watch)
      this.#layCourse()
    }
  }

  /** Handshakes under way. */
  get pendingCount (): number {
    return this.admission.pending.size + (this.#authentication?.size ?? 0)
  }

  /** The peers with an id above `after`, by ascending id; peers may come and go meanwhile. */
  peers (after: number = 0): IterableIterator<WebSocketPeer> {
    return this.#peers.after(after)
  }

  // ---- bans and limits ----

  /** Keeps an IP address or a CIDR range out, for so many seconds or for ever, and closes its peers with 1008; ERR_INVALID_PARAMETER. */
  ban (address: string, terms: BanTerms = {}): Ban {
    checkClose(closeCode.POLICY, terms.reason ?? '')
    const ban = this.admission.bans.ban(address, terms)
    for (const peer of this.#everyone()) if (this.admission.bans.find(peer.getConnectedHost()) === ban) peer.closeFor('server', closeCode.POLICY, ban.reason)
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

  /** How often each limit was hit since the start. */
  get limits (): Readonly<Record<LimitName, number>> {
    return this.#limitBook.counts
  }

  // ---- signals ----

  /** Calls `listener` at each `signal`. */
  on<Name extends SignalName> (signal: Name, listener: (...args: Signals[Name]) => unknown): this {
    this.#signals.on(signal, listener)
    return this
  }

  /** Calls `listener` at the next `signal`. */
  once<Name extends SignalName> (signal: Name, listener: (...args: Signals[Name]) => unknown): this {
    this.#signals.once(signal, listener)
    return this
  }

  /** Takes a listener away. */
  off<Name extends SignalName> (signal: Name, listener: (...args: Signals[Name]) => unknown): this {
    this.#signals.off(signal, listener)
    return this
  }

  /** Without autoPoll: reads what came and signals it, peers by ascending id, each to its end; then lets newcomers in. */
  poll (): void {
    if (this.autoPoll || this.#isPolling) return
    this.#isPolling = true
    this.#run()
    this.#isPolling = false
  }

  // ---- packets ----

  /** Who the next `putPacket` goes to: 0 all, an id, or -id for all but one (multiplayer mode). */
  setTargetPeer (id: number): void {
    this.#targetPeer = id
  }

  /** Who sent the packet that `getPacket` will give; 1 when there is none. */
  getPacketPeer (): number {
    return this.nextPacket?.source ?? target.SERVER
  }

  /** Sends a packet to the target peer: ERR_UNCONFIGURED in plain mode, FAILED when there is no such peer. */
  putPacket (bytes: Uint8Array): void {
    this.putTo(this.#targetPeer, bytes)
  }

  /** The same to a target of its own; the target peer stays as it is set. */
  putTo (to: number, bytes: Uint8Array): void {
    this.#put(to, this.#wire.relay.data(to, bytes))
  }

  /** The same for a packet of remote calls. */
  putCall (to: number, packet: Uint8Array): void {
    this.#put(to, this.#wire.relay.call(to, packet))
  }

  override getAvailablePacketCount (): number {
    this.#hasReader = true
    return super.getAvailablePacketCount()
  }

  protected override takePacket (): Packet {
    this.#hasReader = true
    return super.takePacket()
  }

  /** Sends data to a client that has to prove itself (option authenticate), as Godot 4's `send_auth`; ERR_DOES_NOT_EXIST for any other. */
  sendAuth (id: number, data: Uint8Array): void {
    this.#guard.send(id, data)
  }

  /** Lets a client in without being asked, as Godot 4's `complete_auth`: it joins as soon as it has completed too. ERR_DOES_NOT_EXIST for any other. */
  completeAuth (id: number): void {
    this.#guard.complete(id)
  }

  /** Remote calls (multiplayer mode). From its first use on it reads the server's packets: none waits, and `peer_packet` is not signalled. */
  get multiplayer (): MultiplayerAPI {
    const multiplayer = this.#openMultiplayer()
    if (!this.#isCalled) {
      this.#isCalled = true
      this.soon(() => { this.#handOver() })
    }
    return multiplayer
  }

  /** Sends one packet to all (0), one (id) or all but one (-id) in either mode; how many get it. For one: ERR_DOES_NOT_EXIST, or as its `putPacket`. */
  broadcast (to: number, bytes: Uint8Array, isText: boolean = false): number {
    if (to > 0) {
      const peer = this.getPeer(to)
      if (this.gdMpApi) peer.putPacket(this.#wire.relay.data(to, bytes))
      else peer.send(bytes, isText)
      return 1
    }
    const excluded = this.#peers.get(-to)
    if (this.gdMpApi) this.#relay.put(to, this.#wire.relay.data(to, bytes))
    else this.#log.sendAll(isText ? opcode.TEXT : opcode.BINARY, bytes, 0, bytes.length, excluded?.output, undefined)
    let recipients = 0
    for (const peer of this.#peers) if (peer.isOpen && peer !== excluded) recipients++
    return recipients
  }

  // ---- what the transport asks ----

  /** Throws unless a newcomer would be let in now. */
  checkJoin (): void {
    this.admission.checkOpen()
    if (this.admission.isFull) throw new GodotError('server-full')
  }

  /** A handshake that is about to begin; `cut` is called when it takes too long or the server stops, with that as the problem. */
  handshake (cut: (error: GodotError) => void): Handshake {
    return new Handshake(this, cut)
  }

  /**
   * A client finished its handshake: `answer` is the 101 to send first. Without autoPoll it becomes a peer in the next poll. A handshake
   * that is not given is not asked for: nothing is checked, but the peer counts.
   */
  accept (connection: Connection, protocol: string = '', answer: Uint8Array = NOTHING, handshake: Handshake | undefined = undefined): void {
    if (handshake === undefined) this.#count(connection.address, 1)
    else {
      handshake.become()
      this.notices.emit('accepted', handshake.seconds)
    }
    const arrival = { connection, protocol, answer, data: handshake?.data }
    if (this.autoPoll) this.#admit(arrival)
    else this.#arrived.push(arrival)
  }

  // ---- what peers and the relay ask ----

  get log (): OutputLog {
    return this.#log
  }

  /** Where it writes what an operator may want to know. */
  get journal (): Log {
    return this.#journal
  }

  get onHandshake () {
    return this.options.onHandshake
  }

  get rates (): Rates | undefined {
    const { maxPacketsPerSecond: packets, maxBytesPerSecond: bytes } = this.options
    return packets > 0 || bytes > 0 ? { packets, bytes } : undefined
  }

  throttled (peer: WebSocketPeer, limit: RateLimit['hit']): void {
    this.limited(limit, { peer: peer.id, address: peer.getConnectedHost() })
  }

  refusedHandshake (reason: ErrorCode, address: string): void {
    this.#journal.debug({ reason, address }, 'handshake refused')
    this.notices.emit('refused', reason, address)
  }

  limited (limit: LimitName, details: object): void {
    this.#limitBook.hit(limit, details)
    this.notices.emit('limited', limit, details)
  }

  get autoPoll (): boolean {
    return this.options.autoPoll || this.#stopping !== undefined
  }

  get closeTimeout (): number {
    return this.options.closeTimeout
  }

  get maxMessageSize (): number {
    return this.#maxMessageSize
  }

  get maxPacketSize (): number {
    return this.#maxPacketSize
  }

  /** Bytes of the largest packet that the application may send. */
  get maxDataSize (): number {
    return this.#maxPacketSize - (this.gdMpApi ? this.#wire.relay.overhead : 0)
  }

  get queueLimits (): QueueLimits {
    return this.#inputLimits
  }

  receive (peer: WebSocketPeer, bytes: Uint8Array, start: number, end: number, isText: boolean): void {
    if (this.#isStraight) return this.#relay.relay(peer, bytes, start, end)
    if (this.#isAuthenticating(peer)) return this.#authentication!.receive(peer, bytes, start, end)
    if (this.#watchers.length > 0) for (const watch of this.#watchers) watch(peer, bytes, start, end, isText)
    if (this.options.gdMpApi) return this.#relay.relay(peer, bytes, start, end)
    const own = ownBytes(bytes, start, end)
    const isPushed = this.#signals.emit('packet', peer.id, own, isText)
    if (!isPushed) peer.queue({ bytes: own, isText, source: peer.id })
  }

  keep (sender: WebSocketPeer, bytes: Uint8Array, start: number, end: number): void {
    if (this.#isCalled) {
      this.#handOver()
      return this.#multiplayer!.receiveData(sender, bytes.subarray(start, end))
    }
    // A relay on which nobody reads must not stand still: nobody is there who would miss the packet.
    if (!this.#isRead() && !this.hasQueueRoom(end - start)) return this.dropped('unread', sender)
    this.queuePacket({ bytes: ownBytes(bytes, start, end), isText: false, source: sender.id }, sender, sender.isGone)
  }

  called (sender: WebSocketPeer, bytes: Uint8Array, start: number, end: number): void {
    if (this.#isCalled) this.#handOver()
    const packet = bytes.subarray(start, end)
    const multiplayer = this.#openMultiplayer()
    if (this.#isCalled || multiplayer.isAboutPaths(packet)) multiplayer.receive(sender, packet)
    else this.dropped('unread', sender)
  }

  dropped (reason: DropReason, peer: WebSocketPeer): void {
    this.drops[reason]++
    this.#journal.debug({ peer: peer.id, reason }, 'packet dropped')
    this.notices.emit('dropped', reason, peer)
  }

  refused (reason: RpcDrop, peer: WebSocketPeer, details: object, isFirst: boolean): void {
    if (isFirst) this.#journal.warn({ peer: peer.id, reason, ...details }, 'remote call refused')
    this.dropped(reason, peer)
  }

  failed (err: unknown, details: object): void {
    this.failures++
    this.#journal.error({ err, ...details }, 'a remote method failed')
  }

  authenticated (peer: WebSocketPeer): void {
    this.#join(peer)
  }

  notAuthenticated (peer: WebSocketPeer, why: LimitName | undefined): void {
    if (why !== undefined) this.limited(why, { peer: peer.id, address: peer.getConnectedHost() })
    this.#signals.emit('peer_authentication_failed', peer.id)
  }

  peer (id: number): WebSocketPeer | undefined {
    return this.#peers.get(id)
  }

  * openPeers (): IterableIterator<WebSocketPeer> {
    for (const peer of this.#peers) if (peer.isOpen) yield peer
  }

  closeRequested (peer: WebSocketPeer, code: number, reason: string): void {
    this.notices.emit('close_requested', peer, code, reason)
    // Godot reports a close frame without a code as 0.
    this.#signals.emit('client_close_request', peer.id, code === closeCode.NO_STATUS ? 0 : code, reason)
  }

  packetQueued (peer: WebSocketPeer): void {
    this.#signals.emit('data_received', peer.id)
  }

  queueHeld (peer: WebSocketPeer): void {
    this.queueWaiting(peer)
  }

  writeModeChanged (peer: WebSocketPeer): void {
    if (this.gdMpApi && this.#peers.has(peer.id)) this.#relay.writeModeChanged(peer, peer.getWriteMode() === 0)
  }

  soon (wake: () => void): void {
    if (this.autoPoll) setImmediate(wake)
    else this.#wakes.push(wake)
  }

  ended (peer: WebSocketPeer, end: PeerEnd): void {
    if (this.#authentication?.delete(peer) !== true) this.#left(peer, end)
    this.#ids.release(peer.id)
    this.#count(peer.getConnectedHost(), -1)
    const limit = limitOf(end)
    if (limit !== undefined) this.limited(limit, { peer: peer.id, address: peer.getConnectedHost() })
  }

  /** The peer is there for its listeners while they hear that it is gone, as in Godot. */
  #left (peer: WebSocketPeer, end: PeerEnd): void {
    if (this.gdMpApi) this.#relay.left(peer)
    this.#multiplayer?.left(peer.id)
    this.#journal.debug({ peer: peer.id, end }, 'peer left')
    this.notices.emit('left', peer, end)
    if (this.gdMpApi) this.#signals.emit('peer_disconnected', peer.id)
    else this.#signals.emit('client_disconnected', peer.id, end.outcome === 'clean')
    this.#peers.delete(peer)
  }

  released (peer: WebSocketPeer): void {
    this.#sockets.delete(peer)
    if (this.#sockets.size === 0) this.#onReleased?.()
  }

  protected get emptyError () {
    return this.gdMpApi ? 'ERR_UNAVAILABLE' as const : 'ERR_UNCONFIGURED' as const
  }

  protected signalPacket (packet: Packet): void {
    if (this.#isCalled) this.#handOver()
    else this.#signals.emit('peer_packet', packet.source)
  }

  // ---- its own business ----

  #layCourse (): void {
    this.#isStraight = this.options.gdMpApi && this.#watchers.length === 0 && this.#authentication === undefined
  }

  #mount (): Mount {
    if (this.#parts.mount === undefined) throw new GodotError('ERR_CANT_CREATE', 'no host app to listen on: give a port')
    this.#checkKeysOfMount()
    return this.#parts.mount
  }

  #checkKeysOfMount (): void {
    if (this.privateKey === undefined && this.sslCertificate === undefined && this.caChain === undefined) return
    throw new GodotError('ERR_INVALID_PARAMETER', 'privateKey, sslCertificate, caChain: the TLS of the mounted endpoint is the host app\'s; give a port for a listener of its own')
  }

  async #openListener (port: number): Promise<Listener> {
    if (this.#parts.openListener === undefined) throw new GodotError('ERR_CANT_CREATE', 'this server has no listener of its own')
    return await this.#parts.openListener(this, port)
  }

  protected get isLocked (): boolean {
    return this.isListening() || this.#isOpening
  }

  protected timeoutChanged (): void {
    this.admission.pending.changed()
  }

  protected applyBuffers (): void {
    const { inputBufferKb, inputMaxPackets, outputBufferKb, outputMaxPackets } = this.buffers
    this.#maxMessageSize = inputBufferKb * 1024 - (this.gdMpApi ? this.#wire.relay.slack : 0)
    this.#maxPacketSize = outputBufferKb * 1024 - 1
    this.#inputLimits = { bytes: inputBufferKb * 1024 - 1, packets: inputMaxPackets - 1 }
    this.#log = new OutputLog({ bytes: outputBufferKb * 1024, packets: outputMaxPackets }, this.options.holdTime)
  }

  #count (address: string, change: 1 | -1): void {
    this.admission.countConnection(address, change)
    this.admission.countPlace(change)
  }

  #admit ({ connection, protocol, answer, data }: Arrival): void {
    const peer = new WebSocketPeer(this, connection, this.#ids.take(), protocol)
    peer.data = data
    this.#sockets.add(peer)
    if (answer.length > 0) this.#log.sendRaw(peer.output, answer)
    if (this.gdMpApi) this.#relay.welcome(peer)
    if (this.gdMpApi && this.#authentication !== undefined) {
      this.#authentication.begin(peer)
      this.#signals.emit('peer_authenticating', peer.id)
    } else this.#join(peer)
    peer.open()
  }

  /** From here on it is one of the peers. */
  #join (peer: WebSocketPeer): void {
    this.#peers.add(peer)
    if (this.gdMpApi) this.#relay.joined(peer)
    else this.#log.add(peer.output)
    this.#journal.debug({ peer: peer.id, address: peer.getConnectedHost(), port: peer.getConnectedPort() }, 'peer joined')
    this.notices.emit('joined', peer)
    if (this.gdMpApi) this.#multiplayer?.joined(peer.id)
    if (this.gdMpApi) this.#signals.emit('peer_connected', peer.id)
    else this.#signals.emit('client_connected', peer.id, peer.protocol)
  }

  /** The peers, and the clients that are to become peers; they may come and go meanwhile. */
  * #everyone (): IterableIterator<WebSocketPeer> {
    if (this.#authentication !== undefined) yield * this.#authentication.peers
    yield * this.#peers.after(0)
  }

  get #guard (): Authentication {
    if (this.#authentication === undefined) throw new GodotError('ERR_UNCONFIGURED', 'without option authenticate nobody has to prove himself')
    return this.#authentication
  }

  #isAuthenticating (peer: WebSocketPeer): boolean {
    return this.#authentication?.has(peer) ?? false
  }

  #openAuthentication (): Authentication | undefined {
    const { authenticate } = this.options
    const { auth } = this.#wire.relay
    return authenticate === undefined || auth === undefined ? undefined : new Authentication(this, auth, authenticate, () => this.options.authTimeout)
  }

  #openMultiplayer (): MultiplayerAPI {
    if (this.#multiplayer === undefined) {
      this.#multiplayer = new MultiplayerAPI(this, host => this.#wire.openRpc(host, this.options))
      if (this.gdMpApi) for (const peer of this.openPeers()) this.#multiplayer.joined(peer.id)
    }
    return this.#multiplayer
  }

  #put (to: number, packet: Uint8Array): void {
    if (!this.gdMpApi) throw new GodotError('ERR_UNCONFIGURED')
    if (packet.length > this.maxPacketSize) throw new GodotError('ERR_OUT_OF_MEMORY', `a packet of over ${this.maxPacketSize} bytes never fits the outbound buffer`)
    if (!this.#relay.put(to, packet)) throw new GodotError('FAILED', `no peer ${to}`)
  }

  /** What waited to be read when remote calls were first used. */
  #handOver (): void {
    while (this.nextPacket !== undefined) {
      const { source, bytes } = super.takePacket()
      const sender = this.#peers.get(source)
      if (sender !== undefined) this.#multiplayer!.receiveData(sender, bytes)
    }
  }

  #isRead (): boolean {
    return this.#hasReader || !this.options.autoPoll || this.#signals.listenerCount('peer_packet') > 0
  }

  #run (): void {
    const wakes = this.#wakes
    this.#wakes = []
    for (const wake of wakes) wake()
    for (const peer of this.#everyone()) peer.poll()
    const arrived = this.#arrived
    this.#arrived = []
    for (const arrival of arrived) this.#admit(arrival)
  }

  async #stop (code: number, reason: string): Promise<void> {
    const listener = this.#listener
    this.#listener = undefined
    this.admission.pending.cutAll()
    for (const arrival of this.#arrived.splice(0)) this.#cut(arrival)
    const closed = listener !== undefined && 'close' in listener ? listener.close() : undefined
    // From here on it polls by itself, so that every peer is heard of.
    await Promise.resolve()
    this.#run()
    const released = this.#whenReleased()
    await this.#closeAll(code, reason)
    await released
    await closed
    this.#heartbeat.stop()
    this.notices.emit('stopped')
  }

  #cut ({ connection }: Arrival): void {
    this.#count(connection.address, -1)
    connection.destroy()
  }

  /** Tells the peers batch by batch, all of them within half of `closeTimeout`, so that the last one has time to answer too. */
  async #closeAll (code: number, reason: string): Promise<void> {
    const batches = Math.max(1, Math.floor(this.closeTimeout * 1000 / 2 / BATCH_MILLISECONDS))
    const size = Math.max(BATCH_SIZE, Math.ceil(this.peerCount / batches))
    let told = 0
    for (const peer of this.#everyone()) {
      if (told > 0 && told % size === 0) await new Promise(resolve => setTimeout(resolve, BATCH_MILLISECONDS))
      peer.closeFor('stop', code, reason)
      told++
    }
  }

  /** Resolves when every socket is released; what is left after `closeTimeout` is cut. */
  async #whenReleased (): Promise<void> {
    if (this.#sockets.size === 0) return
    const timer = setTimeout(() => { for (const peer of this.#sockets) peer.output.connection.destroy() }, this.closeTimeout * 1000)
    await new Promise<void>(resolve => { this.#onReleased = resolve })
    this.#onReleased = undefined
    clearTimeout(timer)
  }
}

/** Peers that `stop` tells at once, and the pause until it tells more. */
const BATCH_SIZE = 1000
const BATCH_MILLISECONDS = 100

/** A client that has finished its handshake, and the answer that makes it a peer. */
interface Arrival { readonly connection: Connection, readonly protocol: string, readonly answer: Uint8Array, readonly data: unknown }

const NOTHING = new Uint8Array(0)

/** The limit that ended a peer, if one did. */
function limitOf ({ cause, code }: PeerEnd): LimitName | undefined {
  if (cause === 'slow') return 'slow-peer'
  if (cause === 'silent') return 'silent-peer'
  return cause === 'protocol' && code === closeCode.TOO_BIG ? 'message-too-big' : undefined
}
