import type { Sync } from '../../../protocol/multiplayer/replication4-packet.ts'
import { namesOf, SignalEmitter } from '../../server/signals.ts'
import { addSignalMethods } from '../../server/signal-source.ts'
import type { SignalSource } from '../../server/signal-source.ts'
import type { Refusal } from '../wire/rpc-wire.ts'
import type { ReplicatedProperties } from './replicated-properties.ts'
import type { ReplicatedName, ReplicatedValue, ReplicatedValues, Replication } from './replication.ts'
import type { Spawned } from './spawner.ts'
import type { SynchronizerSignals } from './synchronizer.ts'

/** What a client's node consists of. */
export interface ClientNodeParts {
  readonly name: string
  readonly path: string
  readonly what: Spawned
  readonly peer: number
  readonly properties: ReplicatedProperties
  /** A listener threw or rejected. */
  readonly failed: (error: unknown, signal: string) => void
}

const signalNames = namesOf<SynchronizerSignals<any>>({ changed: true })

/** A node that a client placed in the scene, with the values of its MultiplayerSynchronizer (Godot 4). */
export class ClientNode<R extends Replication = Replication> {
  /** The node's name in the scene. */
  readonly name: string
  /** Its path relative to the root, such as `Main/Bullets/B1`. */
  readonly path: string
  /** What the client spawned: the index of a scene in the spawner's list, or the argument of its `spawn_function`. */
  readonly what: Spawned
  /** Id of the client. */
  readonly peer: number
  readonly #properties: ReplicatedProperties
  readonly #signals: SignalEmitter<SynchronizerSignals<R>>

  /** @internal A `ClientSpawner` creates nodes. */
  constructor ({ name, path, what, peer, properties, failed }: ClientNodeParts) {
    this.name = name
    this.path = path
    this.what = what
    this.peer = peer
    this.#properties = properties
    this.#signals = new SignalEmitter(signalNames, failed)
  }

  static {
    addSignalMethods(this.prototype as ClientNode<any>, node => node.#signals)
  }

  /** The value of a property; undefined while the client has not sent it. */
  get<Name extends ReplicatedName<R>> (name: Name): ReplicatedValue<R, Name> | undefined {
    return this.#properties.get(name) as never
  }

  /** The values by name, as far as they are known. */
  get values (): Partial<ReplicatedValues<R>> {
    return this.#properties.values as Partial<ReplicatedValues<R>>
  }

  /** @internal Values of the client; returns why they are refused. */
  receive (_sender: number, { values: bytes, changed }: Sync): Refusal | undefined {
    const changes = this.#properties.receive(bytes, changed)
    if (typeof changes === 'string') return { reason: 'sync-values', why: changes }
    const values = changes as Partial<ReplicatedValues<R>>
    if (Object.keys(changes).length > 0) this.#signals.emit('changed', values, this.peer)
    return undefined
  }
}

// The methods on, once and off.
export interface ClientNode<R extends Replication = Replication> extends SignalSource<SynchronizerSignals<R>> {}
