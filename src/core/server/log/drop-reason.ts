/** Why packets are dropped, and what each reason means, as `docs/events.md` says it. */
export const dropReasons = {
  'short-packet': 'Shorter than the header of the relay: not a Godot client, or one of the other version',
  'not-data': 'Announces or removes peers, which only the server may',
  'spoofed-source': 'Godot 3: the source is not the id of the sender',
  'unknown-target': 'No peer of the room has this id',
  'own-target': 'Godot 3: addressed to its sender',
  'too-big': 'Relayed, it would exceed `outputBufferKb`',
  'relay-off': 'Addressed to other peers while option `serverRelay` is false; with Godot 4 also to all',
  unread: 'Addressed to the server, which reads no packets: normal for a pure relay, and no event',
  'not-admitted': 'Sent before the client was authenticated (option `authenticate`)',
  'over-rate': 'Over the rate limit when its peer left',
  'rpc-malformed': 'A remote call that does not decode; a truncated argument never takes bytes of the path after it',
  'rpc-unknown-path': 'A path id that this peer did not announce',
  'rpc-unknown-node': 'No such node is registered; also counted if a call to all peers was meant for other peers only',
  'rpc-unknown-member': 'The node has no handler with that name',
  'rpc-mode': 'The mode does not allow this sender',
  'rpc-arguments': 'Too many arguments, too few, or of another kind than declared',
  'rpc-unasked-confirm': 'Confirms a path that was not announced to it',
  'rpc-too-many-paths':
    'It announced more than 256 KiB of paths (each counts 64 bytes more) of nodes that it may still have; later ' +
    'ones are neither kept nor confirmed, so it calls their nodes by full paths, and sends no values of their ' +
    'synchronizers',
  'rpc-announced-twice': 'Godot 4: a path id that already stands for a path; the first one counts',
  'rpc-method-list': 'Godot 4: the sender\'s node has other methods than declared here',
  'sync-authority': 'Godot 4: values of a synchronizer of which the sender is not the authority',
  'sync-values':
    'Godot 4: values of a synchronizer of another number or kind than declared, or with which all of its values ' +
    'exceed `outputBufferKb`',
  'spawn-authority': 'Godot 4: a spawn by a spawner of which the sender is not the authority',
  'spawn-invalid':
    'Godot 4: a spawn with a name or id in use, a name of more than 1,024 characters, or values of another number or ' +
    'kind than declared, or that exceed `outputBufferKb`',
  'spawn-limit': 'Godot 4: a spawn beyond the `spawnLimit` of its spawner'
} as const

/**
 * Why a packet was dropped. `unread`: the application does not read packets of this server. `not-admitted`: sent before
 * the client was authenticated. `over-rate`: over the rate limit when its peer left.
 */
export type DropReason = keyof typeof dropReasons

/** Why a packet of remote calls was refused. */
export type RpcDrop = Extract<DropReason, `${'rpc' | 'sync' | 'spawn'}-${string}`>
