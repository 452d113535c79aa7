import type { Logger } from '../logger.ts'
import type { BurstLog } from '../core/server/log/burst-log.ts'
import type { PeerRegistry } from '../core/server/peer-registry.ts'
import type { Bus } from './bus/bus.ts'
import type { Lease } from './membership/lease.ts'
import type { ClusterNode } from './membership/membership-host.ts'
import type { Timings } from './membership/timings.ts'
import type { NodeCommands } from './node-commands.ts'
import type { Subjects } from './subjects.ts'

/** Shared by the parts of a node. */
export interface NodeContext {
  readonly registry: PeerRegistry
  readonly log: Logger
  /** Logs what may fail with every heartbeat, or for each of many rooms and peers. */
  readonly failures: BurstLog
  /** Throws cluster-unavailable before the node has joined. */
  readonly bus: Bus
  /** Bytes of the largest message. */
  readonly maxPayload: number
  /** Sends to all subscribed nodes, unless this node has lost its slot. */
  publish (subject: string, bytes: Uint8Array): void
  /** Whether this node still holds its slot; fences it in the same turn if not: the process may have been suspended. */
  holdsSlot (): boolean
  /** This node's slot and lease. */
  readonly lease: Lease
  readonly subjects: Subjects
  readonly commands: NodeCommands
  readonly timings: Timings
  /** Whether a message, or the home of a room, is of this node or of a live one. */
  isLive (lease: Lease): boolean
  /** Whether the holder of a lease sends heartbeats although it is not live here, as it is too busy to answer. */
  isHeard (lease: Lease): boolean
  /** Whether the holder of a lease may still have its slot, although it does not respond. Rejects with BusError. */
  mayHold (lease: Lease): Promise<boolean>
  /** The other live nodes. */
  nodes (): Iterable<ClusterNode>
  /** Whether no live node has a lower slot: this one does the work that a single node of the cluster must do. */
  readonly hasLowestSlot: boolean
  /** The other live node that holds a slot. */
  nodeIn (slot: number): ClusterNode | undefined
}
