import { GodotError } from '../../../error.ts'
import type { Spawn } from '../../../protocol/multiplayer/replication4-packet.ts'
import { idKey } from '../wire/id-key.ts'
import { isBelow, isNodeName } from '../wire/node-path.ts'
import type { Refusal } from '../wire/rpc-wire.ts'
import type { ClientNode } from './client-node.ts'
import { ClientSpawner } from './client-spawner.ts'
import type { ClientReplication, ClientSpawnerOptions } from './client-spawner.ts'
import type { Replication } from './replication.ts'
import type { Replicator } from './replicator.ts'

/** A node of a client, and the ids that stand for it and its synchronizer. */
interface Spawned {
  readonly spawner: ClientSpawner<any>
  readonly node: ClientNode<any>
  readonly id: number
  readonly synchronizers: readonly number[]
}

/** What one client has spawned, by the keys of its own ids. */
interface OfClient { readonly nodes: Map<number, Spawned>, readonly synchronizers: Map<number, ClientNode<any>> }

/** The spawners of clients in one room, and what they have spawned. */
export class ClientSpawners {
  readonly #replicator: Replicator
  readonly #freeBelow: (path: string) => void
  readonly #byPath = new Map<string, ClientSpawner<any>>()
  readonly #byPeer = new Map<number, OfClient>()
  /** Paths of the nodes. */
  readonly #paths = new Set<string>()

  /** `freeBelow`: the node at a path is gone, with everything inside it. */
  constructor (replicator: Replicator, freeBelow: (path: string) => void) {
    this.#replicator = replicator
    this.#freeBelow = freeBelow
  }

  get size (): number {
    return this.#byPath.size
  }

  has (path: string): boolean {
    return this.#byPath.has(path)
  }

  /** Whether a client has spawned the node at a path. */
  isSpawned (path: string): boolean {
    return this.#paths.has(path)
  }

  /** ERR_ALREADY_IN_USE if there is one at this path; other errors as of `MultiplayerAPI.clientSpawner`. */
  add<R extends Replication> (
    path: string, replication: ClientReplication<R>, options: ClientSpawnerOptions
  ): ClientSpawner<R> {
    if (this.has(path)) throw new GodotError('ERR_ALREADY_IN_USE', `a spawner of a client already exists at ${path}`)
    const spawner = new ClientSpawner<R>(path, replication, options, {
      replicator: this.#replicator,
      freed: spawner => { this.#free(spawner) }
    })
    this.#byPath.set(path, spawner)
    return spawner
  }

  /** Those below a node. */
  below (path: string): Array<ClientSpawner<any>> {
    return [...this.#byPath.values()].filter(spawner => isBelow(spawner.path, path))
  }

  /** A client spawned a node; returns why that is refused. Other spawners of clients do not concern the server. */
  spawned (sender: number, path: string, spawn: Spawn): Refusal | undefined {
    const spawner = this.#byPath.get(path)
    if (spawner === undefined) return undefined
    if (spawner.getMultiplayerAuthority() !== sender) return { reason: 'spawn-authority' }
    if (spawner.nodes.size >= spawner.limit) return { reason: 'spawn-limit' }
    const ofClient = this.#byPeer.get(sender) ?? { nodes: new Map(), synchronizers: new Map() }
    const node = this.#faultOf(spawn, spawner, ofClient) ?? spawner.createNode(spawn)
    if (typeof node === 'string') return { reason: 'spawn-invalid', why: node }
    // The application, which chose its properties, may have freed the spawner, or moved or closed the client.
    if (this.#byPath.get(path) !== spawner || !this.#replicator.link.connected.has(sender)) return undefined
    const { node: id, synchronizers } = spawn
    this.#byPeer.set(sender, ofClient)
    ofClient.nodes.set(idKey(id), { spawner, node, id, synchronizers })
    for (const id of synchronizers) ofClient.synchronizers.set(idKey(id), node)
    this.#paths.add(node.path)
    spawner.add(node)
    return undefined
  }

  /** A client despawned a node. */
  despawned (sender: number, id: number): void {
    const ofClient = this.#byPeer.get(sender)
    const spawned = ofClient?.nodes.get(idKey(id))
    if (ofClient !== undefined && spawned !== undefined) this.#remove(ofClient, spawned)
  }

  /** The node of a client whose synchronizer has this id. */
  nodeOf (client: number, id: number): ClientNode<any> | undefined {
    return this.#byPeer.get(client)?.synchronizers.get(idKey(id))
  }

  /** A client has left: Godot frees what it has spawned. */
  left (peer: number): void {
    const ofClient = this.#byPeer.get(peer)
    if (ofClient === undefined) return
    for (const spawned of [...ofClient.nodes.values()].reverse()) this.#remove(ofClient, spawned)
    this.#byPeer.delete(peer)
  }

  /** Why there can be no such node; undefined if there can. */
  #faultOf (
    { name, node, synchronizers }: Spawn, spawner: ClientSpawner<any>, ofClient: OfClient
  ): string | undefined {
    const path = spawner.pathOf(name)
    if (!isNodeName(name)) return 'invalid name'
    if (this.isSpawned(path) || this.#replicator.isSpawned(path)) return `node ${path} is already spawned`
    if (ofClient.nodes.has(idKey(node))) return `node id ${node} is in use`
    const used = synchronizers.find(id => ofClient.synchronizers.has(idKey(id)))
    return used === undefined ? undefined : `synchronizer id ${used} is in use`
  }

  #free (spawner: ClientSpawner<any>): void {
    if (this.#byPath.get(spawner.path) !== spawner) return
    this.#byPath.delete(spawner.path)
    const ofClient = this.#byPeer.get(spawner.getMultiplayerAuthority())
    if (ofClient === undefined) return
    const its = [...ofClient.nodes.values()].filter(spawned => spawned.spawner === spawner)
    for (const spawned of its.reverse()) this.#remove(ofClient, spawned)
  }

  /** What is inside a node is removed before the node. */
  #remove (ofClient: OfClient, { spawner, node, id, synchronizers }: Spawned): void {
    if (!ofClient.nodes.delete(idKey(id))) return
    for (const synchronizer of synchronizers) ofClient.synchronizers.delete(idKey(synchronizer))
    this.#freeBelow(node.path)
    this.#paths.delete(node.path)
    spawner.remove(node)
  }
}
