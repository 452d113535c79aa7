import type { Lease } from './lease.ts'

/** Another live node of the cluster. */
export interface ClusterNode {
  /** Name of the node, unique in the cluster. */
  readonly id: string
  /** 1..1023: the upper 10 bits of the ids of its peers. */
  readonly slot: number
  /** 1..2^32-1, random: distinguishes this lease of the slot from all earlier ones. Epochs have no order. */
  readonly epoch: number
  /** Whether it is about to leave: its peers are being closed. */
  readonly isDraining: boolean
  /** When it joined the cluster, in milliseconds since 1970. */
  readonly startedAt: number
}

/** Why a node is no longer in the cluster: it announced that it leaves, or stopped responding. */
export type NodeLeftCause = 'left' | 'lost'

/** What membership reports to the rest of a node, and needs of it. */
export interface MembershipHost {
  /** Settings that all nodes must share, as a JSON object; a node that differs refuses to start. */
  readonly agreement: string
  /** This node holds a slot, initially or again after `fenced`; the other nodes are informed after this call. */
  claimed (lease: Lease): void
  /** All other nodes are live here; this node is ready once this resolves. */
  prepare (): Promise<void>
  /** This node has joined. */
  ready (): void
  /** Called at each interval of heartbeats while this node has a slot. */
  tick (): void
  /** Bytes for the next heartbeat, besides the node's identity and state. */
  heartbeat (): Uint8Array
  /** A heartbeat of a live node; the bytes are valid until the call returns. */
  heard (node: ClusterNode, bytes: Uint8Array): void
  /**
   * A heartbeat of a node arrives for the first time, or again after it was lost. It is live once this resolves; a
   * rejection drops the node until its next heartbeat.
   */
  joined (node: ClusterNode): Promise<void>
  /**
   * A node has left; called once for each `joined` that was not rejected, also if that is still under way. After
   * `fenced` it is called for every node, and `joined` for those that are found when this node has a slot again.
   */
  left (node: ClusterNode, cause: NodeLeftCause): void
  /**
   * This node has lost its slot. Called in the turn in which that is found, even while another call is pending: another
   * node may soon use its ids.
   * Called once for each `claimed`, except when the node leaves. A node that was ready then joins again: with the same
   * slot if nobody has taken it, in any case with another epoch.
   */
  fenced (): void
}
