import { GodotError, noSuchRoom, roomExists } from '../../error.ts'
import { addressKey } from '../admission/address-key.ts'
import { RatePerMinute } from '../admission/rate-per-minute.ts'
import { checkRoomName, generateRoomName, MAIN } from './room-name.ts'
import { checkRoomOptions } from './room-options.ts'
import type { RoomOptions } from '../../options/option-types.ts'
import type { Room } from './room.ts'
import { RoomCore } from './room-core.ts'
import type { RoomServer } from './room-server.ts'

/** Seconds that a room of the lobby waits for its first peer. */
const LOBBY_WAIT = 60

/** Options of rooms that clients open; shared, as a room never modifies its options. */
const NO_OPTIONS: RoomOptions = {}

/** How a room is opened, besides its `RoomOptions`. */
export interface Opening {
  /** Address of the client that opens it; its rate is limited, unless the client has none (`''`: of this process). */
  readonly address?: string
  /** Whether it closes if nobody joins soon. */
  readonly isProvisional?: boolean
  /**
   * Whether a client opens it: the room ends if that client fails to join. Unless `isProvisional`, the client enters
   * next.
   */
  readonly isForClient?: boolean
}

/** The rooms of a server: `main`, which is always there, and with option `rooms` any others. */
export class Rooms {
  readonly main: RoomCore
  readonly #server: RoomServer
  readonly #byName = new Map<string, RoomCore>()
  readonly #openings = new RatePerMinute()

  constructor (server: RoomServer) {
    this.#server = server
    this.main = new RoomCore(MAIN, server, { listed: false })
    this.#byName.set(MAIN, this.main)
  }

  get size (): number {
    return this.#byName.size
  }

  /** Number of rooms that have their home on this node; without a cluster, of all rooms. */
  get homeCount (): number {
    let count = 0
    for (const { isHome } of this.#byName.values()) count += Number(isHome)
    return count
  }

  /** In order of opening; rooms may be opened and closed during the iteration. */
  [Symbol.iterator] (): IterableIterator<RoomCore> {
    return this.#byName.values()
  }

  /** Whether a room of this name is open, on this node or another one. */
  has (name: string): boolean {
    return this.#byName.has(name) || this.#server.cluster?.optionsElsewhere(name) !== undefined
  }

  /** The part of a room that is on this node. */
  find (name: string): RoomCore | undefined {
    return this.#byName.get(name)
  }

  /** Throws ERR_DOES_NOT_EXIST. */
  get (name: string): RoomCore {
    const room = this.#byName.get(name)
    if (room === undefined) throw noSuchRoom(name)
    return room
  }

  /** What runs a room; throws ERR_DOES_NOT_EXIST for one that is closed or belongs to another server. */
  coreOf (room: Room): RoomCore {
    const core = this.get(room.name)
    if (core.room !== room) throw new GodotError('ERR_DOES_NOT_EXIST', `room ${room.name} is closed`)
    return core
  }

  /**
   * Opens a room; without a name it gets a join code. Throws ERR_UNCONFIGURED without option `rooms`,
   * invalid-room-name, ERR_INVALID_PARAMETER for its options, ERR_ALREADY_EXISTS, too-many-rooms, room-rate.
   */
  open (name: string | undefined, options: RoomOptions = {}, opening: Opening = {}): RoomCore {
    const checked = this.checkOpen(name, options, opening.address)
    this.countOpening(opening.address)
    return this.add(name ?? this.unusedName(), checked, opening)
  }

  /** Throws as `open`; returns the options as the room keeps them. */
  checkOpen (name: string | undefined, options: RoomOptions, address?: string): RoomOptions {
    if (this.#server.settings.rooms === undefined) throw new GodotError('ERR_UNCONFIGURED', 'option rooms is not set')
    const checked = checkRoomOptions(options)
    if (name !== undefined && this.has(checkRoomName(name))) throw roomExists(name)
    this.#checkLimits(address)
    return checked
  }

  /**
   * Throws unless a client may enter the room now, opening it if necessary: invalid-room-name, room-not-found,
   * room-locked, room-full, too-many-rooms or room-rate.
   */
  checkEntry (name: string, address: string): void {
    const room = this.#byName.get(name)
    if (room !== undefined) return this.#checkRoom(room, address)
    checkRoomName(name)
    // The room is open on another node, which has reserved a seat.
    if (this.#server.cluster?.optionsElsewhere(name) !== undefined) return
    if (this.#server.settings.rooms?.create !== 'join') throw new GodotError('room-not-found')
    this.#checkLimits(address)
  }

  /**
   * The room that a client is about to enter, opened if necessary; `checkEntry` was called before, and `RoomCore.enter`
   * follows.
   */
  getOrAdd (name: string, address: string): RoomCore {
    const room = this.#byName.get(name)
    if (room === undefined) {
      const elsewhere = this.#server.cluster?.optionsElsewhere(name)
      if (elsewhere === undefined) this.countOpening(address)
      return this.add(name, elsewhere ?? NO_OPTIONS, { address, isForClient: true })
    }
    room.expectClient()
    return room
  }

  /**
   * Sends a packet of the server to peers of all rooms: to all (0), one (id) or all but one (-id). In a cluster, "all"
   * means the rooms that have a peer or their home on this node.
   */
  broadcast (to: number, bytes: Uint8Array, isText: boolean): number {
    if (to > 0) {
      const session = this.#server.peers.get(to)
      const elsewhere = session === undefined ? this.#server.cluster?.peer(to) : undefined
      if (elsewhere !== undefined) return this.main.sender.sendElsewhere(elsewhere, bytes, isText)
      return (session === undefined ? this.main : this.coreOf(session.room)).sender.broadcast(to, bytes, isText)
    }
    let receivers = 0
    for (const room of this.#byName.values()) receivers += room.sender.broadcast(to, bytes, isText)
    return receivers
  }

  /** Sends a packet to the peers of all rooms except these; returns the number of receivers. */
  broadcastExcept (excluded: ReadonlySet<number>, bytes: Uint8Array, isText: boolean): number {
    let receivers = 0
    for (const room of this.#byName.values()) receivers += room.sender.broadcastExcept(excluded, bytes, isText)
    return receivers
  }

  /** Timeouts have changed that rooms may be waiting for. */
  timeoutsChanged (): void {
    for (const room of this.#byName.values()) room.timeoutsChanged()
  }

  /** The room has ended: its name is free again. */
  delete (room: RoomCore): void {
    if (this.#byName.get(room.name) === room) this.#byName.delete(room.name)
  }

  /** Throws room-locked or room-full. */
  #checkRoom (room: RoomCore, address: string): void {
    if (room.settings.locked || room.isClosing) throw new GodotError('room-locked')
    if (room.isFull) throw this.#limited('room-full', address, `room ${room.name} has ${room.settings.maxPeers} peers`)
  }

  /** Throws too-many-rooms or room-rate. */
  #checkLimits (address: string | undefined): void {
    const { maxRooms, joinPerMinute } = this.#server.settings.rooms!
    // A node that is not in the cluster knows its own rooms only.
    if (Math.max(this.size, this.#server.cluster?.roomCount ?? 0) - 1 >= maxRooms) {
      throw this.#limited('too-many-rooms', address, `there are ${maxRooms} rooms`)
    }
    if (!hasAddress(address) || joinPerMinute === 0) return
    if (this.#openings.count(addressKey(address)) < joinPerMinute) return
    throw this.#limited('room-rate', address, `more than ${joinPerMinute} rooms per minute from one address`)
  }

  /**
   * Counts a room for `joinPerMinute` of the address that opens it, in the turn in which that was checked. Returns a
   * function that takes it back.
   */
  countOpening (address: string | undefined): () => void {
    if (!hasAddress(address)) return () => {}
    const key = addressKey(address)
    this.#openings.add(key)
    return () => { this.#openings.removeLatest(key) }
  }

  /** Opens a room that may be opened: `checkOpen` or `checkEntry` was called before, and `countOpening`. */
  add (name: string, options: RoomOptions, opening: Opening = {}): RoomCore {
    const { address, isProvisional = false, isForClient = false } = opening
    const room = new RoomCore(name, this.#server, options)
    if (isForClient) room.life.openedByClient()
    if (isForClient && !isProvisional) room.expectClient()
    this.#byName.set(name, room)
    this.#server.log.debug({ room: name, address }, 'room opened')
    if (isProvisional) room.life.endIfEmptyAfter(LOBBY_WAIT)
    if (room.isHome) room.opened(false)
    return room
  }

  /** A join code that no room has, on this node or another one. */
  unusedName (): string {
    let name
    do name = generateRoomName()
    while (this.has(name))
    return name
  }

  #limited (
    limit: 'room-full' | 'too-many-rooms' | 'room-rate', address: string | undefined, message: string
  ): GodotError {
    this.#server.monitor.limited(limit, { address })
    return new GodotError(limit, message)
  }
}

function hasAddress (address: string | undefined): address is string {
  return address !== undefined && address !== ''
}
