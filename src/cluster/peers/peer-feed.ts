import { GodotError } from '../../error.ts'
import type { PeerEnd } from '../../core/peer/peer-end.ts'
import type { PeerFacts } from '../../core/server/cluster-link.ts'
import type { Lease } from '../membership/lease.ts'
import type { ClusterNode } from '../membership/membership-host.ts'

/** A peer of a node has joined a room, or left one; without `end` it has moved, and its `joined` follows. */
export interface PeerEvent {
  /** 1, 2, ... per node. */
  readonly seq: number
  readonly joined?: PeerFacts
  readonly left?: { readonly id: number, readonly end: PeerEnd | undefined }
}

/** The same with its sender. */
export interface StampedPeerEvent extends PeerEvent, Lease {}

/** One page of the peers of a node, by ascending id. */
export interface PeerPage {
  readonly peers: readonly PeerFacts[]
  readonly more: boolean
  /** Number of the node's last event before. */
  readonly seq: number
}

/** What a feed needs of its node. */
export interface FeedHost {
  /** Peers of the node with an id above `after`. */
  readPeers (slot: number, after: number): Promise<PeerPage>
  /** Ids of the peers that are known of the node. */
  idsOf (slot: number): number[]
  add (slot: number, facts: PeerFacts): void
  remove (id: number, end: PeerEnd | undefined): void
  /** Events of the node were lost; the feed fetches its peers again. */
  eventsLost (node: ClusterNode, count: number): void
}

/** Tracks the peers of another node: fetches all of them, then follows joins and leaves. */
export class PeerFeed {
  readonly node: ClusterNode
  readonly #host: FeedHost
  #seq = 0
  /** Events that arrive while all peers are being fetched. */
  #waiting: PeerEvent[] | undefined
  #isReadAgain = false
  /** Whether events were lost, and the peers could not be fetched since. */
  #isStale = false
  /** Whether the node has left: whatever still arrives is ignored. */
  #hasEnded = false

  constructor (node: ClusterNode, host: FeedHost) {
    this.node = node
    this.#host = host
  }

  /** The node has left. */
  end (): void {
    this.#hasEnded = true
  }

  /**
   * Fetches all peers; events that arrive in the meantime are applied afterwards. Rejects with cluster-unavailable if
   * the node leaves meanwhile.
   */
  async readAll (): Promise<void> {
    if (this.#waiting !== undefined) {
      this.#isReadAgain = true
      return
    }
    this.#waiting = []
    try {
      do {
        this.#isReadAgain = false
        await this.#replaceAll()
      } while (this.#isReadAgain)
      this.#isStale = false
    } finally {
      const waiting = this.#waiting
      this.#waiting = undefined
      if (!this.#hasEnded) for (const event of waiting) this.#apply(event)
    }
  }

  receive (event: PeerEvent): void {
    // A broker that was stopped may send old events after newer ones.
    if (event.seq <= this.#seq) return
    if (this.#waiting !== undefined) {
      this.#seq = event.seq
      this.#waiting.push(event)
      return
    }
    const lost = event.seq - this.#seq - 1
    this.#seq = event.seq
    if (lost > 0) this.#readAgain(lost)
    else this.#apply(event)
  }

  /** The node has reported the number of its last event: earlier ones that did not arrive are lost. */
  checkSeq (seq: number): void {
    if (this.#waiting !== undefined) return
    if (seq > this.#seq) {
      const lost = seq - this.#seq
      this.#seq = seq
      this.#readAgain(lost)
    } else if (this.#isStale) this.#tryToReadAll()
  }

  #readAgain (lost: number): void {
    this.#host.eventsLost(this.node, lost)
    this.#tryToReadAll()
  }

  /** If it fails the next heartbeat of the node tries again. */
  #tryToReadAll (): void {
    this.#isStale = true
    this.readAll().catch(() => {})
  }

  async #replaceAll (): Promise<void> {
    const gone = new Set(this.#host.idsOf(this.node.slot))
    let more = true
    for (let after = 0; more;) {
      const page = await this.#host.readPeers(this.node.slot, after)
      if (this.#hasEnded) throw new GodotError('cluster-unavailable', `node ${this.node.id} has left`)
      this.#seq = Math.max(this.#seq, page.seq)
      for (const facts of page.peers) {
        gone.delete(facts.id)
        this.#host.add(this.node.slot, facts)
      }
      after = page.peers.at(-1)?.id ?? after
      more = page.more
    }
    for (const id of gone) this.#host.remove(id, undefined)
  }

  #apply ({ joined, left }: PeerEvent): void {
    if (joined !== undefined) this.#host.add(this.node.slot, joined)
    if (left?.end !== undefined) this.#host.remove(left.id, left.end)
  }
}
