import type { Kind, ValueOf } from '../rpc-surface.ts'

/** A property, with the settings that it has in the SceneReplicationConfig of the clients. */
export interface SyncedProperty {
  /** Type of its values. */
  readonly kind: Kind
  /** Whether it is sent when the node is spawned; default true. */
  readonly spawn?: boolean
  /** When it is sent later: at every `sync` (`always`, the default), at the next one after it changed, or never. */
  readonly mode?: 'always' | 'on_change' | 'never'
}

/**
 * The properties of a MultiplayerSynchronizer, in the order of its SceneReplicationConfig; the names are the
 * application's own.
 */
export type Replication = Readonly<Record<string, SyncedProperty>>

/** The values of such properties. */
export type ReplicatedValues<R extends Replication> = { [Name in keyof R]: ValueOf<R[Name]['kind']> }

/** The names of such properties; if there are several declarations, those of all of them. */
export type ReplicatedName<R extends Replication> = R extends Replication ? keyof R & string : never

/** The value of such a property. */
export type ReplicatedValue<R extends Replication, Name extends string> =
  R extends Replication ? Name extends keyof R ? ValueOf<R[Name]['kind']> : never : never

/** Values of any properties. */
export type AnyValues = Readonly<Record<string, unknown>>

/** Who gets a spawned node, or the values of a synchronizer. */
export interface VisibilityOptions {
  /** Whether everyone does; false: only peers of `setVisibleTo`. Default true. */
  readonly publicVisibility?: boolean
  /**
   * Asked for each peer at every `sync`, when the peer joins and when other settings change: false hides the node from
   * it. Godot 4: MultiplayerSynchronizer.add_visibility_filter.
   */
  readonly visibility?: (peer: number) => boolean
}
