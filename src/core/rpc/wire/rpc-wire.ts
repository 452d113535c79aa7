import type { EncodedValues } from '../../../protocol/multiplayer/encoded-values.ts'
import type { Spawn, Sync } from '../../../protocol/multiplayer/replication4-packet.ts'
import type { RpcNode } from '../../../protocol/multiplayer/rpc-node.ts'
import type { Variant } from '../../../protocol/variant/variant-types.ts'
import type { WebSocketPeer } from '../../peer/websocket-peer.ts'
import type { MemberKind } from '../rpc-surface.ts'
import type { RpcDrop } from '../../server/log/drop-reason.ts'
import type { OwnPath } from './path-cache.ts'

/** A call of a method, or one value for a property. */
export interface MemberCall { readonly kind: MemberKind, readonly name: string, readonly values: readonly Variant[] }

/**
 * Every remote method that a node has in the clients' scripts, and which of these are configured on the node by
 * `rpc_config()`.
 */
export interface NodeMethods { readonly names: readonly string[], readonly configured: readonly string[] }

/** A path that a client has announced, and the id that stands for it; with the MD5 of its methods in Godot 4. */
export interface Announcement { readonly id: number, readonly path: string, readonly md5?: string }

/**
 * What a client takes along to another room: the paths that it has announced, up to which id it may know ours, and
 * which of ours it has not confirmed yet.
 */
export interface MovedPaths {
  readonly announced: readonly Announcement[]
  readonly lastId: number
  readonly unconfirmed: ReadonlyArray<Pick<OwnPath, 'id' | 'path'>>
}

/** The way to the clients. */
export interface RpcLink {
  /** Peers that can be called, by id. */
  readonly connected: ReadonlySet<number>
  /** Whether packets to all reach the connected peers alone: not while a peer is joining. */
  readonly areAllConnected: boolean
  /** Open peers, in no particular order. */
  openPeers (): Iterable<{ readonly id: number }>
  /** Whether a peer is one of them. */
  isOpen (id: number): boolean
  /** Throws ERR_OUT_OF_MEMORY for a packet that is too large to be sent. */
  check (packet: Uint8Array): void
  /** Sends one packet of the server: to all (0), to one, or to all but one (-id). */
  putTo (to: number, packet: Uint8Array): void
}

/** The reason that something of a client is refused for, and what exactly is wrong if that does not say it. */
export interface Refusal { readonly reason: RpcDrop, readonly why?: string }

/** Values of a synchronizer, by its path, or the id that its spawn gave it. */
export interface AddressedSync { readonly synchronizer: RpcNode, readonly sync: Sync }

/** Announces the paths of spawners and synchronizers. */
export interface PathAnnouncer {
  /**
   * Announces a path to a peer unless the peer has confirmed it or that was done in this turn; returns its id. A client
   * refuses the path of a node that it does not have, without an answer, so it is announced again when it is used
   * again.
   */
  announce (peer: number, path: string): number
  /** The id of a path that a peer has confirmed. */
  confirmedId (peer: number, path: string): number | undefined
  /** The node at `path` is another one from now on. */
  forget (path: string): void
  /** The spawned node at `path` is gone at all clients: what they have announced of its parts is forgotten. */
  gone (path: string): void
}

/** Handles what a wire reads. */
export interface RpcReceiver {
  /**
   * A member of the node at `path`, relative to the root, is called. May throw GodotError for values that do not
   * decode.
   */
  receiveMember (sender: WebSocketPeer, path: string, kind: MemberKind, name: string, values: EncodedValues): void
  /** Bytes of `send_bytes`, valid until the call returns. */
  receiveRaw (sender: WebSocketPeer, bytes: Uint8Array): void
  /** A peer has confirmed a path of the server, maybe under an id that the path no longer has. */
  pathConfirmed (peer: number, path: string): void
  /** Path of the spawned node that the node at `path` is, or is part of. */
  spawnedNodeOf (path: string): string | undefined
  /** Whether the spawned node at a path is one of the server, or part of one. */
  isOfServer (spawned: string): boolean
  /** Whether packets of spawners and synchronizers are read. */
  readonly readsReplication: boolean
  /** Whether the argument of a custom spawn keeps Godot's types: a whole real is a `Float`. */
  readonly exactTypes: boolean
  /** Values of the synchronizers in a packet, valid until the call returns. Throws ERR_INVALID_DATA if one is twice. */
  receiveSyncs (sender: WebSocketPeer, syncs: readonly AddressedSync[]): void
  /** The spawner at `spawner` spawned a node; its values are valid until the call returns. */
  receiveSpawn (sender: WebSocketPeer, spawner: string, spawn: Spawn): void
  /** A spawned node was despawned, by the id that its spawn gave it. */
  receiveDespawn (sender: WebSocketPeer, node: number): void
  /** A packet is refused. */
  refuse (sender: WebSocketPeer, reason: RpcDrop, details: object): void
}

/**
 * How one version of Godot puts calls into packets, and announces node paths. Paths are relative to the root, see
 * `fromRoot`.
 */
export interface RpcWire {
  /** A node was registered, with these methods if they were declared. */
  addNode (path: string, methods: NodeMethods | undefined): void
  /** Throws ERR_INVALID_PARAMETER where this version of Godot has no such members. */
  checkKind (kind: MemberKind): void
  /** What spawners and synchronizers need; missing where this version of Godot has none. */
  readonly announcer?: PathAnnouncer
  /** Reads one packet, and answers announcements. Throws GodotError for packets that do not decode. */
  receive (sender: WebSocketPeer, packet: Uint8Array): void
  /** The same for bytes that a relay had for the application. */
  receiveData (sender: WebSocketPeer, bytes: Uint8Array): void
  /**
   * Calls a member of the node at `path`, on all peers (0), one, or all but one (-id). Throws before anything is sent.
   */
  send (to: number, path: string, call: MemberCall): void
  /** Sends bytes as `send_bytes` does. */
  sendBytes (to: number, bytes: Uint8Array): void
  /** What a peer takes along to the room that it moves to. */
  pathsOf (peer: number): MovedPaths
  /** A peer has moved here. It does not repeat its announcements, and needs path ids that it has not seen. */
  adopt (peer: number, paths: MovedPaths): void
  /**
   * A peer may leave and come back as it is: the returned function restores what it and the server know of each other's
   * paths. Missing for Godot 3, whose clients announce their paths again.
   */
  remember? (peer: number): () => void
  /** The peer has left. */
  forgetPeer (peer: number): void
  /** The node at `path` was freed. */
  forgetPath (path: string): void
}
