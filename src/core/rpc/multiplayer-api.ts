import { GodotError } from '../../error.ts'
import { ownBytes } from '../../protocol/own-bytes.ts'
import { target } from '../../protocol/multiplayer/relay-packet.ts'
import type { Variant } from '../../protocol/variant/variant-types.ts'
import { checkedPath } from './path-cache.ts'
import { RemoteNode } from './remote-node.ts'
import type { RemoteNodeHost } from './remote-node.ts'
import { Replicator } from './replicator.ts'
import type { ReplicatorHost, Spawner } from './replicator.ts'
import { methodsOf } from './rpc-surface.ts'
import type { MemberKind, MembersOf, NodeSurface, Surface } from './rpc-surface.ts'
import type { OutgoingMember, RpcDrop, RpcWire, RpcWireHost } from './rpc-wire.ts'
import { SignalEmitter } from '../server/signals.ts'
import type { WebSocketPeer } from '../peer/websocket-peer.ts'

/** What a MultiplayerAPI's listeners are given; names and arguments are Godot's. */
export interface MultiplayerSignals {
  /** A client is there, and can be called. */
  network_peer_connected: [id: number]
  /** A client is gone. */
  network_peer_disconnected: [id: number]
  /** Bytes of a client's `send_bytes`; they are the listener's own. */
  network_peer_packet: [id: number, bytes: Uint8Array]
}

/** What a MultiplayerAPI asks of its server. */
export interface MultiplayerHost {
  /** Bytes of the largest packet that can be sent. */
  readonly maxPacketSize: number
  openPeers (): Iterable<WebSocketPeer>
  /** Sends a packet of remote calls: to all (0), to one, or to all but one (-id). ERR_UNCONFIGURED in plain mode. */
  putCall (to: number, packet: Uint8Array): void
  /** A packet was not obeyed; `isFirst`: of this reason and peer. */
  refused (reason: RpcDrop, peer: WebSocketPeer, details: object, isFirst: boolean): void
  /** What the application's own code threw or rejected with. */
  failed (error: unknown, details: object): void
}

/** Godot's MultiplayerAPI with the id 1: remote calls between the clients' nodes and the server. */
export class MultiplayerAPI implements RpcWireHost, RemoteNodeHost, ReplicatorHost {
  /** Peers that can be called, by id. */
  readonly connected = new Set<number>()
  readonly #host: MultiplayerHost
  readonly #wire: RpcWire
  readonly #signals: SignalEmitter<MultiplayerSignals>
  readonly #replicator = new Replicator(this)
  readonly #nodes = new Map<string, RemoteNode>()
  /** What has been refused to a peer before: it is logged quietly from then on. */
  readonly #refusals = new Map<number, Set<RpcDrop>>()

  constructor (host: MultiplayerHost, openWire: (host: RpcWireHost) => RpcWire) {
    this.#host = host
    this.#wire = openWire(this)
    this.#signals = new SignalEmitter((error, signal) => host.failed(error, { signal }))
  }

  // ---- what an application calls ----

  /**
   * The node at a path such as `/root/Main`. With a surface what comes in is checked against it, and its types are those of the members;
   * with an interface, `node<Main>(path)`, only the types are there; with neither, everything passes. Godot 4 sends numbers of methods, so
   * there the surface has to have every `@rpc` function of the node's script, or their names be given; `configured` are those of them that
   * `rpc_config()` made remote on the node itself. ERR_INVALID_PARAMETER for what is no path, ERR_ALREADY_IN_USE when the node is there
   * with another surface.
   */
  node<Members = any> (path: string, names?: readonly string[], configured?: readonly string[]): RemoteNode<Members>
  node<const S extends Surface> (path: string, surface: S, configured?: readonly string[]): RemoteNode<MembersOf<S>>
  node (path: string, surface?: NodeSurface, configured: readonly string[] = []): RemoteNode {
    const relative = checkedPath(path)
    const known = this.#nodes.get(relative)
    if (known === undefined) return this.#addNode(relative, surface, configured)
    if (surface !== undefined && surface !== known.surface) throw new GodotError('ERR_ALREADY_IN_USE', `node ${relative} has another surface`)
    return known
  }

  /**
   * The MultiplayerSpawner at a path such as `/root/Main/Spawner`, for a server that places nodes in the clients' scenes (Godot 4). The
   * authority of it and of what it spawns must be the server. ERR_INVALID_PARAMETER for what is no path, and with Godot 3.
   */
  spawner (path: string): Spawner {
    if (this.#wire.tellPath === undefined) throw new GodotError('ERR_INVALID_PARAMETER', 'Godot 3 knows no spawners')
    return this.#replicator.spawner(checkedPath(path))
  }

  /** Sends the values of all spawned nodes: those that are always sent, and those that changed. To be called once a tick. */
  sync (): void {
    this.#replicator.sync()
  }

  /** Sends bytes to all (0), to one, or to all but one (-id). ERR_INVALID_DATA for none, ERR_DOES_NOT_EXIST for a peer that is not there. */
  sendBytes (bytes: Uint8Array, to: number = target.ALL): void {
    this.#checkTarget(to)
    this.#wire.sendBytes(to, bytes)
  }

  /** Calls `listener` at each `signal`. */
  on<Name extends keyof MultiplayerSignals> (signal: Name, listener: (...args: MultiplayerSignals[Name]) => unknown): this {
    this.#signals.on(signal, listener)
    return this
  }

  /** Calls `listener` at the next `signal`. */
  once<Name extends keyof MultiplayerSignals> (signal: Name, listener: (...args: MultiplayerSignals[Name]) => unknown): this {
    this.#signals.once(signal, listener)
    return this
  }

  /** Takes a listener away. */
  off<Name extends keyof MultiplayerSignals> (signal: Name, listener: (...args: MultiplayerSignals[Name]) => unknown): this {
    this.#signals.off(signal, listener)
    return this
  }

  // ---- what the server tells ----

  /** A peer was told of the server and of the others. */
  joined (id: number): void {
    this.connected.add(id)
    try {
      this.#replicator.joined(id)
    } catch (error) {
      // The buffers were made smaller than what is spawned: the peer is there all the same.
      this.#host.failed(error, { peer: id })
    }
    this.#signals.emit('network_peer_connected', id)
  }

  /** A peer is gone. */
  left (id: number): void {
    this.connected.delete(id)
    this.#refusals.delete(id)
    this.#wire.forgetPeer(id)
    this.#signals.emit('network_peer_disconnected', id)
  }

  /** A peer sent a packet to the server; the bytes are good until the call returns. */
  receive (sender: WebSocketPeer, bytes: Uint8Array): void {
    try {
      this.#wire.receive(sender, bytes)
    } catch (error) {
      this.#malformed(sender, error)
    }
  }

  /** A peer sent bytes for the application to the server. */
  receiveData (sender: WebSocketPeer, bytes: Uint8Array): void {
    try {
      this.#wire.receiveData(sender, bytes)
    } catch (error) {
      this.#malformed(sender, error)
    }
  }

  /** Whether a packet needs nobody who uses remote calls. */
  isInternal (bytes: Uint8Array): boolean {
    return this.#wire.isInternal(bytes)
  }

  // ---- what the wire asks and tells ----

  openPeers (): Iterable<WebSocketPeer> {
    return this.#host.openPeers()
  }

  putTo (to: number, payload: Uint8Array): void {
    this.#host.putCall(to, payload)
  }

  get maxPacketSize (): number {
    return this.#host.maxPacketSize
  }

  tellPath (peer: number, path: string): number {
    return this.#wire.tellPath!(peer, path)
  }

  onMember (sender: WebSocketPeer, path: string, kind: MemberKind, name: string, values: readonly Variant[]): void {
    const node = this.#nodes.get(path)
    const refusal = node === undefined ? 'rpc-unknown-node' : node.receive(sender.id, { kind, name, values })
    if (refusal !== undefined) this.onRefusal(sender, refusal, { node: path, [kind]: name })
  }

  onRaw (sender: WebSocketPeer, bytes: Uint8Array): void {
    this.#signals.emit('network_peer_packet', sender.id, ownBytes(bytes, 0, bytes.length))
  }

  onRefusal (sender: WebSocketPeer, reason: RpcDrop, details: object): void {
    const before = this.#refusals.get(sender.id) ?? new Set()
    this.#refusals.set(sender.id, before)
    this.#host.refused(reason, sender, details, !before.has(reason))
    before.add(reason)
  }

  // ---- what the nodes ask ----

  sendMember (node: RemoteNode, to: number, member: OutgoingMember): void {
    if (this.#nodes.get(node.path) !== node) throw new GodotError('ERR_DOES_NOT_EXIST', `node ${node.path} was freed`)
    this.#checkTarget(to)
    this.#wire.send(to, node.path, member)
  }

  memberFailed (error: unknown, details: object): void {
    this.#host.failed(error, details)
  }

  nodeFreed (node: RemoteNode): void {
    if (this.#nodes.get(node.path) !== node) return
    this.#nodes.delete(node.path)
    this.#wire.forgetPath(node.path)
  }

  checkKind (kind: MemberKind): void {
    this.#wire.checkKind(kind)
  }

  #addNode (path: string, surface: NodeSurface | undefined, configured: readonly string[]): RemoteNode {
    const node = new RemoteNode(this, path, surface)
    this.#nodes.set(path, node)
    this.#wire.addNode(path, surface === undefined ? undefined : { names: methodsOf(surface), configured })
    return node
  }

  #malformed (sender: WebSocketPeer, error: unknown): void {
    if (!(error instanceof GodotError)) throw error
    this.onRefusal(sender, 'rpc-malformed', { why: error.message })
  }

  #checkTarget (to: number): void {
    const isThere = to === target.ALL || to === target.ALL_BUT_SERVER || this.connected.has(Math.abs(to))
    if (!isThere) throw new GodotError('ERR_DOES_NOT_EXIST', `no peer ${String(Math.abs(to))}`)
  }
}
