import type { ReplicatedProperties } from './replicated-properties.ts'
import type { Visibility } from './visibility.ts'

/** How something appears at a peer. */
export interface Appearance {
  /** Makes it appear; returns the id of its synchronizer there, undefined while the peer has not confirmed its path. */
  show (peer: number): number | undefined
  /** Makes it disappear. */
  hide (peer: number): void
  /** It was removed, maybe with what it was part of. */
  removed (): void
}

/** A rule that hides nodes from peers, which is checked at intervals. */
export interface Interest {
  includes (peer: number, presence: Presence): boolean
  /** Whether it is to be checked in the sync at this time. */
  isDueAt (now: number): boolean
}

/** What a presence consists of. */
export interface PresenceParts {
  /** Path of the spawned node, or of the synchronizer. */
  readonly path: string
  /** The spawned nodes that it is part of: a spawner in one may place nodes in another. */
  readonly parents: readonly Presence[]
  readonly properties: ReplicatedProperties
  readonly visibility: Visibility
  readonly appearance: Appearance
  readonly interest?: Interest | undefined
}

/** Something of the server in the scene of clients: a spawned node, or a synchronizer that is in the scene. */
export class Presence {
  readonly path: string
  readonly parents: readonly Presence[]
  readonly properties: ReplicatedProperties
  readonly visibility: Visibility
  readonly appearance: Appearance
  readonly interest: Interest | undefined
  /** What is part of this spawned node, in the order in which it was added. */
  readonly children = new Set<Presence>()
  /** The peers that have it. */
  readonly peers = new Set<number>()
  readonly #ids = new Map<number, number>()
  /** How many peers have each id: almost always all have the same one. */
  readonly #idCounts = new Map<number, number>()

  constructor ({ path, parents, properties, visibility, appearance, interest }: PresenceParts) {
    this.path = path
    this.parents = parents
    this.properties = properties
    this.visibility = visibility
    this.appearance = appearance
    this.interest = interest
  }

  /** Whether a peer should have it: what is part of nodes is where they all are. */
  isFor (peer: number): boolean {
    if (!this.parents.every(parent => parent.peers.has(peer))) return false
    return this.visibility.includes(peer) && (this.interest?.includes(peer, this) ?? true)
  }

  /** The id of its synchronizer by peer, of those that can be sent values. */
  get ids (): ReadonlyMap<number, number> {
    return this.#ids
  }

  /** The id of its synchronizer if all `peers` peers can be sent values under the same one. */
  commonId (peers: number): number | undefined {
    if (this.#ids.size !== peers || this.#idCounts.size !== 1) return undefined
    const [common] = this.#idCounts.keys()
    return common
  }

  /** From now on the peer can be sent values under this id. */
  setId (peer: number, id: number): void {
    this.#forgetId(peer)
    this.#ids.set(peer, id)
    this.#idCounts.set(id, (this.#idCounts.get(id) ?? 0) + 1)
  }

  /** The peer no longer has it. */
  forget (peer: number): void {
    this.peers.delete(peer)
    this.#forgetId(peer)
  }

  /** No peer has it from now on. */
  forgetAll (): void {
    this.peers.clear()
    this.#ids.clear()
    this.#idCounts.clear()
  }

  #forgetId (peer: number): void {
    const id = this.#ids.get(peer)
    if (id === undefined) return
    this.#ids.delete(peer)
    const others = this.#idCounts.get(id)! - 1
    if (others > 0) this.#idCounts.set(id, others)
    else this.#idCounts.delete(id)
  }
}
