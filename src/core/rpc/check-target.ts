import { GodotError, noSuchPeer } from '../../error.ts'
import { target } from '../../protocol/multiplayer/relay-packet.ts'
import type { RpcLink } from './wire/rpc-wire.ts'

/** Throws ERR_INVALID_PARAMETER for anything but a number: no peer has the id '17'. */
export function checkNumber (what: string, value: number): void {
  if (typeof value === 'number') return
  const shown = typeof value === 'string' ? JSON.stringify(value) : String(value)
  throw new GodotError('ERR_INVALID_PARAMETER', `invalid ${what} ${shown}: expected a number`)
}

/** The same, and ERR_DOES_NOT_EXIST unless a target is all peers or a connected one. */
export function checkTarget ({ connected }: RpcLink, to: number): void {
  checkNumber('target', to)
  const isKnown = to === target.ALL || to === target.ALL_BUT_SERVER || connected.has(Math.abs(to))
  if (!isKnown) throw noSuchPeer(Math.abs(to))
}
