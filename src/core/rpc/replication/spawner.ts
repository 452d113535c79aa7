import { GodotError } from '../../../error.ts'
import { encodeDespawn, encodeSpawn } from '../../../protocol/multiplayer/replication4-packet.ts'
import type { Variant } from '../../../protocol/variant/variant-types.ts'
import { checkedPath, childPath, isNodeName, MAX_NAME } from '../wire/node-path.ts'
import { Presence } from './presence.ts'
import type { Appearance } from './presence.ts'
import type { AnyValues, ReplicatedValues, Replication, VisibilityOptions } from './replication.ts'
import type { Replicator } from './replicator.ts'
import type { SceneReplication } from './scene-replication.ts'
import { SpawnedNode } from './spawned-node.ts'
import { IntervalInterest } from './interval-interest.ts'
import { Visibility } from './visibility.ts'

const MAX_SCENE = 254

/** Additional settings of a spawner. */
export interface SpawnerOptions {
  /**
   * The spawner's `spawn_path`: the node below which the nodes are placed, absolute or relative to the spawner such as
   * `../Players`. It determines what is part of a spawned node. Default: `..`, the parent of the spawner.
   */
  readonly spawnPath?: string
}

/** What is spawned: the index of a scene in the spawner's list, or the argument of its `spawn_function`. */
export type Spawned = { readonly scene: number } | { readonly custom: Variant }

/** The last arguments of `Spawner.spawn`: the values may be left out if there are none. */
export type SpawnValues<R extends Replication> = keyof R extends never
  ? [values?: ReplicatedValues<R>, options?: VisibilityOptions]
  : [values: ReplicatedValues<R>, options?: VisibilityOptions]

/** A MultiplayerSpawner of the clients' scene whose authority is the server (Godot 4). */
export class Spawner {
  /** Its path relative to the root, such as `Main/Spawner`. */
  readonly path: string
  /** @internal Path of the node below which its nodes are placed. */
  readonly spawnPath: string
  readonly #replicator: Replicator
  readonly #scene: SceneReplication
  readonly #nodes = new Map<string, SpawnedNode<any>>()
  readonly #byPresence = new Map<Presence, SpawnedNode<any>>()
  readonly #interest = new IntervalInterest()

  /** @internal `MultiplayerAPI.spawner` creates spawners. */
  constructor (scene: SceneReplication, path: string, spawnPath: string) {
    this.#scene = scene
    this.#replicator = scene.replicator
    this.path = path
    this.spawnPath = spawnPath
  }

  /** The spawned nodes, in the order in which they were spawned. */
  get nodes (): Iterable<SpawnedNode> {
    return this.#nodes.values()
  }

  /**
   * Places a node in the scene of clients, now and when one joins or may see it later. `replication` describes the
   * properties of its MultiplayerSynchronizer; without any it must not have one. ERR_ALREADY_IN_USE for a name in use;
   * ERR_INVALID_PARAMETER for a name that no node can have or of more than 1024 characters, an index of a scene beyond
   * 254, or values that are missing, of another kind, or cannot be sent; ERR_OUT_OF_MEMORY for more than fits in a
   * packet; ERR_DOES_NOT_EXIST once the spawner was removed with the node that it is in. Godot:
   * MultiplayerSpawner.spawn.
   */
  spawn<const R extends Replication = {}> (
    name: string, what: Spawned, replication?: R, ...[values, options]: SpawnValues<R>
  ): SpawnedNode<R> {
    this.#checkExists()
    checkName(name)
    checkScene(what)
    this.#checkFree(childPath(this.spawnPath, name))
    const presence = this.#presence(name, what, replication ?? {}, values ?? {}, options ?? {})
    const node = new SpawnedNode<R>(name, presence, {
      despawn: () => { this.#replicator.remove(presence) },
      synchronizer: (path, replication, options) => {
        if (!this.#byPresence.has(presence)) {
          throw new GodotError('ERR_DOES_NOT_EXIST', `node ${presence.path} was despawned`)
        }
        return this.#scene.synchronizers.add(checkedPath(path), replication, options)
      }
    })
    this.#nodes.set(name, node)
    this.#byPresence.set(presence, node)
    this.#replicator.addSpawned(presence)
    return node
  }

  /**
   * Shows each node of the spawner only to peers for which `includes` is true, in addition to its visibility. It is
   * asked for every peer and node at the first `sync` after every `milliseconds`, and when a node or a peer is new: for
   * worlds with more nodes than one client should get. Nodes that are there now are asked for, too.
   */
  interest (includes: (peer: number, node: SpawnedNode) => boolean, milliseconds: number = 0): void {
    if (!(milliseconds >= 0)) {
      throw new GodotError('ERR_INVALID_PARAMETER', `invalid interval ${milliseconds}: expected 0 or more`)
    }
    this.#interest.set((peer, presence) => includes(peer, this.#byPresence.get(presence)!), milliseconds)
  }

  #checkExists (): void {
    if (this.#scene.spawnerAt(this.path) === this) return
    throw new GodotError('ERR_DOES_NOT_EXIST', `spawner ${this.path} was removed with the node that it is in`)
  }

  #checkFree (path: string): void {
    if (!this.#replicator.isSpawned(path) && !this.#scene.clientSpawners.isSpawned(path)) return
    throw new GodotError('ERR_ALREADY_IN_USE', `node ${path} is already spawned`)
  }

  #presence (
    name: string, what: Spawned, replication: Replication, values: AnyValues, options: VisibilityOptions
  ): Presence {
    const { host } = this.#replicator
    const path = childPath(this.spawnPath, name)
    const [node, synchronizer] = [this.#replicator.takeId(), this.#replicator.takeId()]
    const hasValues = Object.keys(replication).length > 0
    const synchronizers = hasValues ? [synchronizer] : []
    const encode = (spawner: number, values: readonly Uint8Array[]): Uint8Array =>
      encodeSpawn(host.codec, { spawner, node, synchronizers, name, what, values })
    const properties = this.#replicator.createProperties(replication, encode(0, []).length)
    properties.fill(values)
    const appearance: Appearance = {
      show: peer => {
        this.#put(peer, encode(host.announcer.announce(peer, this.path), properties.spawnValues))
        return synchronizer
      },
      hide: peer => { this.#put(peer, encodeDespawn(node)) },
      removed: () => {
        this.#nodes.delete(name)
        this.#byPresence.delete(presence)
        this.#scene.freeBelow(path)
        host.announcer.gone(path)
      }
    }
    const visibility = new Visibility(options, peer => { this.#replicator.update(presence, peer) })
    const parents = this.#replicator.parentsOf(this.path, path)
    const interest = this.#interest
    const presence: Presence = new Presence({ path, parents, properties, visibility, appearance, interest })
    return presence
  }

  #put (peer: number, packet: Uint8Array): void {
    this.#replicator.link.putTo(peer, packet)
  }
}

function checkName (name: string): void {
  if (!isNodeName(name)) {
    throw new GodotError(
      'ERR_INVALID_PARAMETER',
      `invalid node name ${JSON.stringify(name)}: expected 1 to ${MAX_NAME} characters without . : @ / " %`
    )
  }
}

function checkScene (what: Spawned): void {
  if ('scene' in what && !(Number.isInteger(what.scene) && what.scene >= 0 && what.scene <= MAX_SCENE)) {
    throw new GodotError('ERR_INVALID_PARAMETER', `invalid scene ${what.scene}: expected 0 to ${MAX_SCENE}`)
  }
}
