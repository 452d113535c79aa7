import { GodotError } from '../../error.ts'
import type { ServerOptions } from '../../options.ts'
import { opcode } from '../../protocol/websocket/frame.ts'
import { ownBytes } from '../../protocol/own-bytes.ts'
import { target } from '../../protocol/multiplayer/relay-packet.ts'
import type { RelayWire } from '../../protocol/multiplayer/relay-wire.ts'
import type { VariantCodec } from '../../protocol/variant/variant-codec.ts'
import { Authentication } from '../room/authentication.ts'
import type { AuthenticationHost } from '../room/authentication.ts'
import type { LimitName } from './limits.ts'
import type { Logger } from './logger.ts'
import { MultiplayerAPI } from '../rpc/multiplayer-api.ts'
import type { MultiplayerHost } from '../rpc/multiplayer-api.ts'
import { Relay } from '../room/relay.ts'
import type { RelayHost } from '../room/relay.ts'
import { RoomOutbox } from '../room/room-outbox.ts'
import { IncomingQueue } from '../peer/incoming-queue.ts'
import type { IncomingQueueOwner } from '../peer/incoming-queue.ts'
import type { Packet, QueueLimits } from '../peer/packet-queue.ts'
import type { PeerSession } from '../peer/peer-session.ts'
import { PeerTable } from '../room/peer-table.ts'
import { ServerReports } from './server-reports.ts'
import type { WebSocketPeer } from '../peer/websocket-peer.ts'
import { wires } from '../rpc/wires.ts'

/** Sees a packet of a peer before it goes anywhere: bytes[start..end), good until the call returns. */
export type PacketWatcher = (peer: WebSocketPeer, bytes: Uint8Array, start: number, end: number, isText: boolean) => void

/** Where a server's packets go: what comes from a peer, and what is sent to peers. */
export abstract class ServerPackets extends ServerReports implements RelayHost, MultiplayerHost, AuthenticationHost, IncomingQueueOwner {
  protected readonly table = new PeerTable()
  protected readonly relay: Relay
  /** Clients that have to prove themselves first (option authenticate). */
  protected readonly authentication: Authentication | undefined
  readonly #wire = wires[this.options.wire]
  #multiplayer: MultiplayerAPI | undefined
  /** Whether the application uses remote calls, which then get all packets. */
  #isCalled = false
  #log!: RoomOutbox
  #inputLimits!: QueueLimits
  #maxMessageSize = 0
  #maxPacketSize = 0
  #targetPeer: number = target.ALL
  /** Created when the first packet is queued. */
  #incoming: IncomingQueue | undefined
  /** Who looks at packets, and whether they go straight to the relay: in multiplayer mode, unless somebody looks. */
  #watchers: readonly PacketWatcher[] = []
  #isStraight = false
  #hasReader = false

  constructor (options: Partial<ServerOptions>, journal: Logger) {
    super(options, journal)
    this.relay = new Relay(this, this.#wire.relay)
    this.authentication = this.#openAuthentication()
    this.applyBuffers()
  }

  abstract soon (wake: () => void): void
  abstract peers (after?: number): IterableIterator<WebSocketPeer>
  abstract authenticated (peer: PeerSession): void
  abstract notAuthenticated (peer: PeerSession, why: LimitName | undefined): void

  // ---- what an application sends and reads ----

  /** Who the next `putPacket` goes to: 0 all, an id, or -id for all but one (multiplayer mode). */
  setTargetPeer (id: number): void {
    this.#targetPeer = id
  }

  /** Who sent the packet that `getPacket` will give; 1 when there is none. */
  getPacketPeer (): number {
    return this.#incoming?.next?.source ?? target.SERVER
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

  getAvailablePacketCount (): number {
    this.#hasReader = true
    return this.unreadPackets
  }

  /** Number of unread packets; unlike `getAvailablePacketCount` it does not count as reading. */
  get unreadPackets (): number {
    return this.#incoming?.length ?? 0
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
      const peer = this.session(to)
      if (this.gdMpApi) peer.send(this.#wire.relay.data(to, bytes), peer.writeMode === 0)
      else peer.send(bytes, isText)
      return 1
    }
    const excluded = this.table.get(-to)
    if (this.gdMpApi) this.relay.put(to, this.#wire.relay.data(to, bytes))
    else this.#log.sendAll(isText ? opcode.TEXT : opcode.BINARY, bytes, 0, bytes.length, excluded?.outbox, undefined)
    let recipients = 0
    for (const peer of this.table) if (peer.isOpen && peer !== excluded) recipients++
    return recipients
  }

  get variants (): VariantCodec {
    return this.#wire.variants
  }

  /** How its messages are read, in multiplayer mode. */
  get relayWire (): RelayWire | undefined {
    return this.gdMpApi ? this.#wire.relay : undefined
  }

  /** Packets that went from one peer to another since the start; one for many counts for each of them. */
  get packetsRelayed (): number {
    return this.relay.packetsRelayed
  }

  /** Shows every packet that comes to `watch`, until the result is called; while nobody watches it costs nothing. */
  watchPackets (watch: PacketWatcher): () => void {
    this.#watchers = [...this.#watchers, watch]
    this.updateFastPath()
    return () => {
      this.#watchers = this.#watchers.filter(one => one !== watch)
      this.updateFastPath()
    }
  }

  /** The peer with this id; ERR_DOES_NOT_EXIST when there is none. */
  getPeer (id: number): WebSocketPeer {
    return this.session(id).peer
  }

  protected session (id: number): PeerSession {
    const session = this.table.get(id)
    if (session === undefined) throw new GodotError('ERR_DOES_NOT_EXIST', `no peer ${String(id)}`)
    return session
  }

  // ---- what comes from peers ----

  /** One whole message of an open peer; the bytes are good until the call returns. */
  receive (peer: PeerSession, bytes: Uint8Array, start: number, end: number, isText: boolean): void {
    if (this.#isStraight) return this.relay.relay(peer, bytes, start, end)
    if (this.authentication?.has(peer) === true) return this.authentication.receive(peer, bytes, start, end)
    if (this.#watchers.length > 0) for (const watch of this.#watchers) watch(peer.peer, bytes, start, end, isText)
    if (this.options.gdMpApi) return this.relay.relay(peer, bytes, start, end)
    const own = ownBytes(bytes, start, end)
    const isPushed = this.signals.emit('packet', peer.id, own, isText)
    if (!isPushed) peer.queue({ bytes: own, isText, source: peer.id })
  }

  receiveData (sender: PeerSession, bytes: Uint8Array, start: number, end: number): void {
    if (this.#isCalled) {
      this.#handOver()
      return this.#multiplayer!.receiveData(sender.peer, bytes.subarray(start, end))
    }
    // A relay on which nobody reads must not stand still: nobody is there who would miss the packet.
    const queue = this.#queue
    if (!this.#isRead() && !queue.hasRoom(end - start)) return this.dropped('unread', sender.peer)
    queue.push({ bytes: ownBytes(bytes, start, end), isText: false, source: sender.id }, sender, sender.isGone)
  }

  receiveCall (sender: PeerSession, bytes: Uint8Array, start: number, end: number): void {
    if (this.#isCalled) this.#handOver()
    const packet = bytes.subarray(start, end)
    const multiplayer = this.#openMultiplayer()
    if (this.#isCalled || multiplayer.isInternal(packet)) multiplayer.receive(sender.peer, packet)
    else this.dropped('unread', sender.peer)
  }

  packetQueued (packet: Packet): void {
    if (this.#isCalled) this.#handOver()
    else this.signals.emit('peer_packet', packet.source)
  }

  dataReceived (peer: PeerSession): void {
    this.signals.emit('data_received', peer.id)
  }

  senderEnded (peer: PeerSession): void {
    this.#incoming?.senderEnded(peer)
  }

  writeModeChanged (peer: PeerSession): void {
    if (this.gdMpApi && this.table.has(peer.id)) this.relay.writeModeChanged(peer, peer.writeMode === 0)
  }

  sessions (): Iterable<PeerSession> {
    return this.table.after(0)
  }

  peer (id: number): PeerSession | undefined {
    return this.table.get(id)
  }

  * openPeers (): IterableIterator<WebSocketPeer> {
    for (const peer of this.table) if (peer.isOpen) yield peer.peer
  }

  get outbox (): RoomOutbox {
    return this.#log
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

  protected get emptyError () {
    return this.gdMpApi ? 'ERR_UNAVAILABLE' as const : 'ERR_UNCONFIGURED' as const
  }

  protected takePacket (): Packet {
    this.#hasReader = true
    const packet = this.#incoming?.take()
    if (packet === undefined) throw new GodotError(this.emptyError)
    return packet
  }

  /** Whoever makes remote calls hears of a peer that came (true) or went. */
  protected tellMultiplayer (peer: PeerSession, isThere: boolean): void {
    if (isThere) this.#multiplayer?.joined(peer.id)
    else this.#multiplayer?.left(peer.id)
  }

  /** The mode or the watchers have changed. */
  protected updateFastPath (): void {
    this.#isStraight = this.options.gdMpApi && this.#watchers.length === 0 && this.authentication === undefined
  }

  protected applyBuffers (): void {
    const { inputBufferKb, inputMaxPackets, outputBufferKb, outputMaxPackets } = this.buffers
    this.#maxMessageSize = inputBufferKb * 1024 - (this.gdMpApi ? this.#wire.relay.slack : 0)
    this.#maxPacketSize = outputBufferKb * 1024 - 1
    this.#inputLimits = { bytes: inputBufferKb * 1024 - 1, packets: inputMaxPackets - 1 }
    this.#log = new RoomOutbox({ bytes: outputBufferKb * 1024, packets: outputMaxPackets }, this.options.holdTime)
  }

  #put (to: number, packet: Uint8Array): void {
    if (!this.gdMpApi) throw new GodotError('ERR_UNCONFIGURED')
    if (packet.length > this.maxPacketSize) throw new GodotError('ERR_OUT_OF_MEMORY', `a packet of over ${this.maxPacketSize} bytes never fits the outbound buffer`)
    if (!this.relay.put(to, packet)) throw new GodotError('FAILED', `no peer ${to}`)
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

  /** What waited to be read when remote calls were first used. */
  #handOver (): void {
    for (let packet = this.#incoming?.take(); packet !== undefined; packet = this.#incoming?.take()) {
      const sender = this.table.get(packet.source)
      if (sender !== undefined) this.#multiplayer!.receiveData(sender.peer, packet.bytes)
    }
  }

  get #queue (): IncomingQueue {
    this.#incoming ??= new IncomingQueue(this)
    return this.#incoming
  }

  #isRead (): boolean {
    return this.#hasReader || !this.options.autoPoll || this.signals.listenerCount('peer_packet') > 0
  }
}
