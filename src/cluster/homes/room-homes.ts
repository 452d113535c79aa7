import { GodotError } from '../../error.ts'
import type { RoomCore } from '../../core/room/room-core.ts'
import { MAIN } from '../../core/room/room-name.ts'
import { RoomSettings } from '../../core/room/room-settings.ts'
import type { RoomFacts } from '../../core/server/cluster-link.ts'
import { BusError, type KeyStore } from '../bus/bus.ts'
import { reachable } from '../bus/reachable.ts'
import { isSame, type Lease } from '../membership/lease.ts'
import type { ClusterNode, NodeLeftCause } from '../membership/membership-host.ts'
import type { NodeContext } from '../node-context.ts'
import type { PeerReplica } from '../peers/peer-replica.ts'
import { HomeLookup, withoutHome } from './home-lookup.ts'
import { RoomChanges } from './room-changes.ts'
import { RoomClaims } from './room-claims.ts'
import { RoomClosing } from './room-closing.ts'
import { RoomDirectory } from './room-directory.ts'
import type { RoomDirectoryHost, DirectoryEntry } from './room-directory.ts'
import { RoomEntry } from './room-entry.ts'
import { RoomFailover } from './room-failover.ts'
import { RoomRemovals } from './room-removals.ts'
import { RoomRetries } from './room-retries.ts'
import { RoomStates } from './room-states.ts'

/** What RoomHomes reports to the rest of the node. */
export interface RoomHomesHost {
  readonly nodeId: string
  readonly replica: PeerReplica
  /** The home of a room may have changed. */
  homeChanged (room: string): void
}

/** Where the server of each room is: on the node that opened it, or on the one that took over from a lost node. */
export class RoomHomes implements RoomDirectoryHost {
  readonly directory = new RoomDirectory(this)
  readonly lookup: HomeLookup
  readonly claims: RoomClaims
  readonly entry: RoomEntry
  readonly changes: RoomChanges
  readonly closing: RoomClosing
  readonly #context: NodeContext
  readonly #host: RoomHomesHost
  #stateStore: KeyStore | undefined
  readonly #states = new RoomStates(() => this.#openStateStore())
  readonly #removals: RoomRemovals
  readonly #retries: RoomRetries
  readonly #failover: RoomFailover

  constructor (context: NodeContext, host: RoomHomesHost) {
    this.#context = context
    this.#host = host
    const { replica } = host
    const states = this.#states
    const homes = this.lookup = new HomeLookup(context, host.nodeId, this.directory)
    const removals = this.#removals = new RoomRemovals(context, homes, {
      states, isOpenHere: room => this.claims.isOpenHere(room)
    })
    const retries = this.#retries = new RoomRetries(context, {
      restore: async () => { await this.directory.restore() },
      write: async room => { await this.#writeAgain(room) },
      gaveUp: room => { this.changes.unconfirmed.forget(room) },
      close: async (slot, room, closed) => { await this.closing.closeAgain(slot, room, closed) }
    })
    this.#failover = new RoomFailover(context, homes, {
      replica,
      remove: room => removals.remove(room),
      resumed: room => { retries.retryIfFailed(room, states.deleteEnded(room)) }
    })
    this.claims = new RoomClaims(context, homes, { states, removals, retries })
    this.entry = new RoomEntry(context, homes, this.claims)
    this.changes = new RoomChanges(context, homes, retries)
    this.closing = new RoomClosing(context, homes, replica, retries)
  }

  get lease (): Lease {
    return this.#context.lease
  }

  /** Loads all rooms, and makes this node the home of `main` unless another node is. */
  async open (rooms: KeyStore, states: KeyStore): Promise<void> {
    this.#stateStore = states
    this.#retries.clear()
    this.changes.unconfirmed.clear()
    this.#failover.wait()
    await this.directory.open(rooms)
    // Otherwise other nodes may be the homes of its rooms by now.
    if (!this.#context.holdsSlot()) throw new BusError('disconnected', 'rooms')
    this.lookup.joined()
    this.#leaveStatesToOthers()
    const main = this.directory.get(MAIN)
    const { options } = this.#context.registry.rooms.main.settings
    if (main === undefined) await this.directory.claim(MAIN, options, Date.now())
    else if (this.lookup.wasHere(main)) await this.#failover.resume(MAIN)
    else if (!this.#context.isLive(main) && !await this.#context.mayHold(main)) await this.directory.takeOver(MAIN)
    // Rooms that continued without the cluster.
    for (const core of this.#context.registry.rooms) this.claims.opened(core)
    this.#failover.checkAll()
    this.settle()
  }

  /** Resolves when the rooms that have ended here are removed from the stores, or the removal has failed. */
  async removed (): Promise<void> {
    await this.#removals.settled()
  }

  // ---- facts ----

  /** The rooms of all nodes. */
  * rooms (): IterableIterator<RoomFacts> {
    const { rooms } = this.#context.registry
    for (const { name } of rooms) yield this.room(name)!
    for (const [name] of this.directory) if (rooms.find(name) === undefined) yield this.room(name)!
  }

  room (name: string): RoomFacts | undefined {
    const { settings } = this.#context.registry
    const [part, entry] = [this.lookup.part(name), this.directory.get(name)]
    if (part === undefined && entry === undefined) return undefined
    const effective = part?.settings ?? new RoomSettings(settings, entry!.options)
    const { maxPeers, locked, listed, emptyTimeout, data } = effective
    const openedAt = entry?.openedAt ?? part!.openedAt
    const peerCount = part?.peerCount ?? this.#host.replica.inRoom(name)?.size ?? 0
    const node = entry === undefined ? this.#host.nodeId : this.lookup.nodeOf(entry)
    return { name, openedAt, peerCount, maxPeers, locked, listed, emptyTimeout, data, node }
  }

  // ---- states ----

  async readState (core: RoomCore): Promise<Uint8Array | undefined> {
    this.#checkOpenHere(core)
    return await reachable(this.#states.get(core.name))
  }

  /** Only while this node is the home: if the process was suspended, another node may have taken the room over. */
  async writeState (core: RoomCore, bytes: Uint8Array): Promise<void> {
    const { name } = core
    // The response to its claim may still be on its way.
    if (this.directory.get(name) === undefined) await reachable(this.directory.read(name))
    this.#checkWriter(core)
    await reachable(this.#states.deleteEnded(name))
    this.#checkWriter(core)
    await reachable(this.#states.put(name, bytes))
  }

  /** Throws FAILED for a room that is closed or no longer on this node: the next one of its name has another state. */
  #checkOpenHere (core: RoomCore): void {
    const { name } = core
    if (this.lookup.part(name) !== core) throw new GodotError('FAILED', `room ${name} is closed`)
  }

  /** Throws FAILED or cluster-unavailable unless a room is open here and this node is its home. */
  #checkWriter (core: RoomCore): void {
    const { name } = core
    this.#checkOpenHere(core)
    const entry = this.directory.get(name)
    if (entry === undefined || !this.lookup.isHere(entry) || !this.#context.holdsSlot()) throw withoutHome(name)
  }

  #openStateStore (): KeyStore {
    if (this.#stateStore === undefined || !this.directory.isOpen) throw new GodotError('cluster-unavailable')
    return this.#stateStore
  }

  /** This node has joined again: rooms that have ended here may have another home by now. */
  #leaveStatesToOthers (): void {
    for (const room of this.#states.allEnded) {
      const entry = this.directory.get(room)
      if (entry === undefined || !this.lookup.wasHere(entry)) this.#states.leaveToOthers(room)
    }
  }

  // ---- what happens ----

  entryChanged (room: string, entry: DirectoryEntry | undefined, previous: DirectoryEntry | undefined): void {
    const { lookup } = this
    this.#host.homeChanged(room)
    if (entry !== undefined && !lookup.wasHere(entry)) this.#states.leaveToOthers(room)
    const part = lookup.part(room)
    if (entry?.openedAt !== previous?.openedAt || (entry !== undefined && lookup.wasHere(entry))) {
      this.changes.unconfirmed.forget(room)
    }
    if (entry === undefined || this.#context.isLive(entry)) this.#failover.settled(room)
    else if (previous !== undefined && !isSame(entry, previous)) this.#failover.homeUnknown(room)
    if (entry === undefined) {
      if (isStaying(part)) this.claims.reannounce(part, previous!)
      return
    }
    if (part === undefined) return
    this.changes.apply(room)
    const removed = this.claims.takeRemoved(part)
    const before = previous ?? removed
    if (before !== undefined && lookup.hasMoved(entry, before)) part.homeChanged(lookup.isHere(entry))
  }

  /** The part here was closed; if this node was the home, the room ends. */
  closed (room: string): void {
    const entry = this.directory.get(room)
    const wasHome = entry !== undefined && this.lookup.isHere(entry)
    if (wasHome || !this.directory.isOpen) this.#states.ended(room)
    if (wasHome) this.#remove(room)
  }

  renewed (): void {
    this.#failover.wait()
  }

  /**
   * This node has lost the cluster, and forgets the rooms of others. It remembers the homes of those that go on here:
   * they may have other ones when it is back.
   */
  fenced (): void {
    for (const part of this.#context.registry.rooms) {
      const entry = this.directory.get(part.name)
      if (entry !== undefined) this.claims.remember(part, entry)
    }
    this.directory.close()
  }

  /** A node has left: rooms that had their home there get another one. */
  nodeLeft (node: ClusterNode, cause: NodeLeftCause): void {
    this.#failover.nodeLeft(node, cause)
    this.settle()
  }

  /** The connection was restored. */
  reconnected (): void {
    this.#retries.reconnected()
  }

  /** Called at each interval of heartbeats. */
  tick (): void {
    this.#failover.tick()
    this.settle()
  }

  // ---- what has to be done again ----

  /** Finds homes for rooms without one, and tries again what could not be written. */
  settle (): void {
    this.#retries.retry()
    this.#removeEnded()
    this.#abandonEmpty()
    this.#failover.settle()
  }

  /** Removes rooms that have ended here but are in the store again, as its responses and reports may be late. */
  #removeEnded (): void {
    for (const [room, entry] of this.directory) {
      if (!this.lookup.isHere(entry) || this.claims.isOpenHere(room) || this.#removals.has(room)) continue
      this.#remove(room)
    }
  }

  #remove (room: string): void {
    this.#retries.retryIfFailed(room, this.#removals.remove(room))
  }

  /** Ends parts without clients of rooms that have their home elsewhere: opened here while this node was away. */
  #abandonEmpty (): void {
    for (const part of this.#context.registry.rooms) {
      const entry = this.directory.get(part.name)
      if (entry === undefined || this.lookup.wasHere(entry) || !this.#context.isLive(entry)) continue
      if (part.name !== MAIN && part.localCount === 0 && !part.isClosing) part.abandon()
    }
  }

  async #writeAgain (room: string): Promise<void> {
    await this.directory.read(room)
    const [part, entry] = [this.lookup.part(room), this.directory.get(room)]
    if (entry !== undefined && !this.lookup.isHere(entry)) return await this.changes.share(room)
    if (!isStaying(part)) {
      // One that is closing is removed when it is closed.
      if (!this.claims.isOpenHere(room)) await this.#removals.remove(room)
      return
    }
    const isNew = entry === undefined || this.#states.isEnded(room)
    await this.#states.deleteEnded(room)
    if (isNew) await this.claims.announce(part)
    else await this.directory.replace(room, part.settings.options)
  }
}

/** Whether a room is open here and stays so. */
function isStaying (part: RoomCore | undefined): part is RoomCore {
  return part?.isClosing === false
}
