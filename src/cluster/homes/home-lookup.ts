import { GodotError, noSuchRoom } from '../../error.ts'
import type { RoomCore } from '../../core/room/room-core.ts'
import type { RoomOptions } from '../../options/option-types.ts'
import { isSame, type Lease } from '../membership/lease.ts'
import type { NodeContext } from '../node-context.ts'
import type { RoomDirectory } from './room-directory.ts'

/** How many of its leases a node remembers. */
const LEASES = 10

/** Finds where rooms have their home: on this node, on another one, or on none that is live. */
export class HomeLookup {
  readonly nodeId: string
  readonly directory: RoomDirectory
  readonly #context: NodeContext
  /** The last leases with which this node was the home of rooms. */
  #leases: readonly Lease[] = []

  constructor (context: NodeContext, nodeId: string, directory: RoomDirectory) {
    this.#context = context
    this.nodeId = nodeId
    this.directory = directory
  }

  /** This node knows all rooms, and may become the home of some with its present lease. */
  joined (): void {
    this.#leases = [...this.#leases, this.#context.lease].slice(-LEASES)
  }

  /** Whether a lease is the present one of this node. */
  isHere (lease: Lease): boolean {
    return isSame(lease, this.#context.lease)
  }

  /** Whether a lease is this node's, or one that it had before it joined again. */
  wasHere (lease: Lease): boolean {
    return this.isHere(lease) || this.#leases.some(one => isSame(one, lease))
  }

  /** Whether the home is another node than before, not the same one with another lease. */
  hasMoved (entry: Lease, previous: Lease): boolean {
    return !isSame(entry, previous) && !(this.isHere(entry) && this.wasHere(previous))
  }

  /** The part of a room on this node. */
  part (room: string): RoomCore | undefined {
    return this.#context.registry.rooms.find(room)
  }

  /** Whether this node is the home of a room; of one that is not in the directory every node is. */
  isHome (room: string): boolean {
    const entry = this.directory.get(room)
    return entry === undefined || this.wasHere(entry)
  }

  /** Slot of the live home of a room. */
  homeOf (room: string): number | undefined {
    const entry = this.directory.get(room)
    return entry !== undefined && this.#context.isLive(entry) ? entry.slot : undefined
  }

  /** Slot of the home of a room that exists. */
  requiredHome (room: string): number {
    const entry = this.directory.get(room)
    /* c8 ignore start: its home is gone and the next one is about to be, or it was closed since the caller found it */
    if (entry !== undefined && !this.#context.isLive(entry)) throw withoutHome(room)
    if (entry === undefined && this.part(room) === undefined) throw noSuchRoom(room)
    /* c8 ignore stop */
    return entry?.slot ?? this.#context.lease.slot
  }

  /** Throws cluster-unavailable unless this node is the home of a room, as another node assumes. */
  checkHome (room: string): void {
    if (!this.directory.isOpen || !this.isHome(room)) throw withoutHome(room)
  }

  /** Id of the node that holds a lease; undefined if it has left. */
  nodeOf (lease: Lease): string | undefined {
    if (this.isHere(lease)) return this.nodeId
    return this.#context.isLive(lease) ? this.#context.nodeIn(lease.slot)?.id : undefined
  }

  /** Settings of a room that has its home on another node. */
  optionsElsewhere (room: string): RoomOptions | undefined {
    const entry = this.directory.get(room)
    return entry === undefined || this.isHere(entry) ? undefined : entry.options
  }
}

/** The error of a request about a room whose home is not known, or is gone. */
export function withoutHome (room: string): GodotError {
  return new GodotError('cluster-unavailable', `room ${room} has no home at the moment`)
}
