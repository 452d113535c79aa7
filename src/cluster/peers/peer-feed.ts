import { GodotError } from '../../error.ts'
import type { PeerEnd } from '../../core/peer/peer-end.ts'
import type { PeerFacts } from '../../core/server/cluster-link.ts'
import { guard } from '../bus/guard.ts'
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
export interface PeerFeedHost {
  /** Peers of the node with an id above `after`. */
  readPeers (slot: number, after: number): Promise<PeerPage>
  /** Ids of the known peers of the node. */
  idsOf (slot: number): number[]
  add (slot: number, facts: PeerFacts): void
  remove (id: number, end: PeerEnd | undefined): void
  /** Events of the node were lost; the feed fetches its peers again. */
  eventsLost (node: ClusterNode, count: number): void
}

/** What is deferred until the peers are known: an event, or a call that handles another message. */
type Waiting = PeerEvent | (() => void)

/** Maximum bytes of those other messages. */
const MAX_WAITING = 8 * 1024 * 1024

/** Tracks the peers of another node: fetches all of them, then follows joins and leaves. */
export class PeerFeed {
  readonly node: ClusterNode
  readonly #host: PeerFeedHost
  /**
   * Number of the last event that was followed; Infinity before the first response, which determines where to begin.
   */
  #seq = Infinity
  /** What arrives while all peers are being fetched, in order. */
  #waiting: Waiting[] | undefined
  #waitingBytes = 0
  /** Whether events were lost, and the peers could not be fetched since. */
  #isStale = false
  /** Whether the node has left: anything that still arrives is ignored. */
  #hasEnded = false

  constructor (node: ClusterNode, host: PeerFeedHost) {
    this.node = node
    this.#host = host
  }

  /** The node has left. */
  end (): void {
    this.#hasEnded = true
  }

  /**
   * Fetches all peers; what arrives in the meantime is handled afterwards. Rejects with cluster-unavailable if the node
   * leaves in the meantime.
   */
  async readAll (): Promise<void> {
    this.#waiting = []
    let last = 0
    try {
      last = await this.#replaceAll(this.#waiting)
      this.#isStale = false
    } finally {
      this.#resume(this.#waiting)
    }
    this.checkSeq(last)
  }

  /**
   * Defers a message of the node while its peers are being fetched, as it may be from a peer that is not known yet.
   * Returns false if they are not being fetched: then it can be handled at once.
   */
  deferUntilPeersKnown (bytes: Uint8Array, receive: (bytes: Uint8Array) => void): boolean {
    if (this.#waiting === undefined) return false
    this.#waitingBytes += bytes.length
    // A message that is dropped here is reported as lost, because its number will be missing.
    if (this.#waitingBytes > MAX_WAITING) return true
    const copy = new Uint8Array(bytes)
    this.#waiting.push(() => { receive(copy) })
    return true
  }

  receive (event: PeerEvent): void {
    if (this.#waiting !== undefined) {
      this.#waiting.push(event)
      return
    }
    // A broker that was stopped may send old events after newer ones.
    if (event.seq <= this.#seq) return
    const lost = event.seq - this.#seq - 1
    this.#seq = event.seq
    if (lost > 0) this.#eventsLost(lost)
    else this.#apply(event)
  }

  /** The node has reported the number of its last event: earlier ones that did not arrive are lost. */
  checkSeq (seq: number): void {
    if (this.#waiting !== undefined) return
    if (seq > this.#seq) {
      const lost = seq - this.#seq
      this.#seq = seq
      this.#eventsLost(lost)
    } else if (this.#isStale) this.#tryToReadAll()
  }

  /** A message of an unknown peer has arrived: its event was lost. */
  readAgain (): void {
    if (this.#waiting === undefined) this.#tryToReadAll()
  }

  #eventsLost (count: number): void {
    this.#host.eventsLost(this.node, count)
    this.#tryToReadAll()
  }

  /** If it fails the next heartbeat of the node tries again. */
  #tryToReadAll (): void {
    this.#isStale = true
    this.readAll().catch(() => {})
  }

  /** Returns the number of the node's last event before its last response. */
  async #replaceAll (waiting: readonly Waiting[]): Promise<number> {
    const { slot, id } = this.node
    const known = new Set(this.#host.idsOf(slot))
    const kept: PeerFacts[] = []
    let page: PeerPage
    let after = 0
    do {
      page = await this.#host.readPeers(slot, after)
      if (this.#hasEnded) throw new GodotError('cluster-unavailable', `node ${id} has left`)
      if (this.#seq === Infinity) this.#seq = page.seq
      for (const facts of page.peers) {
        if (known.delete(facts.id)) kept.push(facts)
        else this.#host.add(slot, facts)
      }
      after = page.peers.at(-1)?.id ?? after
    } while (page.more)
    this.#replaceKnown(kept, known, idsIn(waiting, this.#seq))
    return page.seq
  }

  /** Moves and removes known peers, except those that move or leave in events that wait: their messages come first. */
  #replaceKnown (kept: readonly PeerFacts[], gone: Iterable<number>, changing: ReadonlySet<number>): void {
    for (const facts of kept) if (!changing.has(facts.id)) this.#host.add(this.node.slot, facts)
    for (const id of gone) if (!changing.has(id)) this.#host.remove(id, undefined)
  }

  /** Handles what has waited. If an event is missing, peers are fetched again, and the rest continues to wait. */
  #resume (waiting: readonly Waiting[]): void {
    this.#waiting = undefined
    this.#waitingBytes = 0
    for (const item of waiting) {
      if (this.#hasEnded || this.#seq === Infinity) return
      guard(() => {
        if (typeof item === 'function') item()
        else this.receive(item)
      })
    }
  }

  #apply ({ joined, left }: PeerEvent): void {
    if (joined !== undefined) this.#host.add(this.node.slot, joined)
    if (left?.end !== undefined) this.#host.remove(left.id, left.end)
  }
}

/** Ids of the peers in events after the one with this number. */
function idsIn (waiting: readonly Waiting[], seq: number): Set<number> {
  const events = waiting.filter(item => typeof item !== 'function' && item.seq > seq) as PeerEvent[]
  return new Set(events.map(({ joined, left }) => joined?.id ?? left!.id))
}
