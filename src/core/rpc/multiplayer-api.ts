import { isDeepStrictEqual } from 'node:util'
import { GodotError } from '../../error.ts'
import { checkArgumentCount } from '../../protocol/multiplayer/encoded-values.ts'
import { target } from '../../protocol/multiplayer/relay-packet.ts'
import type { VariantCodec } from '../../protocol/variant/variant-codec.ts'
import { namesOf } from '../server/signals.ts'
import type { SignalEmitter } from '../server/signals.ts'
import { addSignalMethods } from '../server/signal-source.ts'
import type { SignalSource } from '../server/signal-source.ts'
import { checkBytes } from '../check-packet.ts'
import { checkTarget } from './check-target.ts'
import { NodeMembers } from './node-members.ts'
import type { NodeMembersHost } from './node-members.ts'
import type { NodeTree } from './node-tree.ts'
import { checkedPath } from './wire/node-path.ts'
import type { RemoteNode } from './remote-node.ts'
import type { ClientReplication, ClientSpawner, ClientSpawnerOptions } from './replication/client-spawner.ts'
import type { Replication } from './replication/replication.ts'
import type { SceneReplication } from './replication/scene-replication.ts'
import type { Spawner, SpawnerOptions } from './replication/spawner.ts'
import type { Synchronizer, SynchronizerOptions } from './replication/synchronizer.ts'
import { methodsOf } from './rpc-surface.ts'
import type { MembersOf, NodeSurface, Surface } from './rpc-surface.ts'
import type { RpcLink, RpcWire } from './wire/rpc-wire.ts'

/** The arguments of each signal of a MultiplayerAPI by its name. */
export interface MultiplayerSignals {
  /** A client joined and can be called. Godot: MultiplayerAPI.network_peer_connected. */
  network_peer_connected: [id: number]
  /** A client left. Godot: MultiplayerAPI.network_peer_disconnected. */
  network_peer_disconnected: [id: number]
  /** A client sent bytes with `send_bytes`; the listener may keep them. Godot: MultiplayerAPI.network_peer_packet. */
  network_peer_packet: [id: number, bytes: Uint8Array]
  /** As `network_peer_connected`, by its name in Godot 4. Godot 4: MultiplayerAPI.peer_connected. */
  peer_connected: [id: number]
  /** As `network_peer_disconnected`, by its name in Godot 4. Godot 4: MultiplayerAPI.peer_disconnected. */
  peer_disconnected: [id: number]
  /** As `network_peer_packet`, by its name in Godot 4. Godot 4: SceneMultiplayer.peer_packet. */
  peer_packet: [id: number, bytes: Uint8Array]
}

/** The names of the signals of a MultiplayerAPI. */
export const multiplayerSignalNames = namesOf<MultiplayerSignals>({
  network_peer_connected: true,
  network_peer_disconnected: true,
  network_peer_packet: true,
  peer_connected: true,
  peer_disconnected: true,
  peer_packet: true
})

/** Additional settings of a node. */
export interface NodeOptions {
  /** Methods that `rpc_config()` made remote on the node itself (Godot 4). */
  readonly configured?: readonly string[]
  /**
   * Whether arguments keep Godot's types exactly: a whole real is a `Float`. Default: option `exactTypes` of the
   * server.
   */
  readonly exactTypes?: boolean
}

/** Options of a node, or the list of its `configured` methods. */
export type NodeSettings = NodeOptions | readonly string[]

/** What a MultiplayerAPI consists of. */
export interface MultiplayerParts {
  readonly link: RpcLink
  readonly wire: RpcWire
  readonly variants: VariantCodec
  readonly nodes: NodeTree
  readonly signals: SignalEmitter<MultiplayerSignals>
  /** Undefined for Godot 3, which has no spawners and synchronizers. */
  readonly replication: SceneReplication | undefined
  readonly exactTypes: boolean
  /** A handler threw or rejected. */
  readonly failed: (error: unknown, details: object) => void
}

/** Godot's MultiplayerAPI with the id 1: remote calls between the nodes of the clients and the server. */
export class MultiplayerAPI {
  readonly #parts: MultiplayerParts
  readonly #nodeHost: NodeMembersHost

  /** @internal A server has one: `WebSocketServer.multiplayer`. */
  constructor (parts: MultiplayerParts) {
    this.#parts = parts
    this.#nodeHost = nodeHostOf(parts, this)
  }

  static {
    addSignalMethods(this.prototype, api => api.#parts.signals)
  }

  /** Ids of the peers that can be called. Godot: MultiplayerAPI.get_network_connected_peers. */
  get connected (): ReadonlySet<number> {
    return this.#parts.link.connected
  }

  /**
   * The node at a path such as `/root/Main`. With a surface received values are checked against it, and its types are
   * those of the members; with an interface, `node<Main>(path)`, it has the types only; with neither, everything is
   * accepted. Godot 4 calls methods by number, so there the surface must have every `@rpc` function of the node's
   * script, or their names must be given. `options` may be the list of `configured` methods. If the node exists it is
   * returned, and surface and options may be left out. ERR_INVALID_PARAMETER for an invalid path or surface,
   * ERR_ALREADY_IN_USE if it exists with another surface, or with other options than are given.
   */
  node<Members = any> (path: string, names?: readonly string[], options?: NodeSettings): RemoteNode<Members>
  node<const S extends Surface> (path: string, surface: S, options?: NodeSettings): RemoteNode<MembersOf<S>>
  node (path: string, surface?: NodeSurface, options: NodeSettings = {}): RemoteNode {
    const { nodes, wire, exactTypes } = this.#parts
    const relative = checkedPath(path)
    const given: NodeOptions = isList(options) ? { configured: options } : options
    const existing = nodes.get(relative)
    if (existing !== undefined) {
      checkDeclaration(existing, surface, given)
      return nodes.nodeAt(relative)!
    }
    const settings = { configured: given.configured ?? [], exactTypes: given.exactTypes ?? exactTypes }
    const members = new NodeMembers(this.#nodeHost, relative, surface, settings)
    const { configured } = settings
    wire.addNode(relative, surface === undefined ? undefined : { names: methodsOf(surface), configured })
    return nodes.add(members)
  }

  /**
   * The MultiplayerSpawner at a path such as `/root/Main/Spawner`, for a server that places nodes in the clients'
   * scenes (Godot 4). The server must be its authority, and that of the spawned nodes. A spawner whose script has
   * `@rpc` functions needs the same `surface` as its `node`; if there is no such node yet, one is registered, and freed
   * when the spawner goes with the node that it is in. ERR_INVALID_PARAMETER for an invalid path, and with Godot 3;
   * ERR_ALREADY_IN_USE for another surface or spawn path than before, and for the path of a `clientSpawner`.
   */
  spawner (path: string, surface?: NodeSurface, options: SpawnerOptions = {}): Spawner {
    const scene = this.#replication('spawners')
    const relative = checkedPath(path)
    if (scene.clientSpawners.has(relative)) {
      throw new GodotError('ERR_ALREADY_IN_USE', `a spawner of a client already exists at ${relative}`)
    }
    const { nodes, wire } = this.#parts
    const spawner = scene.createSpawner(relative, options)
    const existing = nodes.get(relative)
    if (surface !== undefined) this.node(path, surface as Surface)
    const own = existing === undefined ? nodes.get(relative) : undefined
    const removeOwn = (): void => { if (nodes.remove(own!)) wire.forgetPath(relative) }
    scene.addSpawner(spawner, own === undefined ? undefined : removeOwn)
    return spawner
  }

  /**
   * The MultiplayerSpawner at a path such as `/root/Main/Bullets/Spawner`, whose authority is a client (Godot 4): each
   * node that the client spawns is signalled with `spawned`, and the values of its MultiplayerSynchronizer are read.
   * `replication` has the properties of that in the order of its replication config, `{}` without one; or it returns
   * them by what is spawned. Declare it before the client spawns, for instance in `peer_connected`. ERR_ALREADY_IN_USE
   * for a path that has a spawner; ERR_INVALID_PARAMETER for an invalid path or option, more than 64 `on_change`
   * properties, and with Godot 3.
   */
  clientSpawner<const R extends Replication> (
    path: string, replication: ClientReplication<R>, options: ClientSpawnerOptions
  ): ClientSpawner<R> {
    const scene = this.#replication('spawners')
    const relative = checkedPath(path)
    if (scene.spawnerAt(relative) !== undefined) {
      throw new GodotError('ERR_ALREADY_IN_USE', `a spawner of the server already exists at ${relative}`)
    }
    return scene.clientSpawners.add(relative, replication, options)
  }

  /**
   * A MultiplayerSynchronizer in the scene of the clients, at a path such as `/root/Main/State` (Godot 4). With
   * `values` the server is its authority and sends them; with `{ authority: id }` a client is, and its values are read:
   * `changed` is signalled. `replication` has the properties in the order of its replication config.
   * ERR_ALREADY_IN_USE for a path that has one; ERR_INVALID_PARAMETER for an invalid path, values as of
   * `Spawner.spawn`, and with Godot 3.
   */
  synchronizer<const R extends Replication> (
    path: string, replication: R, options: SynchronizerOptions<R>
  ): Synchronizer<R> {
    return this.#replication('synchronizers').synchronizers.add(checkedPath(path), replication, options)
  }

  /**
   * Sends the values of all spawned nodes and of the server's synchronizers: those that are always sent, and those that
   * changed. Call it once per tick.
   */
  sync (): void {
    this.#parts.replication?.replicator.sync()
  }

  /**
   * Sends bytes to all (0), to one, or to all but one (-id). ERR_INVALID_DATA for none, ERR_INVALID_PARAMETER for
   * anything but bytes and a number, ERR_DOES_NOT_EXIST for a peer that is not connected, ERR_OUT_OF_MEMORY for more
   * than the output buffer holds. Godot: MultiplayerAPI.send_bytes.
   */
  sendBytes (bytes: Uint8Array, to: number = target.ALL): void {
    checkBytes(bytes)
    checkTarget(this.#parts.link, to)
    this.#parts.wire.sendBytes(to, bytes)
  }

  #replication (what: string): NonNullable<MultiplayerParts['replication']> {
    const { replication } = this.#parts
    if (replication === undefined) throw new GodotError('ERR_INVALID_PARAMETER', `Godot 3 has no ${what}`)
    return replication
  }
}

// The methods on, once and off.
export interface MultiplayerAPI extends SignalSource<MultiplayerSignals> {}

/** Throws ERR_ALREADY_IN_USE if what is given differs from how the node was declared. */
function checkDeclaration (node: NodeMembers, surface: NodeSurface | undefined, options: NodeOptions): void {
  const [declared, given] = [{ ...node.settings, surface: node.surface }, { ...options, surface }]
  for (const what of ['surface', 'configured', 'exactTypes'] as const) {
    if (given[what] !== undefined && !isDeepStrictEqual(given[what], declared[what])) {
      throw new GodotError('ERR_ALREADY_IN_USE', `node ${node.path} already exists with another ${what}`)
    }
  }
}

function isList (options: NodeSettings): options is readonly string[] {
  return options instanceof Array
}

function nodeHostOf (parts: MultiplayerParts, api: MultiplayerAPI): NodeMembersHost {
  const { link, wire, variants, nodes, replication, failed } = parts
  return {
    check: node => { nodes.check(node) },
    send: (node, to, call) => {
      checkTarget(link, to)
      wire.send(to, node.path, call)
    },
    transmitted: (values, exact) => {
      checkArgumentCount(values)
      return values.map((value, at) => variants.decode(variants.encode(value), {
        exactFloats: typeof exact === 'boolean' ? exact : exact[at] ?? false
      }))
    },
    checkKind: kind => { wire.checkKind(kind) },
    failed,
    free: node => {
      if (!nodes.remove(node)) return
      // Before listeners of `despawned`, which may declare the node again.
      wire.forgetPath(node.path)
      replication?.freeBelow(node.path)
    },
    synchronizer: (path, replication, options) => api.synchronizer(path, replication, options),
    setMaster: (node, id, recursive) => {
      if (recursive) replication?.synchronizers.setAuthorityBelow(node.path, id)
      nodes.setMaster(node, id, recursive)
    }
  }
}
