import { Bursts } from '../core/server/burst.ts'
import { EventRing } from './event-ring.ts'
import { FeedEvent, passingTypes } from './feed-event.ts'
import type { AdminAct, Arrival, EventType, FeedData, Stats } from './feed-event.ts'
import { limits } from '../core/server/limits.ts'
import { PacketSample } from './packet-sample.ts'
import type { PeerEnd } from '../core/peer/peer-end.ts'
import { Traffic } from './traffic.ts'
import type { WebSocketPeer } from '../core/peer/websocket-peer.ts'
import type { MonitorEvents, PacketWatcher } from '../core/server/monitor.ts'
import { internalsOf } from '../core/server/websocket-server.ts'
import type { WebSocketServer } from '../core/server/websocket-server.ts'

/** What of the feed is wanted: these types (all but the passing ones unless given), about this peer. */
export interface Interest {
  readonly types?: ReadonlySet<EventType> | undefined
  readonly peer?: number | undefined
  /** Of the packets every so many-th. */
  readonly every?: number | undefined
}

/** Whoever reads the feed. */
export interface Follower extends Interest {
  readonly tell: (event: FeedEvent) => void
}

const STATS_INTERVAL = 1000

/** What happens on a server, for operators. It listens to the server while somebody follows or a history is kept, else it costs nothing. */
export class EventFeed {
  readonly #server: WebSocketServer
  readonly #history: number
  readonly #ring: EventRing
  readonly #bursts = new Bursts()
  readonly #followers = new Map<Follower, PacketSample | undefined>()
  #isListening = false
  #unwatch: (() => void) | undefined
  #traffic: Traffic | undefined
  #timer: NodeJS.Timeout | undefined
  readonly #listeners: { [Name in keyof MonitorEvents]?: (...args: MonitorEvents[Name]) => void } = {
    joined: peer => { this.#add(this.#server.options.gdMpApi ? 'peer_connected' : 'client_connected', arrival(peer)) },
    close_requested: ({ id }, code, reason) => { this.#add('client_close_request', { id, code, reason }) },
    left: (peer, end) => { this.#add(this.#server.options.gdMpApi ? 'peer_disconnected' : 'client_disconnected', departure(peer, end)) },
    refused: (reason, address) => { if (!(reason in limits)) this.#addBurst(`refused ${reason}`, count => ['refused', { reason, address, count }]) },
    limited: (limit, { peer: id, ...details }: { peer?: number }) => {
      this.#addBurst(`limited ${limit}`, count => ['limited', { limit, option: limits[limit], ...(id === undefined ? {} : { id }), ...details, count }])
    },
    // On a mere relay nobody reads what is for all, and all is well.
    dropped: (reason, { id }) => { if (reason !== 'unread') this.#addBurst(`dropped ${reason}`, count => ['dropped', { id, reason, count }]) },
    listening: () => { this.#add('listening', listeningOn(this.#server)) },
    stopped: () => { this.#add('stopped', {}) }
  }

  /** Keeps the last `history` events for who comes back; 0: none. */
  constructor (server: WebSocketServer, history: number) {
    this.#server = server
    this.#history = history
    this.#ring = new EventRing(history)
    this.#adjust()
  }

  /** The id of the latest event. */
  get lastId (): string {
    return this.#ring.lastId
  }

  /** What this follower missed since the event with this id, the oldest first; undefined when that is no longer known. */
  since (id: string, follower: Interest): FeedEvent[] | undefined {
    return this.#ring.since(id)?.filter(event => isFor(follower, event))
  }

  /** The latest events for this follower that are still known, so many at most, the oldest first. */
  latest (count: number, follower: Interest): FeedEvent[] {
    return count === 0 ? [] : this.#ring.all().filter(event => isFor(follower, event)).slice(-count)
  }

  /** Tells `follower` of what happens from now on, until the result is called. */
  follow (follower: Follower): () => void {
    const { peer, every = 1 } = follower
    this.#followers.set(follower, wants(follower, 'packet') ? new PacketSample({ every, peer }) : undefined)
    this.#adjust()
    if (wants(follower, 'stats')) follower.tell(this.#stats())
    return () => {
      this.#followers.delete(follower)
      this.#adjust()
    }
  }

  /** Tells what an administrator did. */
  tellAct (act: AdminAct): void {
    if (this.#isListening) this.#add('admin', act)
  }

  #add<Type extends EventType> (type: Type, data: FeedData[Type]): void {
    this.#tell(this.#ring.add(type, data))
  }

  /** The same of what may happen very often. */
  #addBurst<Type extends EventType> (kind: string, describe: (count: number) => [Type, FeedData[Type]]): void {
    const count = this.#bursts.hit(kind)
    if (count > 0) this.#add(...describe(count))
  }

  #tell (event: FeedEvent): void {
    for (const follower of this.#followers.keys()) if (isFor(follower, event)) follower.tell(event)
  }

  /** Listens to what the followers want and the history needs, and to nothing else. */
  #adjust (): void {
    const followers = [...this.#followers.keys()]
    this.#listen(followers.length > 0 || this.#history > 0)
    this.#watch(followers.some(follower => wants(follower, 'packet')))
    this.#measure(followers.some(follower => wants(follower, 'stats')))
  }

  #listen (shall: boolean): void {
    if (shall === this.#isListening) return
    this.#isListening = shall
    const { events } = this.#server.monitor
    for (const [name, listener] of Object.entries(this.#listeners)) {
      if (shall) events.on(name as keyof MonitorEvents, listener as () => void)
      else events.off(name as keyof MonitorEvents, listener as () => void)
    }
  }

  #watch (shall: boolean): void {
    if (shall === (this.#unwatch !== undefined)) return
    this.#unwatch?.()
    this.#unwatch = shall ? this.#server.monitor.watchPackets((...packet) => { this.#sample(...packet) }) : undefined
  }

  #sample (...packet: Parameters<PacketWatcher>): void {
    const { settings } = internalsOf(this.#server)
    const wire = settings.options.gdMpApi ? settings.wire.relay : undefined
    for (const [follower, sample] of this.#followers) {
      const picked = sample?.pick(...packet, wire)
      if (picked !== undefined) follower.tell(new FeedEvent('packet', picked, ''))
    }
  }

  #measure (shall: boolean): void {
    if (shall === (this.#timer !== undefined)) return
    clearInterval(this.#timer)
    this.#traffic?.close()
    this.#traffic = shall ? new Traffic(this.#server) : undefined
    this.#timer = shall ? setInterval(() => { this.#tell(this.#stats()) }, STATS_INTERVAL).unref() : undefined
  }

  #stats (): FeedEvent {
    const server = this.#server
    const stats: Stats = {
      peers: server.countPeers(),
      ...this.#traffic!.totals,
      packetsRelayed: server.monitor.packetsRelayed,
      packetsDropped: Object.values(server.monitor.drops).reduce((sum, count) => sum + count),
      listening: server.isListening(),
      refuseNewConnections: server.refuseNewConnections
    }
    return new FeedEvent('stats', stats, '')
  }
}

function wants ({ types }: Interest, type: EventType): boolean {
  return types === undefined ? !passingTypes.has(type) : types.has(type)
}

/** Statistics are about all peers, so also for who follows one. */
function isFor (interest: Interest, event: FeedEvent): boolean {
  return wants(interest, event.type) && (interest.peer === undefined || event.type === 'stats' || event.peer === interest.peer)
}

function arrival (peer: WebSocketPeer): Arrival {
  return { id: peer.id, address: peer.getConnectedHost(), port: peer.getConnectedPort(), protocol: peer.protocol }
}

function departure (peer: WebSocketPeer, { cause, outcome, code, reason, seconds: closeSeconds }: PeerEnd): FeedData['client_disconnected'] {
  const { packetsIn, packetsOut, bytesIn, bytesOut, connectedAt } = peer
  const seconds = (Date.now() - connectedAt) / 1000
  return { ...arrival(peer), cause, outcome, wasCleanClose: outcome === 'clean', code, reason, closeSeconds, seconds, packetsIn, packetsOut, bytesIn, bytesOut }
}

function listeningOn ({ mode, port, tls, options: { protocols, gdMpApi } }: WebSocketServer): FeedData['listening'] {
  return { mode, port, tls, protocols: [...protocols], gdMpApi }
}
