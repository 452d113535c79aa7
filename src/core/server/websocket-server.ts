import { GodotError, noSuchPeer } from '../../error.ts'
import type { ServerOptions } from '../../options/option-types.ts'
import { runtimeChanges } from '../../options/runtime-options.ts'
import type { RuntimeOptions } from '../../options/runtime-options.ts'
import type { VariantCodec } from '../../protocol/variant/variant-codec.ts'
import { checkClose, closeCode } from '../../protocol/websocket/close-code.ts'
import { Admission } from '../admission/admission.ts'
import type { Ban, BanTerms } from '../admission/bans.ts'
import { PacketPeer } from '../peer/packet-peer.ts'
import type { Packet } from '../peer/packet-queue.ts'
import type { Cluster } from '../../cluster/cluster.ts'
import { clusterOpener } from '../../cluster/cluster-core.ts'
import type { ClusterTransport } from '../../cluster/cluster-core.ts'
import type { SharedConfigHost } from './cluster-link.ts'
import type { Mount, TlsKeys } from '../../transport/listener.ts'
import type { WebSocketPeer } from '../peer/websocket-peer.ts'
import { peersOf } from '../room/peer-table.ts'
import type { Room } from '../room/room.ts'
import type { RoomOptions } from '../../options/option-types.ts'
import { MultiplayerCore } from '../rpc/multiplayer-core.ts'
import type { MultiplayerAPI } from '../rpc/multiplayer-api.ts'
import { provideInternals } from './internals.ts'
import type { ServerInternals } from './internals.ts'
import { Listening } from './listening.ts'
import { consoleLogger, safeLogger } from '../../logger.ts'
import { Monitor } from './monitor.ts'
import type { ServerMonitor } from './monitor.ts'
import { PeerRegistry } from './peer-registry.ts'
import { Settings } from './settings.ts'
import type { BufferSizes } from './settings.ts'
import { addSignalMethods } from './signal-source.ts'
import type { SignalSource } from './signal-source.ts'
import { SignalEmitter, signalNames } from './signals.ts'
import type { Signals } from './signals.ts'

/** What the plugin and tests provide. */
export interface ServerEnvironment {
  /** The host app's endpoint, for a server without its own port. */
  readonly mount?: Mount
  /** Draws a candidate for a peer id, 2..2147483647; random unless given. */
  readonly drawId?: () => number
  /** @internal How a node of a cluster reaches the others; NATS unless given. */
  readonly cluster?: ClusterTransport
}

/** Godot's NetworkedMultiplayerPeer.ConnectionStatus of a server. */
const connectionStatus = { DISCONNECTED: 0, CONNECTED: 2 } as const

/** Godot's NetworkedMultiplayerPeer.TARGET_PEER_SERVER. */
const SERVER_ID = 1

/** NetworkedMultiplayerPeer.TRANSFER_MODE_RELIABLE. */
const TRANSFER_MODE_RELIABLE = 2

/**
 * Godot's WebSocketServer: accepts WebSocket clients on the host app's endpoint or on its own port. In multiplayer
 * mode (`gdMpApi`) it is the peer with id 1 of a multiplayer game.
 */
export class WebSocketServer extends PacketPeer {
  readonly #settings: Settings
  readonly #signals: SignalEmitter<Signals>
  readonly #monitor: Monitor
  readonly #admission: Admission
  readonly #registry: PeerRegistry
  readonly #listening: Listening
  static {
    addSignalMethods(this.prototype, server => server.#signals)
    provideInternals(peer => (peer as WebSocketServer).#internals)
  }

  /** Throws ERR_INVALID_PARAMETER naming the wrong option. Only the plugin and tests provide an environment. */
  constructor (options: Partial<ServerOptions> = {}, { mount, drawId, cluster }: ServerEnvironment = {}) {
    super()
    const settings = this.#settings = new Settings(options)
    const log = safeLogger(settings.options.log ?? consoleLogger)
    const monitor = this.#monitor = new Monitor(log)
    const signals = this.#signals = new SignalEmitter(signalNames, (err, signal) => {
      monitor.listenerFailed(err, signal)
    })
    const admission = this.#admission = new Admission(settings.options, {
      isListening: () => this.isListening(),
      checkCluster: () => { this.#registry.cluster?.checkReady() },
      authenticatingCount: () => this.#registry.authenticatingCount,
      limited: (limit, details) => { monitor.limited(limit, details) }
    })
    this.#registry = new PeerRegistry({
      settings,
      monitor,
      signals,
      log,
      admission,
      drawId,
      openCluster: clusterOpener(settings, this.#createConfigHost(), cluster),
      openMultiplayer: host => new MultiplayerCore(host, settings.wire, settings.options)
    })
    this.#listening = new Listening(settings, this.#registry, monitor, mount)
  }

  // ---- listening ----

  /**
   * Listens: with a port on its own listener, otherwise on the host app's endpoint. Port, protocols and mode default
   * to the options; protocols and mode stay the options for the next call. Throws ERR_ALREADY_IN_USE (22) while
   * listening or when the port is taken, ERR_CANT_CREATE when the system refuses the port, or without one and without
   * an app, ERR_INVALID_PARAMETER for invalid arguments or keys, cluster-unavailable when the node cannot join its
   * cluster; a failed call changes nothing. Godot: WebSocketServer.listen.
   */
  async listen (
    port: number | undefined = this.options.port,
    protocols: readonly string[] = this.options.protocols,
    gdMpApi: boolean = this.options.gdMpApi
  ): Promise<void> {
    await this.#listening.start(port, protocols, gdMpApi)
  }

  /**
   * Stops listening, closes every peer with `code` and `reason`, and refuses handshakes in progress. Resolves when all
   * sockets are released, after `closeTimeout` seconds at most. Godot: WebSocketServer.stop.
   */
  async stop (code: number = this.options.stopCode, reason: string = ''): Promise<void> {
    checkClose(code, reason)
    await this.#listening.stop(code, reason)
  }

  /** Whether clients can connect. Godot: WebSocketServer.is_listening. */
  isListening (): boolean {
    return this.#listening.isOn
  }

  /** The bound port, 0 while not listening. */
  get port (): number {
    return this.#listening.port
  }

  /** Whether it listens, or would listen, on the host app's endpoint (`mounted`) or on its own port. */
  get mode (): 'mounted' | 'own' {
    return this.#listening.mode
  }

  /** Whether clients connect with `wss://`. */
  get tls (): boolean {
    return this.#listening.tls
  }

  /** Seconds since it began to listen, 0 while not listening. */
  get uptime (): number {
    return this.#listening.uptime
  }

  /**
   * Replaces the keys of the TLS listener while it listens: new connections use them. Throws ERR_UNCONFIGURED without a
   * TLS listener, ERR_INVALID_PARAMETER for missing or unusable keys.
   */
  setSecureContext (keys: TlsKeys): void {
    this.#listening.setKeys(keys)
    const { privateKey, sslCertificate, caChain } = keys
    this.#settings.change({ privateKey, sslCertificate, caChain })
  }

  /**
   * Throws unless a new client would be accepted now: `not-listening`, `cluster-unavailable`, `refusing-connections`
   * (also while the node is drained) or `server-full`.
   */
  checkJoin (): void {
    this.#admission.checkAccepting()
    if (this.#admission.isFull) throw new GodotError('server-full')
  }

  // ---- properties ----

  /** The options in effect. */
  get options (): Readonly<ServerOptions> {
    return this.#settings.options
  }

  /** Seconds a client may take for its handshake. Godot: WebSocketServer.handshake_timeout. */
  get handshakeTimeout (): number {
    return this.options.handshakeTimeout
  }

  set handshakeTimeout (seconds: number) {
    this.change({ handshakeTimeout: seconds })
  }

  /**
   * Whether new connections are refused; connected peers stay. Godot: NetworkedMultiplayerPeer.refuse_new_connections.
   */
  get refuseNewConnections (): boolean {
    return this.options.refuseNewConnections
  }

  set refuseNewConnections (enable: boolean) {
    this.change({ refuseNewConnections: enable })
  }

  /**
   * Changes options while the server listens; of `rooms` the rules that are given. An option or rule that is undefined
   * gets its default; rooms stay possible. Limits apply to connected peers from then on. Throws ERR_INVALID_PARAMETER
   * and changes nothing when one is invalid or not of RuntimeOptions.
   */
  change (options: RuntimeOptions): void {
    const changes = runtimeChanges(this.options, options)
    this.#settings.change(changes)
    if ('handshakeTimeout' in changes) this.#admission.timeoutChanged()
    if ('rooms' in changes || 'authTimeout' in changes) this.#registry.rooms.timeoutsChanged()
    if ('pingInterval' in changes) this.#listening.pingIntervalChanged()
    if ('maxPacketsPerSecond' in changes || 'maxBytesPerSecond' in changes) this.#registry.ratesChanged()
    this.#monitor.events.emit('changed', options)
  }

  /**
   * Address that the server's own listener binds to, `*` for all. Setting it throws FAILED while listening,
   * ERR_INVALID_PARAMETER for an invalid one. Godot: WebSocketServer.bind_ip.
   */
  get bindIp (): string {
    return this.options.bindIp
  }

  set bindIp (address: string) {
    this.#changeIdle({ bindIp: address })
  }

  /**
   * Private key (PEM) of a TLS listener. Setting it throws FAILED while listening, ERR_INVALID_PARAMETER for anything
   * but a string. Godot: WebSocketServer.private_key.
   */
  get privateKey (): string | undefined {
    return this.options.privateKey
  }

  set privateKey (pem: string | undefined) {
    this.#changeIdle({ privateKey: pem })
  }

  /**
   * Certificate (PEM) of the private key. Setting it throws as `privateKey`. Godot: WebSocketServer.ssl_certificate.
   */
  get sslCertificate (): string | undefined {
    return this.options.sslCertificate
  }

  set sslCertificate (pem: string | undefined) {
    this.#changeIdle({ sslCertificate: pem })
  }

  /** Intermediate certificates (PEM). Setting it throws as `privateKey`. Godot: WebSocketServer.ca_chain. */
  get caChain (): string | undefined {
    return this.options.caChain
  }

  set caChain (pem: string | undefined) {
    this.#changeIdle({ caChain: pem })
  }

  /** Buffer sizes in effect: KiB and packets, rounded up to powers of two. */
  get buffers (): BufferSizes {
    return this.#settings.buffers
  }

  /**
   * Sets the buffer sizes per peer, in KiB and packets, each rounded up to a power of two; throws FAILED while
   * listening, ERR_INVALID_PARAMETER for an invalid size. Godot: WebSocketMultiplayerPeer.set_buffers.
   */
  setBuffers (inputBufferKb: number, inputMaxPackets: number, outputBufferKb: number, outputMaxPackets: number): void {
    this.#changeIdle({ inputBufferKb, inputMaxPackets, outputBufferKb, outputMaxPackets })
  }

  /** Bytes of the largest packet that can be sent (`outputBufferKb`). */
  get maxDataSize (): number {
    return this.#settings.maxDataSize
  }

  /**
   * Always 2 (reliable), the only mode of WebSocket; setting it has no effect, as in Godot.
   * Godot: NetworkedMultiplayerPeer.transfer_mode.
   */
  get transferMode (): number {
    return TRANSFER_MODE_RELIABLE
  }

  set transferMode (_mode: number) {}

  /** 0 disconnected, 2 connected (listening). Godot: NetworkedMultiplayerPeer.get_connection_status. */
  getConnectionStatus (): number {
    return this.isListening() ? connectionStatus.CONNECTED : connectionStatus.DISCONNECTED
  }

  /** The server's own id, 1. Godot: NetworkedMultiplayerPeer.get_unique_id. */
  getUniqueId (): number {
    return SERVER_ID
  }

  // ---- peers ----

  /**
   * Whether there is a peer with this id, including closing ones; in a cluster on any node. Never throws.
   * Godot: WebSocketServer.has_peer.
   */
  hasPeer (id: number): boolean {
    return this.#registry.peers.has(id) || this.#registry.cluster?.peer(id) !== undefined
  }

  /**
   * The peer with this id, in a cluster of any node; throws ERR_DOES_NOT_EXIST (33).
   * Godot: WebSocketMultiplayerPeer.get_peer.
   */
  getPeer (id: number): WebSocketPeer {
    const peer = this.#registry.peers.get(id)?.peer ?? this.#registry.cluster?.peer(id)
    if (peer === undefined) throw noSuchPeer(id)
    return peer
  }

  /** IP address of a peer; throws ERR_DOES_NOT_EXIST. Godot: WebSocketServer.get_peer_address. */
  getPeerAddress (id: number): string {
    return this.getPeer(id).getConnectedHost()
  }

  /** TCP port of a peer; throws ERR_DOES_NOT_EXIST. Godot: WebSocketServer.get_peer_port. */
  getPeerPort (id: number): number {
    return this.getPeer(id).getConnectedPort()
  }

  /**
   * Closes a peer, or an authenticating client. Throws ERR_DOES_NOT_EXIST without one, ERR_INVALID_PARAMETER for a code
   * or reason that a close frame cannot carry. Godot: WebSocketServer.disconnect_peer.
   */
  disconnectPeer (id: number, code: number = closeCode.NORMAL, reason: string = ''): void {
    const peer = this.#registry.find(id)?.peer ?? this.getPeer(id)
    peer.close(code, reason)
  }

  /** Number of peers, including closing ones; in a cluster those of this node. */
  get peerCount (): number {
    return this.#registry.peers.size
  }

  /** Peers by state, and handshakes and authentications in progress (`pending`). */
  countPeers (): { open: number, closing: number, pending: number } {
    return this.#registry.counts
  }

  /** Peers with an id above `after` by ascending id. Peers may join and leave during the iteration. */
  * peers (after: number = 0): IterableIterator<WebSocketPeer> {
    yield * peersOf(this.#registry.peers, after)
  }

  /** Without autoPoll: reads and signals what has arrived. Godot: NetworkedMultiplayerPeer.poll. */
  poll (): void {
    this.#registry.poll()
  }

  // ---- packets ----

  /**
   * Sets the target of `putPacket` (multiplayer mode): 0 all, id one, -id all but one; initially 0. Throws
   * ERR_INVALID_PARAMETER for anything but an integer. Godot: NetworkedMultiplayerPeer.set_target_peer.
   */
  setTargetPeer (id: number): void {
    this.#main.setTargetPeer(id)
  }

  /**
   * Sender of the packet that `getPacket` returns next, 1 when there is none.
   * Godot: NetworkedMultiplayerPeer.get_packet_peer.
   */
  getPacketPeer (): number {
    return this.#main.getPacketPeer()
  }

  /**
   * Sends a packet to the target peer. Throws ERR_UNCONFIGURED in plain mode, FAILED without such a peer,
   * ERR_OUT_OF_MEMORY when it is larger than `maxDataSize`, or when the output buffer of the one target is full (in a
   * cluster: a target on this node), ERR_INVALID_PARAMETER for anything but bytes, ERR_INVALID_DATA for an empty one
   * with Godot 4. Godot: PacketPeer.put_packet.
   */
  putPacket (bytes: Uint8Array): void {
    this.#main.putPacket(bytes)
  }

  /**
   * Number of unread packets (multiplayer mode). An application that asks is expected to read them: from then on a full
   * queue pauses its senders, instead of dropping what nobody reads. Godot: PacketPeer.get_available_packet_count.
   */
  getAvailablePacketCount (): number {
    return this.#main.getAvailablePacketCount()
  }

  /**
   * Sends one packet in either mode: to all (0), one (id) or all but one (-id). Returns the number of receivers.
   * Throws ERR_OUT_OF_MEMORY when it is larger than `maxDataSize`, ERR_INVALID_PARAMETER for anything but bytes, or
   * a target that is not an integer, ERR_INVALID_DATA for an empty one with Godot 4. For one: ERR_DOES_NOT_EXIST, or
   * as its `putPacket`.
   */
  broadcast (to: number, bytes: Uint8Array, isText: boolean = false): number {
    return this.#registry.rooms.broadcast(to, bytes, isText)
  }

  /**
   * Sends one packet in either mode to all peers except these; unknown ids are ignored. Returns the number of
   * receivers: a peer whose output buffer is full does not get it. Throws ERR_OUT_OF_MEMORY when it is larger than
   * `maxDataSize`, ERR_INVALID_PARAMETER for anything but bytes, ERR_INVALID_DATA for an empty one with Godot 4.
   */
  broadcastExcept (excluded: Iterable<number>, bytes: Uint8Array, isText: boolean = false): number {
    return this.#registry.rooms.broadcastExcept(new Set(excluded), bytes, isText)
  }

  /**
   * Remote calls (multiplayer mode). From its first use on it handles the server's packets: none is queued, and
   * `peer_packet` is not signalled.
   */
  get multiplayer (): MultiplayerAPI {
    return this.#main.multiplayer
  }

  // ---- rooms ----

  /** Number of rooms, including `main`; in a cluster of those that `rooms` returns. */
  get roomCount (): number {
    return this.#registry.rooms.size
  }

  /**
   * The rooms in the order in which they were opened, `main` first; in a cluster those that have their home or a peer
   * on this node.
   */
  * rooms (): IterableIterator<Room> {
    for (const { room } of this.#registry.rooms) yield room
  }

  /** Whether a room of this name is open; in a cluster on any node, although `room` may not find it. */
  hasRoom (name: string): boolean {
    return this.#registry.rooms.has(name)
  }

  /** The room of this name, one of `rooms`; throws ERR_DOES_NOT_EXIST without one. */
  room (name: string): Room {
    return this.#registry.rooms.get(name).room
  }

  /**
   * Opens a room (option `rooms`), which waits for its first peer; without a name it gets a join code of five letters
   * and digits. Throws ERR_UNCONFIGURED without option `rooms`, `invalid-room-name`, ERR_ALREADY_EXISTS (32),
   * ERR_INVALID_PARAMETER for its options, `too-many-rooms`.
   */
  openRoom (name?: string, options: RoomOptions = {}): Room {
    return this.#registry.rooms.open(name, options).room
  }

  // ---- access ----

  /**
   * Bans an IP address or CIDR range for `terms.seconds` or permanently, and closes its peers with 1008; in a cluster
   * on all nodes. Throws ERR_INVALID_PARAMETER.
   */
  ban (address: string, terms: BanTerms = {}): Ban {
    const [ban] = this.banAll([address], terms)
    return ban
  }

  /** Bans several addresses or ranges at once, as `ban` does each; throws ERR_INVALID_PARAMETER and bans none. */
  banAll (addresses: Iterable<string>, terms: BanTerms = {}): Ban[] {
    checkClose(closeCode.POLICY, terms.reason ?? '')
    const bans = this.#admission.bans.banAll(addresses, terms)
    this.#registry.applyBans(bans)
    for (const ban of bans) this.#monitor.events.emit('banned', ban)
    this.#registry.cluster?.config.banned(bans)
    return bans
  }

  /** Lifts the ban of exactly this address or range; throws ERR_DOES_NOT_EXIST without one. */
  unban (address: string): Ban {
    const ban = this.#liftBan(address)
    this.#registry.cluster?.config.unbanned(ban)
    return ban
  }

  #liftBan (address: string): Ban {
    const ban = this.#admission.bans.unban(address)
    this.#monitor.events.emit('unbanned', ban)
    return ban
  }

  /** What other nodes of the cluster change here. */
  #createConfigHost (): SharedConfigHost {
    const { bans } = this.#admission
    return {
      bans: () => bans.list(),
      ban: ban => {
        const restored = bans.restore(ban)
        if (restored === undefined) return
        this.#registry.applyBanSoon(restored)
        this.#monitor.events.emit('banned', restored)
      },
      unban: address => { if (bans.has(address)) this.#liftBan(address) },
      change: options => { this.change(options) }
    }
  }

  /** Bans in effect, oldest first. */
  bans (): Ban[] {
    return this.#admission.bans.list()
  }

  /**
   * Sends data to an authenticating client (option `authenticate`); throws ERR_DOES_NOT_EXIST for any other,
   * ERR_UNCONFIGURED without that option, ERR_INVALID_DATA for empty data, ERR_OUT_OF_MEMORY for more than the output
   * buffer takes, ERR_INVALID_PARAMETER for anything but bytes. Godot 4: SceneMultiplayer.send_auth.
   */
  sendAuth (id: number, data: Uint8Array): void {
    this.#authenticationOf(id).send(id, data)
  }

  /**
   * Accepts an authenticating client: it joins as soon as it has completed too. Throws ERR_DOES_NOT_EXIST for any
   * other, ERR_UNCONFIGURED without option `authenticate`. Godot 4: SceneMultiplayer.complete_auth.
   */
  completeAuth (id: number): void {
    this.#authenticationOf(id).complete(id)
  }

  // ---- cluster ----

  /** The cluster that this server is a node of; throws ERR_UNCONFIGURED without option `cluster`. */
  get cluster (): Cluster {
    const { cluster } = this.#registry
    if (cluster === undefined) throw new GodotError('ERR_UNCONFIGURED', 'option cluster is not set')
    return cluster.api
  }

  // ---- monitoring ----

  /** Counters, events for operators and packet samples. */
  get monitor (): ServerMonitor {
    return this.#monitor
  }

  protected get variants (): VariantCodec {
    return this.#settings.wire.variants
  }

  protected takePacket (): Packet {
    return this.#registry.rooms.main.takePacket()
  }

  get #internals (): ServerInternals {
    return {
      settings: this.#settings,
      admission: this.#admission,
      registry: this.#registry,
      listening: this.#listening,
      monitor: this.#monitor,
      rooms: this.#registry.rooms
    }
  }

  /** The room of clients that choose none. */
  get #main (): Room {
    return this.#registry.rooms.main.room
  }

  /** Authentication of the client's room, or of `main` if no client with this id is authenticating. */
  #authenticationOf (id: number) {
    const room = this.#registry.authenticating.get(id) ?? this.#registry.rooms.main
    if (room.authentication === undefined) throw new GodotError('ERR_UNCONFIGURED', 'option authenticate is not set')
    return room.authentication
  }

  /** Changes options that Godot locks while listening. */
  #changeIdle (changes: Partial<ServerOptions>): void {
    if (this.#listening.isLocked) {
      throw new GodotError('FAILED', `${Object.keys(changes).join(', ')} cannot be changed while listening`)
    }
    this.#settings.change(changes)
  }
}

// The methods on, once and off.
export interface WebSocketServer extends SignalSource<Signals> {}

/** A server and the name of its decorator. */
export interface NamedServer { readonly name: string, readonly server: WebSocketServer }
