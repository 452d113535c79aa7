import { GodotError } from '../../../error.ts'
import type { ServerOptions } from '../../../options/option-types.ts'
import { MethodList } from '../../../protocol/multiplayer/method-list.ts'
import {
  decodeRpc4Packet, encodeCall4, encodeConfirmPath4, encodeSimplifyPath4
} from '../../../protocol/multiplayer/rpc4-packet.ts'
import type { ConfirmPath4, RemoteCall4, SimplifyPath4 } from '../../../protocol/multiplayer/rpc4-packet.ts'
import { decodeDespawn, decodeSpawn, decodeSyncs } from '../../../protocol/multiplayer/replication4-packet.ts'
import { command, commandAt, PATH_BASED, prefixed } from '../../../protocol/multiplayer/scene-packet.ts'
import type { VariantCodec } from '../../../protocol/variant/variant-codec.ts'
import type { RpcNode } from '../../../protocol/multiplayer/rpc-node.ts'
import type { WebSocketPeer } from '../../peer/websocket-peer.ts'
import type { AnnouncedPath } from './announced-paths.ts'
import { CallSender } from './call-sender.ts'
import { fromRoot } from './node-path.ts'
import { PathCache } from './path-cache.ts'
import type { OwnPath } from './path-cache.ts'
import type { MemberKind } from '../rpc-surface.ts'
import type {
  Announcement, MemberCall, MovedPaths, NodeMethods, RpcLink, RpcReceiver, RpcWire
} from './rpc-wire.ts'
import { SceneAnnouncer } from './scene-announcer.ts'

const NO_METHODS = new MethodList([])

/**
 * Calls between Godot 4 peers: methods go by their number in the node's method list, whose MD5 is announced with the
 * path. Where a client has another list, its calls are read by its own list if that is known, and it is not called
 * until it announces the server's, as wrong methods would run (Godot uses the number nevertheless).
 */
export class RpcWire4 implements RpcWire {
  readonly #link: RpcLink
  readonly #receiver: RpcReceiver
  readonly #codec: VariantCodec
  readonly #confirmPath: ServerOptions['confirmPath']
  readonly #paths = new PathCache()
  readonly #sender: CallSender
  readonly announcer: SceneAnnouncer
  /** The registered nodes, with the lists of those whose methods were declared. */
  readonly #nodes = new Map<string, MethodList | undefined>()
  /** All lists that were ever declared, by MD5. */
  readonly #lists = new Map<string, MethodList>()

  constructor (
    link: RpcLink,
    receiver: RpcReceiver,
    codec: VariantCodec,
    confirmPath: ServerOptions['confirmPath']
  ) {
    this.#link = link
    this.#receiver = receiver
    this.#codec = codec
    this.#confirmPath = confirmPath
    this.#sender = new CallSender(link)
    this.announcer = new SceneAnnouncer(this.#paths, {
      send: (peer, own, id) => {
        link.putTo(peer, this.#announcementOf(own, this.#listAt(own.path), id)())
      }
    })
  }

  addNode (path: string, methods: NodeMethods | undefined): void {
    const list = methods === undefined ? undefined : this.#listOf(methods)
    if (list !== undefined && list !== this.#nodes.get(path)) this.#checkNotAnnounced(path, list)
    this.#nodes.set(path, list)
  }

  /** A spawner or synchronizer was announced as one without methods. */
  #checkNotAnnounced (path: string, { md5 }: MethodList): void {
    if (md5 === this.#listAt(path).md5 || !this.announcer.isAnnounced(path)) return
    throw new GodotError(
      'ERR_ALREADY_IN_USE',
      `${path} was announced to clients without these methods: give them to spawner(path, surface), or call ` +
        'node(path, surface) before anything is spawned'
    )
  }

  checkKind (kind: MemberKind): void {
    if (kind === 'property') {
      throw new GodotError('ERR_INVALID_PARAMETER', 'Godot 4 has no remote properties (rset): use a method')
    }
  }

  receive (sender: WebSocketPeer, bytes: Uint8Array): void {
    // `receiveData` gets raw packets.
    const packet = decodeRpc4Packet(this.#codec, bytes)
    switch (packet.type) {
      case 'remoteCall': return this.#receiveCall(sender, packet)
      case 'simplifyPath': return this.#receiveAnnouncement(sender, packet)
      case 'confirmPath': return this.#receiveConfirmation(sender, packet)
      case 'replication': return this.#receiveReplication(sender, packet.bytes)
    }
  }

  receiveData (sender: WebSocketPeer, bytes: Uint8Array): void {
    this.#receiver.receiveRaw(sender, bytes)
  }

  send (to: number, path: string, { name, values }: MemberCall): void {
    const list = this.#nodes.get(path)
    if (list === undefined) {
      throw new GodotError(
        'ERR_UNCONFIGURED',
        `node ${path}: Godot 4 calls methods by number; declare all @rpc functions of its script`
      )
    }
    const method = list.idOf(name)
    if (method === undefined) throw new GodotError('ERR_INVALID_PARAMETER', `method ${name} is not declared`)
    const own = this.#paths.own(path)
    if (this.#sender.isConfirmed(own, to)) return this.#link.putTo(to, encodeCall4(this.#codec, own.id, method, values))
    this.#sender.sendUnconfirmed(to, own, {
      encode: (node, isWide) => encodeCall4(this.#codec, node, method, values, isWide),
      announcement: this.#announcementOf(own, list),
      accepts: peer => this.#hasSameMethods(peer, own, list)
    })
  }

  sendBytes (to: number, bytes: Uint8Array): void {
    if (bytes.length === 0) throw new GodotError('ERR_INVALID_DATA', 'empty packet: expected at least one byte')
    this.#link.putTo(to, prefixed([command.RAW], bytes))
  }

  /** Not of nodes that the server has spawned: the client loses them, and packets on their way mean these. */
  pathsOf (peer: number): MovedPaths {
    const paths = this.#paths
    return { announced: this.#announcedBy(peer), lastId: paths.lastId, unconfirmed: paths.unconfirmedOf(peer) }
  }

  #announcedBy (peer: number): AnnouncedPath[] {
    return this.#paths.announcementsOf(peer)
      .filter(({ spawned }) => spawned === undefined || !this.#receiver.isOfServer(spawned))
  }

  /** Clients refuse an id that they know ("Duplicate remote cache ID"), and then never confirm it. */
  adopt (peer: number, { announced, lastId, unconfirmed }: MovedPaths): void {
    this.#paths.skipIds(lastId)
    this.#paths.expectLate(peer, unconfirmed)
    for (const { id, path, md5 = '' } of announced) {
      this.#addPath(peer, id, path, md5)
      const own = this.#nodes.get(path)
      if (own !== undefined) this.#paths.differ(peer, path, own.md5 !== md5)
    }
  }

  remember (peer: number): () => void {
    const announced = this.#announcedBy(peer)
    const recall = this.#paths.remember(peer)
    return () => {
      recall()
      for (const { id, path, md5 = '' } of announced) this.#addPath(peer, id, path, md5)
    }
  }

  forgetPeer (peer: number): void {
    this.announcer.forgetPeer(peer)
    this.#paths.forgetPeer(peer)
  }

  forgetPath (path: string): void {
    const md5 = this.#nodes.get(path)?.md5
    this.#paths.forgetPath(path)
    this.#nodes.delete(path)
    for (const announced of this.#paths.announcedAt(path)) announced.freed ??= md5 ?? announced.md5
  }

  /** Undeclared spawners and synchronizers of clients do not concern the server, which has no scene. */
  #receiveReplication (sender: WebSocketPeer, packet: Uint8Array): void {
    if (!this.#receiver.readsReplication) return
    switch (commandAt(packet, 0)) {
      case command.SPAWN: return this.#receiveSpawn(sender, packet)
      case command.DESPAWN: return this.#receiver.receiveDespawn(sender, decodeDespawn(packet))
      case command.SYNC: return this.#receiveSyncs(sender, packet)
    }
  }

  #receiveSpawn (sender: WebSocketPeer, packet: Uint8Array): void {
    const spawn = decodeSpawn(this.#codec, packet, { exactFloats: this.#receiver.exactTypes })
    const path = this.#paths.resolve(sender.id, spawn.spawner)
    if (path !== undefined) return this.#receiver.receiveSpawn(sender, path, spawn)
    this.#receiver.refuse(sender, 'rpc-unknown-path', { node: spawn.spawner, name: spawn.name })
  }

  #receiveSyncs (sender: WebSocketPeer, packet: Uint8Array): void {
    this.#receiver.receiveSyncs(sender, decodeSyncs(packet).flatMap(sync => {
      const synchronizer = sync.id < PATH_BASED ? sync.id : this.#paths.resolve(sender.id, sync.id - PATH_BASED)
      return synchronizer === undefined ? [] : [{ synchronizer, sync }]
    }))
  }

  #listAt (path: string): MethodList {
    return this.#nodes.get(path) ?? NO_METHODS
  }

  /** One list for all nodes of a kind. */
  #listOf ({ names, configured }: NodeMethods): MethodList {
    const list = new MethodList(names.filter(name => !configured.includes(name)), configured)
    const known = this.#lists.get(list.md5) ?? list
    this.#lists.set(list.md5, known)
    return known
  }

  #receiveCall (sender: WebSocketPeer, { node, method, values }: RemoteCall4): void {
    const path = this.#paths.resolve(sender.id, node)
    if (path === undefined) return this.#receiver.refuse(sender, 'rpc-unknown-path', { node, method })
    const announced = this.#paths.announced(sender.id, node)
    const list = this.#listOfCall(path, announced)
    if (list === undefined) {
      const reason = this.#nodes.has(path) ? 'rpc-method-list' : 'rpc-unknown-node'
      return this.#receiver.refuse(sender, reason, { node: path, method, md5: announced?.md5 })
    }
    const name = list.nameOf(method)
    if (name === undefined) return this.#receiver.refuse(sender, 'rpc-unknown-member', { node: path, method })
    this.#receiver.receiveMember(sender, path, 'method', name, values)
  }

  /** The list that the number of a method refers to; undefined if it is unknown, or that of a node that was freed. */
  #listOfCall (path: string, announced: AnnouncedPath | undefined): MethodList | undefined {
    const own = this.#nodes.get(path)
    if (announced === undefined) return own
    const isForNext = own !== undefined && announced.freed !== undefined && announced.md5 !== own.md5
    return isForNext ? undefined : this.#lists.get(announced.md5)
  }

  /** Every path is confirmed, even where no node is: otherwise the sender would continue with full paths. */
  #receiveAnnouncement (sender: WebSocketPeer, { id, path, md5 }: SimplifyPath4): void {
    const relative = fromRoot(path)
    if (this.#paths.resolve(sender.id, id) !== undefined) {
      return this.#receiver.refuse(sender, 'rpc-announced-twice', { node: path, id })
    }
    if (!this.#addPath(sender.id, id, relative, md5)) {
      return this.#receiver.refuse(sender, 'rpc-too-many-paths', { node: path })
    }
    const own = this.#nodes.get(relative)
    const isEqual = own === undefined || own.md5 === md5
    this.#paths.differ(sender.id, relative, !isEqual)
    if (!isEqual) this.#receiver.refuse(sender, 'rpc-method-list', { node: relative, md5, expected: own.md5 })
    this.#confirm(sender.id, isEqual, id, path)
  }

  #addPath (peer: number, id: number, path: string, md5: string): boolean {
    return this.#paths.announce(peer, id, path, { md5, spawned: this.#receiver.spawnedNodeOf(path) })
  }

  #confirm (peer: number, isEqual: boolean, id: number, path: string): void {
    for (const packet of confirmations4(this.#codec, this.#confirmPath, isEqual, { id, path })) {
      this.#link.putTo(peer, packet)
    }
  }

  #receiveConfirmation (sender: WebSocketPeer, { isEqual, id, path }: ConfirmPath4): void {
    const forms: ReadonlyArray<RpcNode | undefined> = { id: [id], path: [path], both: [id, path] }[this.#confirmPath]
    const nodes = forms.filter(node => node !== undefined)
    let own: OwnPath | undefined
    // Six bytes may be an id or a path.
    for (const node of nodes) own ??= this.#paths.confirm(sender.id, node)
    if (own !== undefined) this.#receiver.pathConfirmed(sender.id, own.path)
    if (own === undefined) {
      let late: string | undefined
      for (const node of nodes) late ??= this.#paths.confirmLate(sender.id, node)
      // A synchronizer whose path got another id is announced under that one.
      if (late !== undefined) this.#receiver.pathConfirmed(sender.id, late)
      else this.#receiver.refuse(sender, 'rpc-unasked-confirm', { node: path ?? id })
    } else if (!isEqual) {
      own.differing.add(sender.id)
      this.#receiver.refuse(sender, 'rpc-method-list', { node: own.path, expected: this.#nodes.get(own.path)?.md5 })
    }
  }

  /**
   * Whether a peer may be called: its node has the same methods, as far as it has announced them. One that had those of
   * the server's freed node is assumed to have replaced its node, too.
   */
  #hasSameMethods (peer: number, { path, differing }: OwnPath, { md5 }: MethodList): boolean {
    const announced = this.#paths.announced(peer, path)
    if (announced !== undefined && announced.md5 !== md5 && announced.md5 !== announced.freed) differing.add(peer)
    return !differing.has(peer)
  }

  #announcementOf ({ id: first, path }: OwnPath, { md5 }: MethodList, id = first): () => Uint8Array {
    return () => encodeSimplifyPath4(this.#codec, md5, id, path)
  }
}

/** The confirmations of a path, in the forms of option `confirmPath`. */
export function confirmations4 (
  codec: VariantCodec, confirmPath: ServerOptions['confirmPath'], isEqual: boolean, { id, path }: Announcement
): Uint8Array[] {
  return { id: [id], path: [path], both: [path, id] }[confirmPath].map(node => encodeConfirmPath4(codec, isEqual, node))
}
