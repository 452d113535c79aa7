/** Refused packets of remote calls since the start, by reason. */
export const noRpcDrops = {
  /** It does not decode. */
  'rpc-malformed': 0,
  /** A path id that the sender did not announce. */
  'rpc-unknown-path': 0,
  /** No node is registered at that path. */
  'rpc-unknown-node': 0,
  /** The node has no method or property of that name. */
  'rpc-unknown-member': 0,
  /** The mode does not allow this sender. */
  'rpc-mode': 0,
  /** Arguments of another number or kind than declared. */
  'rpc-arguments': 0,
  /** A path was confirmed that was not announced to the sender. */
  'rpc-unasked-confirm': 0,
  /** The sender announced more paths than are kept. */
  'rpc-too-many-paths': 0,
  /** A path id was announced for a second path (Godot 4). */
  'rpc-announced-twice': 0,
  /** The sender's node has other methods than the server's, or methods that are not known (Godot 4). */
  'rpc-method-list': 0,
  /** Values of a synchronizer of which the sender is not the authority (Godot 4). */
  'sync-authority': 0,
  /** Values of a synchronizer of another number or kind than declared (Godot 4). */
  'sync-values': 0,
  /** A spawn by a spawner of which the sender is not the authority (Godot 4). */
  'spawn-authority': 0,
  /** A spawn with a name or id in use, or values of another number or kind than declared (Godot 4). */
  'spawn-invalid': 0,
  /** A spawn beyond the limit of its spawner (Godot 4). */
  'spawn-limit': 0
}

/** Why a packet of remote calls was refused. */
export type RpcDrop = keyof typeof noRpcDrops
