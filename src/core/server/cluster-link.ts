import type { Cluster } from '../../cluster/cluster.ts'
import type { WebSocketPeer } from '../peer/websocket-peer.ts'
import type { RoomCore } from '../room/room-core.ts'
import type { RoomLink } from '../room/room-link.ts'
import type { RoomOptions } from '../room/room-options.ts'

/** A room that is open on another node. */
export interface RoomListing {
  readonly options: RoomOptions
  /** Number of its members, wherever they are. */
  readonly peers: number
}

/** What a server asks of its cluster (option `cluster`). */
export interface ClusterLink {
  /** What applications see of it. */
  readonly api: Cluster
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
  /** Number of rooms that have their home on another node. */
  readonly listingCount: number
  /**
   * Reserves a place in a room for a client, and opens the room if need be; undefined if this node can decide alone.
   * Rejects with the refusals of `Rooms.checkEntry`, or cluster-unavailable.
   */
  prepareEntry (name: string, address: string): Promise<void> | undefined
}
