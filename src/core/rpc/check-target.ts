import { noSuchPeer } from '../../error.ts'
import { target } from '../../protocol/multiplayer/relay-packet.ts'
import { checkIsNumber } from './check-is-number.ts'
import type { RpcLink } from './wire/rpc-wire.ts'

/**
 * Throws ERR_DOES_NOT_EXIST unless a target is all peers or a connected one, ERR_INVALID_PARAMETER for anything but a
 * number.
 */
export function checkTarget ({ connected }: RpcLink, to: number): void {
  checkIsNumber('target', to)
  const isKnown = to === target.ALL || to === target.ALL_BUT_SERVER || connected.has(Math.abs(to))
  if (!isKnown) throw noSuchPeer(Math.abs(to))
}
