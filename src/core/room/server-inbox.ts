import { target } from '../../protocol/multiplayer/relay-packet.ts'
import type { Subject } from '../../protocol/multiplayer/relay-wire.ts'
import { ownBytes } from '../../protocol/own-bytes.ts'
import { IncomingQueue } from '../peer/incoming-queue.ts'
import type { PacketSender } from '../peer/incoming-queue.ts'
import { PacketQueue } from '../peer/packet-queue.ts'
import type { Packet } from '../peer/packet-queue.ts'
import type { WebSocketPeer } from '../peer/websocket-peer.ts'
import type { MultiplayerAPI } from '../rpc/multiplayer-api.ts'
import type { MovedPeer, MultiplayerCore } from '../rpc/multiplayer-core.ts'
import { EarlyPaths } from '../rpc/wire/early-paths.ts'
import type { Announcement } from '../rpc/wire/rpc-wire.ts'
import { MAIN } from './room-name.ts'
import type { RoomSender } from './relay/room-sender.ts'
import type { RoomServer } from './room-server.ts'

const NOTHING: MovedPeer = { announced: [], lastId: 0, unconfirmed: [], time: undefined, wasCallable: false }

/** Maximum unread packets of a room other than `main`: a relay may have ten thousand rooms and read none. */
const MAX_UNREAD = 64

/** A member that sends to the server, on this node or another one. */
export interface InboxSender extends PacketSender {
  readonly id: number
  readonly peer: WebSocketPeer
  /** Whether it is ending: it can no longer be paused, so its last packets are queued regardless of the limits. */
  readonly isLeaving: boolean
}

/** The room of an inbox. */
export interface ServerInboxHost {
  readonly name: string
  readonly sender: Pick<RoomSender, 'checkCall' | 'putCall'>
  /** The member with this id, wherever it is. */
  peer (id: number): WebSocketPeer | undefined
  /** Number of members, wherever they are. */
  readonly peerCount: number
  /** Whether a member has not been signalled yet. */
  readonly isJoining: boolean
  /** Open members, wherever they are. */
  openPeers (): Iterable<{ readonly id: number }>
  /** Open members that are not joining. */
  signalledPeers (): Iterable<{ readonly id: number }>
  /** Whether a member is open and not joining. */
  isOpenPeer (id: number): boolean
  /** A packet was queued. */
  packetQueued (source: number): void
  listenersOf (signal: 'peer_packet'): number
}

/** What members of a room send to the server (id 1): read with `getPacket`, or handled by the room's MultiplayerAPI. */
export class ServerInbox {
  readonly #server: RoomServer
  readonly #room: ServerInboxHost
  /** Undefined until a packet is queued, as in most rooms none ever is. */
  #queue: IncomingQueue | undefined
  /** Limits of the queue, when a packet was last added. */
  readonly #limits = { bytes: 0, packets: 0 }
  #multiplayer: MultiplayerCore | undefined
  /** Calls (Godot 4) that came before the application first used remote calls. */
  #calls: PacketQueue | undefined
  /** Paths that were announced while there was no `#multiplayer`. */
  #earlyPaths: EarlyPaths | undefined
  /** Whether the application uses remote calls: then every packet goes to `#multiplayer`. */
  #usesCalls = false
  /** Whether the application has ever read packets or their number. */
  #hasReader = false

  constructor (server: RoomServer, room: ServerInboxHost) {
    this.#server = server
    this.#room = room
  }

  /** Remote calls. From its first use on it handles all packets: none is queued, and `peer_packet` is not signalled. */
  get multiplayer (): MultiplayerAPI {
    const multiplayer = this.#openMultiplayer()
    if (!this.#usesCalls) {
      this.#usesCalls = true
      this.#server.defer(() => { this.#handOver() })
    }
    return multiplayer.api
  }

  /** Number of unread packets. An application that asks is expected to read them. */
  countUnread (): number {
    this.#hasReader = true
    return this.#readable?.length ?? 0
  }

  /** Number of unread packets, for monitoring: it does not mark the room as read. */
  get unreadPackets (): number {
    return this.#queue?.length ?? 0
  }

  /** Sender of the packet that `take` returns next; 1 if the queue is empty. */
  get nextSource (): number {
    return this.#readable?.next?.source ?? target.SERVER
  }

  /** Removes and returns the oldest packet. */
  take (): Packet | undefined {
    this.#hasReader = true
    return this.#queue?.take()
  }

  /**
   * A packet for the application: bytes[start..end), valid until the call returns. With Godot 3 it may be about a path
   * all the same: it is answered unless the application reads packets itself, and queued in any case.
   */
  receiveData (sender: InboxSender, bytes: Uint8Array, start: number, end: number, subject?: Subject): void {
    if (this.#usesCalls) {
      this.#handOver()
      return this.#multiplayer!.receiveData(sender.peer, bytes.subarray(start, end))
    }
    const isRead = this.#isRead
    const isAnswered = subject === 'path' && !isRead
    if (isAnswered) this.#receivePath(sender, bytes.subarray(start, end))
    // A relay whose application never reads must not stall.
    const queue = this.#openQueue()
    this.#updateLimits(isRead)
    if (!isRead && (queue.length >= this.#unreadLimit || !queue.hasSpace(end - start))) {
      return this.#server.monitor.dropped('unread', sender.peer)
    }
    // Packets of members that leave are queued beyond the limits, but only up to twice the limits.
    if (sender.isLeaving && queue.isOverfull) return this.#server.monitor.dropped('unread', sender.peer)
    const packet = { bytes: ownBytes(bytes, start, end), isText: false, source: sender.id, isAnswered }
    queue.push(packet, sender, sender.isLeaving)
  }

  /** A packet of remote calls: bytes[start..end), valid until the call returns. */
  receiveCall (sender: InboxSender, bytes: Uint8Array, start: number, end: number, subject?: Subject): void {
    if (this.#usesCalls) {
      this.#handOver()
      this.#multiplayer!.receive(sender.peer, bytes.subarray(start, end))
    } else if (subject === 'path') this.#receivePath(sender, bytes.subarray(start, end))
    else if (subject === undefined) this.#keepCall(sender, bytes, start, end)
  }

  /** An application that listens for rooms may still be loading what it needs to handle the calls of this one. */
  #keepCall (sender: InboxSender, bytes: Uint8Array, start: number, end: number): void {
    const { settings, monitor, signals } = this.#server
    if (signals.listenerCount('room_opened') > 0) {
      this.#calls ??= new PacketQueue({ bytes: settings.inputLimits.bytes, packets: MAX_UNREAD })
      if (this.#calls.hasSpace(end - start)) {
        return this.#calls.push({ bytes: ownBytes(bytes, start, end), isText: false, source: sender.id })
      }
    }
    monitor.dropped('unread', sender.peer)
  }

  /** An announcement or confirmation of a path, while no application uses remote calls. */
  #receivePath (sender: InboxSender, packet: Uint8Array): void {
    if (!this.#room.isOpenPeer(sender.id)) return
    if (this.#multiplayer === undefined && this.#openEarlyPaths().receive(sender.id, packet)) return
    this.#openMultiplayer().receive(sender.peer, packet)
  }

  /** A member joined the room; one that comes from another room brings what it knows of paths. */
  joined (id: number, moved: MovedPeer = NOTHING): void {
    const { announced, lastId, unconfirmed } = moved
    if (lastId > 0 || unconfirmed.length > 0) this.#openMultiplayer()
    if (this.#multiplayer === undefined) this.#adoptPaths(id, announced)
    else if (moved !== NOTHING) this.#multiplayer.adopt(id, moved)
    this.#multiplayer?.joined(id)
  }

  /** A member is about to move to another room; returns what it takes along. */
  movingOut (id: number): MovedPeer {
    if (this.#multiplayer !== undefined) return this.#multiplayer.movingOut(id)
    return { ...NOTHING, announced: this.#earlyPaths?.take(id) ?? [] }
  }

  /** A member has moved to another room, and took this along. */
  movedOut (id: number, moved: MovedPeer): void {
    if (moved.wasCallable) this.#multiplayer!.movedOut(id)
  }

  /** A member of Godot 4 is about to leave, and may come back as it is: see `MultiplayerCore.remember`. */
  remember (id: number): () => void {
    if (this.#multiplayer !== undefined) return this.#multiplayer.remember(id)
    const announced = this.#earlyPaths?.of(id) ?? []
    return () => { this.#adoptPaths(id, announced) }
  }

  /** A member has announced these before it joined. */
  #adoptPaths (id: number, announced: readonly Announcement[]): void {
    if (announced.length === 0) return
    if (this.#multiplayer === undefined) this.#openEarlyPaths().adopt(id, announced)
    else this.#multiplayer.adopt(id, { ...NOTHING, announced })
  }

  /** A member left the room. */
  left (id: number): void {
    this.#earlyPaths?.take(id)
    this.#multiplayer?.left(id)
  }

  /** The sender has ended: its waiting packet is queued over the limits, up to twice as much. */
  senderEnded (sender: InboxSender): void {
    if (this.#queue === undefined) return
    if (!this.#queue.isOverfull) this.#queue.senderEnded(sender)
    else if (this.#queue.discard(sender)) this.#server.monitor.dropped('unread', sender.peer)
  }

  /** The queue, if it may be read: in plain mode what is left of multiplayer mode waits until that is set again. */
  get #readable (): IncomingQueue | undefined {
    return this.#server.settings.options.gdMpApi ? this.#queue : undefined
  }

  get #isRead (): boolean {
    return this.#hasReader || this.#room.listenersOf('peer_packet') > 0
  }

  #onQueued ({ source }: Packet): void {
    if (this.#usesCalls) this.#handOver()
    else this.#room.packetQueued(source)
  }

  /** Hands packets to remote calls that were queued before these were first used. */
  #handOver (): void {
    for (let call = this.#calls?.shift(); call !== undefined; call = this.#calls?.shift()) {
      const sender = this.#senderOf(call)
      if (sender !== undefined) this.#multiplayer!.receive(sender, call.bytes)
    }
    for (let packet = this.#queue?.take(); packet !== undefined; packet = this.#queue?.take()) {
      const sender = packet.isAnswered === true ? undefined : this.#senderOf(packet)
      if (sender !== undefined) this.#multiplayer!.receiveData(sender, packet.bytes)
    }
  }

  /** The sender of a packet that has waited; if it has left, the packet is dropped. */
  #senderOf ({ source }: Packet): WebSocketPeer | undefined {
    const sender = this.#room.peer(source)
    if (sender === undefined) this.#server.monitor.droppedLate('unread', source)
    return sender
  }

  /** The queue may fill an input buffer for each member, as in plain mode; without a reader one in all. */
  #updateLimits (isRead: boolean): void {
    const { bytes, packets } = this.#server.settings.inputLimits
    const buffers = isRead ? Math.max(1, this.#room.peerCount) : 1
    this.#limits.bytes = buffers * bytes
    this.#limits.packets = buffers * packets
  }

  /** Packets that wait for an application that has never read any; without autoPoll it may read after the next poll. */
  get #unreadLimit (): number {
    return this.#room.name === MAIN || !this.#server.settings.options.autoPoll ? Infinity : MAX_UNREAD
  }

  #openQueue (): IncomingQueue {
    this.#queue ??= new IncomingQueue({
      queueLimits: this.#limits,
      packetQueued: packet => { this.#onQueued(packet) },
      defer: callback => { this.#server.defer(callback) }
    })
    return this.#queue
  }

  #openEarlyPaths (): EarlyPaths {
    const { wire, options } = this.#server.settings
    this.#earlyPaths ??= new EarlyPaths({
      wire,
      options,
      putTo: (peer, packet) => { this.#room.sender.putCall(peer, packet) }
    })
    return this.#earlyPaths
  }

  #openMultiplayer (): MultiplayerCore {
    if (this.#multiplayer !== undefined) return this.#multiplayer
    const { settings, monitor } = this.#server
    const room = this.#room
    this.#multiplayer = this.#server.openMultiplayer({
      get maxPacketSize () { return settings.maxPacketSize },
      get isJoining () { return room.isJoining },
      openPeers: () => room.openPeers(),
      isOpen: id => room.isOpenPeer(id),
      checkCall: packet => { room.sender.checkCall(packet) },
      putCall: (to, packet) => { room.sender.putCall(to, packet) },
      refused: (reason, peer, details) => { monitor.callRefused(reason, peer, details) },
      failed: (error, details) => { monitor.callFailed(error, details) }
    })
    for (const [id, announced] of this.#earlyPaths?.all ?? []) this.#adoptPaths(id, announced)
    this.#earlyPaths = undefined
    if (settings.options.gdMpApi) for (const { id } of room.signalledPeers()) this.#multiplayer.joined(id)
    return this.#multiplayer
  }
}
