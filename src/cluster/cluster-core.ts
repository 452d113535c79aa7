import { GodotError, noSuchPeer } from '../error.ts'
import type { Logger } from '../logger.ts'
import type { ServerOptions } from '../options/options.ts'
import { closeCode } from '../protocol/websocket/close-code.ts'
import { opcode } from '../protocol/websocket/frame.ts'
import { target } from '../protocol/multiplayer/relay-packet.ts'
import { checkPacket } from '../core/check-packet.ts'
import type { PeerSession } from '../core/peer/peer-session.ts'
import type { WebSocketPeer } from '../core/peer/websocket-peer.ts'
import type { RoomCore } from '../core/room/room-core.ts'
import type { RoomLink } from '../core/room/room-link.ts'
import type { RoomOptions } from '../options/option-types.ts'
import type { Room } from '../core/room/room.ts'
import type {
  ClusterLink, SharedConfigHost, EventReceiver, PeerFacts, RemoteEvent, RoomFacts
} from '../core/server/cluster-link.ts'
import type { PeerRegistry } from '../core/server/peer-registry.ts'
import { SignalEmitter } from '../core/server/signals.ts'
import type { Settings } from '../core/server/settings.ts'
import type { CompleteClusterOptions } from '../options/defaults.ts'
import { BusError, type Bus } from './bus/bus.ts'
import { Cluster, clusterSignalNames } from './cluster.ts'
import type { ClusterBackend, ClusterSignals } from './cluster.ts'
import { Congestion } from './congestion.ts'
import { DirectLinks } from './direct-links.ts'
import { EventExchange } from './event-exchange.ts'
import { FirstNumbers } from './first-numbers.ts'
import { Gaps } from './gaps.ts'
import { RoomHomes } from './homes/room-homes.ts'
import { LocalNode } from './local-node.ts'
import type { Lease } from './membership/lease.ts'
import type { ClusterNode, MembershipHost, NodeLeftCause } from './membership/membership-host.ts'
import type { Timings } from './membership/timings.ts'
import type { NodeCommands } from './node-commands.ts'
import { LostNodes } from './peers/lost-nodes.ts'
import { PeerSync } from './peers/peer-sync.ts'
import type { PeerSyncHost } from './peers/peer-sync.ts'
import type { RemotePeer } from './peers/remote-peer.ts'
import { CongestedRooms } from './room/congested-rooms.ts'
import { PacketReceiver } from './room/packet-receiver.ts'
import { RoomPart } from './room/room-part.ts'
import type { NodeParts } from './room/room-part.ts'
import { RoomTraffic } from './room/room-traffic.ts'
import { SharedConfig } from './shared-config.ts'
import { StoreCleaner } from './store-cleaner.ts'

/** How a node connects to the others. */
export interface ClusterTransport {
  /** Opens the connection to the broker; `log` is that of the server. */
  connect (log: Logger): Promise<Bus>
  /** Of leases and heartbeats; those of `Membership` unless given. */
  readonly timings?: Timings
}

/** Settings that all nodes of a cluster must share. */
const AGREED = ['wire', 'gdMpApi', 'serverRelay', 'protocols'] as const

/** Connects a server with the other nodes of its cluster. */
class ClusterCore implements ClusterLink, ClusterBackend, MembershipHost {
  readonly signals: SignalEmitter<ClusterSignals>
  readonly api: Cluster
  readonly config: SharedConfig
  /** Whether signal `ready` was emitted, and `lost` not since. */
  #isMember = false
  /** Option `rooms` as it was at the start: its rules may change in the whole cluster. */
  readonly #rooms: ServerOptions['rooms']
  readonly #registry: PeerRegistry
  readonly #rules: CompleteClusterOptions
  readonly #node: LocalNode
  readonly #peers: PeerSync
  readonly #homes: RoomHomes
  readonly #traffic: RoomTraffic
  readonly #direct: DirectLinks
  readonly #gaps: Gaps
  readonly #firstNumbers: FirstNumbers
  readonly #congestion: Congestion
  readonly #congestedRooms: CongestedRooms
  readonly #receiver: PacketReceiver
  readonly #parts: NodeParts
  readonly #events: EventExchange
  readonly #cleaner: StoreCleaner
  readonly eventReceivers = new Set<EventReceiver>()
  readonly joinReceivers = new Set<(room: string) => void>()
  /** The other nodes by id, as this node last knew them. */
  readonly #known = new Map<string, ClusterNode>()
  readonly #lost = new LostNodes()
  /** Unsubscribes from the subjects of this node's slot. */
  #endings: Array<() => void> = []

  constructor (
    registry: PeerRegistry, rules: CompleteClusterOptions, config: SharedConfigHost, transport: ClusterTransport
  ) {
    this.#registry = registry
    this.#rules = rules
    this.#rooms = registry.settings.options.rooms
    const signals = this.signals = new SignalEmitter(clusterSignalNames, (err, signal) => {
      registry.monitor.listenerFailed(err, signal)
    })
    const node = this.#node = new LocalNode(registry, rules, transport.connect, transport.timings)
    const direct = this.#direct = new DirectLinks(node)
    const peers = this.#peers = new PeerSync(node, this.#createPeerHost())
    const homes = this.#homes = new RoomHomes(node, {
      nodeId: node.id,
      replica: peers.replica,
      homeChanged: room => { this.#homeChanged(room) }
    })
    const traffic = this.#traffic = new RoomTraffic(node, {
      deferUntilPeersKnown: (slot, bytes, receive) => peers.deferUntilPeersKnown(slot, bytes, receive),
      receive: (part, message) => { this.#receiver.receiveAll(part, message) },
      lost: (part, slot, count) => { this.#gaps.roomLost(part, slot, count) }
    })
    const events = this.#events = new EventExchange(node, {
      received: (slot, event) => { this.#eventReceived(slot, event) },
      lost: (slot, count) => { this.#gaps.eventsLost(slot, count) }
    })
    const gaps = this.#gaps = new Gaps(node, { rules, peers, traffic, direct, events, signals })
    this.#receiver = new PacketReceiver(node, { peers, traffic, direct, gaps })
    this.#firstNumbers = new FirstNumbers(node, { traffic, direct, events })
    this.#cleaner = new StoreCleaner(node.timings.deleted)
    const congestion = this.#congestion = new Congestion(node)
    const congestedRooms = this.#congestedRooms = new CongestedRooms(node, room => traffic.part(room))
    this.#parts = { homes, peers, traffic, direct, congestion, congestedRooms }
    this.api = new Cluster(this)
    this.config = new SharedConfig(config, registry.log)
    node.commands.handle('disconnect', ({ id, code, reason }: { id: number, code: number, reason: string }) => {
      if (this.#closeHere(id, code, reason) === undefined) throw noSuchPeer(id)
    })
  }

  // ---- the server ----

  async join (): Promise<void> {
    try {
      await this.#node.join(this)
    } catch (error) {
      await this.leave()
      throw error
    }
  }

  async leave (): Promise<void> {
    await this.#homes.removed()
    this.#isMember = false
    this.#endSubscriptions()
    this.#homes.directory.close()
    this.config.close()
    this.#cleaner.close()
    await this.#node.leave()
    // Only now: applications must not change the state of rooms that have another home by now.
    for (const node of this.#peers.nodes()) this.#forget(node)
  }

  checkReady (): void {
    if (!this.#node.isReady) throw new GodotError('cluster-unavailable')
    if (this.isDraining) throw new GodotError('refusing-connections', 'the node is being drained')
  }

  drawId (): number {
    return this.#node.drawId()
  }

  peer (id: number): WebSocketPeer | undefined {
    return this.#peers.replica.get(id)?.peer
  }

  openRoom (core: RoomCore): RoomLink {
    const part = new RoomPart(core, this.#parts)
    if (this.#node.lease.slot > 0) {
      this.#traffic.open(part)
      this.#homes.claims.opened(core)
      this.#learnNumbers(core.name)
    }
    part.update()
    return part
  }

  optionsElsewhere (name: string): RoomOptions | undefined {
    return this.#homes.lookup.optionsElsewhere(name)
  }

  get roomCount (): number {
    return this.#homes.claims.roomCount
  }

  prepareEntry (name: string, address: string): Promise<void> | undefined {
    return this.#homes.entry.prepare(name, address)
  }

  // ---- administration ----

  get traffic (): ClusterLink['traffic'] {
    return this.#node.traffic
  }

  get commands (): NodeCommands {
    return this.#node.commands
  }

  get leaseAge (): number | undefined {
    return this.#node.leaseAge
  }

  get isDraining (): boolean {
    return this.#node.isDraining
  }

  knownNodes (): Iterable<ClusterNode> {
    return this.isReady ? this.#node.nodes() : this.#known.values()
  }

  rooms (): Iterable<RoomFacts> {
    return this.#homes.rooms()
  }

  room (name: string): RoomFacts | undefined {
    return this.#homes.room(name)
  }

  async changeRoom (name: string, changes: RoomOptions): Promise<void> {
    await this.#homes.changes.change(name, changes)
  }

  async closeRoom (name: string, code: number, reason: string): Promise<string[]> {
    return await this.#homes.closing.close(name, { code, reason })
  }

  shareEvent (event: RemoteEvent): void {
    if (this.slot > 0) this.#events.send(event)
  }

  #eventReceived (slot: number, event: RemoteEvent): void {
    const node = this.#node.nodeIn(slot)
    if (node !== undefined) for (const receiver of this.eventReceivers) receiver.received(node.id, event)
  }

  async drain (reason: string): Promise<void> {
    this.#node.setDraining()
    await this.#registry.closeAll('stop', closeCode.GOING_AWAY, reason)
  }

  // ---- what applications see ----

  get nodeId (): string {
    return this.#node.id
  }

  get slot (): number {
    return this.#node.lease.slot
  }

  get isReady (): boolean {
    return this.#node.isReady
  }

  nodes (): Iterable<ClusterNode> {
    return this.#node.nodes()
  }

  * peers (): IterableIterator<WebSocketPeer> {
    for (const { peer } of this.#peers.replica) yield peer
  }

  async closePeer (id: number, code: number, reason: string): Promise<WebSocketPeer> {
    const session = this.#closeHere(id, code, reason)
    if (session !== undefined) return session.peer
    const remote = this.#peers.replica.get(id)
    if (remote === undefined) throw noSuchPeer(id)
    await this.#node.commands.ask(remote.slot, 'disconnect', { id, code, reason })
    return remote.peer
  }

  /** Closes a peer of this node, if there is such a peer. */
  #closeHere (id: number, code: number, reason: string): PeerSession | undefined {
    const session = this.#registry.find(id)
    session?.close('server', code, reason)
    return session
  }

  async openClusterRoom (name: string | undefined, options: RoomOptions): Promise<Room> {
    return (await this.#homes.claims.openRoom(name, options)).room
  }

  // ---- membership ----

  get agreement (): string {
    const { options } = this.#registry.settings
    const agreed = Object.fromEntries(AGREED.map(name => [name, options[name]]))
    // `{}` means the same as `true`.
    const rooms = JSON.stringify(this.#rooms) === '{}' ? true : this.#rooms
    return JSON.stringify({ ...agreed, rooms })
  }

  claimed (lease: Lease): void {
    this.#endSubscriptions()
    this.#node.setLease(lease)
    this.#closeStrangers()
    const { bus, commands } = this.#node
    this.#endings.push(
      this.#peers.listen(),
      this.#events.listen(),
      this.#congestedRooms.listen(),
      commands.listen(bus, lease.slot),
      this.#receiver.listen(),
      bus.onStatus(isConnected => { if (isConnected) this.#reconnected() })
    )
    for (const { link } of this.#registry.rooms) {
      const part = link as RoomPart
      this.#traffic.open(part)
      part.update()
    }
  }

  async prepare (): Promise<void> {
    const { lease } = this.#node
    const rooms = await this.#node.openStore('rooms')
    const states = await this.#node.openStore('state')
    const config = await this.#node.openStore('config')
    this.#checkHeld(lease)
    await this.#homes.open(rooms, states)
    this.#checkHeld(lease)
    await this.config.open(config)
    this.#checkHeld(lease)
    this.#cleaner.open([rooms, states, config])
  }

  ready (): void {
    this.#isMember = true
    const live = new Set(Array.from(this.#node.nodes(), ({ id }) => id))
    for (const id of this.#known.keys()) if (!live.has(id)) this.#known.delete(id)
    this.#node.log.info({ node: this.#node.id, slot: this.slot }, 'joined the cluster')
    this.signals.emit('ready')
  }

  /** Throws BusError if the lease with which this node began to join has ended, or the node has left. */
  #checkHeld (lease: Lease): void {
    if (!this.#node.holdsSlot() || this.#node.lease !== lease) throw new BusError('disconnected', 'lease')
  }

  tick (): void {
    this.#homes.tick()
    this.config.settle()
    this.#lost.tick(this.#node.timings.heartbeat)
    if (this.#node.hasLowestSlot) this.#cleaner.tick()
  }

  heartbeat (): Uint8Array {
    return this.#gaps.digest()
  }

  heard (node: ClusterNode, bytes: Uint8Array): void {
    const check = (held: Uint8Array): void => { this.#gaps.check(node, held) }
    if (!this.#peers.deferUntilPeersKnown(node.slot, bytes, check)) check(bytes)
    this.#firstNumbers.retry(node.slot)
  }

  async joined (node: ClusterNode): Promise<void> {
    this.#traffic.forget(node.slot)
    this.#direct.joined(node)
    this.#lost.joining(node)
    try {
      await Promise.all([this.#peers.nodeJoined(node), this.#firstNumbers.learn(node.slot)])
    } catch (error) {
      // Some of its peers may be known already.
      if (this.#peers.follows(node)) {
        this.#lost.lostAgain(node, this.#servedHere(this.#factsOf(node)))
        this.#peers.nodeLeft(node)
      }
      throw error
    }
    if (!this.#peers.follows(node)) return
    this.#known.set(node.id, node)
    this.#node.log.info({ node: node.id, slot: node.slot }, 'node joined the cluster')
    this.signals.emit('node_joined', node)
    const wasReported = this.#lost.isReported(node)
    this.#lost.joined(node)
    if (!wasReported) return
    const peers = this.#factsOf(node)
    for (const receiver of this.eventReceivers) receiver.nodeBack(node.id, peers)
  }

  #factsOf ({ slot }: ClusterNode): PeerFacts[] {
    return Array.from(this.#peers.replica.ofNode(slot), ({ facts }) => facts)
  }

  /** The peers whose rooms have their server here, with their rooms. */
  * #servedHere (peers: readonly PeerFacts[]): IterableIterator<readonly [id: number, core: RoomCore]> {
    for (const { id, room } of peers) {
      const part = this.#traffic.part(room)
      if (part?.isHome === true) yield [id, part.core]
    }
  }

  left (node: ClusterNode, cause: NodeLeftCause): void {
    if (cause === 'left' || this.isReady) this.#known.delete(node.id)
    const peers = this.#factsOf(node)
    const wasReported = this.#lost.isReported(node)
    // A node that has lost the cluster sees all others as lost.
    const isReported = wasReported || this.isReady
    if (cause === 'lost') this.#lost.add(node, this.#servedHere(peers), isReported)
    this.#forget(node)
    if (isReported && !wasReported) for (const receiver of this.eventReceivers) receiver.nodeLost(node.id, peers)
    this.#node.log[cause === 'left' ? 'info' : 'warn']({ node: node.id, cause }, 'node left the cluster')
    this.signals.emit('node_left', node, cause)
    this.#homes.nodeLeft(node, cause)
  }

  /** The peers of a node are gone, and its numbers will start over. */
  #forget (node: ClusterNode): void {
    this.#peers.nodeLeft(node)
    this.#events.forget(node.slot)
    this.#traffic.forget(node.slot)
    this.#direct.left(node)
    this.#firstNumbers.forget(node.slot)
  }

  /** The ids of this node's peers may soon belong to another node. */
  fenced (): void {
    const wasMember = this.#isMember
    this.#isMember = false
    if (wasMember) this.#node.log.error({ node: this.#node.id }, 'the cluster is not reachable')
    const isKept = (core: RoomCore): boolean => this.#rules.onBrokerLoss === 'isolate' && core.link!.size === 0
    const kept = new Set([...this.#registry.rooms].filter(isKept))
    for (const core of this.#registry.rooms) {
      if (kept.has(core)) continue
      for (const session of core.sessions()) this.#closeLost(session, 'cluster unavailable')
    }
    this.#endSubscriptions()
    this.#homes.fenced()
    this.config.close()
    this.#cleaner.close()
    this.#node.setLease()
    if (wasMember) this.signals.emit('lost')
  }

  #homeChanged (room: string): void {
    this.#traffic.part(room)?.update()
    this.#learnNumbers(room)
  }

  /** Learns the numbers of the nodes that may send to a room: those with members in it, and its home. */
  #learnNumbers (room: string): void {
    const slots = this.#peers.replica.slotsOf(room)
    const home = this.#homes.lookup.homeOf(room)
    if (home !== undefined && home !== this.slot) slots.add(home)
    for (const slot of slots) this.#firstNumbers.learnRoom(slot, room)
  }

  /** What was published in the meantime is lost: the numbers in the next heartbeats reveal it. */
  #reconnected (): void {
    this.#homes.reconnected()
    this.config.reconnected()
  }

  /** Peers that a lost cluster has left here (`isolate`) cannot stay unless this node has their slot again. */
  #closeStrangers (): void {
    for (const session of this.#registry.peers.after(0)) {
      if (!this.#node.owns(session.id)) this.#closeLost(session, 'the cluster is back')
    }
  }

  /** Closes a peer whose id may belong to another node by now. */
  #closeLost (session: PeerSession, reason: string): void {
    this.#peers.withdraw(session)
    session.close('cluster', closeCode.GOING_AWAY, reason)
  }

  #endSubscriptions (): void {
    for (const end of this.#endings.splice(0)) end()
    this.#congestion.end()
    for (const part of [...this.#traffic.parts()]) this.#traffic.close(part)
  }

  // ---- parts ----

  #createPeerHost (): PeerSyncHost {
    const registry = this.#registry
    return {
      get variants () { return registry.settings.wire.variants },
      room: name => registry.rooms.find(name)?.room,
      send: ({ slot, id, facts: { room } }, bytes, isText) => {
        checkPacket(bytes, registry.settings.maxPacketSize)
        const packet = { room, opcode: isText ? opcode.TEXT : opcode.BINARY, source: target.SERVER, target: id }
        this.#traffic.part(room)?.beforeDirect()
        this.#direct.send(slot, packet, bytes, 0, bytes.length)
      },
      close: ({ slot, id }, code, reason) => {
        this.#node.commands.ask(slot, 'disconnect', { id, code, reason })
          .catch((err: unknown) => {
            const message = 'peer of another node not closed'
            this.#node.failures.log({ level: 'warn', key: {}, message }, { err, peer: id })
          })
      },
      remoteJoined: peer => {
        this.#homes.entry.seats.take(peer.facts.room)
        this.#remoteEntered(peer)
        for (const receive of this.joinReceivers) receive(peer.facts.room)
        // Without listeners the peer gets no public object: there may be a million peers.
        if (this.signals.listenerCount('peer_joined') > 0) this.signals.emit('peer_joined', peer.peer)
      },
      remoteMoved: (peer, from) => {
        this.#remoteEntered(peer)
        this.#remoteGone(from, peer.slot)
      },
      remoteLeft: ({ id, facts: { room } }) => { registry.rooms.find(room)?.remoteLeft(id) },
      remoteDeleted: (peer, end) => {
        this.#remoteGone(peer.facts.room, peer.slot)
        if (this.signals.listenerCount('peer_left') > 0) this.signals.emit('peer_left', peer.peer, end)
      },
      eventsLost: (node, count) => { this.#gaps.peersLost(node, count) }
    }
  }

  /** A peer of another node is in a room. */
  #remoteEntered ({ id, slot, facts: { room } }: RemotePeer): void {
    const part = this.#traffic.part(room)
    part?.update()
    this.#firstNumbers.learnRoom(slot, room)
    this.#lost.recall(slot, id, part?.isHome === true ? part.core : undefined)
    part?.core.remoteJoined(id)
    this.#homes.closing.joinedElsewhere(room, slot)
  }

  /** A peer of the node in this slot has left the room. */
  #remoteGone (room: string, slot: number): void {
    // Rooms have no traffic when this node has lost the others.
    const part = this.#registry.rooms.find(room)?.link as RoomPart | undefined
    part?.update()
    if (part !== undefined && (part.isHome || part.core.isClosing)) part.core.life.left()
  }
}

/** What makes a server a node of its cluster; undefined without option `cluster`. */
export function clusterOpener (
  settings: Settings, config: SharedConfigHost, given: ClusterTransport | undefined
): ((registry: PeerRegistry) => ClusterLink) | undefined {
  const { cluster } = settings
  if (cluster === undefined) return undefined
  const transport = given ?? {
    connect: async (log: Logger) => {
      const { connectNats } = await import('./bus/nats-bus.ts')
      return await connectNats(cluster, log)
    }
  }
  return registry => new ClusterCore(registry, cluster, config, transport)
}
