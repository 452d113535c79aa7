import { closeCode } from '../../protocol/websocket/close-code.ts'
import type { Admission } from '../admission/admission.ts'
import { Bans } from '../admission/bans.ts'
import type { Ban } from '../admission/bans.ts'
import { Handshake } from '../admission/handshake.ts'
import type { HandshakeHost, HandshakeTransport } from '../admission/handshake.ts'
import { PeerIds } from '../admission/peer-ids.ts'
import type { EndCause, PeerEnd } from '../peer/peer-end.ts'
import { PeerSession } from '../peer/peer-session.ts'
import type { Connection } from '../../transport/connection.ts'
import { PeerTable } from '../room/peer-table.ts'
import { Roster } from '../roster.ts'
import type { RoomServer } from '../room/room-server.ts'
import { MAIN, requestedRoom } from '../room/room-name.ts'
import type { RoomCore } from '../room/room-core.ts'
import { Rooms } from '../room/rooms.ts'
import type { ClusterLink } from './cluster-link.ts'
import type { LimitName } from './limits.ts'
import type { Logger } from '../../logger.ts'
import type { Monitor } from './monitor.ts'
import type { Settings } from './settings.ts'
import type { SignalEmitter, Signals } from './signals.ts'

/** Peers that `closeAll` closes at once, and the pause before it closes more. */
const BATCH_SIZE = 1000
const BATCH_MILLISECONDS = 100

/** A client that has completed its handshake; `response` is the HTTP response to send first. */
interface Arrival {
  readonly connection: Connection
  readonly protocol: string
  readonly response: Uint8Array
  readonly handshake: Handshake | undefined
}

/** Parts of the server that the registry works with. */
export interface PeerRegistryParts {
  readonly settings: Settings
  readonly monitor: Monitor
  readonly signals: SignalEmitter<Signals>
  readonly log: Logger
  readonly admission: Admission
  readonly openMultiplayer: RoomServer['openMultiplayer']
  /** Draws a candidate for a peer id, 2..2147483647; random unless given. */
  readonly drawId: (() => number) | undefined
  /** Connects the server to its cluster (option `cluster`). */
  readonly openCluster: ((registry: PeerRegistry) => ClusterLink) | undefined
}

/** All connected clients: turns accepted ones into peers of a room, polls them, and waits for the last socket. */
export class PeerRegistry implements RoomServer {
  readonly settings: Settings
  readonly monitor: Monitor
  readonly signals: SignalEmitter<Signals>
  readonly log: Logger
  readonly openMultiplayer: RoomServer['openMultiplayer']
  readonly peers = new PeerTable()
  hasReader = false
  readonly authenticating = new Map<number, RoomCore>()
  readonly rooms: Rooms
  readonly cluster: ClusterLink | undefined
  readonly #admission: Admission
  readonly #handshakeHost: HandshakeHost
  readonly #ids: PeerIds
  /** Sessions whose socket is not released yet, and the callback for when all are. */
  readonly #sockets = new Roster<PeerSession>()
  #onReleased: (() => void) | undefined
  /** Without autoPoll: clients and callbacks that wait for the next poll. */
  readonly #arrivals: Arrival[] = []
  readonly #callbacks: Array<() => void> = []
  /** Of other nodes, until the end of the turn. */
  readonly #newBans: Ban[] = []
  #isPolling = false
  #isOpening = false
  #isStopping = false

  constructor (parts: PeerRegistryParts) {
    const { settings, monitor, signals, log, admission, openMultiplayer } = parts
    this.settings = settings
    this.monitor = monitor
    this.signals = signals
    this.log = log
    this.#admission = admission
    this.#handshakeHost = this.#createHandshakeHost()
    const cluster = this.cluster = parts.openCluster?.(this)
    this.#ids = new PeerIds(parts.drawId ?? (cluster === undefined ? undefined : () => cluster.drawId()))
    this.openMultiplayer = openMultiplayer
    this.rooms = new Rooms(this)
  }

  /** Whether input is handled as it arrives; while stopping always, so that every peer is reported. */
  get autoPoll (): boolean {
    return this.settings.options.autoPoll || this.#isStopping
  }

  get maxMessageSize (): number {
    return this.settings.maxMessageSize
  }

  /** Peers by state, and clients that are not peers yet. */
  get counts (): { open: number, closing: number, pending: number } {
    let open = 0
    for (const session of this.peers) if (session.isOpen) open++
    return { open, closing: this.peers.size - open, pending: this.pendingCount }
  }

  /** Clients that have completed the handshake and are authenticating (option `authenticate`). */
  get authenticatingCount (): number {
    return this.authenticating.size
  }

  /** Handshakes and authentications in progress. */
  get pendingCount (): number {
    return this.#admission.pendingCount
  }

  /** The handshake of a connection that began now or at `since` (on the clock of `performance.now()`). */
  handshake (transport: HandshakeTransport, since?: number): Handshake {
    return new Handshake(this.#handshakeHost, transport, since)
  }

  /** The peer with this id, or the client that is authenticating under it. */
  find (id: number): PeerSession | undefined {
    return this.authenticating.get(id)?.authentication?.find(id) ?? this.peers.get(id)
  }

  /**
   * A client has completed its handshake. Without autoPoll it becomes a peer in the next poll. Without a `handshake`
   * the connection is counted but not checked.
   */
  accept (connection: Connection, protocol: string, response: Uint8Array, handshake: Handshake | undefined): void {
    if (handshake === undefined) {
      this.#admission.countConnection(connection.address, 1)
      this.#admission.countPlace(1)
    }
    const arrival = { connection, protocol, response, handshake }
    if (this.autoPoll) this.#join(arrival)
    else this.#arrivals.push(arrival)
  }

  /** Without autoPoll: handles what has arrived, peers by ascending id, each to its end; then new clients. */
  poll (): void {
    if (this.autoPoll || this.#isPolling) return
    this.#isPolling = true
    try {
      this.#catchUp()
    } finally {
      this.#isPolling = false
    }
  }

  defer (callback: () => void): void {
    if (this.autoPoll) setImmediate(callback)
    else this.#callbacks.push(callback)
  }

  sessionEnded (session: PeerSession, end: PeerEnd): void {
    this.#ids.release(session.id)
    this.#admission.countPlace(-1)
    const limit = limitOf(end)
    if (limit === undefined) return
    const { id: peer, address } = session
    // A client that has not joined is in no room.
    const room = session.stage === 'joining' ? {} : { room: session.roomName }
    this.monitor.limited(limit, { peer, ...room, address })
  }

  sessionReleased (session: PeerSession): void {
    this.#admission.countConnection(session.address, -1)
    this.#sockets.delete(session)
    if (this.#sockets.size === 0) this.#onReleased?.()
  }

  /** Options `maxPacketsPerSecond` or `maxBytesPerSecond` have changed. */
  ratesChanged (): void {
    for (const session of this.#sessions()) session.applyRateLimits()
  }

  /** Closes the clients to which new bans apply. */
  applyBans (added: readonly Ban[]): void {
    const bans = new Bans()
    for (const ban of added) bans.restore(ban)
    for (const session of this.#sessions()) {
      const ban = bans.find(session.address)
      if (ban !== undefined) session.close('server', closeCode.POLICY, ban.reason)
    }
  }

  /** The same for one of the many that another node may send at once: clients are searched once per turn. */
  applyBanSoon (ban: Ban): void {
    if (this.#newBans.push(ban) === 1) setImmediate(() => { this.applyBans(this.#newBans.splice(0)) })
  }

  /**
   * Closes everyone with a close frame and resolves when all sockets are released. Handshakes are cut at once, sockets
   * that are still open after `closeTimeout` are destroyed.
   */
  async stop (code: number, reason: string): Promise<void> {
    this.#cutArrivals()
    this.#isStopping = true
    try {
      // Called by a listener of `accepted` or `room_opened`: the client becomes a peer when the listener has returned.
      if (this.#isOpening) await Promise.resolve()
      this.#catchUp()
      const released = this.#whenReleased()
      await this.closeAll('stop', code, reason)
      await released
    } finally {
      this.#isStopping = false
    }
  }

  #join (arrival: Arrival): void {
    this.#isOpening = true
    try {
      this.#open(arrival)
    } finally {
      this.#isOpening = false
    }
  }

  #open ({ connection, protocol, response, handshake }: Arrival): void {
    const id = this.#ids.take()
    if (handshake?.join() === false) return this.#ids.release(id)
    if (handshake !== undefined) this.monitor.events.emit('accepted', handshake.seconds)
    const room = this.rooms.getOrAdd(handshake?.room ?? MAIN, connection.address)
    const session = new PeerSession(this, room, connection, id, protocol, handshake?.windowBits)
    session.data = handshake?.data
    session.traceId = handshake?.traceId
    session.handshakeJson = handshake?.handshakeJson
    this.#sockets.add(session)
    if (response.length > 0) room.outbox.sendRaw(session.outbox, response)
    room.enter(session)
    session.open()
    if (handshake !== undefined) this.#closeIfBanned(session)
  }

  /** A listener of `accepted` or `room_opened` may have banned the client before `applyBans` found it. */
  #closeIfBanned (session: PeerSession): void {
    const ban = this.#admission.bans.find(session.address)
    if (ban !== undefined) session.close('server', closeCode.POLICY, ban.reason)
  }

  /** All connected clients; they may come and go during iteration. */
  * #sessions (): IterableIterator<PeerSession> {
    for (const room of new Set(this.authenticating.values())) yield * room.authentication!.sessions()
    yield * this.peers.after(0)
  }

  #catchUp (): void {
    for (const callback of takeAll(this.#callbacks)) callback()
    for (const session of this.#sessions()) session.poll()
    for (const arrival of takeAll(this.#arrivals)) this.#join(arrival)
  }

  #cutArrivals (): void {
    this.#admission.pending.cutAll()
    for (const { connection, handshake } of this.#arrivals.splice(0)) {
      // Those with a handshake were cut with it.
      if (handshake !== undefined) continue
      this.#admission.countConnection(connection.address, -1)
      this.#admission.countPlace(-1)
      connection.destroy()
    }
  }

  /** Closes peers in batches within half of `closeTimeout`, so that the last one has time to answer too. */
  async closeAll (cause: EndCause, code: number, reason: string): Promise<void> {
    const { closeTimeout } = this.settings.options
    const batches = Math.max(1, Math.floor(closeTimeout * 1000 / 2 / BATCH_MILLISECONDS))
    const size = Math.max(BATCH_SIZE, Math.ceil(this.peers.size / batches))
    let closed = 0
    for (const session of this.#sessions()) {
      if (closed > 0 && closed % size === 0) await new Promise(resolve => setTimeout(resolve, BATCH_MILLISECONDS))
      session.close(cause, code, reason)
      closed++
    }
  }

  async #whenReleased (): Promise<void> {
    if (this.#sockets.size === 0) return
    const timer = setTimeout(() => {
      // On a busy machine answers may have arrived in time: they are read first.
      setImmediate(() => {
        if (this.#onReleased !== undefined) for (const session of this.#sockets.items) session.cut()
      })
    }, this.settings.options.closeTimeout * 1000)
    await new Promise<void>(resolve => { this.#onReleased = resolve })
    this.#onReleased = undefined
    clearTimeout(timer)
  }

  #createHandshakeHost (): HandshakeHost {
    const { settings } = this
    return {
      admission: this.#admission,
      get protocols () { return settings.options.protocols },
      get onHandshake () { return settings.options.onHandshake },
      get perMessageDeflate () { return settings.options.perMessageDeflate },
      requestedRoom: request => settings.rooms === undefined ? MAIN : requestedRoom(request, settings.options.path),
      checkRoom: (name, address) => { this.rooms.checkEntry(name, address) },
      prepareRoom: (name, address) => this.cluster?.prepareEntry(name, address),
      accept: (...arrival) => { this.accept(...arrival) },
      refusedHandshake: (reason, address) => { this.monitor.refused(reason, address) },
      onHandshakeFailed: (err, url) => { this.monitor.callbackFailed('onHandshake', err, { url }) },
      failedHandshake: err => {
        this.monitor.bursts.log({ level: 'error', key: {}, message: 'handshake failed' }, { err })
      }
    }
  }
}

/**
 * Removes the items one by one, so that an exception does not lose the others. Items that are added in the meantime
 * stay; handling one may remove all others, by a call of `stop`.
 */
function * takeAll<Item> (items: Item[]): IterableIterator<Item> {
  for (let left = items.length; left > 0 && items.length > 0; left--) yield items.shift()!
}

/** The limit that ended a peer, if one did. */
function limitOf ({ cause, code }: PeerEnd): LimitName | undefined {
  if (cause === 'slow') return 'slow-peer'
  if (cause === 'silent') return 'silent-peer'
  return cause === 'protocol' && code === closeCode.TOO_BIG ? 'message-too-big' : undefined
}
