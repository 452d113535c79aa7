import { closeCode } from '../../../protocol/websocket/close-code.ts'
import type { PeerSession } from '../../peer/peer-session.ts'
import type { ServerOptions } from '../../../options/options.ts'

type WireName = ServerOptions['wire']

/** Seconds within which a client of Godot 4 closes. */
const SOON = 5
/** A header of Godot 3 without a source: type, source, target. */
const HEAD = 9
const SOURCE_END = 5

/**
 * Whether the first packet of a client at an endpoint for Godot 4 is from Godot 3: it has type 0 and source 0, since a
 * Godot 3 client does not know its id yet. In Godot 4 that would be a call of the node with id 0, which never exists.
 */
export function isGodot3Packet (wire: WireName, bytes: Uint8Array, start: number, end: number): boolean {
  if (wire !== 'godot4' || end - start < HEAD) return false
  for (let at = start; at < start + SOURCE_END; at++) if (bytes[at] !== 0) return false
  return true
}

/** Whether a close frame at an endpoint for Godot 3 is from Godot 4: it answers the id message, which it refuses. */
export function isGodot4Close (wire: WireName, session: PeerSession, code: number, reason: string): boolean {
  const isFirst = session.packetsIn === 0 && session.age < SOON
  return wire === 'godot3' && isFirst && code === closeCode.NORMAL && reason === ''
}
