import { GodotError } from '../../error.ts'
import type { ServerOptions } from '../../options.ts'
import { MethodList } from '../../protocol/multiplayer/method-list.ts'
import { decodeRpc4Packet, encodeCall4, encodeConfirmPath4, encodeSimplifyPath4 } from '../../protocol/multiplayer/rpc4-packet.ts'
import type { ConfirmPath4, RemoteCall4, SimplifyPath4 } from '../../protocol/multiplayer/rpc4-packet.ts'
import { command, commandAt, prefixed } from '../../protocol/multiplayer/scene-packet.ts'
import { fromRoot, PathCache } from './path-cache.ts'
import type { OwnPath } from './path-cache.ts'
import type { MemberKind } from './rpc-surface.ts'
import { isConfirmedByAll, MOST_SINGLY, receiversOf } from './rpc-wire.ts'
import type { NodeMethods, OutgoingMember, RpcWire, RpcWireHost } from './rpc-wire.ts'
import type { WebSocketPeer } from '../peer/websocket-peer.ts'

/** Floats that are whole numbers come as plain numbers: a handler wants to count with them, not to send them back as they were. */
const DECODING = { exactFloats: false }

const NO_METHODS = new MethodList([])

/** The MD5s that one peer announced: of its numbers, and of its paths as it announced them last. */
interface Heard { readonly byId: Map<number, string>, readonly byPath: Map<string, string> }

/**
 * Calls between Godot 4 peers. A path is announced to each receiver once, with the MD5 of the node's method list, and its number used for
 * those that confirmed it. Methods go by their number in that list: where a client says that its list is another, its calls are read by its
 * own list if that is known, and it is not called until it says otherwise, as wrong methods would run (Godot takes the number all the same).
 */
export class RpcWire4 implements RpcWire {
  readonly #host: RpcWireHost
  readonly #confirmPath: ServerOptions['confirmPath']
  readonly #paths = new PathCache()
  /** The nodes that are here, with the lists of those whose methods were declared. */
  readonly #nodes = new Map<string, MethodList | undefined>()
  /** All lists that were ever declared, by their MD5. */
  readonly #lists = new Map<string, MethodList>()
  readonly #heard = new Map<number, Heard>()

  constructor (host: RpcWireHost, confirmPath: ServerOptions['confirmPath']) {
    this.#host = host
    this.#confirmPath = confirmPath
  }

  addNode (path: string, methods: NodeMethods | undefined): void {
    this.#nodes.set(path, methods === undefined ? undefined : this.#listOf(methods))
  }

  checkKind (kind: MemberKind): void {
    if (kind === 'property') throw new GodotError('ERR_INVALID_PARAMETER', 'Godot 4 knows no remote properties (rset): use a method')
  }

  tellPath (peer: number, path: string): number {
    const own = this.#paths.own(path)
    this.#announce(peer, own, (this.#nodes.get(path) ?? NO_METHODS).md5)
    return own.id
  }

  isInternal (bytes: Uint8Array): boolean {
    return commandAt(bytes, 0) !== command.REMOTE_CALL
  }

  receive (sender: WebSocketPeer, bytes: Uint8Array): void {
    const packet = decodeRpc4Packet(bytes, DECODING)
    switch (packet.type) {
      case 'remoteCall': return this.#receiveCall(sender, packet)
      case 'simplifyPath': return this.#receiveAnnouncement(sender, packet)
      case 'confirmPath': return this.#receiveConfirmation(sender, packet)
      case 'raw': return this.#host.onRaw(sender, packet.bytes)
      // Spawners and synchronizers of clients tell the server too; it has no scene.
      case 'replication':
    }
  }

  receiveData (sender: WebSocketPeer, bytes: Uint8Array): void {
    this.#host.onRaw(sender, bytes)
  }

  send (to: number, path: string, { name, values }: OutgoingMember): void {
    const list = this.#nodes.get(path)
    const method = list?.idOf(name)
    if (list === undefined) throw new GodotError('ERR_UNCONFIGURED', `node ${path}: Godot 4 calls methods by number; declare all @rpc functions of its script, as the node's surface or by their names`)
    if (method === undefined) throw new GodotError('ERR_INVALID_PARAMETER', `no method ${name} is declared`)
    this.#call(to, this.#paths.own(path), list.md5, (node, isWide) => encodeCall4(node, method, values, isWide))
  }

  sendBytes (to: number, bytes: Uint8Array): void {
    if (bytes.length === 0) throw new GodotError('ERR_INVALID_DATA', 'a raw packet has at least one byte')
    this.#host.putTo(to, prefixed([command.RAW], bytes))
  }

  forgetPeer (peer: number): void {
    this.#paths.forgetPeer(peer)
    this.#heard.delete(peer)
  }

  forgetPath (path: string): void {
    this.#paths.forgetPath(path)
    this.#nodes.delete(path)
    // What comes here next is another node, whose methods the peers have not announced yet.
    for (const { byPath } of this.#heard.values()) byPath.delete(path)
  }

  /** One list for all nodes of a kind. */
  #listOf ({ names, configured }: NodeMethods): MethodList {
    const list = new MethodList(names.filter(name => !configured.includes(name)), configured)
    const known = this.#lists.get(list.md5) ?? list
    this.#lists.set(list.md5, known)
    return known
  }

  // ---- what comes in ----

  #receiveCall (sender: WebSocketPeer, { node, method, args }: RemoteCall4): void {
    const path = typeof node === 'string' ? fromRoot(node) : this.#paths.announced(sender.id, node)
    if (path === undefined) return this.#host.onRefusal(sender, 'rpc-unknown-path', { node, method })
    const heard = this.#heard.get(sender.id)
    const md5 = typeof node === 'string' ? heard?.byPath.get(path) : heard?.byId.get(node)
    if (md5 === undefined && !this.#nodes.has(path)) return this.#host.onRefusal(sender, 'rpc-unknown-node', { node: path, method })
    const list = md5 === undefined ? this.#nodes.get(path) : this.#lists.get(md5)
    if (list === undefined) return this.#host.onRefusal(sender, this.#nodes.has(path) ? 'rpc-method-list' : 'rpc-unknown-node', { node: path, method, md5 })
    const name = list.nameOf(method)
    if (name === undefined) this.#host.onRefusal(sender, 'rpc-unknown-member', { node: path, method })
    else this.#host.onMember(sender, path, 'method', name, args)
  }

  /** Every path is confirmed, also where no node is: without an answer the sender would go on with full paths. */
  #receiveAnnouncement (sender: WebSocketPeer, { id, path, md5 }: SimplifyPath4): void {
    const relative = fromRoot(path)
    if (this.#paths.announced(sender.id, id) !== undefined) return this.#host.onRefusal(sender, 'rpc-announced-twice', { node: path, id })
    if (!this.#paths.announce(sender.id, id, relative)) return this.#host.onRefusal(sender, 'rpc-too-many-paths', { node: path })
    this.#hear(sender.id, id, relative, md5)
    const own = this.#nodes.get(relative)
    const isEqual = own === undefined || own.md5 === md5
    this.#paths.differ(sender.id, relative, !isEqual)
    if (!isEqual) this.#host.onRefusal(sender, 'rpc-method-list', { node: relative, md5, here: own.md5 })
    this.#confirm(sender.id, isEqual, id, path)
  }

  #hear (peer: number, id: number, path: string, md5: string): void {
    const heard = this.#heard.get(peer) ?? { byId: new Map(), byPath: new Map() }
    this.#heard.set(peer, heard)
    heard.byId.set(id, md5)
    heard.byPath.set(path, md5)
  }

  #confirm (peer: number, isEqual: boolean, id: number, path: string): void {
    if (this.#confirmPath !== 'id') this.#host.putTo(peer, encodeConfirmPath4(isEqual, path))
    if (this.#confirmPath !== 'path') this.#host.putTo(peer, encodeConfirmPath4(isEqual, id))
  }

  #receiveConfirmation (sender: WebSocketPeer, packet: ConfirmPath4): void {
    const own = this.#confirmed(sender.id, packet)
    if (own === undefined) return this.#host.onRefusal(sender, 'rpc-unasked-confirm', { node: packet.path ?? packet.id })
    own.confirmed.add(sender.id)
    if (packet.isEqual) return
    own.differing.add(sender.id)
    this.#host.onRefusal(sender, 'rpc-method-list', { node: own.path, here: this.#nodes.get(own.path)?.md5 })
  }

  #confirmed (peer: number, { id, path }: ConfirmPath4): OwnPath | undefined {
    const byId = id === undefined || this.#confirmPath === 'path' ? undefined : this.#paths.toldTo(peer, id)
    return byId ?? (path === undefined || this.#confirmPath === 'id' ? undefined : this.#paths.toldTo(peer, path))
  }

  // ---- what goes out ----

  /** The packets of a call differ only in how they name the node; the first one is made before anything is sent, in case it cannot be. */
  #call (to: number, own: OwnPath, md5: string, encode: (node: number | string, isWide: boolean) => Uint8Array): void {
    if (own.differing.size === 0 && isConfirmedByAll(this.#host, own, to)) return this.#host.putTo(to, encode(own.id, false))
    const byPath = encode(own.path, true)
    const receivers = receiversOf(this.#host, to).filter(id => this.#tell(id, own, md5))
    if (receivers.length > MOST_SINGLY && own.differing.size === 0) return this.#host.putTo(to, byPath)
    const byNumber = encode(own.id, !receivers.every(id => own.confirmed.has(id)))
    for (const id of receivers) this.#host.putTo(id, own.confirmed.has(id) ? byNumber : byPath)
  }

  /** Tells a peer the number of a path that it is called at; false when its node has other methods, so that it must not be. */
  #tell (peer: number, own: OwnPath, md5: string): boolean {
    const heard = this.#heard.get(peer)?.byPath.get(own.path)
    if (heard !== undefined && heard !== md5) own.differing.add(peer)
    const isSame = !own.differing.has(peer)
    if (isSame) this.#announce(peer, own, md5)
    return isSame
  }

  /** Once to each. */
  #announce (peer: number, { id, path, told }: OwnPath, md5: string): void {
    if (told.has(peer)) return
    told.add(peer)
    this.#host.putTo(peer, encodeSimplifyPath4(md5, id, path))
  }
}
