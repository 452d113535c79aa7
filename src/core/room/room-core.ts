import { GodotError } from '../../error.ts'
import { messageBytes } from '../../protocol/own-bytes.ts'
import { closeCode } from '../../protocol/websocket/close-code.ts'
import { opcode } from '../../protocol/websocket/frame.ts'
import { ascending } from '../ascending.ts'
import type { PeerEnd } from '../peer/peer-end.ts'
import type { PeerSessionHost } from '../peer/peer-session-host.ts'
import type { PeerSession } from '../peer/peer-session.ts'
import { pauseReason } from '../peer/pause-reason.ts'
import type { WebSocketPeer } from '../peer/websocket-peer.ts'
import type { Packet } from '../peer/packet-queue.ts'
import type { RateLimit } from '../peer/rate/rate-limit.ts'
import type { MovedPeer } from '../rpc/multiplayer-core.ts'
import type { VariantCodec } from '../../protocol/variant/variant-codec.ts'
import type { Monitor } from '../server/monitor.ts'
import type { Settings } from '../server/settings.ts'
import { Authentication } from './authentication.ts'
import { Backpressure } from './relay/backpressure.ts'
import { isGodot3Packet, isGodot4Close } from './relay/other-godot.ts'
import { peersOf, PeerTable } from './peer-table.ts'
import { Relay } from './relay/relay.ts'
import { Room } from './room.ts'
import { MAIN } from './room-name.ts'
import type { RoomLink } from './room-link.ts'
import type { RoomOptions } from '../../options/option-types.ts'
import { RoomOutbox } from './relay/room-outbox.ts'
import { RoomLife } from './room-life.ts'
import type { RoomLifeHost, RoomEnd } from './room-life.ts'
import { RoomState } from './room-state.ts'
import { RoomSettings } from './room-settings.ts'
import { RoomSender } from './relay/room-sender.ts'
import type { RoomSenderHost } from './relay/room-sender.ts'
import type { RoomServer } from './room-server.ts'
import { RoomSignaling } from './room-signaling.ts'
import { ServerInbox } from './server-inbox.ts'
import type { ServerInboxHost } from './server-inbox.ts'

/** One world: its members, what they send to each other and to the server, and how they become members. */
export class RoomCore implements PeerSessionHost, RoomLifeHost, ServerInboxHost, RoomSenderHost {
  readonly name: string
  /** When it was opened, in milliseconds since 1970. */
  readonly openedAt = Date.now()
  readonly members = new PeerTable()
  readonly outbox: RoomOutbox
  /** What members send to the server. */
  readonly inbox: ServerInbox
  /** Clients that have to authenticate before they become members (option `authenticate`). */
  readonly authentication: Authentication | undefined
  readonly settings: RoomSettings
  readonly life: RoomLife
  readonly relay: Relay
  readonly signaling: RoomSignaling
  /** What the server sends to members. */
  readonly sender: RoomSender
  /** The rest of the room, on other nodes (option `cluster`). */
  readonly link: RoomLink | undefined
  readonly #server: RoomServer
  /** Clients that are about to enter. */
  #expected = 0
  /** Members that have not been signalled yet. */
  #joining = 0
  /** Whether `room_opened` was emitted for it here. */
  #isOpened = false
  #isAbandoned = false
  readonly #serverSettings: Settings
  readonly #monitor: Monitor
  #room: Room | undefined
  #state: RoomState | undefined

  constructor (name: string, server: RoomServer, options: RoomOptions) {
    const { settings } = server
    this.name = name
    this.settings = new RoomSettings(settings, options, () => { this.life.timeoutChanged() })
    this.life = new RoomLife(this, name === MAIN)
    this.#server = server
    this.#serverSettings = settings
    this.#monitor = server.monitor
    this.signaling = new RoomSignaling(name, server)
    this.outbox = new RoomOutbox(settings.outputLimits, settings.options.holdTime, new Backpressure(server))
    this.inbox = new ServerInbox(server, this)
    const { members, outbox, inbox } = this
    const link = this.link = server.cluster?.openRoom(this)
    this.relay = new Relay(settings.wire.relay, { settings, monitor: server.monitor, members, outbox, inbox, link })
    this.sender = new RoomSender(settings, this)
    this.authentication = this.#openAuthentication()
  }

  /** What applications see of the room; always the same object. */
  get room (): Room {
    this.#room ??= new Room(this)
    return this.#room
  }

  /** State that the application stores with the room. */
  get state (): RoomState {
    this.#state ??= new RoomState(this)
    return this.#state
  }

  /** Whether it is in multiplayer mode (option `gdMpApi`), not in plain mode. */
  get isMultiplayer (): boolean {
    return this.#serverSettings.options.gdMpApi
  }

  /** Whether all places are taken, including those of authenticating clients. */
  get isFull (): boolean {
    const { maxPeers } = this.settings
    return maxPeers > 0 && this.clientCount + (this.link?.reserved ?? 0) >= maxPeers
  }

  get isClosing (): boolean {
    return this.life.end !== undefined
  }

  /** Whether clients can be in it: neither closing nor closed, and this node still takes part in it. */
  get isOpen (): boolean {
    return this.#isInUse && !this.isClosing
  }

  /** Clients in the room, including authenticating ones. */
  get clientCount (): number {
    return this.localCount + (this.#isAbandoned ? 0 : this.link?.size ?? 0)
  }

  /** The clients that are connected to this node. */
  get localCount (): number {
    return this.members.size + (this.authentication?.size ?? 0) + this.#expected
  }

  get isJoining (): boolean {
    return this.#joining > 0
  }

  /** Number of members, wherever they are. */
  get peerCount (): number {
    return this.members.size + (this.link?.size ?? 0)
  }

  /** Whether the room's server is on this node; always, without option `cluster`. */
  get isHome (): boolean {
    return this.link?.isHome ?? true
  }

  get variants (): VariantCodec {
    return this.#serverSettings.wire.variants
  }

  /** The oldest packet for the server; throws ERR_UNAVAILABLE without one, ERR_UNCONFIGURED in plain mode. */
  takePacket (): Packet {
    if (!this.#serverSettings.options.gdMpApi) throw new GodotError('ERR_UNCONFIGURED', 'option gdMpApi is not set')
    const packet = this.inbox.take()
    if (packet === undefined) throw new GodotError('ERR_UNAVAILABLE')
    return packet
  }

  /** The room has ended: it has no clients and accepts none, and its name is free. */
  closed ({ code, reason }: RoomEnd): void {
    const { rooms, log, monitor, signals } = this.#server
    rooms.delete(this)
    this.link?.closed()
    log.debug({ room: this.name, code, reason }, 'room closed')
    if (this.#isOpened) monitor.events.emit('room_closed', this.room, code, reason)
    // Not after `closed` of the room, whose listener may open another one of this name.
    if (this.#isOpened) signals.emit('room_closed', this.room)
    this.signaling.emitOwn('closed')
  }

  /**
   * Closes every peer of the room on all nodes, then the room. Rejects with ERR_DOES_NOT_EXIST if the room continues
   * elsewhere without this node.
   */
  async close (code: number, reason: string): Promise<void> {
    if (this.#isInUse) this.link?.closing({ code, reason })
    else if (!this.isClosing) throw new GodotError('ERR_DOES_NOT_EXIST', `room ${this.name} is no longer on this node`)
    await this.life.close(code, reason)
  }

  /** Changes settings of the room; throws ERR_INVALID_PARAMETER. */
  change (options: RoomOptions): void {
    this.settings.change(options)
    if (this.#isInUse) this.link?.optionsChanged(options)
  }

  /**
   * Whether this is still the room of its name on this node: other nodes would apply what a former one reports to its
   * successor.
   */
  get #isInUse (): boolean {
    return this.#server.rooms.find(this.name) === this
  }

  /** Timeouts of the server have changed. */
  timeoutsChanged (): void {
    this.life.timeoutChanged()
    this.authentication?.timeoutChanged()
  }

  /** Without autoPoll a timer calls back in the next poll. */
  runInPoll (callback: () => void): void {
    if (this.#server.autoPoll) callback()
    else this.#server.defer(callback)
  }

  /**
   * This node no longer takes part in the room: it has no clients, and the home of the room is another node. No signal:
   * the room is not closed.
   */
  #dropPart (): void {
    if (this.#isOpened) return this.abandon()
    this.#server.rooms.delete(this)
    this.link!.closed()
  }

  /** Closes the clients on this node, then this part of the room, which continues at its home. */
  abandon (): void {
    this.#isAbandoned = true
    this.life.close(closeCode.GOING_AWAY, 'opened on another node')
    this.life.left()
  }

  // ---- members ----

  /** Clients of the room, including authenticating ones; they may come and go during iteration. */
  * sessions (): IterableIterator<PeerSession> {
    if (this.authentication !== undefined) yield * this.authentication.sessions()
    yield * this.members.after(0)
  }

  /** The member with this id, wherever it is. */
  peer (id: number): WebSocketPeer | undefined {
    return this.members.get(id)?.peer ?? this.link?.get(id)
  }

  /** Members with an id above `after`, ascending, wherever they are; they may come and go during the iteration. */
  * peers (after: number): IterableIterator<WebSocketPeer> {
    if (this.link === undefined) yield * peersOf(this.members, after)
    else yield * ascending(peersOf(this.members, after), this.link.peers(after))
  }

  /** Members that can be sent to: those on this node, then others, each ascending by id. */
  * openPeers (): IterableIterator<{ readonly id: number }> {
    yield * this.members.open()
    if (this.link === undefined) return
    for (const peer of this.link.peers(0)) if (!this.relay.isLeaving(peer.id)) yield peer
  }

  /** The members that are not joining: they were signalled, or are on other nodes. */
  * signalledPeers (): IterableIterator<{ readonly id: number }> {
    for (const peer of this.openPeers()) {
      const { stage = 'settled' } = this.members.get(peer.id) ?? {}
      if (stage === 'settled') yield peer
    }
  }

  /** Whether a member can be sent to, wherever it is. */
  isOpenPeer (id: number): boolean {
    return this.members.get(id)?.isOpen ?? this.link?.has(id) === true
  }

  /** A member joined on another node. */
  remoteJoined (id: number): void {
    this.life.entered()
    if (!this.isMultiplayer) return
    this.relay.announceJoined(id)
    this.inbox.joined(id)
    this.signaling.emitOwn('peer_connected', id)
  }

  /** A member of another node has left; it is still found in the disconnect signal, and deleted when this returns. */
  remoteLeft (id: number): void {
    if (!this.isMultiplayer) return
    this.relay.announceLeft(id)
    this.inbox.left(id)
    this.signaling.emitOwn('peer_disconnected', id)
    this.relay.deleted(id)
  }

  /**
   * Messages of another node were lost: the members here, and the room's server if it is here, see a member there leave
   * and join again. That member in turn, with Godot 3, sees the server leave and join.
   */
  remoteRejoined (id: number): void {
    if (this.isHome) this.replaceServer(id)
    const recall = this.remember(id)
    this.remoteLeft(id)
    recall()
    this.remoteJoined(id)
  }

  /**
   * A member of another node is about to leave, and may come back, having been connected all the time: then the
   * returned function has to be called before `remoteJoined`. A client of Godot 4 has no `replaceServer`: it does not
   * announce its paths again, and still has what the server has spawned.
   */
  remember (id: number): () => void {
    const { gdMpApi, wire } = this.#serverSettings.options
    return gdMpApi && wire === 'godot4' ? this.inbox.remember(id) : () => {}
  }

  /**
   * A message from another node for one member, of a peer or of the server; one whose output buffer is full is closed
   * as slow.
   */
  receiveFor (to: number, code: number, bytes: Uint8Array, isRelayed: boolean): void {
    if (this.isMultiplayer) {
      const receivers = this.relay.receiveFor(to, bytes, 0, bytes.length)
      if (isRelayed) this.countRelayed(receivers)
      return
    }
    const session = this.members.get(to)
    if (session?.isOpen !== true) return
    if (this.outbox.hasSpace(session.outbox, bytes.length)) session.send(bytes, code === opcode.TEXT)
    else session.closeSlow()
  }

  /** Counts packets of peers of other nodes that members here get. */
  countRelayed (packets: number): void {
    this.#monitor.packetsRelayed += packets
  }

  /** The room's server is on another node now, perhaps here. */
  homeChanged (isHere: boolean): void {
    this.replaceServer()
    if (isHere) this.opened(true)
  }

  /**
   * A member, wherever it is, or every member here has another server now, or one that has forgotten its node paths.
   * Those of Godot 3 see it leave and join, so that they announce node paths again; those of Godot 4 would ignore it
   * from then on.
   */
  replaceServer (member?: number): void {
    const { gdMpApi, wire } = this.#serverSettings.options
    if (gdMpApi && wire === 'godot3') this.relay.replaceServer(member)
  }

  /** A room that this node has opened, or whose home it has become after the previous one was lost. */
  opened (isFailover: boolean): void {
    const { monitor, signals } = this.#server
    this.#isOpened = true
    monitor.events.emit('room_opened', this.room, isFailover)
    signals.emit('room_opened', this.room, { failover: isFailover })
  }

  // ---- joining ----

  /** A client is about to `enter`: until then the room does not end, even if a listener of `room_opened` closes it. */
  expectClient (): void {
    this.#expected++
  }

  /** A client has completed its handshake: it becomes a member at once, or has to authenticate first. */
  enter (session: PeerSession): void {
    const { signals, authenticating } = this.#server
    this.#expected--
    if (this.isMultiplayer) this.relay.welcome(session)
    if (this.isMultiplayer && this.authentication !== undefined) {
      this.authentication.begin(session)
      authenticating.set(session.id, this)
      signals.emit('peer_authenticating', session.id)
    } else this.#join(session)
    // A listener of `room_opened` may have closed the room, and one of the connect signal moved the peer elsewhere.
    const { end } = this.life
    if (end !== undefined && session.room === this.room) {
      session.close('room', end.code ?? closeCode.NORMAL, end.reason)
    }
  }

  #join (session: PeerSession): void {
    const { monitor, log, peers } = this.#server
    const { id, address, port } = session
    this.#admit(session)
    peers.add(session)
    log.info({ id, room: this.name, address, port, ...traceOf(session) }, 'peer joined')
    monitor.events.emit('joined', session.peer)
    this.#signalJoined(session, undefined)
  }

  /** Signals a new member; one that comes from another room only in this room. Listeners may end the session. */
  #signalJoined (session: PeerSession, moved: MovedPeer | undefined): void {
    const { id } = session
    this.#joining--
    if (this.isMultiplayer && this.members.has(id)) this.inbox.joined(id, moved)
    if (!this.members.has(id)) return
    const isNew = session.stage === 'joining'
    session.stage = 'settled'
    this.signaling.connected(session, isNew)
  }

  /** Makes a session a member. */
  #admit (session: PeerSession): void {
    this.life.entered()
    this.#joining++
    this.members.add(session)
    this.link?.joined(session)
    if (this.isMultiplayer) this.relay.joined(session)
    else this.outbox.add(session.outbox)
  }

  /**
   * A member moves to another room. Only the rooms signal it: for the server it stays connected. It is in the new room
   * before anything is signalled, so that listeners can close it or a room, as at any other time.
   */
  move (session: PeerSession, room: Room): void {
    const to = this.#server.rooms.coreOf(room)
    if (to === this) return
    this.#checkMove(session, to)
    // Its packet that waits for space is queued and signalled now; a listener may change what was checked.
    this.inbox.senderEnded(session)
    this.#checkMove(session, to)
    const moved = this.inbox.movingOut(session.id)
    this.#moveOut(session)
    session.setHost(to)
    session.stage = 'moving'
    to.#admit(session)
    const hasSameServer = this.isHome && to.isHome
    if (!hasSameServer) to.replaceServer(session.id)
    this.#monitor.events.emit('moved', session.peer, this.room)
    this.inbox.movedOut(session.id, moved)
    this.signaling.movedOut(session)
    to.#signalJoined(session, hasSameServer ? moved : undefined)
    if (to.members.has(session.id)) to.#resumeMoved(session)
    this.#clientLeft()
  }

  /** Throws FAILED, ERR_DOES_NOT_EXIST or room-full unless a member can move to this room. */
  #checkMove (session: PeerSession, to: RoomCore): void {
    if (!session.isOpen || !this.members.has(session.id)) throw new GodotError('FAILED', 'the peer is not open')
    if (session.stage !== 'settled') throw new GodotError('FAILED', `the peer is ${session.stage}`)
    if (!to.isOpen) throw new GodotError('ERR_DOES_NOT_EXIST', `room ${to.name} is not open`)
    if (to.isFull) throw new GodotError('room-full')
  }

  /** Removes a member that moves to another room, without a signal. */
  #moveOut (session: PeerSession): void {
    if (this.isMultiplayer) this.relay.movedOut(session)
    this.outbox.forget(session)
    this.#delete(session)
    this.link?.left(session, undefined)
  }

  /**
   * Ends the reasons to pause that belong to the room that a member came from, both at once: what is read then may
   * pause it for the same reasons in this room.
   */
  #resumeMoved (session: PeerSession): void {
    session.resumeReading(pauseReason.ROOM | (this.isMultiplayer ? pauseReason.QUEUE : 0))
  }

  /** Listeners of the disconnect signal still find the peer, as in Godot. */
  #leave (session: PeerSession, end: PeerEnd): void {
    const { monitor, log, peers } = this.#server
    const { id } = session
    if (this.isMultiplayer) this.relay.left(session)
    this.inbox.left(id)
    const { cause, code } = end
    const { address, age: seconds } = session
    log.info({ id, room: this.name, address, cause, code, seconds, ...traceOf(session) }, 'peer left')
    monitor.events.emit('left', session.peer, end)
    this.signaling.disconnected(session, end.outcome === 'clean')
    this.#delete(session)
    peers.delete(session)
    this.link?.left(session, end)
  }

  #delete (session: PeerSession): void {
    this.members.delete(session)
    this.relay.deleted(session.id)
  }

  /** A client is gone from this node. */
  #clientLeft (): void {
    if (this.isHome || this.isClosing) this.life.left()
    else if (this.localCount === 0 && this.name !== MAIN) this.#dropPart()
  }

  // ---- PeerSessionHost: what its clients do ----

  /** `isShown`: packets are watched, and this one has been shown. */
  receive (
    session: PeerSession, bytes: Uint8Array, start: number, end: number, isText: boolean, isShown = false
  ): void {
    if (this.authentication?.has(session) === true) return this.authentication.receive(session, bytes, start, end)
    if (this.#monitor.isWatched && !isShown) {
      this.#monitor.showPacket(session.peer, bytes, start, end, isText)
      // A listener may have moved the peer.
      if (session.room !== this.room) {
        return this.#server.rooms.coreOf(session.room).receive(session, bytes, start, end, isText, true)
      }
    }
    if (this.isMultiplayer) {
      if (session.packetsIn === 1) this.#checkFirst(session, bytes, start, end)
      return this.relay.relay(session, bytes, start, end)
    }
    const own = messageBytes(bytes, start, end)
    const isHeard = this.signaling.emit('packet', session.id, own, isText)
    if (!isHeard) session.queue({ bytes: own, isText, source: session.id })
  }

  #checkFirst (session: PeerSession, bytes: Uint8Array, start: number, end: number): void {
    const { wire } = this.#serverSettings.options
    if (isGodot3Packet(wire, bytes, start, end)) this.#monitor.otherGodot(session.peer, wire)
  }

  dataReceived (session: PeerSession): void {
    this.signaling.emit('data_received', session.id)
  }

  /** A packet for the server was queued. */
  packetQueued (source: number): void {
    this.signaling.emit('peer_packet', source)
  }

  listenersOf (signal: 'peer_packet'): number {
    return this.signaling.listenersOf(signal)
  }

  senderEnded (session: PeerSession): void {
    this.inbox.senderEnded(session)
  }

  writeModeChanged (session: PeerSession): void {
    // A closing member gets nothing more, and is not counted as a receiver.
    if (!session.isOpen || !this.members.has(session.id)) return
    if (this.isMultiplayer) this.relay.writeModeChanged(session)
  }

  closeRequested (session: PeerSession, code: number, reason: string): void {
    if (!this.members.has(session.id)) return
    const { monitor, signals } = this.#server
    const { wire, gdMpApi } = this.#serverSettings.options
    if (gdMpApi && isGodot4Close(wire, session, code, reason)) monitor.otherGodot(session.peer, wire)
    monitor.events.emit('close_requested', session.peer, code, reason)
    // Godot reports a close frame without a code as 0.
    signals.emit('client_close_request', session.id, code === closeCode.NO_STATUS ? 0 : code, reason)
  }

  throttled (session: PeerSession, limit: RateLimit['exceeded']): void {
    this.#monitor.limited(limit, { peer: session.id, address: session.address })
  }

  dropped (session: PeerSession, reason: 'over-rate' | 'unread', count: number): void {
    this.#monitor.dropped(reason, session.peer, count)
  }

  /** In multiplayer mode packets go to the inbox, which tracks itself whether the application reads them. */
  get isRead (): boolean {
    if (this.#server.hasReader || this.isMultiplayer || !this.#serverSettings.options.autoPoll) return true
    return this.signaling.listenersOf('data_received') > 0
  }

  get isPushed (): boolean {
    return !this.isMultiplayer && this.signaling.listenersOf('packet') > 0
  }

  isReadAfterPoll (session: PeerSession): boolean {
    // Packets that multiplayer mode has left in the inbox cannot be read in plain mode.
    const [signal, unread] = this.isMultiplayer
      ? ['peer_packet', this.inbox.unreadPackets] as const
      : ['data_received', session.unreadPackets] as const
    return unread > 0 && this.signaling.listenersOf(signal) === 0
  }

  noteReader (): void {
    this.#server.hasReader = true
  }

  ended (session: PeerSession, end: PeerEnd): void {
    const isCandidate = this.authentication?.delete(session) === true
    if (isCandidate) this.#server.authenticating.delete(session.id)
    else this.#leave(session, end)
    this.#server.sessionEnded(session, end)
    this.#clientLeft()
  }

  released (session: PeerSession): void {
    this.#server.sessionReleased(session)
  }

  #openAuthentication (): Authentication | undefined {
    const { settings: { options, wire }, monitor, signals } = this.#server
    const { authenticate } = options
    if (authenticate === undefined || wire.relay.auth === undefined) return undefined
    return new Authentication(wire.relay.auth, authenticate, {
      outbox: this.outbox,
      maxSize: () => this.#serverSettings.maxPacketSize,
      seconds: () => options.authTimeout,
      authenticated: session => {
        this.#server.authenticating.delete(session.id)
        this.#join(session)
      },
      rejected: (session, why) => {
        if (why !== undefined) monitor.limited(why, { peer: session.id, address: session.address })
        signals.emit('peer_authentication_failed', session.id)
      },
      dropped: session => { monitor.dropped('not-admitted', session.peer) },
      failed: ({ id: peer }, err) => { monitor.callbackFailed('authenticate', err, { peer }) },
      defer: callback => { this.#server.defer(callback) }
    })
  }
}

/** The trace id of a handshake as a member of log records, if it has one. */
function traceOf ({ traceId }: PeerSession): { traceId?: string } {
  return traceId === undefined ? {} : { traceId }
}
