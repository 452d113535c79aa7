import type { RoomCore } from '../../core/room/room-core.ts'
import type { ClusterNode } from '../membership/membership-host.ts'

/** Milliseconds in the cluster for which a node remembers the peers of one that was lost. */
const REMEMBERED = 3_600_000

/** The room of a peer, unless it has ended since, and what brings the peer back there: see `RoomCore.remember`. */
type Served = { readonly core: RoomCore, readonly recall: () => void } | undefined

interface LostNode {
  readonly id: string
  /** Its peers whose rooms had their server here, until they are back. */
  readonly served: Map<number, Served>
  /** Whether operators were told that its peers have left. */
  readonly isReported: boolean
  /** Heartbeats of this node since then. */
  heartbeats: number
}

/** Nodes that were declared lost: their peers may still be connected when they are back. */
export class LostNodes {
  readonly #bySlot = new Map<number, LostNode>()

  /** Whether operators were told that the peers of a node have left. */
  isReported ({ slot }: ClusterNode): boolean {
    return this.#bySlot.get(slot)?.isReported === true
  }

  /** A node is lost; `served` are its peers whose rooms have their server here. */
  add ({ slot, id }: ClusterNode, served: Iterable<readonly [id: number, core: RoomCore]>, isReported: boolean): void {
    // It may be lost again before it is back, when only some of its peers are known.
    const all = new Map<number, Served>(this.#bySlot.get(slot)?.served)
    for (const [peer, core] of served) all.set(peer, { core, recall: core.remember(peer) })
    this.#bySlot.set(slot, { id, served: all, isReported, heartbeats: 0 })
  }

  /** Peers of a node that were back are gone again, as it could not join; `served` as in `add`. */
  lostAgain (node: ClusterNode, served: Iterable<readonly [id: number, core: RoomCore]>): void {
    const lost = this.#bySlot.get(node.slot)
    if (lost !== undefined) this.add(node, served, lost.isReported)
  }

  /** A node joins: one that had its slot before will not be back. */
  joining ({ slot, id }: ClusterNode): void {
    if (this.#bySlot.get(slot)?.id !== id) this.#bySlot.delete(slot)
  }

  /** A node has joined, and its peers are known. */
  joined ({ slot }: ClusterNode): void {
    this.#bySlot.delete(slot)
  }

  /**
   * A peer is in a room; `core` is the part here if it has the room's server. If its node was lost, the peer has left
   * as far as the server knows, but was connected all the time.
   */
  recall (slot: number, id: number, core: RoomCore | undefined): void {
    const lost = this.#bySlot.get(slot)
    const served = lost?.served.get(id)
    if (lost?.served.delete(id) !== true || core === undefined) return
    core.replaceServer(id)
    if (served?.core === core) served.recall()
  }

  /**
   * Called at each interval of heartbeats, in milliseconds. Most lost nodes do not come back: what is remembered of
   * their peers goes with the room, or in time.
   */
  tick (interval: number): void {
    for (const lost of this.#bySlot.values()) {
      if (++lost.heartbeats * interval > REMEMBERED) lost.served.clear()
      for (const [id, served] of lost.served) if (served?.core.isOpen === false) lost.served.set(id, undefined)
    }
  }
}
