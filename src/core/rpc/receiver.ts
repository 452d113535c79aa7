import type { EncodedValues } from '../../protocol/multiplayer/encoded-values.ts'
import type { Spawn } from '../../protocol/multiplayer/replication4-packet.ts'
import { ownBytes } from '../../protocol/own-bytes.ts'
import type { WebSocketPeer } from '../peer/websocket-peer.ts'
import type { RpcDrop } from '../server/log/drop-reason.ts'
import type { SignalEmitter } from '../server/signals.ts'
import type { MultiplayerParts, MultiplayerSignals } from './multiplayer-api.ts'
import type { MultiplayerCoreHost } from './multiplayer-core.ts'
import type { NodeTree } from './node-tree.ts'
import type { MemberKind } from './rpc-surface.ts'
import type { AddressedSync, Refusal, RpcReceiver } from './wire/rpc-wire.ts'

type ReceiverHost = Pick<MultiplayerCoreHost, 'refused'>

/** Delivers what the wire reads to nodes and listeners. */
export class Receiver implements RpcReceiver {
  readonly #host: ReceiverHost
  readonly #nodes: NodeTree
  readonly #signals: SignalEmitter<MultiplayerSignals>
  /** Set after construction: it needs the wire, which needs this receiver. */
  replication: MultiplayerParts['replication']

  constructor (host: ReceiverHost, nodes: NodeTree, signals: SignalEmitter<MultiplayerSignals>) {
    this.#host = host
    this.#nodes = nodes
    this.#signals = signals
  }

  receiveMember (sender: WebSocketPeer, path: string, kind: MemberKind, name: string, values: EncodedValues): void {
    const node = this.#nodes.get(path)
    if (node === undefined) return this.refuse(sender, 'rpc-unknown-node', { node: path, [kind]: name })
    this.#refuseFor(node.receive(sender.id, kind, name, values), sender, { node: path, [kind]: name })
  }

  receiveRaw (sender: WebSocketPeer, bytes: Uint8Array): void {
    const own = ownBytes(bytes, 0, bytes.length)
    this.#signals.emit('network_peer_packet', sender.id, own)
    this.#signals.emit('peer_packet', sender.id, own)
  }

  pathConfirmed (peer: number, path: string): void {
    this.replication?.replicator.confirmed(peer, path)
  }

  spawnedNodeOf (path: string): string | undefined {
    return this.replication?.spawnedNodeOf(path)
  }

  isOfServer (spawned: string): boolean {
    return this.replication?.isOfServer(spawned) === true
  }

  get readsReplication (): boolean {
    return this.replication?.isReading === true
  }

  get exactTypes (): boolean {
    return this.replication?.replicator.host.exactTypes === true
  }

  receiveSyncs (sender: WebSocketPeer, syncs: readonly AddressedSync[]): void {
    const refused = this.replication?.receiveSyncs(sender.id, syncs)
    for (const [node, refusal] of refused ?? []) this.#refuseFor(refusal, sender, { node })
  }

  receiveSpawn (sender: WebSocketPeer, spawner: string, spawn: Spawn): void {
    this.#refuseFor(this.replication?.receiveSpawn(sender.id, spawner, spawn), sender, {
      node: spawner, name: spawn.name
    })
  }

  receiveDespawn (sender: WebSocketPeer, node: number): void {
    this.replication?.receiveDespawn(sender.id, node)
  }

  refuse (sender: WebSocketPeer, reason: RpcDrop, details: object): void {
    this.#host.refused(reason, sender, details)
  }

  #refuseFor (refusal: Refusal | undefined, sender: WebSocketPeer, details: object): void {
    if (refusal === undefined) return
    const { reason, why } = refusal
    this.refuse(sender, reason, why === undefined ? details : { ...details, why })
  }
}
