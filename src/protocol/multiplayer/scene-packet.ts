/**
 * Packets of Godot 4's SceneMultiplayer, one per WebSocket message, little-endian. Bits 0..2 of the first byte are the
 * command, bit 3 is unused, bits 4..7 are flags of the command:
 *
 *   | command u8 | content, by the command ... |
 *
 * There is no header: a packet is from the client that sends it, or from the server, unless it is relayed
 * (relay-wire4.ts).
 */

/** Commands. Their contents are in rpc4-packet.ts, that of SYS in relay-wire4.ts. */
export const command = {
  REMOTE_CALL: 0,
  SIMPLIFY_PATH: 1,
  CONFIRM_PATH: 2,
  RAW: 3,
  SPAWN: 4,
  DESPAWN: 5,
  SYNC: 6,
  SYS: 7
} as const

/** Bit of the id of a synchronizer that stands for its path: see replication4-packet.ts. */
export const PATH_BASED = 0x80000000

/** The command of the packet that starts at bytes[at]; the caller has checked the bounds. */
export function commandAt (bytes: Uint8Array, at: number): number {
  return bytes[at] & 7
}

/** `head` followed by `content`. */
export function prefixed (head: readonly number[], content: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(head.length + content.length)
  bytes.set(head)
  bytes.set(content, head.length)
  return bytes
}
