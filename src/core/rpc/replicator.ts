import { encodeDeltas, encodeSyncs } from '../../protocol/multiplayer/replication4-packet.ts'
import { target } from '../../protocol/multiplayer/relay-packet.ts'
import type { RpcLink } from './wire/rpc-wire.ts'
import { SpawnedProperties } from './spawned-properties.ts'
import type { Replication, SpawnHost, Spawned, SpawnedValues } from './spawned-properties.ts'

/** What a replicator needs besides the way to the clients. */
export interface ReplicatorHost extends SpawnHost {
  /** Announces a path to a peer unless that was done; returns its id. */
  announcePath (peer: number, path: string): number
}

/** The server as the authority of spawners and synchronizers (Godot 4's SceneReplicationInterface). */
export class Replicator {
  readonly #link: RpcLink
  readonly #host: ReplicatorHost
  /** Spawned nodes, by the path of their spawner. */
  readonly #spawned = new Map<string, Set<SpawnedProperties>>()
  #lastId = 0
  #time = 0

  constructor (link: RpcLink, host: ReplicatorHost) {
    this.#link = link
    this.#host = host
  }

  /** A node with its own ids, not spawned yet. */
  create (name: string, what: Spawned, replication: Replication, values: SpawnedValues): SpawnedProperties {
    // The next id is that of the node's synchronizer.
    const id = this.#lastId + 1
    this.#lastId += 2
    return new SpawnedProperties(id, name, what, replication, values, this.#host)
  }

  /** Places a node in the scene of every client. */
  spawn (spawner: string, node: SpawnedProperties): void {
    const nodes = this.#spawned.get(spawner) ?? new Set()
    this.#spawned.set(spawner, nodes.add(node))
    for (const peer of this.#link.connected) this.#spawnFor(peer, spawner, node)
  }

  /** Removes a node from the scene of every client. */
  despawn (spawner: string, node: SpawnedProperties): void {
    this.#spawned.get(spawner)?.delete(node)
    this.#link.putTo(target.ALL, node.despawnPacket())
  }

  /** Sends the values that are always sent, and those that changed. */
  sync (): void {
    const { codec } = this.#host
    const nodes = [...this.#spawned.values()].flatMap(nodes => [...nodes])
    const syncs = nodes.flatMap(node => node.sync() ?? [])
    if (syncs.length > 0) this.#put(target.ALL, encodeSyncs(codec, this.#time = (this.#time + 1) & 0xffff, syncs))
    this.#put(target.ALL, encodeDeltas(codec, nodes.flatMap(node => node.delta() ?? [])))
  }

  /** A newcomer gets the nodes that are spawned. */
  joined (peer: number): void {
    for (const [spawner, nodes] of this.#spawned) {
      for (const node of nodes) this.#spawnFor(peer, spawner, node)
      this.#put(peer, encodeDeltas(this.#host.codec, [...nodes].flatMap(node => node.delta(true) ?? [])))
    }
  }

  #spawnFor (peer: number, spawner: string, node: SpawnedProperties): void {
    this.#link.putTo(peer, node.spawnPacket(this.#host.announcePath(peer, spawner)))
  }

  #put (to: number, packets: readonly Uint8Array[]): void {
    for (const packet of packets) this.#link.putTo(to, packet)
  }
}
