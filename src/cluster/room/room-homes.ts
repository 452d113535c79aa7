import { isDeepStrictEqual } from 'node:util'
import { GodotError, noSuchRoom, roomExists } from '../../error.ts'
import { closeCode } from '../../protocol/websocket/close-code.ts'
import type { RoomCore } from '../../core/room/room-core.ts'
import type { RoomEnd } from '../../core/room/room-life.ts'
import { MAIN } from '../../core/room/room-name.ts'
import type { RoomOptions } from '../../options/option-types.ts'
import { RoomSettings } from '../../core/room/room-settings.ts'
import type { Opening } from '../../core/room/rooms.ts'
import { Seats } from '../../core/room/lobby/seats.ts'
import type { RoomFacts } from '../../core/server/cluster-link.ts'
import { BusError } from '../bus/bus.ts'
import type { KeyStore } from '../bus/bus.ts'
import { isSame, type Lease } from '../membership/lease.ts'
import type { ClusterNode, NodeLeftCause } from '../membership/membership-host.ts'
import type { NodeContext } from '../node-context.ts'
import type { PeerReplica } from '../peers/peer-replica.ts'
import { RoomChanges } from './room-changes.ts'
import { RoomDirectory } from './room-directory.ts'
import type { DirectoryHost, DirectoryEntry } from './room-directory.ts'
import { RoomFailover } from './room-failover.ts'
import { RoomRemovals } from './room-removals.ts'
import { RoomRetries, type ClosedRoom, type CloseFrame } from './room-retries.ts'
import { RoomStates } from './room-states.ts'

/** Milliseconds for which a seat is reserved for a client that another node is about to accept. */
const ENTRY_WITHIN = 5000
/** How many of its leases a node remembers. */
const LEASES = 10

/** What RoomHomes reports to the rest of the node. */
export interface HomesHost {
  readonly nodeId: string
  readonly replica: PeerReplica
  /** The home of a room may have changed. */
  homeChanged (room: string): void
}

/** Where the server of each room is: on the node that opened it, or the one that took over from a lost node. */
export class RoomHomes implements DirectoryHost {
  readonly directory = new RoomDirectory(this)
  /** Seats of clients that other nodes are about to accept. */
  readonly seats = new Seats(ENTRY_WITHIN)
  readonly #context: NodeContext
  readonly #host: HomesHost
  #stateStore: KeyStore | undefined
  readonly #states = new RoomStates(() => this.#openStateStore())
  readonly #changes = new RoomChanges()
  /** The leases with which this node has joined: a room with an earlier one had its home here. */
  #leases: readonly Lease[] = []
  /** Parts that stayed when the entry of their room was removed, and that entry. */
  readonly #removed = new WeakMap<RoomCore, DirectoryEntry>()
  /** Rooms that this node is about to open; each resolves or rejects when that is over. */
  readonly #claiming = new Map<string, Promise<unknown>>()
  /** Rooms that are open here and may not be in the directory yet. */
  readonly #announced = new Set<string>()
  readonly #removals: RoomRemovals
  readonly #retries: RoomRetries
  readonly #failover: RoomFailover

  constructor (context: NodeContext, host: HomesHost) {
    this.#context = context
    this.#host = host
    this.#removals = new RoomRemovals(context, {
      directory: this.directory,
      states: this.#states,
      isHere: lease => this.#isHere(lease),
      isOpenHere: room => this.#isOpenHere(room)
    })
    this.#retries = new RoomRetries(context, {
      restore: async () => { await this.directory.restore() },
      write: async room => { await this.#writeAgain(room) },
      gaveUp: room => { this.#changes.forget(room) },
      close: async (slot, room, closed) => { await this.#closeAgain(slot, room, closed) }
    })
    this.#failover = new RoomFailover(context, {
      nodeId: host.nodeId,
      replica: host.replica,
      directory: this.directory,
      wasHere: lease => this.#wasHere(lease),
      remove: room => this.#removals.remove(room),
      resumed: room => { this.#retryIfFailed(room, this.#states.deleteEnded(room)) }
    })
    const { commands } = context
    commands.handle('enter', ({ room, address }: { room: string, address: string }) => {
      this.#checkHome(room)
      this.#reserve(room, address)
    })
    commands.handle('close-room', ({ room, code, reason }: { room: string, code: number, reason: string }) => {
      this.#closeHere(room, { code, reason })
    })
    commands.handle('change-room', async ({ room, changes }: { room: string, changes: RoomOptions }) => {
      this.#checkHome(room)
      await this.#changeHere(room, changes)
    })
  }

  /** Loads all rooms, and makes this node the home of `main` unless another node is. */
  async open (rooms: KeyStore, states: KeyStore): Promise<void> {
    this.#stateStore = states
    this.#retries.clear()
    this.#changes.clear()
    this.#failover.wait()
    this.#leases = [...this.#leases, this.lease].slice(-LEASES)
    await this.directory.open(rooms)
    // Otherwise other nodes may have its rooms by now.
    if (!this.#context.checkHeld()) throw new BusError('disconnected', 'rooms')
    this.#keepOtherStates()
    const main = this.directory.get(MAIN)
    const { options } = this.#context.registry.rooms.main.settings
    if (main === undefined) await this.directory.claim(MAIN, options, Date.now())
    else if (this.#wasHere(main)) await this.#failover.resume(MAIN)
    else if (!this.#context.isLive(main) && !await this.#context.mayHold(main)) await this.directory.takeOver(MAIN)
    // Rooms that continued without the cluster.
    for (const core of this.#context.registry.rooms) this.opened(core)
    this.#failover.checkAll()
    this.settle()
  }

  get lease (): Lease {
    return this.#context.lease
  }

  isHome (room: string): boolean {
    const entry = this.directory.get(room)
    return entry === undefined || this.#wasHere(entry)
  }

  /** Throws cluster-unavailable unless this node is the home of a room, as another node assumes. */
  #checkHome (room: string): void {
    if (!this.directory.isOpen || !this.isHome(room)) throw withoutHome(room)
  }

  /** Slot of the live home of a room. */
  homeOf (room: string): number | undefined {
    const entry = this.directory.get(room)
    return entry !== undefined && this.#context.isLive(entry) ? entry.slot : undefined
  }

  /** Settings of a room that has its home on another node. */
  optionsElsewhere (name: string): RoomOptions | undefined {
    const entry = this.directory.get(name)
    return entry === undefined || this.#isHere(entry) ? undefined : entry.options
  }

  /** Number of rooms of all nodes, `main` and those that this node is about to open included. */
  get size (): number {
    const { directory } = this
    for (const name of this.#announced) {
      if (directory.get(name) !== undefined || this.#part(name) === undefined) this.#announced.delete(name)
    }
    const isNew = (name: string): boolean => directory.get(name) === undefined && !this.#announced.has(name)
    return directory.size + this.#announced.size + [...this.#claiming.keys()].filter(isNew).length
  }

  // ---- administration ----

  /** The rooms of all nodes. */
  * rooms (): IterableIterator<RoomFacts> {
    const { rooms } = this.#context.registry
    for (const { name } of rooms) yield this.room(name)!
    for (const [name] of this.directory) if (rooms.find(name) === undefined) yield this.room(name)!
  }

  room (name: string): RoomFacts | undefined {
    const { settings } = this.#context.registry
    const [part, entry] = [this.#part(name), this.directory.get(name)]
    if (part === undefined && entry === undefined) return undefined
    const effective = part?.settings ?? new RoomSettings(settings, entry!.options)
    const { maxPeers, locked, listed, emptyTimeout, data } = effective
    const openedAt = entry?.openedAt ?? part!.openedAt
    const peerCount = part?.peerCount ?? this.#host.replica.inRoom(name)?.size ?? 0
    const node = entry === undefined ? this.#host.nodeId : this.#nodeOf(entry)
    return { name, openedAt, peerCount, maxPeers, locked, listed, emptyTimeout, data, node }
  }

  /** As `ClusterLink.changeRoom`. */
  async change (room: string, changes: RoomOptions): Promise<void> {
    const home = this.#requiredHome(room)
    if (home === this.lease.slot) return await this.#changeHere(room, changes)
    await this.#context.commands.ask(home, 'change-room', { room, changes })
    // The caller shows the room as it is now, but this node may not have heard of it yet.
    await reachable(this.directory.read(room))
  }

  /** As `ClusterLink.closeRoom`. */
  async close (room: string, end: CloseFrame): Promise<string[]> {
    const home = this.#requiredHome(room)
    if (home !== this.lease.slot) await this.#askToClose(home, room, end)
    const unreachable: string[] = []
    // A home elsewhere asks them too; here it is found out which ones do not respond.
    const slots = this.#host.replica.slotsOf(room)
    slots.delete(home)
    const asked = Array.from(slots, async slot => {
      if (!await this.#closeOn(slot, room, end)) unreachable.push(this.#context.nodeIn(slot)?.id ?? `slot ${slot}`)
    })
    this.#part(room)?.life.close(end.code, end.reason)
    await Promise.all(asked)
    return unreachable
  }

  /** Another node asks to close a room. It may not know all nodes with members yet, so the home asks them itself. */
  #closeHere (room: string, { code, reason }: CloseFrame): void {
    const part = this.#part(room)
    if (part === undefined || part.isClosing) return
    if (part.isHome) part.close(code, reason)
    else part.life.close(code, reason)
  }

  async #askToClose (slot: number, room: string, end: CloseFrame): Promise<void> {
    await this.#context.commands.ask(slot, 'close-room', { room, ...end })
  }

  /** Slot of the home of a room that exists. */
  #requiredHome (room: string): number {
    const entry = this.directory.get(room)
    /* c8 ignore start: its home is gone and the next one is about to be, or it was closed since the caller found it */
    if (entry !== undefined && !this.#context.isLive(entry)) throw withoutHome(room)
    if (entry === undefined && this.#part(room) === undefined) throw noSuchRoom(room)
    /* c8 ignore stop */
    return entry?.slot ?? this.lease.slot
  }

  /** The room has its home here. */
  async #changeHere (room: string, changes: RoomOptions): Promise<void> {
    const part = this.#part(room)
    if (part === undefined) throw noSuchRoom(room)
    part.settings.change(changes)
    const change = this.directory.change(room, changes)
    this.#retryIfFailed(room, change)
    await reachable(change, `room ${room} is changed on this node only`)
  }

  /** Id of the node that holds a lease; undefined if it has left. */
  #nodeOf (lease: Lease): string | undefined {
    if (this.#isHere(lease)) return this.#host.nodeId
    return this.#context.isLive(lease) ? this.#context.nodeIn(lease.slot)?.id : undefined
  }

  // ---- opening and entering ----

  /** A part of a room is opened here: this node becomes its home unless it has one. */
  opened (core: RoomCore): void {
    const { name, settings: { options } } = core
    const entry = this.directory.get(name)
    if (name === MAIN || (entry !== undefined && !this.#isHere(entry))) return
    // The entry may be that of a room which has just ended here, or one written again after the broker had lost it.
    if (entry === undefined || this.#states.isEnded(name)) this.#retryIfFailed(name, this.#announce(core))
    else if (!isDeepStrictEqual(entry.options, options)) {
      this.#retryIfFailed(name, this.directory.takeOver(name, options))
    }
  }

  /** Claims a room. Meanwhile its settings can change, it can end, and another room of its name can be opened here. */
  async #announce (core: RoomCore): Promise<void> {
    const { name, settings: { options } } = core
    const removed = this.#removed.get(core)
    this.#announced.add(name)
    const isClaimed = await this.#obtain(name, options, removed?.openedAt ?? core.openedAt)
    const [part, entry] = [this.#part(name), this.directory.get(name)]
    if (part === undefined) {
      if (isClaimed) await this.#removals.remove(name)
    } else if (entry !== undefined && !this.#isHere(entry)) {
      // A part that stayed is one of the same room, if it has clients.
      if (removed === undefined || part.localCount === 0) part.abandon()
    } else if (isClaimed && entry === undefined) {
      // The broker has lost the store, and this node has not heard of the new one yet: retried later.
      throw new BusError('disconnected', name)
    } else if (!isDeepStrictEqual(part.settings.options, entry?.options)) {
      await this.directory.replace(name, part.settings.options)
    }
  }

  /** Makes this node the home of a room that is not open; there may be the entry of one that has just ended here. */
  async #obtain (room: string, options: RoomOptions, openedAt: number): Promise<boolean> {
    if (this.directory.get(room) === undefined) return await this.directory.claim(room, options, openedAt)
    await this.directory.replace(room, options, openedAt)
    return true
  }

  /** Opens a room that no other node can open then; rejects as `Rooms.open` throws. */
  async openRoom (name: string | undefined, options: RoomOptions): Promise<RoomCore> {
    const { rooms } = this.#context.registry
    const checked = rooms.checkOpen(name, options)
    const opened = await this.#open(name ?? rooms.unusedName(), checked)
    if (opened !== undefined) return opened
    if (name === undefined) return await this.openRoom(undefined, options)
    throw roomExists(name)
  }

  /** Claims a room, then opens it; undefined if there is one of this name by then, here or on another node. */
  async #open (name: string, options: RoomOptions, opening?: Opening): Promise<RoomCore | undefined> {
    const opened = this.#claimAndAdd(name, options, opening).finally(() => {
      if (this.#claiming.get(name) === opened) this.#claiming.delete(name)
    })
    this.#claiming.set(name, opened)
    return await opened
  }

  async #claimAndAdd (name: string, options: RoomOptions, opening?: Opening): Promise<RoomCore | undefined> {
    if (!await this.#claim(name, options)) return undefined
    const part = this.#part(name)
    if (part === undefined) return this.#context.registry.rooms.add(name, options, opening)
    // The application has opened it meanwhile, with settings that the claim does not have.
    this.opened(part)
    return undefined
  }

  async #claim (room: string, options: RoomOptions): Promise<boolean> {
    try {
      return await reachable(this.#obtain(room, options, Date.now()))
    } catch (error) {
      // The broker may have made the entry, and only its answer was lost.
      this.#retries.notWritten(room, error)
      throw error
    }
  }

  /** As `ClusterLink.prepareEntry`. */
  prepareEntry (name: string, address: string): Promise<void> | undefined {
    const isOpen = this.#part(name) !== undefined
    const claim = this.#claiming.get(name)
    if (claim !== undefined && !isOpen) return this.#enterAfter(claim, name, address)
    const entry = this.directory.get(name)
    if (entry === undefined) return isOpen ? undefined : this.#openFor(name, address)
    if (this.#isHere(entry)) return undefined
    if (!this.#context.isLive(entry)) return Promise.reject(new GodotError('cluster-unavailable'))
    const { locked = false, maxPeers = this.#context.registry.settings.rooms?.maxPeersPerRoom ?? 0 } = entry.options
    return locked || maxPeers > 0 ? this.#enter(entry, name, address) : undefined
  }

  async #enter ({ slot }: DirectoryEntry, room: string, address: string): Promise<void> {
    await this.#context.commands.ask(slot, 'enter', { room, address })
  }

  /** Rejects with the claim: clients do not try one after the other when the broker does not answer. */
  async #enterAfter (claim: Promise<unknown>, room: string, address: string): Promise<void> {
    await claim
    await this.prepareEntry(room, address)
  }

  /** Opens a room for a client; if somebody else was faster, the client enters it as any other room. */
  async #openFor (name: string, address: string): Promise<void> {
    const { rooms } = this.#context.registry
    rooms.checkEntry(name, address)
    const takeBack = rooms.countOpening(address)
    let opened: RoomCore | undefined
    try {
      opened = await this.#open(name, {}, { address, isProvisional: true, isForClient: true })
    } finally {
      if (opened === undefined) takeBack()
    }
    if (opened === undefined) await this.prepareEntry(name, address)
  }

  /** Another node has a client for a room that has its home here. */
  #reserve (room: string, address: string): void {
    const { rooms, settings: { options } } = this.#context.registry
    const part = this.#part(room)
    if (part === undefined) throw new GodotError('room-not-found')
    rooms.checkEntry(room, address)
    // Other nodes hear of the client only once it is a member.
    this.seats.reserve(room, part.authentication === undefined ? 0 : options.authTimeout * 1000)
  }

  // ---- changes ----

  optionsChanged (room: string, changes: RoomOptions): void {
    const part = this.#part(room)
    // The application has changed a room that is closed.
    if (part === undefined) return
    const entry = this.directory.get(room)
    if (entry !== undefined && !this.#isHere(entry)) {
      this.#changes.add(room, pick(part.settings.options, changes))
      this.#retryIfFailed(room, this.#shareChanges(room))
    } else this.#retryIfFailed(room, this.directory.change(room, changes))
  }

  /** Tells the home of a room on another node what was changed here. */
  async #shareChanges (room: string): Promise<void> {
    const changes = this.#changes.of(room)
    if (Object.keys(changes).length === 0) return
    const home = this.homeOf(room)
    // Its next home may be about to take over.
    if (home === undefined) throw withoutHome(room)
    await this.#context.commands.ask(home, 'change-room', { room, changes })
    this.#changes.confirm(room, changes)
  }

  /** The room closes: its members on other nodes are closed there. */
  closing (room: string, end: RoomEnd): void {
    const slots = this.#host.replica.slotsOf(room)
    const home = this.homeOf(room)
    if (home !== undefined && home !== this.lease.slot) slots.add(home)
    for (const slot of slots) this.#closeOn(slot, room, end)
  }

  /** A client has joined a room on another node, which does not know yet that the room closes. */
  joinedElsewhere (room: string, slot: number): void {
    const end = this.#part(room)?.life.end
    if (end !== undefined && this.isHome(room)) this.#closeOn(slot, room, end)
  }

  /** Asks a node to close a room, again and again until it responds; whether it responds at once. */
  async #closeOn (slot: number, room: string, { code = closeCode.NORMAL, reason }: RoomEnd): Promise<boolean> {
    const openedAt = this.directory.get(room)?.openedAt
    try {
      await this.#askToClose(slot, room, { code, reason })
      return true
    } catch (err) {
      this.#retries.notClosed(room, err, slot, { code, reason, openedAt })
      return false
    }
  }

  /** The part here was closed; if this node was the home, the room ends. */
  closed (room: string): void {
    const entry = this.directory.get(room)
    const wasHome = entry !== undefined && this.#isHere(entry)
    if (wasHome || !this.directory.isOpen) this.#states.ended(room)
    if (wasHome) this.#retryIfFailed(room, this.#removals.remove(room))
  }

  async readState (room: string): Promise<Uint8Array | undefined> {
    return await reachable(this.#states.get(room))
  }

  /** Only while this node is the home: if it was stopped, another one may have taken the room over since. */
  async writeState (core: RoomCore, bytes: Uint8Array): Promise<void> {
    const { name } = core
    // The answer to its claim may still be on its way.
    if (this.directory.get(name) === undefined) await reachable(this.directory.read(name))
    this.#checkWriter(core)
    await reachable(this.#states.deleteEnded(name))
    this.#checkWriter(core)
    await reachable(this.#states.put(name, bytes))
  }

  /** Throws FAILED or cluster-unavailable unless a room is open here and this node is its home. */
  #checkWriter (core: RoomCore): void {
    const { name } = core
    if (this.#part(name) !== core) throw new GodotError('FAILED', `room ${name} is closed`)
    const entry = this.directory.get(name)
    if (entry === undefined || !this.#isHere(entry) || !this.#context.checkHeld()) throw withoutHome(name)
  }

  #openStateStore (): KeyStore {
    if (this.#stateStore === undefined || !this.directory.isOpen) throw new GodotError('cluster-unavailable')
    return this.#stateStore
  }

  /** This node has joined again: rooms that have ended here may have another home by now. */
  #keepOtherStates (): void {
    for (const room of this.#states.allEnded) {
      const entry = this.directory.get(room)
      if (entry === undefined || !this.#wasHere(entry)) this.#states.keep(room)
    }
  }

  /** Resolves when the rooms that have ended here are removed from the stores, or cannot be. */
  async removed (): Promise<void> {
    await this.#removals.settled()
  }

  /** Whether a room is open here, or about to be. */
  #isOpenHere (room: string): boolean {
    return this.#part(room) !== undefined || this.#claiming.has(room)
  }

  entryChanged (room: string, entry: DirectoryEntry | undefined, previous: DirectoryEntry | undefined): void {
    this.#host.homeChanged(room)
    if (entry !== undefined && !this.#wasHere(entry)) this.#states.keep(room)
    const part = this.#part(room)
    if (entry?.openedAt !== previous?.openedAt || (entry !== undefined && this.#wasHere(entry))) {
      this.#changes.forget(room)
    }
    if (entry === undefined || this.#context.isLive(entry)) this.#failover.settled(room)
    else if (previous !== undefined && !isSame(entry, previous)) this.#failover.homeUnknown(room)
    if (entry === undefined) {
      if (goesOn(part)) this.#keep(part, previous!)
      return
    }
    if (part === undefined) return
    if (!this.#wasHere(entry)) part.settings.apply({ ...entry.options, ...this.#changes.of(room) })
    const before = previous ?? this.#removed.get(part)
    this.#removed.delete(part)
    if (before !== undefined && this.#hasMoved(entry, before)) part.homeChanged(this.#isHere(entry))
  }

  /** The entry of a room was removed: its home found it empty while clients joined here or elsewhere. */
  #keep (part: RoomCore, entry: DirectoryEntry): void {
    this.#removed.set(part, entry)
    this.#retryIfFailed(part.name, this.#announce(part))
  }

  renewed (): void {
    this.#failover.wait()
  }

  /** Whether the home is another node than before, not the same one with another lease. */
  #hasMoved (entry: Lease, previous: Lease): boolean {
    return !isSame(entry, previous) && !(this.#isHere(entry) && this.#wasHere(previous))
  }

  /** A node has left: rooms that had their home there get another one. */
  nodeLeft (node: ClusterNode, cause: NodeLeftCause): void {
    this.#failover.nodeLeft(node, cause)
    this.settle()
  }

  /** Called at each interval of heartbeats. */
  tick (): void {
    this.#failover.tick()
    this.settle()
  }

  /** Finds homes for rooms without one, and tries again what could not be written. */
  settle (): void {
    this.#retries.retry()
    this.#removeEnded()
    this.#abandonEmpty()
    this.#failover.settle()
  }

  /** Removes rooms that have ended here but are in the store again, as its answers and reports may be late. */
  #removeEnded (): void {
    for (const [room, entry] of this.directory) {
      if (!this.#isHere(entry) || this.#isOpenHere(room) || this.#removals.has(room)) continue
      this.#retryIfFailed(room, this.#removals.remove(room))
    }
  }

  /** Ends parts without clients of rooms that have their home elsewhere: opened here while this node was away. */
  #abandonEmpty (): void {
    for (const part of this.#context.registry.rooms) {
      const entry = this.directory.get(part.name)
      if (entry === undefined || this.#wasHere(entry) || !this.#context.isLive(entry)) continue
      if (part.name !== MAIN && part.localCount === 0 && !part.isClosing) part.abandon()
    }
  }

  // ---- retries ----

  /** Writes the present state of a room later if this write fails. */
  #retryIfFailed (room: string, write: Promise<unknown>): void {
    write.catch((err: unknown) => { this.#retries.notWritten(room, err) })
  }

  /** The connection was restored. */
  reconnected (): void {
    this.#retries.reconnected()
  }

  /**
   * Asks a node again to close a room, unless the node has left or the room has ended since. Without a part here nobody
   * is left in it, but its home may not know that it was closed.
   */
  async #closeAgain (slot: number, room: string, { openedAt, ...end }: ClosedRoom): Promise<void> {
    const part = this.#part(room)
    const isHome = this.homeOf(room) === slot && this.directory.get(room)?.openedAt === openedAt
    const isNeeded = part === undefined ? isHome : part.isClosing
    if (isNeeded && this.#context.nodeIn(slot) !== undefined) await this.#askToClose(slot, room, end)
  }

  async #writeAgain (room: string): Promise<void> {
    await this.directory.read(room)
    const [part, entry] = [this.#part(room), this.directory.get(room)]
    if (entry !== undefined && !this.#isHere(entry)) return await this.#shareChanges(room)
    if (!goesOn(part)) {
      // One that is closing is removed when it is closed.
      if (!this.#isOpenHere(room)) await this.#removals.remove(room)
      return
    }
    const isNew = entry === undefined || this.#states.isEnded(room)
    await this.#states.deleteEnded(room)
    if (isNew) await this.#announce(part)
    else await this.directory.replace(room, part.settings.options)
  }

  #part (room: string): RoomCore | undefined {
    return this.#context.registry.rooms.find(room)
  }

  #isHere (lease: Lease): boolean {
    return isSame(lease, this.lease)
  }

  /** Whether it is this node's, or one that it had before it joined again. */
  #wasHere (lease: Lease): boolean {
    return this.#leases.some(one => isSame(one, lease))
  }
}

/** Whether a room is open here and stays so. */
function goesOn (part: RoomCore | undefined): part is RoomCore {
  return part?.isClosing === false
}

/** The present values of the settings named in `changes`. */
function pick (options: RoomOptions, changes: RoomOptions): RoomOptions {
  return Object.fromEntries(Object.entries(options).filter(([name]) => name in changes))
}

/** The error of a request about a room whose home is not known, or is gone. */
function withoutHome (room: string): GodotError {
  return new GodotError('cluster-unavailable', `room ${room} has no home at the moment`)
}

/** The result of a store operation; rejects with cluster-unavailable when the broker is unreachable. */
async function reachable<Result> (
  answer: Promise<Result>, problem = 'the broker does not answer'
): Promise<Result> {
  try {
    return await answer
  } catch (error) {
    if (!(error instanceof BusError)) throw error
    throw new GodotError('cluster-unavailable', `${problem}: ${error.fault}`)
  }
}
