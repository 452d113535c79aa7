import { createHash } from 'node:crypto'
import { MAIN } from '../../core/room/room-name.ts'
import { isSame, type Lease } from '../membership/lease.ts'
import type { ClusterNode, NodeLeftCause } from '../membership/membership-host.ts'
import type { NodeContext } from '../node-context.ts'
import type { PeerReplica } from '../peers/peer-replica.ts'
import type { HomeLookup } from './home-lookup.ts'
import type { DirectoryEntry } from './room-directory.ts'

/** Heartbeats to wait for nodes that lost the broker at the same time as this one. */
const MAX_HOMELESS_HEARTBEATS = 5

/** What RoomFailover needs of the homes of rooms. */
export interface RoomFailoverHost {
  readonly replica: PeerReplica
  /** Removes a room and its state from the stores. */
  remove (room: string): Promise<void>
  /** This node is the home of a room again. */
  resumed (room: string): void
}

/** Until when a room waits for its home, by performance.now(). */
interface Homeless {
  /** Before it is removed, as clients may still be there: the lease of its home is certain to have ended then. */
  readonly removeAfter: number
  /** Before it gets another home, as this node has never heard from its home, which may just be busy. */
  readonly takeAfter: number
}

/** Finds the next home of rooms whose home was lost, or removes those without members. */
export class RoomFailover {
  readonly #context: NodeContext
  readonly #homes: HomeLookup
  readonly #host: RoomFailoverHost
  /** Rooms whose home was lost. */
  readonly #homeless = new Map<string, Homeless>()
  /** Those for which a home is being found. */
  readonly #pending = new Set<string>()
  /** Heartbeats for which rooms still wait for their home. */
  #heartbeats = 0

  constructor (context: NodeContext, homes: HomeLookup, host: RoomFailoverHost) {
    this.#context = context
    this.#homes = homes
    this.#host = host
  }

  /** The broker was lost, perhaps by other nodes too: rooms wait for these before they are removed. */
  wait (): void {
    this.#heartbeats = MAX_HOMELESS_HEARTBEATS
  }

  /** This node has joined: any room may have lost its home. `wait` is longer than a lease. */
  checkAll (): void {
    const takeAfter = performance.now() + this.#context.timings.lease
    for (const [room] of this.#homes.directory) this.#homeless.set(room, { removeAfter: 0, takeAfter })
  }

  nodeLeft (lease: Lease, cause: NodeLeftCause): void {
    const removeAfter = cause === 'left' ? 0 : performance.now() + this.#context.timings.lease
    for (const [room, entry] of this.#homes.directory) {
      if (isSame(entry, lease)) this.#homeless.set(room, { removeAfter, takeAfter: 0 })
    }
  }

  /**
   * A room has another home, of which this node has not heard yet: what it knows of the previous one no longer applies.
   */
  homeUnknown (room: string): void {
    const deadline = performance.now() + this.#context.timings.lease
    this.#homeless.set(room, { removeAfter: deadline, takeAfter: deadline })
  }

  /** A room has a live home, or is removed. */
  settled (room: string): void {
    this.#homeless.delete(room)
  }

  /** Called at each interval of heartbeats. */
  tick (): void {
    if (this.#heartbeats > 0) this.#heartbeats--
    else this.#forgetLost()
  }

  /** Finds homes for the rooms without one. */
  settle (): void {
    for (const [room, waits] of this.#homeless) {
      const entry = this.#homes.directory.get(room)
      if (entry === undefined || this.#context.isLive(entry)) {
        this.#homeless.delete(room)
        continue
      }
      if (this.#pending.has(room) || this.#context.isHeard(entry)) continue
      this.#pending.add(room)
      this.#settle(room, entry, waits).catch((err: unknown) => {
        this.#homeless.set(room, this.#homeless.get(room) ?? waits)
        const message = 'finding a home for a room failed'
        this.#context.failures.log({ level: 'warn', key: {}, message }, { err, room })
      }).finally(() => { this.#pending.delete(room) })
    }
  }

  #forgetLost (): void {
    this.#homes.directory.forgetLost().catch((err: unknown) => {
      this.#context.failures.log({ level: 'warn', key: {}, message: 'looking up rooms failed' }, { err })
    })
  }

  async #settle (room: string, entry: DirectoryEntry, { removeAfter, takeAfter }: Homeless): Promise<void> {
    if (this.#homes.wasHere(entry)) {
      await this.resume(room)
      return
    }
    const isSuccessor = this.#isSuccessor(room)
    if (isSuccessor === undefined) await this.#removeOrphan(room, removeAfter)
    else if (isSuccessor && !(performance.now() < takeAfter && await this.#context.mayHold(entry))) {
      await this.#homes.directory.takeOver(room)
    }
  }

  /**
   * This node was the home when it lost the cluster; the room may have changed or ended since. If it has ended here but
   * has members elsewhere, one of their nodes takes it over, with its state, as soon as it learns of the loss.
   */
  async resume (room: string): Promise<void> {
    const part = this.#homes.part(room)
    if (part === undefined) {
      if (!this.#mayHaveMembers && this.#nodesIn(room).length === 0) await this.#host.remove(room)
    } else if (await this.#homes.directory.takeOver(room, part.settings.options)) this.#host.resumed(room)
  }

  /** Whether nodes that lost the broker, too, and are not back yet may have kept members of a room. */
  get #mayHaveMembers (): boolean {
    return this.#heartbeats > 0 && this.#context.registry.settings.cluster?.onBrokerLoss === 'isolate'
  }

  /** Whether this node is the next home of a room; undefined: it has no members on any node. */
  #isSuccessor (room: string): boolean | undefined {
    const isHere = room === MAIN || (this.#homes.part(room)?.localCount ?? 0) > 0
    const others = room === MAIN ? [...this.#context.nodes()] : this.#nodesIn(room)
    if (!isHere && others.length === 0) return undefined
    const own = weight(room, this.#homes.nodeId)
    return isHere && others.every(({ id }) => weight(room, id) < own)
  }

  /** The other nodes with members of a room. */
  #nodesIn (room: string): ClusterNode[] {
    const slots = this.#host.replica.slotsOf(room)
    return [...this.#context.nodes()].filter(({ slot }) => slots.has(slot))
  }

  /** One node removes a room without members, once its previous home, which may still have some, has lost its lease. */
  async #removeOrphan (room: string, removeAfter: number): Promise<void> {
    if (this.#heartbeats > 0 || performance.now() < removeAfter) return
    if (this.#context.hasLowestSlot) await this.#host.remove(room)
  }
}

/** Rendezvous hashing: the node with the greatest weight takes over a room. */
function weight (room: string, nodeId: string): string {
  return createHash('sha1').update(`${room}\n${nodeId}`).digest('hex')
}
