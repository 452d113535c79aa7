import type { PeerEnd } from '../core/peer/peer-end.ts'
import type { WebSocketPeer } from '../core/peer/websocket-peer.ts'
import { Bursts } from '../core/server/log/bursts.ts'
import { limits } from '../core/server/limits.ts'
import type { MonitorEvents, PacketWatcher } from '../core/server/monitor.ts'
import type { ClusterLink, ClusterSignals, EventReceiver, PeerFacts } from '../core/server/cluster-link.ts'
import { internalsOf } from '../core/server/internals.ts'
import type { WebSocketServer } from '../core/server/websocket-server.ts'
import { closeCode } from '../protocol/websocket/close-code.ts'
import type { AdminAction } from './admin-action.ts'
import { EventRing } from './event-ring.ts'
import { eventTypes, FeedEvent, transientTypes } from './feed-event.ts'
import type { EventType, FeedData, PeerJoined, Stats } from './feed-event.ts'
import { PacketSampler } from './packet-sampler.ts'
import { Traffic } from './traffic.ts'
import { TrafficHistory, type TrafficSamples } from './traffic-history.ts'

/**
 * Which events a subscriber receives: of these types (all but the transient ones unless given), about this peer, about
 * this room.
 */
export interface EventFilter {
  readonly types?: ReadonlySet<EventType> | undefined
  readonly peer?: number | undefined
  readonly room?: string | undefined
  /** Only events of this node. */
  readonly isLocal?: boolean | undefined
  /** Sample one packet in this many. */
  readonly every?: number | undefined
}

/** A receiver of events. */
export interface Subscriber extends EventFilter {
  readonly send: (event: FeedEvent) => void
}

/** How many events are kept for replay, and how much memory they may take. */
export interface EventHistory { readonly maxEvents: number, readonly maxBytes: number }

type BurstType = 'refused' | 'limited' | 'dropped' | 'unauthorized'

const STATS_INTERVAL = 1000

/** How a peer ended whose node was lost; its traffic is unknown. */
const lostEnd = {
  cause: 'cluster',
  outcome: 'reset',
  wasCleanClose: false,
  code: closeCode.ABNORMAL,
  reason: '',
  closeSeconds: 0,
  packetsIn: 0,
  packetsOut: 0,
  bytesIn: 0,
  bytesOut: 0
} as const

/** The events of a server, for operators. It listens to the server only while there are subscribers or a history. */
export class EventFeed {
  readonly #server: WebSocketServer
  readonly #ring: EventRing
  /** Frequent occurrences: at most one event per second and kind, with a count. */
  readonly #bursts = new Bursts<(count: number) => void>(1, (add, count) => { if (this.#isListening) add(count) })
  readonly #subscribers = new Map<Subscriber, PacketSampler | undefined>()
  #isListening = false
  #isClosed = false
  #unwatch: (() => void) | undefined
  #traffic: Traffic | undefined
  readonly #trafficHistory = new TrafficHistory()
  #timer: NodeJS.Timeout | undefined
  #gatherStats: (() => Promise<Stats>) | undefined
  #isGathering = false
  readonly #listeners: { [Name in keyof MonitorEvents]?: (...args: MonitorEvents[Name]) => void } = {
    joined: peer => {
      this.#add(this.#server.options.gdMpApi ? 'peer_connected' : 'client_connected', describeJoined(peer))
    },
    close_requested: ({ id, room }, code, reason) => {
      this.#add('client_close_request', { id, room: room.name, code, reason })
    },
    left: (peer, end) => {
      this.#add(this.#server.options.gdMpApi ? 'peer_disconnected' : 'client_disconnected', describeLeft(peer, end))
    },
    moved: ({ id, room }, from) => { this.#add('peer_moved', { id, room: room.name, from: from.name }) },
    room_opened: ({ name: room }, failover) => {
      this.#add('room_opened', { room, ...(this.#link === undefined ? {} : { failover }) })
    },
    room_closed: ({ name: room, openedAt }, code, reason) => {
      const seconds = (Date.now() - openedAt) / 1000
      this.#add('room_closed', { room, code: code ?? null, reason, seconds })
    },
    refused: (reason, address) => {
      if (!(reason in limits)) this.#addBurst('refused', reason, { reason, address })
    },
    // An Error object is for the log only.
    limited: (limit, { peer: id, error, ...details }) => {
      const whose = id === undefined ? details : { id, ...this.#roomOf(id), ...details }
      this.#addBurst('limited', limit, { limit, option: limits[limit], ...whose })
    },
    // Unread packets to the server are normal on a relay.
    dropped: (reason, { id, room: { name: room } }, count) => {
      if (reason !== 'unread') this.#addBurst('dropped', reason, { id, room, reason }, count)
    },
    // Before the app is bound the port is not known yet.
    listening: () => { if (this.#server.port !== 0) this.#addListening() },
    bound: () => { this.#addListening() },
    stopped: () => {
      this.#bursts.end()
      this.#add('stopped', {})
    }
  }

  readonly #link: ClusterLink | undefined
  /** In a cluster: events of other nodes, and what this node observes of them. */
  readonly #receiver: EventReceiver = {
    received: (node, { type, at, data }) => {
      if (this.#isListening && Object.hasOwn(eventTypes, type)) {
        this.#publish(this.#ring.add(type as EventType, data as never, { node, at, isRemote: true }))
      }
    },
    nodeLost: (node, peers) => { if (this.#isListening) for (const peer of peers) this.#addLost(node, peer) },
    nodeBack: (node, peers) => { if (this.#isListening) for (const peer of peers) this.#addBack(node, peer) }
  }

  readonly #clusterListeners: { [Name in keyof ClusterSignals]?: (...args: ClusterSignals[Name]) => void } = {
    // Every node observes these itself.
    node_joined: ({ id: node, slot }) => { this.#addHere('node_joined', { node, slot }) },
    node_left: ({ id: node, slot }, cause) => { this.#addHere('node_left', { node, slot, cause }) },
    gap: ({ id: from }, lost, room) => { this.#add('cluster_gap', { from, lost, ...(room === '' ? {} : { room }) }) }
  }

  /** `history`: limits of what is kept for clients that reconnect. */
  constructor (server: WebSocketServer, history: EventHistory) {
    this.#server = server
    this.#link = internalsOf(server).registry.cluster
    this.#ring = new EventRing(history.maxEvents, history.maxBytes)
    this.#adjust()
  }

  /** Extends the history to at least these limits. */
  extendHistory ({ maxEvents, maxBytes }: EventHistory): void {
    this.#ring.extend(maxEvents, maxBytes)
    this.#adjust()
  }

  /** The id of the latest event. */
  get lastId (): string {
    return this.#ring.lastId
  }

  /**
   * The events after the one with this id that match the filter, oldest first; undefined when the history does not
   * reach back that far.
   */
  since (id: string, filter: EventFilter): FeedEvent[] | undefined {
    return this.#ring.since(id)?.filter(event => matches(filter, event))
  }

  /** The latest events that match the filter and are still kept, at most `count`, oldest first. */
  latest (count: number, filter: EventFilter): FeedEvent[] {
    return count === 0 ? [] : this.#ring.all().filter(event => matches(filter, event)).slice(-count)
  }

  /** Traffic of the last ten minutes; empty if no events are kept. */
  get trafficHistory (): TrafficSamples {
    return this.#trafficHistory.samples
  }

  /** Sends events to `subscriber` from now on, until the returned function is called. */
  subscribe (subscriber: Subscriber): () => void {
    const { peer, room, every = 1 } = subscriber
    const sampler = wants(subscriber, 'packet') ? new PacketSampler({ every, peer, room }) : undefined
    this.#subscribers.set(subscriber, sampler)
    this.#adjust()
    if (wants(subscriber, 'stats')) this.#sendStats([subscriber], this.stats())
    return () => {
      this.#subscribers.delete(subscriber)
      this.#adjust()
    }
  }

  #addListening (): void {
    this.#add('listening', describeListening(this.#server))
  }

  /** Adds an audit entry. */
  addAction (action: AdminAction): void {
    if (this.#isListening) this.#add('admin', action)
  }

  /** Counts a request with a wrong token. */
  addWrongToken (address: string): void {
    this.#addBurst('refused', 'wrong-token', { reason: 'wrong-token', address })
  }

  /** Counts a request that was rejected for lack of authorization. */
  addUnauthorized (data: Omit<FeedData['unauthorized'], 'count'>): void {
    this.#addBurst('unauthorized', String(data.status), data)
  }

  /** The room of a peer; a client that is still authenticating has none. */
  #roomOf (id: number): { room?: string } {
    return this.#server.hasPeer(id) ? { room: this.#server.getPeer(id).room.name } : {}
  }

  /** Id of this node; undefined without option `cluster`. */
  get nodeId (): string | undefined {
    return this.#link?.api.nodeId
  }

  #add<Type extends EventType> (type: Type, data: FeedData[Type]): void {
    this.#addHere(type, data)
    this.#link?.shareEvent({ type, at: Date.now(), data })
  }

  /** Adds an event that is not sent to other nodes. */
  #addHere<Type extends EventType> (type: Type, data: FeedData[Type]): void {
    this.#publish(this.#ring.add(type, data, { node: this.nodeId }))
  }

  /** A peer of a lost node, which cannot report its end. */
  #addLost (node: string, { connectedAt, ...joined }: PeerFacts): void {
    const type = this.#server.options.gdMpApi ? 'peer_disconnected' : 'client_disconnected'
    const seconds = Math.max(0, Date.now() - connectedAt) / 1000
    this.#publish(this.#ring.add(type, { ...joined, ...lostEnd, seconds }, { node, isRemote: true }))
  }

  /** A peer of a node that was declared lost and is back. */
  #addBack (node: string, { id, room, address, port, protocol }: PeerFacts): void {
    const type = this.#server.options.gdMpApi ? 'peer_connected' : 'client_connected'
    this.#publish(this.#ring.add(type, { id, room, address, port, protocol }, { node, isRemote: true }))
  }

  #addBurst<Type extends BurstType> (type: Type, kind: string, data: Omit<FeedData[Type], 'count'>, more = 1): void {
    this.#bursts.add(`${type} ${kind}`, count => { this.#add(type, { ...data, count } as FeedData[Type]) }, more)
  }

  #publish (event: FeedEvent): void {
    for (const subscriber of this.#subscribers.keys()) if (matches(subscriber, event)) subscriber.send(event)
  }

  /** Listens only to what subscribers and the history need. */
  #adjust (): void {
    const subscribers = [...this.#subscribers.keys()]
    this.#listen(subscribers.length > 0 || this.#ring.isKeeping)
    this.#watchPackets(subscribers.some(subscriber => wants(subscriber, 'packet')))
    this.#measure(this.#ring.isKeeping || subscribers.some(subscriber => wants(subscriber, 'stats')))
  }

  #listen (enable: boolean): void {
    if (enable === this.#isListening) return
    this.#isListening = enable
    const { events } = this.#server.monitor
    for (const [name, listener] of Object.entries(this.#listeners)) {
      if (enable) events.on(name as keyof MonitorEvents, listener as () => void)
      else events.off(name as keyof MonitorEvents, listener as () => void)
    }
    this.#listenToCluster(enable)
  }

  #listenToCluster (enable: boolean): void {
    if (this.#link === undefined) return
    const { api, eventReceivers } = this.#link
    if (enable) eventReceivers.add(this.#receiver)
    else eventReceivers.delete(this.#receiver)
    for (const [name, listener] of Object.entries(this.#clusterListeners)) {
      if (enable) api.on(name as keyof ClusterSignals, listener as () => void)
      else api.off(name as keyof ClusterSignals, listener as () => void)
    }
  }

  #watchPackets (enable: boolean): void {
    if (enable === (this.#unwatch !== undefined)) return
    this.#unwatch?.()
    this.#unwatch = enable ? this.#server.monitor.watchPackets((...packet) => { this.#sample(...packet) }) : undefined
  }

  #sample (...packet: Parameters<PacketWatcher>): void {
    const { settings } = internalsOf(this.#server)
    const wire = settings.options.gdMpApi ? settings.wire.relay : undefined
    for (const [subscriber, sampler] of this.#subscribers) {
      const sampled = sampler?.pick(...packet, wire)
      if (sampled !== undefined) subscriber.send(new FeedEvent('packet', sampled, ''))
    }
  }

  #measure (enable: boolean): void {
    if (this.#isClosed) enable = false
    if (enable === (this.#timer !== undefined)) return
    clearInterval(this.#timer)
    if (enable) this.#traffic ??= new Traffic(this.#server)
    // Other nodes of a cluster may ask for it at any time.
    else if (this.#link === undefined) this.#endTraffic()
    const measure = (): void => {
      const stats = this.stats()
      if (this.#ring.isKeeping) this.#trafficHistory.add(stats)
      this.#sendStats(this.#subscribers.keys(), stats)
    }
    this.#timer = enable ? setInterval(measure, STATS_INTERVAL).unref() : undefined
  }

  #endTraffic (): void {
    this.#traffic?.close()
    this.#traffic = undefined
  }

  /** Ends the measurement; nothing is measured or sent any more. */
  close (): void {
    this.#isClosed = true
    this.#bursts.end()
    this.#measure(false)
    this.#endTraffic()
  }

  /** Sends the statistics of this node to subscribers with scope `local`, those of all nodes to the others. */
  #sendStats (subscribers: Iterable<Subscriber>, stats: Stats): void {
    const wanting = [...subscribers].filter(subscriber => wants(subscriber, 'stats'))
    const isLocal = ({ isLocal }: Subscriber): boolean => isLocal === true || this.#gatherStats === undefined
    const here = new FeedEvent('stats', stats, '', { node: this.nodeId })
    for (const subscriber of wanting.filter(isLocal)) subscriber.send(here)
    const others = wanting.filter(subscriber => !isLocal(subscriber))
    if (others.length > 0) this.#sendAllStats(others)
  }

  /** Sends the sum of all nodes, unless the previous request is still pending. */
  #sendAllStats (subscribers: readonly Subscriber[]): void {
    if (this.#isGathering) return
    this.#isGathering = true
    this.#gatherStats!().then(stats => {
      const event = new FeedEvent('stats', stats, '')
      for (const subscriber of subscribers) if (this.#subscribers.has(subscriber)) subscriber.send(event)
    }, (err: unknown) => {
      const { bursts } = internalsOf(this.#server).monitor
      bursts.log({ level: 'warn', key: {}, message: 'statistics not gathered' }, { err })
    })
      .finally(() => { this.#isGathering = false })
  }

  /** Asks all nodes of the cluster for their statistics in this way. */
  gatherStatsBy (gather: () => Promise<Stats>): void {
    this.#gatherStats = gather
  }

  /** State of this server, and its traffic since it was first requested. */
  stats (): Stats {
    const server = this.#server
    const traffic = this.#traffic ??= new Traffic(server)
    // Nobody would end it later.
    if (this.#isClosed) this.#endTraffic()
    return {
      peers: server.countPeers(),
      ...traffic.totals,
      rooms: server.roomCount,
      packetsRelayed: server.monitor.packetsRelayed,
      packetsDropped: Object.values(server.monitor.drops).reduce((sum, count) => sum + count),
      listening: server.isListening(),
      refuseNewConnections: server.refuseNewConnections
    }
  }
}

const feeds = new WeakMap<WebSocketServer, EventFeed>()

/** The one feed of the server, which keeps at least this history. */
export function feedOf (server: WebSocketServer, history: EventHistory): EventFeed {
  const existing = feeds.get(server)
  existing?.extendHistory(history)
  const feed = existing ?? new EventFeed(server, history)
  feeds.set(server, feed)
  return feed
}

function wants ({ types }: EventFilter, type: EventType): boolean {
  return types === undefined ? !transientTypes.has(type) : types.has(type)
}

/** Statistics cover all peers, so they also reach a subscriber that filters by peer or room. */
function matches (filter: EventFilter, event: FeedEvent): boolean {
  const { peer, room } = filter
  if (!wants(filter, event.type)) return false
  if (filter.isLocal === true && !event.isLocal) return false
  if (event.type === 'stats') return true
  return (peer === undefined || event.peer === peer) && (room === undefined || event.isAbout(room))
}

function describeJoined (peer: WebSocketPeer): PeerJoined {
  const { id, room: { name: room }, protocol } = peer
  return { id, room, address: peer.getConnectedHost(), port: peer.getConnectedPort(), protocol }
}

function describeLeft (
  peer: WebSocketPeer, { seconds: closeSeconds, ...end }: PeerEnd
): FeedData['client_disconnected'] {
  const { packetsIn, packetsOut, bytesIn, bytesOut, age: seconds } = peer
  const { cause, outcome, code, reason } = end
  const wasCleanClose = outcome === 'clean'
  const traffic = { packetsIn, packetsOut, bytesIn, bytesOut }
  const { id, room, address, port, protocol } = describeJoined(peer)
  const close = { cause, outcome, wasCleanClose, code, reason, closeSeconds, seconds }
  return { id, room, address, port, protocol, ...close, ...traffic }
}

function describeListening (
  { mode, port, tls, options: { protocols, gdMpApi } }: WebSocketServer
): FeedData['listening'] {
  return { mode, port, tls, protocols: [...protocols], gdMpApi }
}
