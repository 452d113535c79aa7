import { inspect } from 'node:util'
import { GodotError } from '../../../error.ts'
import { target } from '../../../protocol/multiplayer/relay-packet.ts'
import type { Spawn } from '../../../protocol/multiplayer/replication4-packet.ts'
import { namesOf, SignalEmitter } from '../../server/signals.ts'
import { addSignalMethods } from '../../server/signal-source.ts'
import type { SignalSource } from '../../server/signal-source.ts'
import { childPath, relativePath } from '../wire/node-path.ts'
import { ClientNode } from './client-node.ts'
import type { ReplicatedProperties } from './replicated-properties.ts'
import type { Replication } from './replication.ts'
import type { Replicator } from './replicator.ts'
import type { Spawned, SpawnerOptions } from './spawner.ts'

/** Additional settings of a spawner of a client. */
export interface ClientSpawnerOptions extends SpawnerOptions {
  /** Id of the client that is its authority. */
  readonly authority: number
  /**
   * Nodes that it may have at once; default 1024. The encoded values of each are at most as large as `outputBufferKb`,
   * and decoded they take several times as much memory. Godot 4: MultiplayerSpawner.spawn_limit.
   */
  readonly spawnLimit?: number
}

/** The arguments of the signals of a ClientSpawner by their names. */
export interface ClientSpawnerSignals<R extends Replication> {
  /** The client spawned a node; it has the values of the spawn. Godot 4: MultiplayerSpawner.spawned. */
  spawned: [node: ClientNode<R>]
  /**
   * The client despawned a node, or has left; or the spawner was freed. The node has its last values.
   * Godot 4: MultiplayerSpawner.despawned.
   */
  despawned: [node: ClientNode<R>]
}

/** The properties of what a client spawns: always the same, or by what it spawns. */
export type ClientReplication<R extends Replication> = R | ((what: Spawned) => R)

/** What a spawner of a client needs of its MultiplayerAPI. */
export interface ClientSpawnerHost {
  readonly replicator: Replicator
  /** It is freed. */
  freed (spawner: ClientSpawner<any>): void
}

const signalNames = namesOf<ClientSpawnerSignals<any>>({ spawned: true, despawned: true })

/** Bytes of a spawn apart from its name and values. */
const OVERHEAD = 23

const DEFAULT_LIMIT = 1024

/** A MultiplayerSpawner of the clients' scene whose authority is a client (Godot 4). */
export class ClientSpawner<R extends Replication = Replication> {
  /** Its path relative to the root, such as `Main/Bullets/Spawner`. */
  readonly path: string
  /** @internal Nodes that it may have at once. */
  readonly limit: number
  readonly #authority: number
  readonly #spawnPath: string
  readonly #replication: ClientReplication<R>
  readonly #host: ClientSpawnerHost
  readonly #nodes = new Set<ClientNode<R>>()
  readonly #signals: SignalEmitter<ClientSpawnerSignals<R>>

  /** @internal `MultiplayerAPI.clientSpawner` creates spawners of clients. */
  constructor (
    path: string, replication: ClientReplication<R>, options: ClientSpawnerOptions, host: ClientSpawnerHost
  ) {
    const { authority, spawnPath = '..', spawnLimit = DEFAULT_LIMIT } = options
    const { replicator } = host
    checkNumber('authority', authority, target.SERVER + 1, 'the id of a client')
    checkNumber('spawnLimit', spawnLimit, 1, 'a positive integer')
    if (typeof replication !== 'function') replicator.createProperties(replication, OVERHEAD)
    this.path = path
    this.limit = spawnLimit
    this.#authority = authority
    this.#spawnPath = relativePath(spawnPath, path)
    this.#replication = replication
    this.#host = host
    this.#signals = new SignalEmitter(signalNames, (error, signal) => {
      replicator.host.failed(error, { node: path, signal })
    })
  }

  static {
    addSignalMethods(this.prototype as ClientSpawner<any>, spawner => spawner.#signals)
  }

  /** Its present nodes, in the order in which they were spawned. */
  get nodes (): ReadonlySet<ClientNode<R>> {
    return this.#nodes
  }

  /** Id of the client that may spawn. Godot 4: Node.get_multiplayer_authority. */
  getMultiplayerAuthority (): number {
    return this.#authority
  }

  /** Removes it and its nodes: nothing more is read, and its path may be used again. */
  free (): void {
    this.#host.freed(this)
  }

  /** @internal The path of a node of this name. */
  pathOf (name: string): string {
    return childPath(this.#spawnPath, name)
  }

  /** @internal A node as it was spawned, or why there can be none. */
  createNode ({ name, what, synchronizers, values }: Spawn): ClientNode<R> | string {
    const properties = this.#propertiesOf(what)
    if (properties === undefined) return 'the function that returns its properties threw'
    const expected = Number(!properties.isEmpty)
    if (synchronizers.length !== expected) return `${synchronizers.length} synchronizers: expected ${expected}`
    const fault = properties.receiveSpawn(values[0])
    if (fault !== undefined) return fault
    const path = this.pathOf(name)
    const failed = (error: unknown, signal: string): void => {
      this.#host.replicator.host.failed(error, { node: this.path, signal, spawned: path })
    }
    return new ClientNode<R>({ name, path, what, peer: this.#authority, properties, failed })
  }

  /** @internal The node was spawned. */
  add (node: ClientNode<R>): void {
    this.#nodes.add(node)
    this.#signals.emit('spawned', node)
  }

  /** @internal The node is gone. */
  remove (node: ClientNode<R>): void {
    if (this.#nodes.delete(node)) this.#signals.emit('despawned', node)
  }

  /** Undefined if the application's choice throws. */
  #propertiesOf (what: Spawned): ReplicatedProperties | undefined {
    const { replicator } = this.#host
    try {
      const replication = typeof this.#replication === 'function' ? this.#replication(what) : this.#replication
      return replicator.createProperties(replication, OVERHEAD)
    } catch (error) {
      replicator.host.failed(error, { node: this.path, spawned: inspect(what, { breakLength: Infinity }) })
      return undefined
    }
  }
}

// The methods on, once and off.
export interface ClientSpawner<R extends Replication = Replication> extends SignalSource<ClientSpawnerSignals<R>> {}

function checkNumber (name: string, value: number, min: number, expected: string): void {
  if (Number.isInteger(value) && value >= min) return
  throw new GodotError('ERR_INVALID_PARAMETER', `invalid ${name} ${String(value)}: expected ${expected}`)
}
