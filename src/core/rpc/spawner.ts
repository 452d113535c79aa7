import { GodotError } from '../../error.ts'
import type { Variant } from '../../protocol/variant/variant-types.ts'
import type { Replicator } from './replicator.ts'
import type { ValueOf } from './rpc-surface.ts'
import type { ReplicatedValues, Replication, Spawned, SpawnedProperties } from './spawned-properties.ts'

const MAX_SCENE = 254

/** A node that the server placed in the scene of every client. */
export class SpawnedNode<R extends Replication = Replication> {
  readonly #properties: SpawnedProperties
  readonly #despawn: () => void

  /** @internal `Spawner.spawn` creates nodes. */
  constructor (properties: SpawnedProperties, despawn: () => void) {
    this.#properties = properties
    this.#despawn = despawn
  }

  /** The node's name in the clients' scene. */
  get name (): string {
    return this.#properties.name
  }

  /** The value of a property. */
  get<Name extends keyof R & string> (name: Name): ValueOf<R[Name]['kind']> {
    return this.#properties.get(name) as never
  }

  /** Changes a property; clients get the value with the next `sync`. Errors as of `Spawner.spawn`. */
  set<Name extends keyof R & string> (name: Name, value: ValueOf<R[Name]['kind']>): void {
    this.#properties.set(name, value as Variant)
  }

  /** Removes the node from every client's scene. */
  despawn (): void {
    this.#despawn()
  }
}

/** A MultiplayerSpawner of the clients' scene whose authority is the server (Godot 4). */
export class Spawner {
  /** Its path relative to the root, such as `Main/Spawner`. */
  readonly path: string
  readonly #replicator: Replicator
  readonly #nodes = new Map<string, SpawnedNode<any>>()

  /** @internal `MultiplayerAPI.spawner` creates spawners. */
  constructor (replicator: Replicator, path: string) {
    this.#replicator = replicator
    this.path = path
  }

  /** The spawned nodes, in the order in which they were spawned. */
  get nodes (): Iterable<SpawnedNode> {
    return this.#nodes.values()
  }

  /**
   * Places a node in the scene of every client, now and when one joins later. `replication` describes the properties of
   * its MultiplayerSynchronizer; without any it must not have one. ERR_ALREADY_IN_USE for a name in use;
   * ERR_INVALID_PARAMETER for a name that no node can have, an index of a scene beyond 254, or values that cannot be
   * sent; ERR_OUT_OF_MEMORY for more than fits in a packet. Godot: MultiplayerSpawner.spawn.
   */
  spawn<const R extends Replication> (
    name: string,
    what: Spawned,
    replication: R = {} as R,
    values: ReplicatedValues<R> = {} as ReplicatedValues<R>
  ): SpawnedNode<R> {
    checkName(name)
    checkScene(what)
    if (this.#nodes.has(name)) throw new GodotError('ERR_ALREADY_IN_USE', `a node ${name} is spawned already`)
    const properties = this.#replicator.create(name, what, replication, values)
    const node = new SpawnedNode<R>(properties, () => {
      if (this.#nodes.get(name) !== node) return
      this.#nodes.delete(name)
      this.#replicator.despawn(this.path, properties)
    })
    this.#nodes.set(name, node)
    this.#replicator.spawn(this.path, properties)
    return node
  }
}

/** Godot's rule for names of nodes. */
function checkName (name: string): void {
  if (name === '' || /[.:@/"%\0]/.test(name)) {
    throw new GodotError(
      'ERR_INVALID_PARAMETER',
      `invalid node name ${JSON.stringify(name)}: must not contain . : @ / " %`
    )
  }
}

function checkScene (what: Spawned): void {
  if ('scene' in what && !(Number.isInteger(what.scene) && what.scene >= 0 && what.scene <= MAX_SCENE)) {
    throw new GodotError('ERR_INVALID_PARAMETER', `invalid scene ${what.scene}: expected 0 to ${MAX_SCENE}`)
  }
}
