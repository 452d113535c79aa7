import { readI32 } from '../bytes.ts'
import {
  encodeRelayPacket, encodeSystemPacket, RELAY_HEAD, relayFault, relayType, target
} from './relay-packet.ts'
import type { RelayWire } from './relay-wire.ts'
import { SIMPLIFY_PATH } from './rpc-packet.ts'

const TARGET_AT = 5
/** The shortest announcement of a path: command, id, one letter, NUL. */
const MIN_ANNOUNCEMENT = RELAY_HEAD + 7
/** Control characters, NUL among them, are not part of node names. */
const FIRST_LETTER = 0x20

function data (to: number, bytes: Uint8Array): Uint8Array {
  return encodeRelayPacket(relayType.DATA, target.SERVER, to, bytes)
}

function contentAt (_bytes: Uint8Array, start: number): number {
  return start + RELAY_HEAD
}

/**
 * Whether a message has the form of an announcement (simplify path, see rpc-packet.ts). Bytes of a game without remote
 * calls could have it, too, so it is narrow: to the server alone, an id from 1 to 2^24 - 1, and a path of letters that
 * its NUL ends.
 */
function isAnnouncement (bytes: Uint8Array, start: number, end: number): boolean {
  const at = start + RELAY_HEAD
  if (bytes[at] !== SIMPLIFY_PATH || end - start < MIN_ANNOUNCEMENT) return false
  if (readI32(bytes, start + TARGET_AT) !== target.SERVER || bytes[end - 1] !== 0) return false
  const id = readI32(bytes, at + 1)
  if (id < 1 || id >= 1 << 24) return false
  for (let letter = at + 5; letter < end - 1; letter++) if (bytes[letter] < FIRST_LETTER) return false
  return true
}

/**
 * Godot 3 (NetworkedMultiplayerPeer over WebSocket): every message has a header (relay-packet.ts) and is relayed
 * unchanged.
 */
export const relayWire3: RelayWire = {
  slack: 0,
  overhead: RELAY_HEAD,
  hasSharedTargets: true,
  auth: undefined,
  welcome: id => [encodeSystemPacket(relayType.ID, id), encodeSystemPacket(relayType.ADD, target.SERVER)],
  added: id => encodeSystemPacket(relayType.ADD, id),
  removed: id => encodeSystemPacket(relayType.DEL, id),
  data,
  call: data,
  fault: (bytes, start, end, sender) => {
    const fault = relayFault(bytes, start, end, sender)
    return fault ?? (readI32(bytes, start + TARGET_AT) === sender ? 'own-target' : undefined)
  },
  target: (bytes, start) => readI32(bytes, start + TARGET_AT),
  stamp: () => {},
  callAt: () => -1,
  subject: (bytes, start, end) => isAnnouncement(bytes, start, end) ? 'path' : undefined,
  contentAt,
  dataAt: contentAt
}
