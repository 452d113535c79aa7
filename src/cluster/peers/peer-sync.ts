import type { PeerEnd } from '../../core/peer/peer-end.ts'
import type { PeerSession } from '../../core/peer/peer-session.ts'
import type { PeerFacts } from '../../core/server/cluster-link.ts'
import { within } from '../../core/within.ts'
import { closeCode } from '../../protocol/websocket/close-code.ts'
import { isSame, type Lease } from '../membership/lease.ts'
import type { ClusterNode } from '../membership/membership-host.ts'
import { decodeJson, encodeJson } from '../message/json.ts'
import type { NodeContext } from '../node-context.ts'
import { PeerFeed } from './peer-feed.ts'
import type { PeerFeedHost, PeerEvent, PeerPage, StampedPeerEvent } from './peer-feed.ts'
import { PeerReplica } from './peer-replica.ts'
import { RemotePeer } from './remote-peer.ts'
import type { RemotePeerHost } from './remote-peer.ts'

/** Maximum number of peers in one page of a response, and bytes of a response apart from them. */
const [PAGE_SIZE, ANSWER_OVERHEAD] = [1000, 256]

/** How a peer ended if its node was lost, or did not report it. */
const UNKNOWN_END: PeerEnd =
  { cause: 'reset', outcome: 'reset', code: closeCode.ABNORMAL, reason: '', seconds: 0 }

/** Milliseconds after which a node that has still not joined here gets a response. */
const JOINED_WITHIN = 1000

/** A node that asks for peers before it has joined here; it gets them when it does. */
interface Asker { readonly lease: Lease, resolve (): void }

/** What PeerSync reports to the rest of the node. */
export interface PeerSyncHost extends RemotePeerHost {
  /** A peer of another node has joined its room. */
  remoteJoined (peer: RemotePeer): void
  /** A peer of another node has moved to its room from another one. */
  remoteMoved (peer: RemotePeer, from: string): void
  /** A peer of another node leaves its room; it is deleted from it after that. */
  remoteLeft (peer: RemotePeer): void
  /** A peer of another node has been deleted. */
  remoteDeleted (peer: RemotePeer, end: PeerEnd): void
  /** Messages about the peers of a node were lost. */
  eventsLost (node: ClusterNode, count: number): void
}

/** Announces the peers of this node to the others, and tracks theirs. */
export class PeerSync implements PeerFeedHost {
  readonly replica = new PeerReplica()
  readonly #context: NodeContext
  readonly #host: PeerSyncHost
  readonly #feeds = new Map<number, PeerFeed>()
  readonly #askers = new Set<Asker>()
  readonly #withdrawn = new WeakSet<PeerSession>()
  #seq = 0

  constructor (context: NodeContext, host: PeerSyncHost) {
    this.#context = context
    this.#host = host
    context.commands.handle('peers', async ({ after, from }: { after: number, from: Lease }) => {
      if (!context.isLive(from)) await this.#untilJoined(from)
      return this.#page(after)
    })
  }

  /** Number of the last event of this node. */
  get seq (): number {
    return this.#seq
  }

  /** Subscribes to the peers of other nodes; returns a function that unsubscribes. */
  listen (): () => void {
    const { bus, subjects } = this.#context
    return bus.subscribe(subjects.allPeers, ({ bytes }) => {
      const event = decodeJson<StampedPeerEvent>(bytes)
      const feed = this.#feeds.get(event.slot)
      if (feed?.node.epoch === event.epoch) feed.receive(event)
    })
  }

  // ---- peers of this node ----

  joined (session: PeerSession): void {
    this.#publish({ joined: factsOf(session) })
  }

  left (session: PeerSession, end: PeerEnd | undefined): void {
    if (!this.#withdrawn.has(session)) this.#publish({ left: { id: session.id, end } })
  }

  /** The other nodes no longer know this peer; it is being closed, and may still be when they ask for all peers. */
  withdraw (session: PeerSession): void {
    this.#withdrawn.add(session)
  }

  // ---- peers of other nodes ----

  /** Another node is in the cluster: resolves when its peers are known. */
  async nodeJoined (node: ClusterNode): Promise<void> {
    const feed = new PeerFeed(node, this)
    this.#feeds.set(node.slot, feed)
    for (const asker of this.#askers) if (isSame(asker.lease, node)) asker.resolve()
    await feed.readAll()
  }

  /** The other nodes whose peers are known, or being fetched. */
  nodes (): ClusterNode[] {
    return Array.from(this.#feeds.values(), ({ node }) => node)
  }

  /** Whether the node has neither left nor joined again since `nodeJoined`. */
  follows (node: ClusterNode): boolean {
    return this.#feeds.get(node.slot)?.node === node
  }

  /** The node has left, and its peers with it. */
  nodeLeft (node: ClusterNode): void {
    this.#feeds.get(node.slot)?.end()
    this.#feeds.delete(node.slot)
    for (const { id } of [...this.replica.ofNode(node.slot)]) this.remove(id, undefined)
  }

  /** The node has reported the number of its last event. */
  checkSeq (slot: number, seq: number): void {
    this.#feeds.get(slot)?.checkSeq(seq)
  }

  /**
   * Defers a message of a node while its peers are being fetched, as it may be from a peer that is not known yet.
   * Returns false if they are not being fetched: then it can be handled at once.
   */
  deferUntilPeersKnown (slot: number, bytes: Uint8Array, receive: (bytes: Uint8Array) => void): boolean {
    return this.#feeds.get(slot)?.deferUntilPeersKnown(bytes, receive) === true
  }

  /** A message of an unknown peer has arrived from this node. */
  readAgain (slot: number): void {
    this.#feeds.get(slot)?.readAgain()
  }

  // ---- what a feed needs ----

  async readPeers (slot: number, after: number): Promise<PeerPage> {
    return await this.#context.commands.ask(slot, 'peers', { after, from: this.#context.lease }) as PeerPage
  }

  idsOf (slot: number): number[] {
    return Array.from(this.replica.ofNode(slot), ({ id }) => id)
  }

  add (slot: number, facts: PeerFacts): void {
    const known = this.replica.get(facts.id)
    if (known?.facts.room === facts.room) return
    if (known !== undefined) return this.#move(known, facts)
    const peer = new RemotePeer(this.#host, slot, facts)
    this.replica.add(peer)
    this.#host.remoteJoined(peer)
  }

  /** It stays the same peer. */
  #move (peer: RemotePeer, facts: PeerFacts): void {
    const { room: from } = peer.facts
    this.#host.remoteLeft(peer)
    this.replica.delete(peer)
    peer.facts = facts
    this.replica.add(peer)
    this.#host.remoteMoved(peer, from)
  }

  remove (id: number, end: PeerEnd | undefined): void {
    const peer = this.replica.get(id)
    if (peer === undefined) return
    const known = end ?? UNKNOWN_END
    this.#host.remoteLeft(peer)
    this.replica.delete(peer)
    peer.finish(known)
    this.#host.remoteDeleted(peer, known)
  }

  eventsLost (node: ClusterNode, count: number): void {
    this.#host.eventsLost(node, count)
  }

  #publish (event: Omit<PeerEvent, 'seq'>): void {
    const { subjects, lease } = this.#context
    // The others ask for all peers when it joins.
    if (lease.slot === 0) return
    const stamped: StampedPeerEvent = { ...event, ...lease, seq: ++this.#seq }
    this.#context.publish(subjects.peersOf(lease.slot), encodeJson(stamped))
  }

  /**
   * Resolves when the node with this lease joins here, or takes long to do so. Once it knows the peers it may send them
   * packets, which this node drops until then.
   */
  async #untilJoined (lease: Lease): Promise<void> {
    const asker: Asker = { lease, resolve: () => {} }
    this.#askers.add(asker)
    await within(JOINED_WITHIN, new Promise<void>(resolve => { asker.resolve = resolve }))
    this.#askers.delete(asker)
  }

  #page (after: number): PeerPage {
    const peers: PeerFacts[] = []
    let left = this.#context.maxPayload - ANSWER_OVERHEAD
    for (const session of this.#context.registry.peers.after(after)) {
      if (this.#withdrawn.has(session)) continue
      const facts = factsOf(session)
      left -= encodeJson(facts).length + 1
      if (peers.length === PAGE_SIZE || left < 0) return { peers, more: true, seq: this.#seq }
      peers.push(facts)
    }
    return { peers, more: false, seq: this.#seq }
  }
}

function factsOf ({ id, roomName: room, address, port, protocol, connectedAt }: PeerSession): PeerFacts {
  return { id, room, address, port, protocol, connectedAt }
}
