import { constants, deflateRawSync, inflateRawSync } from 'node:zlib'
import { closeCode } from '../protocol/close-code.ts'

/** A compressed message ends with this, which is not sent (RFC 7692 section 7.2.1). */
const TAIL = Buffer.of(0x00, 0x00, 0xff, 0xff)
const finishFlush = constants.Z_SYNC_FLUSH

/** Messages from this size on are worth compressing. */
export const DEFLATE_FROM = 1024

/** A compressed message as it was, of up to `maxSize` bytes; else the close code to end with. Nothing is kept for the next one. */
export function inflate (bytes: Uint8Array, maxSize: number): Uint8Array | number {
  try {
    return inflateRawSync(Buffer.concat([bytes, TAIL]), { finishFlush, maxOutputLength: maxSize })
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'ERR_BUFFER_TOO_LARGE' ? closeCode.TOO_BIG : closeCode.INVALID_TEXT
  }
}

/** A message compressed by itself. */
export function deflate (bytes: Uint8Array): Uint8Array {
  const compressed = deflateRawSync(bytes, { finishFlush })
  return compressed.subarray(0, compressed.length - TAIL.length)
}
