import type { Lease } from '../membership/lease.ts'

/**
 * What every message to other nodes begins with, little-endian:
 *
 *   | slot u16 | epoch u32 | seq u32 |
 */
export interface Stamp extends Lease {
  /** 1, 2, ... per sender and room, or per sender and receiver; the receiver gets its lower 32 bits. */
  readonly seq: number
}

/** Bytes of a stamp. */
export const STAMP_SIZE = 10

/** Who sent a message. */
export function readStamp (bytes: Uint8Array): Stamp {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  return { slot: view.getUint16(0, true), epoch: view.getUint32(2, true), seq: view.getUint32(6, true) }
}

/** Writes a stamp to the start of a message. */
export function writeStamp (message: DataView, { slot, epoch, seq }: Stamp): void {
  message.setUint16(0, slot, true)
  message.setUint32(2, epoch, true)
  message.setUint32(6, seq, true)
}
