import type { ClusterNode } from '../../src/cluster/membership/membership-host.ts'
import type { PeerSession } from '../../src/core/peer/peer-session.ts'
import type { WebSocketPeer } from '../../src/core/peer/websocket-peer.ts'
import type { ClusterLink, RoomFacts } from '../../src/core/server/cluster-link.ts'
import { slotOfId } from '../../src/cluster/peer-id.ts'
import { internalsOf } from '../../src/core/server/internals.ts'
import type { BurstLog } from '../../src/core/server/log/burst-log.ts'
import type { WebSocketServer } from '../../src/core/server/websocket-server.ts'
import { GodotError, noSuchPeer, noSuchRoom } from '../../src/error.ts'
import type { Logger } from '../../src/logger.ts'
import type { RoomOptions } from '../../src/options/option-types.ts'
import { closeCode } from '../../src/protocol/websocket/close-code.ts'

/** Which nodes a request is about: the one that receives it, or all. */
export type Scope = 'local' | 'cluster'

/** What a response says if some nodes did not respond: their ids. */
export interface MissingNodes { readonly partial?: true, readonly unreachable?: string[] }

/** The results of the nodes; without a cluster that of the server alone. */
export interface Gathered<Result> {
  readonly results: readonly Result[]
  /** The nodes that did not respond. */
  readonly missing: MissingNodes
}

/** Runs an operation on a node; `bytes` are valid until it awaits something. */
type Run<Parameters, Result> = (parameters: Parameters, bytes: Uint8Array) => Result | Promise<Result>

const NOTHING = new Uint8Array(0)

/** The nodes of a server's cluster as the REST API needs them; without option `cluster` the server alone. */
export class ClusterNodes {
  readonly server: WebSocketServer
  readonly #link: ClusterLink | undefined

  constructor (server: WebSocketServer) {
    this.server = server
    this.#link = internalsOf(server).registry.cluster
  }

  /** The cluster; undefined without option `cluster`. */
  get link (): ClusterLink | undefined {
    return this.#link
  }

  get log (): Logger {
    return internalsOf(this.server).registry.log
  }

  /** Logs what requests can repeat. */
  get bursts (): BurstLog {
    return internalsOf(this.server).registry.monitor.bursts
  }

  /** Bytes that a response of another node may have; Infinity without option `cluster`. */
  get maxAnswer (): number {
    return this.#link?.commands.maxAnswer ?? Infinity
  }

  /** Signs cursors, so that all nodes take them; undefined: only this process. */
  get cursorKey (): Uint8Array | undefined {
    return this.#link?.config.secret
  }

  /** Id of this node; undefined without option `cluster`. */
  get nodeId (): string | undefined {
    return this.#link?.api.nodeId
  }

  /** The other nodes; while this one is not in the cluster those that it knew last. */
  others (): ClusterNode[] {
    return [...this.#link?.knownNodes() ?? []].sort((a, b) => a.slot - b.slot)
  }

  /** The other node with this id; undefined for this node itself. Throws ERR_DOES_NOT_EXIST. */
  find (nodeId: string): ClusterNode | undefined {
    if (this.#link !== undefined && nodeId === this.nodeId) return undefined
    const found = this.others().find(({ id }) => id === nodeId)
    if (found === undefined) throw new GodotError('ERR_DOES_NOT_EXIST', `node ${nodeId} does not exist`)
    return found
  }

  /** Registers an operation, as every node must: its parameters and its result are JSON. */
  operation<Parameters extends object, Result> (
    name: string, run: Run<Parameters, Result>
  ): NodeOperation<Parameters, Result> {
    this.#link?.commands.handle(`admin.${name}`, run)
    return new NodeOperation(this, `admin.${name}`, run)
  }

  /** A peer of this node, or what is known here of one of another node; throws as `slotOf`. */
  peer (id: number): WebSocketPeer {
    const slot = this.slotOf(id)
    const peer = slot === undefined ? this.localPeer(id) : this.#link!.peer(id)
    if (peer === undefined) throw noSuchPeer(id)
    return peer
  }

  /** A peer of this node; throws ERR_DOES_NOT_EXIST. */
  localPeer (id: number): WebSocketPeer {
    return this.localSession(id).peer
  }

  /** Session of a peer of this node; throws ERR_DOES_NOT_EXIST. */
  localSession (id: number): PeerSession {
    const session = internalsOf(this.server).registry.peers.get(id)
    if (session === undefined) throw noSuchPeer(id)
    return session
  }

  findLocal (id: number): WebSocketPeer | undefined {
    return internalsOf(this.server).registry.peers.get(id)?.peer
  }

  /**
   * Begins to close a peer of any node, or an authenticating client of this one, and resolves with it when its node has
   * done so; rejects as `peer`, or as `at`.
   */
  async disconnectPeer (
    id: number, code: number = closeCode.NORMAL, reason: string = ''
  ): Promise<WebSocketPeer> {
    const here = internalsOf(this.server).registry.find(id)?.peer
    here?.close(code, reason)
    if (here !== undefined) return here
    this.peer(id)
    return await this.#link!.closePeer(id, code, reason)
  }

  /**
   * Slot of the other node that a peer is on; undefined if it is here. Throws ERR_DOES_NOT_EXIST if there is no such
   * node, cluster-unavailable if that cannot be known.
   */
  slotOf (id: number): number | undefined {
    if (this.#link === undefined || internalsOf(this.server).registry.peers.has(id)) return undefined
    const { isReady, slot: own } = this.#link.api
    const slot = slotOfId(id)
    if (!isReady) throw new GodotError('cluster-unavailable')
    if (slot === own) return undefined
    if (this.others().some(node => node.slot === slot)) return slot
    throw noSuchPeer(id)
  }

  /** Those of the ids that can be on the node in this slot, 0 for this node. */
  idsOf (slot: number, ids: readonly number[]): number[] {
    if (this.#link === undefined) return [...ids]
    const wanted = slot === 0 ? this.#link.api.slot : slot
    const isHere = (id: number): boolean => slot === 0 && internalsOf(this.server).registry.peers.has(id)
    return ids.filter(id => slotOfId(id) === wanted || isHere(id))
  }

  /** Those of the ids that no node can have; none while this node is not in the cluster. */
  unknownOf (ids: readonly number[], excluded: readonly number[]): number[] {
    if (this.#link?.api.isReady !== true) return []
    const { slot: own } = this.#link.api
    const slots = new Set([own, ...this.others().map(({ slot }) => slot)])
    const excludedIds = new Set(excluded)
    return [...new Set(ids)].filter(id => !excludedIds.has(id) && !slots.has(slotOfId(id)))
  }

  /** Waits until bans and options are shared with all nodes; if they cannot be, the response says so. */
  async shared (): Promise<MissingNodes> {
    if (this.#link === undefined || await this.#link.config.written()) return {}
    return { partial: true, unreachable: this.others().map(({ id }) => id).sort() }
  }

  /** Rooms of all nodes. */
  rooms (): Iterable<RoomFacts> {
    return this.#link?.rooms() ?? this.server.rooms()
  }

  /** A room of any node; throws ERR_DOES_NOT_EXIST, or cluster-unavailable if that cannot be known. */
  room (name: string): RoomFacts {
    if (this.#link === undefined) return this.server.room(name)
    const room = this.#link.room(name)
    if (room !== undefined) return room
    if (!this.#link.api.isReady) throw new GodotError('cluster-unavailable')
    throw noSuchRoom(name)
  }

  /** Opens a room, in a cluster with its home on this node; rejects as `Cluster.openRoom`. */
  async openRoom (name: string | undefined, settings: RoomOptions): Promise<RoomFacts> {
    const opened = await (this.#link?.api ?? this.server).openRoom(name, settings)
    return this.room(opened.name)
  }

  /** Changes settings of a room of any node, and resolves with it; rejects as `room`, or `ClusterLink.changeRoom`. */
  async changeRoom (name: string, changes: RoomOptions): Promise<RoomFacts> {
    this.room(name)
    if (this.#link === undefined) this.server.room(name).change(changes)
    else await this.#link.changeRoom(name, changes)
    return this.room(name)
  }

  /**
   * Closes a room of any node; resolves with the number of its peers, and the nodes that could not be reached. Rejects
   * as `room`, or `ClusterLink.closeRoom`.
   */
  async closeRoom (
    name: string, code: number = closeCode.NORMAL, reason: string = ''
  ): Promise<{ peers: number } & MissingNodes> {
    const { peerCount: peers } = this.room(name)
    if (this.#link !== undefined) return { peers, ...missingNodes(await this.#link.closeRoom(name, code, reason)) }
    this.server.room(name).close(code, reason)
      .catch((err: unknown) => { this.log.error({ err, room: name }, 'room not closed') })
    return { peers }
  }
}

/** An operation that any node can run for any other one. */
export class NodeOperation<Parameters extends object, Result> {
  readonly #nodes: ClusterNodes
  readonly #name: string
  readonly #run: Run<Parameters, Result>

  constructor (nodes: ClusterNodes, name: string, run: Run<Parameters, Result>) {
    this.#nodes = nodes
    this.#name = name
    this.#run = run
  }

  /** On the node in this slot; undefined: here. Rejects with its error, or cluster-unavailable within two seconds. */
  async at (slot: number | undefined, parameters: Parameters, bytes: Uint8Array = NOTHING): Promise<Result> {
    if (slot === undefined) return await this.#run(parameters, bytes)
    return await this.#nodes.link!.commands.ask(slot, this.#name, parameters, bytes) as Result
  }

  /** On the node of a peer; rejects with ERR_DOES_NOT_EXIST, or as `at`. */
  async ofPeer (id: number, parameters: Parameters, bytes?: Uint8Array): Promise<Result> {
    return await this.at(this.#nodes.slotOf(id), parameters, bytes)
  }

  /** On all nodes, or only here. An error of another node counts as no response. */
  async everywhere (parameters: Parameters, scope: Scope = 'cluster', bytes?: Uint8Array): Promise<Gathered<Result>> {
    return await this.each(() => parameters, scope, bytes)
  }

  /** The same with parameters for each slot, 0 for this node; undefined leaves the node out. */
  async each (
    parametersOf: (slot: number) => Parameters | undefined, scope: Scope = 'cluster', bytes?: Uint8Array
  ): Promise<Gathered<Result>> {
    const isReady = this.#nodes.link?.api.isReady !== false
    const unreachable: string[] = []
    const others = scope === 'local' ? [] : this.#nodes.others()
    const asked = others.map(async ({ id, slot }) => {
      const parameters = parametersOf(slot)
      if (parameters === undefined) return []
      try {
        if (isReady) return [await this.at(slot, parameters, bytes)]
      } catch (err) {
        this.#nodes.bursts.log({ level: 'warn', key: { node: id }, message: 'node did not respond' }, { err })
      }
      unreachable.push(id)
      return []
    })
    const own = parametersOf(0)
    const here = own === undefined ? [] : [await this.at(undefined, own, bytes)]
    const results = [...here, ...(await Promise.all(asked)).flat()]
    const isAlone = scope !== 'local' && !isReady
    const missing = isAlone ? { partial: true as const, unreachable: unreachable.sort() } : missingNodes(unreachable)
    return { results, missing }
  }
}

/** What a response says about nodes that did not respond. */
export function missingNodes (unreachable: readonly string[]): MissingNodes {
  return unreachable.length === 0 ? {} : { partial: true, unreachable: [...unreachable].sort() }
}
