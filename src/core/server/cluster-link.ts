import type { Cluster, ClusterSignals } from '../../cluster/cluster.ts'
import type { WebSocketPeer } from '../peer/websocket-peer.ts'
import type { RoomCore } from '../room/room-core.ts'
import type { RoomLink } from '../room/room-link.ts'
import type { RoomOptions } from '../room/room-options.ts'
import type { SignalEmitter } from './signals.ts'

/** A room that has its home on another node. */
export interface RoomListing {
  readonly name: string
  readonly options: RoomOptions
  /** Number of its members, wherever they are. */
  readonly peers: number
  /** Milliseconds since 1970. */
  readonly openedAt: number
}

/** What a server asks of its cluster (option `cluster`). */
export interface ClusterLink {
  /** What applications see of it. */
  readonly api: Cluster
  readonly signals: SignalEmitter<ClusterSignals>
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
  /** Connects a room with its parts on other nodes. */
  openRoom (room: RoomCore): RoomLink
  /** A room that has its home on another node. */
  listing (name: string): RoomListing | undefined
  /** All rooms that have their home on another node. */
  listings (): Iterable<RoomListing>
  /** Number of rooms that have their home on another node. */
  readonly listingCount: number
  /**
   * Reserves a place in a room for a client, and opens the room if need be; undefined if this node can decide alone.
   * Rejects with the refusals of `Rooms.checkEntry`, or cluster-unavailable.
   */
  prepareEntry (name: string, address: string): Promise<void> | undefined
}
