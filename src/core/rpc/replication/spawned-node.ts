import type { Variant } from '../../../protocol/variant/variant-types.ts'
import type { ValueOf } from '../rpc-surface.ts'
import type { Presence } from './presence.ts'
import type { Replication } from './replication.ts'
import type { Synchronizer, SynchronizerOptions } from './synchronizer.ts'

/** What a spawned node needs of its spawner. */
export interface SpawnedNodeHost {
  despawn (node: SpawnedNode<any>): void
  synchronizer<R extends Replication> (path: string, replication: R, options: SynchronizerOptions<R>): Synchronizer<R>
}

/** A node that the server placed in the scene of clients. */
export class SpawnedNode<R extends Replication = Replication> {
  /** The node's name in the clients' scene. */
  readonly name: string
  readonly #presence: Presence
  readonly #host: SpawnedNodeHost

  /** @internal `Spawner.spawn` creates nodes. */
  constructor (name: string, presence: Presence, host: SpawnedNodeHost) {
    this.name = name
    this.#presence = presence
    this.#host = host
  }

  /** Its path relative to the root, such as `Main/Ball`; see option `spawnPath` of `MultiplayerAPI.spawner`. */
  get path (): string {
    return this.#presence.path
  }

  /** The value of a property. */
  get<Name extends keyof R & string> (name: Name): ValueOf<R[Name]['kind']> {
    return this.#presence.properties.get(name) as never
  }

  /**
   * Changes a property; clients get the value with the next `sync`, unless it is equal to the one before and sent on
   * change; none gets it after `despawn`. ERR_INVALID_PARAMETER for a property that is not declared, and for a value of
   * another kind or that cannot be sent; ERR_OUT_OF_MEMORY for more than fits in a packet.
   */
  set<Name extends keyof R & string> (name: Name, value: ValueOf<R[Name]['kind']>): void {
    this.#presence.properties.set(name, value as Variant)
  }

  /** Removes the node, and what was spawned inside it, from the scene of every client. */
  despawn (): void {
    this.#host.despawn(this)
  }

  /**
   * A MultiplayerSynchronizer inside the node that is not part of the spawn: that of a player (`{ authority: id }`), or
   * one with another root. `path` is relative to the node. As `MultiplayerAPI.synchronizer`; it is freed with the node.
   * ERR_DOES_NOT_EXIST once the node was despawned.
   */
  synchronizer<const S extends Replication> (
    path: string, replication: S, options: SynchronizerOptions<S>
  ): Synchronizer<S> {
    return this.#host.synchronizer(`${this.path}/${path}`, replication, options)
  }

  /**
   * Whether every client has the node; false: only those of `setVisibleTo`.
   * Godot 4: MultiplayerSynchronizer.public_visibility.
   */
  get publicVisibility (): boolean {
    return this.#presence.visibility.isPublic
  }

  set publicVisibility (isPublic: boolean) {
    this.#presence.visibility.isPublic = isPublic
  }

  /**
   * Shows the node to a client, or hides it unless `publicVisibility`. Clients get and lose the node at once.
   * ERR_INVALID_PARAMETER for an id that is not a number. Godot 4: MultiplayerSynchronizer.set_visibility_for.
   */
  setVisibleTo (peer: number, isVisible: boolean): void {
    this.#presence.visibility.set(peer, isVisible)
  }

  /** Whether a client has the node. */
  isVisibleTo (peer: number): boolean {
    return this.#presence.peers.has(peer)
  }
}
