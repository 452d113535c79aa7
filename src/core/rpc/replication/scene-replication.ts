import { GodotError } from '../../../error.ts'
import type { Spawn } from '../../../protocol/multiplayer/replication4-packet.ts'
import type { RpcNode } from '../../../protocol/multiplayer/rpc-node.ts'
import type { AddressedSync, Refusal } from '../wire/rpc-wire.ts'
import { isBelow, relativePath } from '../wire/node-path.ts'
import type { ClientNode } from './client-node.ts'
import { ClientSpawners } from './client-spawners.ts'
import type { Replicator } from './replicator.ts'
import type { SpawnedNode } from './spawned-node.ts'
import { Spawner } from './spawner.ts'
import type { SpawnerOptions } from './spawner.ts'
import type { Synchronizer } from './synchronizer.ts'
import { Synchronizers } from './synchronizers.ts'

/** Levels of a path at which a spawned node is looked for, from its end. */
const MAX_LEVELS = 32

/** The spawners and synchronizers of one room, of the server and of clients (Godot 4's SceneReplicationInterface). */
export class SceneReplication {
  readonly replicator: Replicator
  readonly synchronizers: Synchronizers
  readonly clientSpawners: ClientSpawners
  readonly #spawners = new Map<string, Spawner>()
  readonly #onRemoved = new Map<string, () => void>()

  constructor (replicator: Replicator) {
    this.replicator = replicator
    this.synchronizers = new Synchronizers(replicator)
    this.clientSpawners = new ClientSpawners(replicator, path => {
      this.freeBelow(path)
      replicator.host.announcer.forget(path)
    })
  }

  /** Whether any packets of clients are read. */
  get isReading (): boolean {
    return this.synchronizers.size + this.clientSpawners.size > 0
  }

  /** The server's spawner at a path. */
  spawnerAt (path: string): Spawner | undefined {
    return this.#spawners.get(path)
  }

  /**
   * The server's spawner at a path, or a new one that is not added yet. ERR_INVALID_PARAMETER for an
   * invalid spawn path, ERR_ALREADY_IN_USE if it has another one.
   */
  createSpawner (path: string, { spawnPath }: SpawnerOptions): Spawner {
    const placing = spawnPath === undefined ? undefined : relativePath(spawnPath, path)
    const spawner = this.#spawners.get(path) ?? new Spawner(this, path, placing ?? relativePath('..', path))
    if (placing !== undefined && placing !== spawner.spawnPath) {
      const message = `spawner ${path} already exists with the spawn path ${spawner.spawnPath}`
      throw new GodotError('ERR_ALREADY_IN_USE', message)
    }
    return spawner
  }

  /** Adds a spawner unless it was added; `removed` is called when it goes with the node that it is in. */
  addSpawner (spawner: Spawner, removed: (() => void) | undefined): void {
    this.#spawners.set(spawner.path, spawner)
    if (removed !== undefined) this.#onRemoved.set(spawner.path, removed)
  }

  /** Path of the node that the server or a client has spawned, and that the node at `path` is or is part of. */
  spawnedNodeOf (path: string): string | undefined {
    let end = path.length
    for (let level = 0; level < MAX_LEVELS && end > 0; level++) {
      const at = path.slice(0, end)
      if (this.replicator.isSpawned(at) || this.clientSpawners.isSpawned(at)) return at
      end = path.lastIndexOf('/', end - 1)
    }
    return undefined
  }

  /** Whether the spawned node at a path is one of the server, or part of one. */
  isOfServer (spawned: string): boolean {
    return this.replicator.isSpawned(spawned) || this.replicator.parentsOf(spawned).length > 0
  }

  /** The node at a path is gone, with what the server and clients have inside it. */
  freeBelow (path: string): void {
    // All of it first: listeners of `despawned` may declare it again.
    const nodes = this.#removeSpawnersBelow(path)
    const others = [...this.synchronizers.below(path), ...this.clientSpawners.below(path)]
    for (const node of nodes) node.despawn()
    for (const other of others) other.free()
  }

  left (peer: number): void {
    this.replicator.left(peer)
    this.clientSpawners.left(peer)
  }

  /**
   * Values of synchronizers in one packet; returns which are refused and why, one for each reason. Other synchronizers
   * of clients do not concern the server. Godot never sends the values of one twice: ERR_INVALID_DATA.
   */
  receiveSyncs (sender: number, syncs: readonly AddressedSync[]): Array<readonly [RpcNode, Refusal]> {
    const refused: Array<readonly [RpcNode, Refusal]> = []
    const received = new Set<Synchronizer | ClientNode>()
    for (const { synchronizer: node, sync } of syncs) {
      const synchronizer = typeof node === 'string'
        ? this.synchronizers.get(node)
        : this.clientSpawners.nodeOf(sender, node)
      if (synchronizer === undefined) continue
      if (received.has(synchronizer)) throw new GodotError('ERR_INVALID_DATA', `values of synchronizer ${node} twice`)
      received.add(synchronizer)
      const refusal = synchronizer.receive(sender, sync)
      const isNew = refusal !== undefined && !refused.some(([, { reason }]) => reason === refusal.reason)
      if (isNew) refused.push([node, refusal])
    }
    return refused
  }

  /** A client spawned a node by the spawner at a path; returns why that is refused. */
  receiveSpawn (sender: number, spawner: string, spawn: Spawn): Refusal | undefined {
    return this.clientSpawners.spawned(sender, spawner, spawn)
  }

  /** A client despawned a node. */
  receiveDespawn (sender: number, node: number): void {
    this.clientSpawners.despawned(sender, node)
  }

  /** Removes the spawners in a node that is gone; returns their nodes, and what others placed in it. */
  #removeSpawnersBelow (path: string): SpawnedNode[] {
    const nodes: SpawnedNode[] = []
    for (const [below, { spawnPath, nodes: placed }] of this.#spawners) {
      const isGone = isBelow(below, path)
      if (isGone || spawnPath === path || isBelow(spawnPath, path)) nodes.push(...[...placed].reverse())
      if (!isGone) continue
      this.#spawners.delete(below)
      this.#onRemoved.get(below)?.()
      this.#onRemoved.delete(below)
      this.replicator.host.announcer.forget(below)
    }
    return nodes
  }
}
