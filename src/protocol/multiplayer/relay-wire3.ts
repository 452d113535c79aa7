import { readI32 } from '../bytes.ts'
import {
  encodeRelayPacket, encodeSystemPacket, RELAY_HEAD, relayFault, relayType, target
} from './relay-packet.ts'
import type { RelayWire } from './relay-wire.ts'

const TARGET_AT = 5

function data (to: number, bytes: Uint8Array): Uint8Array {
  return encodeRelayPacket(relayType.DATA, target.SERVER, to, bytes)
}

function contentAt (_bytes: Uint8Array, start: number): number {
  return start + RELAY_HEAD
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
  contentAt,
  dataAt: contentAt
}
