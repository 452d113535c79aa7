import { GodotError } from '../../error.ts'
import { target } from '../../protocol/multiplayer/relay-packet.ts'
import type { VariantCodec } from '../../protocol/variant/variant-codec.ts'
import { checkClose, closeCode } from '../../protocol/websocket/close-code.ts'
import { PacketPeer } from '../peer/packet-peer.ts'
import type { Packet } from '../peer/packet-queue.ts'
import type { WebSocketPeer } from '../peer/websocket-peer.ts'
import type { MultiplayerAPI } from '../rpc/multiplayer-api.ts'
import { addSignalMethods } from '../server/signal-source.ts'
import type { SignalSource } from '../server/signal-source.ts'
import { peersOf } from './peer-table.ts'
import type { RoomCore } from './room-core.ts'
import type { RoomOptions } from '../../options/option-types.ts'
import type { RoomState } from './room-state.ts'
import type { RoomSignals } from './room-signals.ts'

/**
 * One multiplayer world of a server (option `rooms`): its peers see each other and nobody else. As a PacketPeer it is
 * the peer with id 1 of that world (multiplayer mode). In a cluster, a node that is not the home of a room has it only
 * while it has clients of it: when the last one leaves, its Room is no longer open and has no peers, although the room
 * continues elsewhere; the next client has another Room.
 */
export class Room extends PacketPeer {
  readonly #core: RoomCore
  #targetPeer: number = target.ALL

  static {
    addSignalMethods(this.prototype, room => room.#core.signaling.own)
  }

  /** @internal Created by the server; `room`, `rooms` and `openRoom` return it. */
  constructor (core: RoomCore) {
    super()
    this.#core = core
  }

  /** Name of the room: 1 to 64 letters, digits, dots, hyphens and underscores, but not `.` or `..`. */
  get name (): string {
    return this.#core.name
  }

  /** When it was opened, in milliseconds since 1970. */
  get openedAt (): number {
    return this.#core.openedAt
  }

  /** Whether clients can be in it: neither closing nor closed, and still on this node. */
  get isOpen (): boolean {
    return this.#core.isOpen
  }

  // ---- peers ----

  /** Number of peers, including closing ones. */
  get peerCount (): number {
    return this.#core.peerCount
  }

  /** Whether a peer of the room has this id. */
  hasPeer (id: number): boolean {
    return this.#core.peer(id) !== undefined
  }

  /** Peers with an id above `after` by ascending id. Peers may join and leave during the iteration. */
  * peers (after: number = 0): IterableIterator<WebSocketPeer> {
    yield * this.#core.peers(after)
  }

  /** Those of the peers that are connected to this node; all of them without option `cluster`. */
  * localPeers (after: number = 0): IterableIterator<WebSocketPeer> {
    yield * peersOf(this.#core.members, after)
  }

  /**
   * Whether packets for the server (id 1) of the room arrive on this node: always, without option `cluster`; in one, on
   * the node that opened the room, or that has taken it over.
   */
  get isHome (): boolean {
    return this.#core.isHome
  }

  // ---- settings ----

  /** Maximum number of peers, 0 for no limit. Throws ERR_INVALID_PARAMETER. Peers that are there stay. */
  get maxPeers (): number {
    return this.#core.settings.maxPeers
  }

  set maxPeers (maxPeers: number) {
    this.change({ maxPeers })
  }

  /** Whether new clients are refused with `room-locked`. */
  get locked (): boolean {
    return this.#core.settings.locked
  }

  set locked (locked: boolean) {
    this.change({ locked })
  }

  /** Whether the lobby shows the room. */
  get listed (): boolean {
    return this.#core.settings.listed
  }

  set listed (listed: boolean) {
    this.change({ listed })
  }

  /** Seconds that the room stays open after its last peer has left. */
  get emptyTimeout (): number {
    return this.#core.settings.emptyTimeout
  }

  set emptyTimeout (emptyTimeout: number) {
    this.change({ emptyTimeout })
  }

  /**
   * What the lobby shows about the room: a JSON object of at most 4096 bytes, kept as a copy. Setting it throws
   * ERR_INVALID_PARAMETER.
   */
  get data (): Readonly<Record<string, unknown>> {
    return this.#core.settings.data
  }

  set data (data: Readonly<Record<string, unknown>>) {
    this.change({ data })
  }

  /** Changes several settings at once; throws ERR_INVALID_PARAMETER and changes none when one is invalid. */
  change (options: RoomOptions): void {
    this.#core.change(options)
  }

  /** Bytes that the application stores with the room; in a cluster they outlive the node. */
  get state (): RoomState {
    return this.#core.state
  }

  // ---- packets ----

  /**
   * Sets the target of `putPacket` (multiplayer mode): 0 all, id one, -id all but one; initially 0. Throws
   * ERR_INVALID_PARAMETER for anything but an integer. Godot: NetworkedMultiplayerPeer.set_target_peer.
   */
  setTargetPeer (id: number): void {
    if (!Number.isInteger(id)) throw new GodotError('ERR_INVALID_PARAMETER', `invalid target ${String(id)}`)
    this.#targetPeer = id
  }

  /**
   * Sender of the packet that `getPacket` returns next, 1 when there is none.
   * Godot: NetworkedMultiplayerPeer.get_packet_peer.
   */
  getPacketPeer (): number {
    return this.#core.inbox.nextSource
  }

  /**
   * Sends a packet to the target peer. Throws ERR_UNCONFIGURED in plain mode, FAILED without such a peer,
   * ERR_OUT_OF_MEMORY when it is too large, or when the output buffer of the one target is full (in a cluster: a target
   * on this node), ERR_INVALID_PARAMETER for anything but bytes, ERR_INVALID_DATA for an empty one with Godot 4.
   * Godot: PacketPeer.put_packet.
   */
  putPacket (bytes: Uint8Array): void {
    this.#core.sender.putData(this.#targetPeer, bytes)
  }

  /**
   * Number of unread packets (multiplayer mode). An application that asks is expected to read them: from then on a full
   * queue pauses its senders, instead of dropping what nobody reads. Godot: PacketPeer.get_available_packet_count.
   */
  getAvailablePacketCount (): number {
    return this.#core.inbox.countUnread()
  }

  /**
   * Sends one packet in either mode: to all (0), one (id) or all but one (-id). Returns the number of receivers.
   * Throws ERR_OUT_OF_MEMORY when it is larger than `maxDataSize` of the server, ERR_INVALID_PARAMETER for anything but
   * bytes, or a target that is not an integer, ERR_INVALID_DATA for an empty one with Godot 4. For one:
   * ERR_DOES_NOT_EXIST, or as its `putPacket`.
   */
  broadcast (to: number, bytes: Uint8Array, isText: boolean = false): number {
    return this.#core.sender.broadcast(to, bytes, isText)
  }

  /**
   * Sends one packet in either mode to all peers except these; unknown ids are ignored. Returns the number of
   * receivers: a peer whose output buffer is full does not get it. Throws ERR_OUT_OF_MEMORY when it is larger than
   * `maxDataSize` of the server, ERR_INVALID_PARAMETER for anything but bytes, ERR_INVALID_DATA for an empty one with
   * Godot 4.
   */
  broadcastExcept (excluded: Iterable<number>, bytes: Uint8Array, isText: boolean = false): number {
    return this.#core.sender.broadcastExcept(new Set(excluded), bytes, isText)
  }

  /**
   * Remote calls (multiplayer mode). From its first use on it handles the room's packets: none is queued, and
   * `peer_packet` is not signalled.
   */
  get multiplayer (): MultiplayerAPI {
    return this.#core.inbox.multiplayer
  }

  // ---- closing ----

  /**
   * Closes every peer with `code` and `reason`, then the room; its name is free when the promise resolves, after
   * `closeTimeout` seconds at most. The room `main` only loses its peers. Rejects with ERR_INVALID_PARAMETER for a code
   * or reason that a close frame cannot carry, ERR_DOES_NOT_EXIST if the room continues on other nodes of a cluster
   * without this one.
   */
  async close (code: number = closeCode.NORMAL, reason: string = ''): Promise<void> {
    checkClose(code, reason)
    await this.#core.close(code, reason)
  }

  protected get variants (): VariantCodec {
    return this.#core.variants
  }

  protected takePacket (): Packet {
    return this.#core.takePacket()
  }
}

// The methods on, once and off.
export interface Room extends SignalSource<RoomSignals> {}
