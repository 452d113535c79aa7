import type { PeerEnd } from '../core/peer/peer-end.ts'
import type { WebSocketPeer } from '../core/peer/websocket-peer.ts'
import type { Room } from '../core/room/room.ts'
import type { RoomOptions } from '../options/option-types.ts'
import { addSignalMethods } from '../core/server/signal-source.ts'
import type { SignalSource } from '../core/server/signal-source.ts'
import { namesOf } from '../core/server/signals.ts'
import type { SignalEmitter } from '../core/server/signals.ts'
import { checkClose, closeCode } from '../protocol/websocket/close-code.ts'
import type { ClusterNode, NodeLeftCause } from './membership/membership-host.ts'

/** The arguments of each signal of a Cluster by its name. */
export interface ClusterSignals {
  /** Another node has joined the cluster; its peers are known. */
  node_joined: [node: ClusterNode]
  /** A node has left: it announced that (`left`), or stopped responding (`lost`). Its peers have left before. */
  node_left: [node: ClusterNode, cause: NodeLeftCause]
  /** Messages of a node were lost: to the room of this name, or ('') to single peers or about its peers. */
  gap: [node: ClusterNode, lost: number, room: string]
  /** A peer of another node has joined. */
  peer_joined: [peer: WebSocketPeer]
  /** A peer of another node has left, or its node was lost. */
  peer_left: [peer: WebSocketPeer, end: PeerEnd]
  /** This node has joined the cluster, for the first time or, after `lost`, again. */
  ready: []
  /** This node has lost the broker and is no longer part of the cluster. Not emitted again before the next `ready`. */
  lost: []
}

/** The names of all signals of a cluster. */
export const clusterSignalNames = namesOf<ClusterSignals>({
  node_joined: true, node_left: true, gap: true, peer_joined: true, peer_left: true, ready: true, lost: true
})

/** What a Cluster needs of the node. */
export interface ClusterBackend {
  readonly signals: SignalEmitter<ClusterSignals>
  readonly nodeId: string
  readonly slot: number
  readonly isReady: boolean
  nodes (): Iterable<ClusterNode>
  peer (id: number): WebSocketPeer | undefined
  peers (): Iterable<WebSocketPeer>
  closePeer (id: number, code: number, reason: string): Promise<WebSocketPeer>
  openClusterRoom (name: string | undefined, options: RoomOptions): Promise<Room>
}

/** The cluster that a server is a node of (option `cluster`). */
export class Cluster {
  readonly #backend: ClusterBackend

  static {
    addSignalMethods(this.prototype, cluster => cluster.#backend.signals)
  }

  /** @internal Created by the server. */
  constructor (backend: ClusterBackend) {
    this.#backend = backend
  }

  /** Name of this node, unique in the cluster. */
  get nodeId (): string {
    return this.#backend.nodeId
  }

  /** Slot of this node, 1..1023: the upper 10 bits of the ids of its peers; 0 while it is not in the cluster. */
  get slot (): number {
    return this.#backend.slot
  }

  /** Whether this node is part of the cluster: it holds its slot and knows all other nodes and their peers. */
  get isReady (): boolean {
    return this.#backend.isReady
  }

  /** The other live nodes, by slot. */
  nodes (): ClusterNode[] {
    return [...this.#backend.nodes()].sort((a, b) => a.slot - b.slot)
  }

  /** A peer of any other node. */
  peer (id: number): WebSocketPeer | undefined {
    return this.#backend.peer(id)
  }

  /** The peers of all other nodes, in no particular order. */
  peers (): Iterable<WebSocketPeer> {
    return this.#backend.peers()
  }

  /**
   * Closes a peer of any node and resolves with how it ended: at the latest after `closeTimeout` of its node, or with
   * outcome `reset` when that node is lost. A closing peer keeps its first close code. Rejects with ERR_DOES_NOT_EXIST,
   * ERR_INVALID_PARAMETER for a code or reason that a close frame cannot carry, or cluster-unavailable when its node
   * does not respond in two seconds. To wait for no more than that, use `WebSocketServer.disconnectPeer`.
   */
  async disconnectPeer (id: number, code: number = closeCode.NORMAL, reason: string = ''): Promise<PeerEnd> {
    checkClose(code, reason)
    const peer = await this.#backend.closePeer(id, code, reason)
    return await peer.ended()
  }

  /**
   * Opens a room with its home on this node; resolves when no other node can open one of this name. Rejects as
   * `WebSocketServer.openRoom` throws, or with cluster-unavailable.
   */
  async openRoom (name?: string, options: RoomOptions = {}): Promise<Room> {
    return await this.#backend.openClusterRoom(name, options)
  }
}

// The methods on, once and off.
export interface Cluster extends SignalSource<ClusterSignals> {}
