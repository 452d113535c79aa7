import type { PathAnnouncer, RpcLink } from '../wire/rpc-wire.ts'
import type { Presence } from './presence.ts'
import { ReplicatedProperties } from './replicated-properties.ts'
import type { ReplicatedPropertiesHost } from './replicated-properties.ts'
import type { Replication } from './replication.ts'
import { SyncBatch } from './sync-batch.ts'

/** What a replicator needs in addition to the way to the clients. */
export interface ReplicatorHost extends ReplicatedPropertiesHost {
  readonly announcer: PathAnnouncer
  /** A callback of the application threw. */
  failed (error: unknown, details: object): void
}

/**
 * The server as the authority of spawners and synchronizers (Godot 4's SceneReplicationInterface): what is in the scene
 * of which client.
 */
export class Replicator {
  readonly link: RpcLink
  readonly host: ReplicatorHost
  /** In the order in which they were added, over all spawners. */
  readonly #presences = new Set<Presence>()
  /** Spawned nodes, and synchronizers, by path. */
  readonly #spawned = new Map<string, Presence>()
  readonly #synchronizers = new Map<string, Presence>()
  #lastId = 0
  #time: number | undefined

  constructor (link: RpcLink, host: ReplicatorHost) {
    this.link = link
    this.host = host
  }

  /** The properties of a synchronizer, without values; `overhead`: bytes of packets apart from the values. */
  createProperties (replication: Replication, overhead: number): ReplicatedProperties {
    return new ReplicatedProperties(replication, this.host, overhead)
  }

  /** An id for a spawned node or its synchronizer. */
  takeId (): number {
    return ++this.#lastId
  }

  /** Whether the server has spawned the node at a path. */
  isSpawned (path: string): boolean {
    return this.#spawned.has(path)
  }

  /** The spawned nodes that the nodes at these paths are part of. */
  parentsOf (...paths: readonly string[]): Presence[] {
    const parents = paths.map(path => this.#parentOf(path))
    return [...new Set(parents)].filter(parent => parent !== undefined)
  }

  #parentOf (path: string): Presence | undefined {
    for (let end = path.lastIndexOf('/'); end > 0; end = path.lastIndexOf('/', end - 1)) {
      const parent = this.#spawned.get(path.slice(0, end))
      if (parent !== undefined) return parent
    }
    return undefined
  }

  /** A node is spawned. */
  addSpawned (presence: Presence): void {
    this.#spawned.set(presence.path, presence)
    this.#add(presence, false)
  }

  /** A synchronizer is in the scene. */
  addSynchronizer (presence: Presence): void {
    this.#synchronizers.set(presence.path, presence)
    this.#add(presence, true)
  }

  #add (presence: Presence, sendsDelta: boolean): void {
    this.#presences.add(presence)
    for (const parent of presence.parents) parent.children.add(presence)
    this.#updateAll(presence, sendsDelta)
  }

  /** It disappears everywhere, what is part of it first, as nodes leave the tree in Godot. */
  remove (presence: Presence): void {
    if (!this.#presences.has(presence)) return
    for (const child of [...presence.children].reverse()) this.remove(child)
    for (const peer of presence.peers) if (this.link.connected.has(peer)) presence.appearance.hide(peer)
    presence.forgetAll()
    this.#presences.delete(presence)
    for (const parent of presence.parents) parent.children.delete(presence)
    if (this.#spawned.get(presence.path) === presence) this.#spawned.delete(presence.path)
    presence.appearance.removed()
    if (this.#synchronizers.get(presence.path) === presence) {
      this.#synchronizers.delete(presence.path)
      this.host.announcer.forget(presence.path)
    }
  }

  /** Its visibility may have changed: for one peer, or for all. */
  update (presence: Presence, peer?: number): void {
    if (!this.#presences.has(presence)) return
    if (peer === undefined) this.#updateAll(presence, true)
    else if (this.link.connected.has(peer)) this.#updateFor(presence, peer)
  }

  /** Sends the values that are always sent, and those that changed; asks the application who should have what. */
  sync (): void {
    const now = performance.now()
    for (const presence of this.#presences) {
      if (presence.visibility.hasFilter || presence.interest?.isDueAt(now) === true) this.#updateAll(presence, true)
    }
    const batch = new SyncBatch(this.link, this.host)
    for (const presence of this.#presences) {
      const { syncValues } = presence.properties
      const delta = presence.properties.takeDelta()
      if (syncValues !== undefined) batch.add(presence, syncValues)
      if (delta !== undefined) batch.add(presence, delta.values, delta.changed)
    }
    batch.send(this.#time = ((this.#time ?? 0) + 1) & 0xffff)
  }

  /** A newcomer gets what is in the scene. */
  joined (peer: number): void {
    const shown: Presence[] = []
    for (const presence of this.#presences) {
      // What is part of it appears in the same order.
      if (presence.peers.has(peer) || !this.#isFor(presence, peer)) continue
      this.#show(presence, peer)
      shown.push(presence)
    }
    this.#sendDelta(shown, peer)
  }

  /**
   * A peer is about to move to another room, where the same ids stand for other things: what it was given here
   * disappears.
   */
  movingOut (peer: number): void {
    for (const presence of [...this.#presences].reverse()) if (presence.peers.has(peer)) this.#hide(presence, peer)
  }

  /** A peer may leave and come back with what it has: the returned function makes that disappear there. */
  remember (peer: number): () => void {
    const had = [...this.#presences].reverse().filter(({ peers }) => peers.has(peer))
    return () => { for (const { appearance } of had) appearance.hide(peer) }
  }

  /** Time of the last sync, here or in a room that a peer came from; undefined without one. */
  get time (): number | undefined {
    return this.#time
  }

  /** A peer comes from a room with this time: a synchronizer of its scene ignores syncs that are not later. */
  adopt (time: number): void {
    const isLater = this.#time === undefined || (time - this.#time & 0xffff) < 0x8000
    if (isLater) this.#time = time
  }

  left (peer: number): void {
    for (const presence of this.#presences) {
      presence.forget(peer)
      presence.visibility.forget(peer)
    }
  }

  /** A peer has confirmed a path: it has the synchronizer. A path that has another id by now is announced again. */
  confirmed (peer: number, path: string): void {
    const presence = this.#synchronizers.get(path)
    if (presence?.peers.has(peer) !== true || presence.ids.has(peer)) return
    this.#setId(presence, peer, presence.appearance.show(peer))
    this.#sendDelta([presence], peer)
  }

  #updateAll (presence: Presence, sendsDelta: boolean): void {
    for (const peer of this.link.connected) this.#updateFor(presence, peer, sendsDelta)
  }

  /** `sendsDelta`: otherwise its changed values follow with the next sync. */
  #updateFor (presence: Presence, peer: number, sendsDelta = true): void {
    const isFor = this.#isFor(presence, peer)
    if (isFor === presence.peers.has(peer)) return
    if (!isFor) return this.#hide(presence, peer)
    this.#show(presence, peer)
    for (const child of presence.children) this.#updateFor(child, peer)
    if (sendsDelta) this.#sendDelta([presence], peer)
  }

  #isFor (presence: Presence, peer: number): boolean {
    try {
      // The application's filter may remove it, or the peer from the room.
      return presence.isFor(peer) && this.#presences.has(presence) && this.link.connected.has(peer)
    } catch (error) {
      this.host.failed(error, { node: presence.path, peer })
      return false
    }
  }

  #show (presence: Presence, peer: number): void {
    presence.peers.add(peer)
    this.#setId(presence, peer, presence.appearance.show(peer))
  }

  #setId (presence: Presence, peer: number, id: number | undefined): void {
    if (id !== undefined && !presence.properties.isEmpty) presence.setId(peer, id)
  }

  /** Sends a peer the changed values of those that it still has: the application's filters may have changed that. */
  #sendDelta (presences: readonly Presence[], peer: number): void {
    const batch = new SyncBatch(this.link, this.host)
    for (const { ids, properties } of presences) {
      const id = ids.get(peer)
      if (id === undefined) continue
      const { wholeDelta } = properties
      if (wholeDelta !== undefined) batch.addFor(peer, { id, ...wholeDelta })
    }
    batch.send(0)
  }

  /** What is part of a node disappears before it. */
  #hide (presence: Presence, peer: number): void {
    for (const child of [...presence.children].reverse()) if (child.peers.has(peer)) this.#hide(child, peer)
    presence.forget(peer)
    presence.appearance.hide(peer)
  }
}
