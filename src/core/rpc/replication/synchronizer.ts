import { GodotError } from '../../../error.ts'
import { target } from '../../../protocol/multiplayer/relay-packet.ts'
import type { Sync } from '../../../protocol/multiplayer/replication4-packet.ts'
import { PATH_BASED } from '../../../protocol/multiplayer/scene-packet.ts'
import type { Variant } from '../../../protocol/variant/variant-types.ts'
import { namesOf, SignalEmitter } from '../../server/signals.ts'
import { addSignalMethods } from '../../server/signal-source.ts'
import type { SignalSource } from '../../server/signal-source.ts'
import type { ValueOf } from '../rpc-surface.ts'
import type { Refusal } from '../wire/rpc-wire.ts'
import { Presence } from './presence.ts'
import type { ReplicatedProperties } from './replicated-properties.ts'
import type { AnyValues, ReplicatedValues, Replication, VisibilityOptions } from './replication.ts'
import type { Replicator } from './replicator.ts'
import { Visibility } from './visibility.ts'

/** The arguments of the signals of a Synchronizer by their names. */
export interface SynchronizerSignals<R extends Replication> {
  /** Its authority, a client, sent values that differ from those before: just these, by name. */
  changed: [values: Partial<ReplicatedValues<R>>, sender: number]
}

/** How a synchronizer is declared: by its values if the server is its authority, else by the id of the client. */
export type SynchronizerOptions<R extends Replication> = VisibilityOptions & (
  { readonly authority: number, readonly values?: undefined } |
  { readonly authority?: 1, readonly values: ReplicatedValues<R> }
)

/** What a synchronizer needs of its MultiplayerAPI. */
export interface SynchronizerHost {
  readonly replicator: Replicator
  /** It is freed. */
  freed (synchronizer: Synchronizer<any>): void
}

const signalNames = namesOf<SynchronizerSignals<any>>({ changed: true })

/** Bytes of a delta apart from its values. */
const OVERHEAD = 17

/**
 * A MultiplayerSynchronizer that is in the clients' scene, and not part of a spawned node (Godot 4). Its authority
 * sends the values: the server, or a client.
 */
export class Synchronizer<R extends Replication = Replication> {
  /** Its path relative to the root, such as `Main/State`. */
  readonly path: string
  readonly #host: SynchronizerHost
  readonly #properties: ReplicatedProperties
  readonly #visibility: Visibility
  readonly #signals: SignalEmitter<SynchronizerSignals<R>>
  #authority: number = target.SERVER
  /** What clients have of it while the server is its authority. */
  #presence: Presence | undefined
  #isFreed = false

  /** @internal `MultiplayerAPI.synchronizer` creates synchronizers. */
  constructor (path: string, replication: R, options: SynchronizerOptions<R>, host: SynchronizerHost) {
    const { replicator } = host
    this.path = path
    this.#host = host
    this.#properties = replicator.createProperties(replication, OVERHEAD)
    this.#visibility = new Visibility(options, peer => {
      if (this.#presence !== undefined) replicator.update(this.#presence, peer)
    })
    this.#signals = new SignalEmitter(signalNames, (error, signal) => {
      replicator.host.failed(error, { node: path, signal })
    })
    const { authority = target.SERVER, values } = options
    if (authority === target.SERVER) this.#own(values ?? {})
    else this.setMultiplayerAuthority(authority)
  }

  static {
    addSignalMethods(this.prototype as Synchronizer<any>, synchronizer => synchronizer.#signals)
  }

  /** The value of a property; undefined while its authority, a client, has not sent it. */
  get<Name extends keyof R & string> (name: Name): ValueOf<R[Name]['kind']> | undefined {
    return this.#properties.get(name) as never
  }

  /** The values by name, as far as they are known. */
  get values (): Partial<ReplicatedValues<R>> {
    return this.#properties.values as Partial<ReplicatedValues<R>>
  }

  /**
   * Changes a property; clients get the value with the next `sync`, unless it is equal to the one before and sent on
   * change; none gets it after `free`. ERR_UNAUTHORIZED unless the server is the authority; other errors as
   * `SpawnedNode.set`.
   */
  set<Name extends keyof R & string> (name: Name, value: ValueOf<R[Name]['kind']>): void {
    if (this.#authority !== target.SERVER) {
      throw new GodotError('ERR_UNAUTHORIZED', `synchronizer ${this.path}: its authority is peer ${this.#authority}`)
    }
    this.#properties.set(name, value as Variant)
  }

  /**
   * Id of the peer with authority over the values, initially 1, the server.
   * Godot 4: Node.get_multiplayer_authority.
   */
  getMultiplayerAuthority (): number {
    return this.#authority
  }

  /**
   * Makes another peer the authority; set the same authority on all sides. ERR_INVALID_PARAMETER for an id below 1, and
   * for 1 while values are not known. Godot 4: Node.set_multiplayer_authority.
   */
  setMultiplayerAuthority (id: number): void {
    this.checkAuthority(id)
    if (id === this.#authority) return
    if (id === target.SERVER) return this.#own(this.#properties.values)
    this.#authority = id
    const presence = this.#presence
    this.#presence = undefined
    if (presence !== undefined) this.#host.replicator.remove(presence)
  }

  /**
   * Whether every client gets the values; false: only those of `setVisibleTo`.
   * Godot 4: MultiplayerSynchronizer.public_visibility.
   */
  get publicVisibility (): boolean {
    return this.#visibility.isPublic
  }

  set publicVisibility (isPublic: boolean) {
    this.#visibility.isPublic = isPublic
  }

  /**
   * Sends the values of the server to a client from now on, or not unless `publicVisibility`. ERR_INVALID_PARAMETER for
   * an id that is not a number. Godot 4: MultiplayerSynchronizer.set_visibility_for.
   */
  setVisibleTo (peer: number, isVisible: boolean): void {
    this.#visibility.set(peer, isVisible)
  }

  /** Whether a client gets the values of the server, or will once it has the node. */
  isVisibleTo (peer: number): boolean {
    return this.#presence?.peers.has(peer) === true
  }

  /** Removes it: nothing more is sent or read, and its path may be used again. */
  free (): void {
    if (this.#isFreed) return
    this.#isFreed = true
    const presence = this.#presence
    this.#presence = undefined
    if (presence !== undefined) this.#host.replicator.remove(presence)
    this.#host.freed(this)
  }

  /** @internal Throws what `setMultiplayerAuthority` would. */
  checkAuthority (id: number): void {
    if (!Number.isInteger(id) || id < 1) {
      throw new GodotError('ERR_INVALID_PARAMETER', `invalid authority ${String(id)}: expected the id of a peer`)
    }
    if (id === target.SERVER && id !== this.#authority) this.#properties.checkSendable()
  }

  /** @internal Values of a client; returns why they are refused. */
  receive (sender: number, { values: bytes, changed }: Sync): Refusal | undefined {
    if (sender !== this.#authority) return { reason: 'sync-authority' }
    const changes = this.#properties.receive(bytes, changed)
    if (typeof changes === 'string') return { reason: 'sync-values', why: changes }
    if (Object.keys(changes).length > 0) this.#signals.emit('changed', changes as Partial<ReplicatedValues<R>>, sender)
    return undefined
  }

  /** The server is its authority, with these values. */
  #own (values: AnyValues): void {
    const { replicator } = this.#host
    this.#properties.fill(values)
    this.#authority = target.SERVER
    if (this.#isFreed) return
    const { announcer } = replicator.host
    const presence: Presence = new Presence({
      path: this.path,
      parents: replicator.parentsOf(this.path),
      properties: this.#properties,
      visibility: this.#visibility,
      appearance: {
        show: peer => {
          const id = announcer.confirmedId(peer, this.path)
          if (id !== undefined) return PATH_BASED + id
          if (!presence.ids.has(peer)) announcer.announce(peer, this.path)
          return undefined
        },
        hide: () => {},
        // With the node that it is part of.
        removed: () => { if (this.#presence === presence) this.free() }
      }
    })
    this.#presence = presence
    replicator.addSynchronizer(presence)
  }
}

// The methods on, once and off.
export interface Synchronizer<R extends Replication = Replication> extends SignalSource<SynchronizerSignals<R>> {}
