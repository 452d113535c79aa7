import type { RelayDrop } from '../../room/relay/relay-drop.ts'
import type { RpcDrop } from '../../rpc/wire/rpc-drop.ts'

/**
 * Why a packet was dropped. `unread`: the application does not read packets of this server. `not-admitted`: sent before
 * the client was authenticated. `over-rate`: over the rate limit when its peer left.
 */
export type DropReason = RelayDrop | RpcDrop | 'unread' | 'not-admitted' | 'over-rate'
