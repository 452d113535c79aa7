import type { Cluster, ClusterSignals } from '../../cluster/cluster.ts'
import type { ClusterNode } from '../../cluster/membership/membership-host.ts'
import type { NodeCommands } from '../../cluster/node-commands.ts'
import type { SharedConfig } from '../../cluster/shared-config.ts'
import type { RuntimeOptions } from '../../options/runtime-options.ts'
import type { Ban } from '../admission/bans.ts'
import type { WebSocketPeer } from '../peer/websocket-peer.ts'
import type { RoomCore } from '../room/room-core.ts'
import type { RoomLink } from '../room/room-link.ts'
import type { RoomOptions } from '../../options/option-types.ts'

/** Facts about a room of the cluster, wherever its home is. */
export interface RoomFacts {
  readonly name: string
  readonly openedAt: number
  /** Number of its members on all nodes. */
  readonly peerCount: number
  readonly maxPeers: number
  readonly locked: boolean
  readonly listed: boolean
  readonly emptyTimeout: number
  readonly data: Readonly<Record<string, unknown>>
  /** Its home; undefined without a cluster, or while it has none. */
  readonly node?: string | undefined
}

/** The bans and run-time options of a server, which all nodes of a cluster share. */
export interface SharedConfigHost {
  bans (): Ban[]
  /** Another node has banned an address. */
  ban (ban: Ban): void
  /** Another node has lifted a ban. */
  unban (address: string): void
  /** Another node has changed options. */
  change (options: RuntimeOptions): void
}

/** An event for operators, as nodes exchange it. */
export interface RemoteEvent {
  readonly type: string
  /** Milliseconds since 1970. */
  readonly at: number
  readonly data: object
}

/** What a node announces about a peer. */
export interface PeerFacts {
  readonly id: number
  readonly room: string
  readonly address: string
  readonly port: number
  readonly protocol: string
  /** Milliseconds since 1970. */
  readonly connectedAt: number
}

/** Follows what happens on other nodes. */
export interface EventReceiver {
  /** An event of another node. */
  received (nodeId: string, event: RemoteEvent): void
  /** A node was lost with these peers. */
  nodeLost (nodeId: string, peers: readonly PeerFacts[]): void
  /** A node that was declared lost is back, with these peers. */
  nodeBack (nodeId: string, peers: readonly PeerFacts[]): void
}

/** What a server needs of its cluster (option `cluster`). */
export interface ClusterLink {
  /** What applications see of it. */
  readonly api: Cluster
  /** Called with the name of the room that a peer of another node has joined. */
  readonly joinReceivers: Set<(room: string) => void>
  /** Messages and bytes that were sent to other nodes, by kind. */
  readonly traffic: Readonly<Record<'messages' | 'bytes', Readonly<Record<string, number>>>>
  /** Seconds since this node's lease was renewed last; undefined while it has none. */
  readonly leaseAge: number | undefined
  /** Commands between nodes. */
  readonly commands: NodeCommands
  /** The other live nodes; while this node is not in the cluster those that were live when it was last. */
  knownNodes (): Iterable<ClusterNode>
  /** The rooms of all nodes, in no particular order. */
  rooms (): Iterable<RoomFacts>
  /** A room of any node. */
  room (name: string): RoomFacts | undefined
  /** Changes settings of a room of any node; rejects with ERR_DOES_NOT_EXIST or cluster-unavailable. */
  changeRoom (name: string, changes: RoomOptions): Promise<void>
  /**
   * Closes a room of any node; resolves with the ids of the nodes that could not be reached, which are asked again
   * until they respond. Rejects with ERR_DOES_NOT_EXIST, or cluster-unavailable when its home cannot be reached.
   */
  closeRoom (name: string, code: number, reason: string): Promise<string[]>
  /** Reports an event for operators to the other nodes. */
  shareEvent (event: RemoteEvent): void
  /** Receivers of the events of other nodes. */
  readonly eventReceivers: Set<EventReceiver>
  /** Bans and options that all nodes share. */
  readonly config: SharedConfig
  /** Closes all peers of this node, which accepts none until it listens again. Rejects with ERR_INVALID_PARAMETER. */
  drain (reason: string): Promise<void>
  /** Whether this node is draining. */
  readonly isDraining: boolean
  /** Joins the cluster; rejects with cluster-unavailable or ERR_INVALID_PARAMETER. */
  join (): Promise<void>
  /** Leaves it; all peers have ended. */
  leave (): Promise<void>
  /** Throws cluster-unavailable unless this node is part of the cluster. */
  checkReady (): void
  /** A candidate for a peer id of this node. */
  drawId (): number
  /** A peer of another node. */
  peer (id: number): WebSocketPeer | undefined
  /**
   * Begins to close a peer of any node, and resolves with it when its node has done so. Rejects with
   * ERR_DOES_NOT_EXIST or cluster-unavailable.
   */
  closePeer (id: number, code: number, reason: string): Promise<WebSocketPeer>
  /** Connects a room with its parts on other nodes. */
  openRoom (room: RoomCore): RoomLink
  /** Settings of a room that has its home on another node. */
  optionsElsewhere (name: string): RoomOptions | undefined
  /** Number of rooms of all nodes, including `main` and those that this node is about to open. */
  readonly roomCount: number
  /**
   * Reserves a place in a room for a client, opening it if necessary; undefined if this node can decide alone. Rejects
   * with the refusals of `Rooms.checkEntry`, or cluster-unavailable.
   */
  prepareEntry (name: string, address: string): Promise<void> | undefined
}

export type { ClusterSignals }
