import { readI32 } from '../bytes.ts'

/**
 * Packets of Godot 3's multiplayer protocol, one to a WebSocket message, little-endian:
 *
 *   | type u8 | source i32 | target i32 | payload ... |
 *
 * Type 0 carries data; 1 ADD, 2 DEL and 3 ID come from the server only and carry a peer id as i32.
 */

/** Types of packets. */
export const relayType = { DATA: 0, ADD: 1, DEL: 2, ID: 3 } as const

/** Bytes of the header. */
export const RELAY_HEAD = 9

/** Special targets; others are the id of one peer or, negative, all but that peer. */
export const target = { ALL: 0, SERVER: 1, ALL_BUT_SERVER: -1 } as const

/** Writes an i32 to bytes[offset..]; the caller has checked the bounds. */
export function writeId (bytes: Uint8Array, offset: number, id: number): void {
  bytes[offset] = id
  bytes[offset + 1] = id >> 8
  bytes[offset + 2] = id >> 16
  bytes[offset + 3] = id >> 24
}

/** Encodes a packet. */
export function encodeRelayPacket (type: number, source: number, to: number, payload: Uint8Array): Uint8Array {
  const bytes = withHead(type, source, to, payload.length)
  bytes.set(payload, RELAY_HEAD)
  return bytes
}

/** Encodes a system packet: from the server, to all, with one peer id. */
export function encodeSystemPacket (type: number, id: number): Uint8Array {
  const bytes = withHead(type, target.SERVER, target.ALL, 4)
  writeId(bytes, RELAY_HEAD, id)
  return bytes
}

/** A packet whose payload of `size` bytes is still to be written. */
function withHead (type: number, source: number, to: number, size: number): Uint8Array {
  const bytes = new Uint8Array(RELAY_HEAD + size)
  bytes[0] = type
  writeId(bytes, 1, source)
  writeId(bytes, 5, to)
  return bytes
}

/** Why a malformed packet is dropped. */
export type RelayFault = 'short-packet' | 'not-data' | 'spoofed-source'

/** Checks the packet bytes[start..end) of the peer `source`; undefined if it is valid. */
export function relayFault (bytes: Uint8Array, start: number, end: number, source: number): RelayFault | undefined {
  if (end - start < RELAY_HEAD) return 'short-packet'
  if (bytes[start] !== relayType.DATA) return 'not-data'
  return readI32(bytes, start + 1) === source ? undefined : 'spoofed-source'
}
