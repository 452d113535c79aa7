import type { Variant } from '../../protocol/variant/variant-types.ts'
import type { OwnPath } from './path-cache.ts'
import type { MemberKind } from './rpc-surface.ts'
import type { WebSocketPeer } from '../peer/websocket-peer.ts'

/** Packets about remote members that were not obeyed since the start, by reason: where the counters of a server begin. */
export const noRpcDrops = {
  /** It does not decode. */
  'rpc-malformed': 0,
  /** A number that the sender did not announce. */
  'rpc-unknown-path': 0,
  /** No node is registered at that path. */
  'rpc-unknown-node': 0,
  /** The node has no method or property of that name. */
  'rpc-unknown-member': 0,
  /** The mode does not allow this sender. */
  'rpc-mode': 0,
  /** Arguments of another number or kind than declared. */
  'rpc-arguments': 0,
  /** A path was confirmed that the sender was not told of. */
  'rpc-unasked-confirm': 0,
  /** A sender announced more paths than are kept. */
  'rpc-too-many-paths': 0,
  /** A number was announced for a second path (Godot 4). */
  'rpc-announced-twice': 0,
  /** The sender's node has other methods than the one here, or methods that are not known (Godot 4). */
  'rpc-method-list': 0
}

/** Why a packet was not obeyed. */
export type RpcDrop = keyof typeof noRpcDrops

/** What goes out to a member of a node: one value for a property. */
export interface OutgoingMember { readonly kind: MemberKind, readonly name: string, readonly values: readonly Variant[] }

/** Every remote method that a node has in the clients' scripts, and of these those configured on the node itself, by `rpc_config()`. */
export interface NodeMethods { readonly names: readonly string[], readonly configured: readonly string[] }

/** What a wire needs: a way out, and someone who is told what came in. Paths are relative to the root, as `fromRoot` gives them. */
export interface RpcWireHost {
  /** Peers that were told of the server, by id. */
  readonly connected: ReadonlySet<number>
  /** Open peers by ascending id. */
  openPeers (): Iterable<WebSocketPeer>
  /** Sends one packet of the server: to all (0), to one, or to all but one (-id). */
  putTo (to: number, payload: Uint8Array): void
  /** A member of the node at `path` is called. */
  onMember (sender: WebSocketPeer, path: string, kind: MemberKind, name: string, values: readonly Variant[]): void
  /** Bytes of `send_bytes`; they are good until the call returns. */
  onRaw (sender: WebSocketPeer, bytes: Uint8Array): void
  /** A packet was not obeyed. */
  onRefusal (sender: WebSocketPeer, reason: RpcDrop, details: object): void
}

/** How one version of Godot puts calls into packets, and how it makes node paths short. */
export interface RpcWire {
  /** A node is there, with these methods if they were declared. */
  addNode (path: string, methods: NodeMethods | undefined): void
  /** Throws ERR_INVALID_PARAMETER where this version of Godot knows no such member. */
  checkKind (kind: MemberKind): void
  /** Tells a peer the number of a path if it was not told yet; the number. Not there where this version of Godot knows no spawners, who need it. */
  tellPath? (peer: number, path: string): number
  /** Whether a packet is between the wires alone, such as one that makes node paths short: it is read even where nobody uses remote calls. */
  isInternal (bytes: Uint8Array): boolean
  /** Reads one packet, and answers it where it announces something. Throws GodotError for what does not decode. */
  receive (sender: WebSocketPeer, bytes: Uint8Array): void
  /** The same of bytes that a relay had for the application. */
  receiveData (sender: WebSocketPeer, bytes: Uint8Array): void
  /** Calls a member of the node at `path`, at 0 all peers, one, or all but one (-id). Throws before anything is sent. */
  send (to: number, path: string, member: OutgoingMember): void
  /** Sends bytes as `send_bytes` does. */
  sendBytes (to: number, bytes: Uint8Array): void
  /** The peer is gone. */
  forgetPeer (peer: number): void
  /** The node at `path` is gone. */
  forgetPath (path: string): void
}

/** To more receivers than this a call goes with the full path also before all have confirmed: encoded once, the same bytes serve them all. */
export const MOST_SINGLY = 16

/** The open peers that a target stands for: all (0), one, or all but one (-id). */
export function receiversOf (host: RpcWireHost, to: number): number[] {
  return [...host.openPeers()].map(({ id }) => id).filter(id => to > 0 ? id === to : id !== -to)
}

/** Whether every peer that a target stands for goes by the number of this path. */
export function isConfirmedByAll ({ connected }: RpcWireHost, { confirmed }: OwnPath, to: number): boolean {
  if (to > 0) return confirmed.has(to)
  return confirmed.size - Number(confirmed.has(-to)) === connected.size - Number(connected.has(-to))
}
