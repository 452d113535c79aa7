import { GodotError } from '../../error.ts'
import { ownBytes } from '../../protocol/own-bytes.ts'
import { closeCode } from '../../protocol/websocket/close-code.ts'
import { opcode } from '../../protocol/websocket/frame.ts'
import type { PeerEnd } from '../peer/peer-end.ts'
import { writeMode } from '../peer/write-mode.ts'
import type { PeerHost, PeerSession } from '../peer/peer-session.ts'
import type { QueueLimits } from '../peer/packet-queue.ts'
import type { RateLimit, Rates } from '../peer/rate-limit.ts'
import type { VariantCodec } from '../../protocol/variant/variant-codec.ts'
import type { Monitor } from '../server/monitor.ts'
import type { Settings } from '../server/settings.ts'
import { Authentication } from './authentication.ts'
import { Backpressure } from './backpressure.ts'
import { PeerTable } from './peer-table.ts'
import { Relay } from './relay.ts'
import { RoomOutbox } from './room-outbox.ts'
import type { RoomServer } from './room-server.ts'
import { ServerInbox } from './server-inbox.ts'

/** One world: its members, what they send to each other and to the server, and how they become members. */
export class Room implements PeerHost {
  readonly name: string
  readonly members = new PeerTable()
  readonly outbox: RoomOutbox
  /** What members send to the server. */
  readonly inbox: ServerInbox
  /** Clients that have to authenticate before they become members (option `authenticate`). */
  readonly authentication: Authentication | undefined
  readonly #server: RoomServer
  /** Whether the application has ever taken a packet of a peer (plain mode). */
  #hasReader = false
  readonly #settings: Settings
  readonly #monitor: Monitor
  readonly #relay: Relay

  constructor (name: string, server: RoomServer) {
    const { settings } = server
    this.name = name
    this.#server = server
    this.#settings = settings
    this.#monitor = server.monitor
    const backpressure = new Backpressure(() => settings.options.gdMpApi, callback => { server.soon(callback) })
    this.outbox = new RoomOutbox(settings.outputLimits, settings.options.holdTime, backpressure)
    this.inbox = new ServerInbox(server, this.members, (to, packet) => {
      this.#put(to, settings.wire.relay.call(to, packet))
    })
    const { members, outbox, inbox } = this
    this.#relay = new Relay(settings.wire.relay, { settings, monitor: server.monitor, members, outbox, inbox })
    this.authentication = this.#openAuthentication()
  }

  /** Clients of the room, those that authenticate included; they may come and go during iteration. */
  * sessions (): IterableIterator<PeerSession> {
    if (this.authentication !== undefined) yield * this.authentication.sessions
    yield * this.members.after(0)
  }

  // ---- what the server sends ----

  /** Sends a packet of the application (multiplayer mode): to all (0), to one (id) or to all but one (-id). */
  putData (to: number, bytes: Uint8Array): void {
    this.#put(to, this.#server.settings.wire.relay.data(to, bytes))
  }

  /** Sends a packet in either mode and returns the number of receivers; ERR_DOES_NOT_EXIST for an unknown id. */
  broadcast (to: number, bytes: Uint8Array, isText: boolean): number {
    const { options, wire } = this.#settings
    if (to > 0) {
      const session = this.#member(to)
      if (options.gdMpApi) session.send(wire.relay.data(to, bytes), session.writeMode === writeMode.TEXT)
      else session.send(bytes, isText)
      return 1
    }
    const excluded = this.members.get(-to)
    if (options.gdMpApi) this.#relay.put(to, wire.relay.data(to, bytes))
    else this.outbox.sendAll(isText ? opcode.TEXT : opcode.BINARY, bytes, 0, bytes.length, excluded?.outbox, undefined)
    let receivers = 0
    for (const session of this.members.open()) if (session !== excluded) receivers++
    return receivers
  }

  // ---- joining ----

  /** A client has completed its handshake: it becomes a member at once, or has to authenticate first. */
  enter (session: PeerSession): void {
    const { settings: { options }, signals } = this.#server
    if (options.gdMpApi) this.#relay.welcome(session)
    if (options.gdMpApi && this.authentication !== undefined) {
      this.authentication.begin(session)
      signals.emit('peer_authenticating', session.id)
    } else this.#join(session)
  }

  #join (session: PeerSession): void {
    const { settings: { options }, signals, monitor, log, peers } = this.#server
    this.members.add(session)
    peers.add(session)
    if (options.gdMpApi) this.#relay.joined(session)
    else this.outbox.add(session.outbox)
    log.debug({ peer: session.id, address: session.address, port: session.port }, 'peer joined')
    monitor.events.emit('joined', session.peer)
    if (options.gdMpApi) {
      this.inbox.joined(session.id)
      signals.emit('peer_connected', session.id)
    } else signals.emit('client_connected', session.id, session.protocol)
  }

  /** Its listeners still find the peer in the disconnect signal, as in Godot. */
  #leave (session: PeerSession, end: PeerEnd): void {
    const { settings: { options }, signals, monitor, log, peers } = this.#server
    if (options.gdMpApi) this.#relay.left(session)
    this.inbox.left(session.id)
    log.debug({ peer: session.id, end }, 'peer left')
    monitor.events.emit('left', session.peer, end)
    if (options.gdMpApi) signals.emit('peer_disconnected', session.id)
    else signals.emit('client_disconnected', session.id, end.outcome === 'clean')
    this.members.delete(session)
    peers.delete(session)
  }

  // ---- PeerHost: settings of its clients, and what they do ----

  get queueLimits (): QueueLimits {
    return this.#settings.inputLimits
  }

  get maxMessageSize (): number {
    return this.#settings.maxMessageSize
  }

  get maxPacketSize (): number {
    return this.#settings.maxPacketSize
  }

  get rates (): Rates | undefined {
    return this.#settings.rates
  }

  get closeTimeout (): number {
    return this.#settings.options.closeTimeout
  }

  get variants (): VariantCodec {
    return this.#settings.wire.variants
  }

  get autoPoll (): boolean {
    return this.#server.autoPoll
  }

  receive (session: PeerSession, bytes: Uint8Array, start: number, end: number, isText: boolean): void {
    if (this.authentication?.has(session) === true) return this.authentication.receive(session, bytes, start, end)
    if (this.#monitor.isWatched) this.#monitor.showPacket(session.peer, bytes, start, end, isText)
    if (this.#settings.options.gdMpApi) return this.#relay.relay(session, bytes, start, end)
    const own = ownBytes(bytes, start, end)
    if (!this.#server.signals.emit('packet', session.id, own, isText)) {
      session.queue({ bytes: own, isText, source: session.id })
    }
  }

  dataReceived (session: PeerSession): void {
    this.#server.signals.emit('data_received', session.id)
  }

  senderEnded (session: PeerSession): void {
    this.inbox.senderEnded(session)
  }

  writeModeChanged (session: PeerSession): void {
    if (this.#server.settings.options.gdMpApi && this.members.has(session.id)) this.#relay.writeModeChanged(session)
  }

  closeRequested (session: PeerSession, code: number, reason: string): void {
    if (!this.members.has(session.id)) return
    const { monitor, signals } = this.#server
    monitor.events.emit('close_requested', session.peer, code, reason)
    // Godot reports a close frame without a code as 0.
    signals.emit('client_close_request', session.id, code === closeCode.NO_STATUS ? 0 : code, reason)
  }

  throttled (session: PeerSession, limit: RateLimit['hit']): void {
    this.#server.monitor.limited(limit, { peer: session.id, address: session.address })
  }

  dropped (session: PeerSession, reason: 'over-rate' | 'unread'): void {
    this.#server.monitor.dropped(reason, session.peer)
  }

  /** In multiplayer mode packets go to the inbox, which knows by itself whether it is read. */
  get isRead (): boolean {
    const { options } = this.#settings
    return this.#hasReader || options.gdMpApi || !options.autoPoll ||
      this.#server.signals.listenerCount('data_received') > 0
  }

  isReadAfterPoll (session: PeerSession): boolean {
    const signal = this.#settings.options.gdMpApi ? 'peer_packet' : 'data_received'
    return session.unreadPackets + this.inbox.length > 0 && this.#server.signals.listenerCount(signal) === 0
  }

  packetTaken (): void {
    this.#hasReader = true
  }

  ended (session: PeerSession, end: PeerEnd): void {
    if (this.authentication?.delete(session) !== true) this.#leave(session, end)
    this.#server.sessionEnded(session, end)
  }

  released (session: PeerSession): void {
    this.#server.sessionReleased(session)
  }

  soon (callback: () => void): void {
    this.#server.soon(callback)
  }

  #member (id: number): PeerSession {
    const session = this.members.get(id)
    if (session === undefined) throw new GodotError('ERR_DOES_NOT_EXIST', `no peer ${String(id)}`)
    return session
  }

  #put (to: number, packet: Uint8Array): void {
    const { options, maxPacketSize } = this.#settings
    if (!options.gdMpApi) throw new GodotError('ERR_UNCONFIGURED')
    if (packet.length > maxPacketSize) {
      const message = `packet too large: at most ${maxPacketSize} bytes fit the outgoing buffer (option outputBufferKb)`
      throw new GodotError('ERR_OUT_OF_MEMORY', message)
    }
    if (!this.#relay.put(to, packet)) throw new GodotError('FAILED', `no peer ${to}`)
  }

  #openAuthentication (): Authentication | undefined {
    const { settings: { options, wire }, log, monitor, signals } = this.#server
    const { authenticate } = options
    if (authenticate === undefined || wire.relay.auth === undefined) return undefined
    return new Authentication(wire.relay.auth, authenticate, {
      outbox: this.outbox,
      log,
      seconds: () => options.authTimeout,
      authenticated: session => { this.#join(session) },
      rejected: (session, why) => {
        if (why !== undefined) monitor.limited(why, { peer: session.id, address: session.address })
        signals.emit('peer_authentication_failed', session.id)
      },
      dropped: session => { monitor.dropped('not-admitted', session.peer) },
      soon: callback => { this.#server.soon(callback) }
    })
  }
}
