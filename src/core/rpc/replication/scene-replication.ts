import type { Spawn, Sync } from '../../../protocol/multiplayer/replication4-packet.ts'
import type { RpcNode } from '../../../protocol/multiplayer/rpc-node.ts'
import type { RpcDrop } from '../wire/rpc-drop.ts'
import { ClientSpawners } from './client-spawners.ts'
import type { Replicator } from './replicator.ts'
import { Synchronizers } from './synchronizers.ts'

/** The spawners and synchronizers of one room, of the server and of clients (Godot 4's SceneReplicationInterface). */
export class SceneReplication {
  readonly replicator: Replicator
  readonly synchronizers: Synchronizers
  readonly clientSpawners: ClientSpawners

  constructor (replicator: Replicator) {
    this.replicator = replicator
    this.synchronizers = new Synchronizers(replicator)
    this.clientSpawners = new ClientSpawners(replicator, path => { this.freeBelow(path) })
  }

  /** Whether any packets of clients are read. */
  get isReading (): boolean {
    return this.synchronizers.size + this.clientSpawners.size > 0
  }

  /** The node at a path is gone, and what clients have inside of it. */
  freeBelow (path: string): void {
    this.synchronizers.freeBelow(path)
    this.clientSpawners.freeBelow(path)
  }

  left (peer: number): void {
    this.replicator.left(peer)
    this.clientSpawners.left(peer)
  }

  /** Values of the synchronizer at a path, or of one that has an id of its own; returns why they are refused. */
  receiveSync (sender: number, synchronizer: RpcNode, sync: Sync): RpcDrop | undefined {
    return typeof synchronizer === 'string'
      ? this.synchronizers.receive(sender, synchronizer, sync)
      : this.clientSpawners.receive(sender, sync)
  }

  /** A client spawned a node by the spawner at a path; returns why that is refused. */
  receiveSpawn (sender: number, spawner: string, spawn: Spawn): RpcDrop | undefined {
    return this.clientSpawners.spawned(sender, spawner, spawn)
  }

  /** A client despawned a node. */
  receiveDespawn (sender: number, node: number): void {
    this.clientSpawners.despawned(sender, node)
  }
}
