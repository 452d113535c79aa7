/**
 * Packets of Godot 4's SceneMultiplayer, one to a WebSocket message, little-endian. Bits 0..2 of the first byte are the command, bit 3
 * means nothing, bits 4..7 are flags of the command:
 *
 *   | command u8 | content, by the command ... |
 *
 * There is no head: what a client sends is from it, what it gets is from the server, unless it is a relay (relay-wire4.ts).
 */

/** Commands; what they carry is told in rpc4-packet.ts, of SYS in relay-wire4.ts. */
export const command = { REMOTE_CALL: 0, SIMPLIFY_PATH: 1, CONFIRM_PATH: 2, RAW: 3, SPAWN: 4, DESPAWN: 5, SYNC: 6, SYS: 7 } as const

/** The command of the packet that starts at bytes[at]; the caller has checked that it is there. */
export function commandAt (bytes: Uint8Array, at: number): number {
  return bytes[at] & 7
}

/** `content` behind one byte or several. */
export function prefixed (head: readonly number[], content: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(head.length + content.length)
  bytes.set(head)
  bytes.set(content, head.length)
  return bytes
}
