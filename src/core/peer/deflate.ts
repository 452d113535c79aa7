import { constants, deflateRawSync, inflateRawSync } from 'node:zlib'
import { closeCode } from '../../protocol/websocket/close-code.ts'

/** The end of a compressed message, which is not sent (RFC 7692 section 7.2.1). */
const TAIL = Buffer.of(0x00, 0x00, 0xff, 0xff)
/** The same and an empty final block: without a final block zlib cannot report that a message is truncated. */
const END = Buffer.concat([TAIL, Buffer.of(0x01, 0x00, 0x00, 0xff, 0xff)])

const MAX_WINDOW_BITS = 15

/** Smaller messages are not compressed. */
export const DEFLATE_FROM = 1024

/** The result of zlib with `info`: `bytesWritten` is the number of bytes it consumed. */
interface Inflated { readonly buffer: Uint8Array, readonly engine: { readonly bytesWritten: number } }

/** Inflates a message of at most `maxSize` bytes, without context takeover; returns a close code if it is invalid. */
export function inflate (bytes: Uint8Array, maxSize: number): Uint8Array | number {
  if (bytes.length === 0) return bytes
  try {
    const {
      buffer, engine
    } = inflateRawSync(Buffer.concat([bytes, END]), { maxOutputLength: maxSize, info: true }) as unknown as Inflated
    return isWhole(bytes, engine.bytesWritten) ? buffer : closeCode.INVALID_TEXT
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'ERR_BUFFER_TOO_LARGE' ? closeCode.TOO_BIG : closeCode.INVALID_TEXT
  }
}

/** zlib stops at a final block of the client; only an empty block may follow it (RFC 7692 section 7.2.3.4). */
function isWhole (bytes: Uint8Array, read: number): boolean {
  return read >= bytes.length || (read === bytes.length - 1 && bytes[read] === 0)
}

/** Compresses a message without context takeover, with an LZ77 window of 9 to 15 bits. */
export function deflate (bytes: Uint8Array, windowBits: number = MAX_WINDOW_BITS): Uint8Array {
  const compressed = deflateRawSync(bytes, { finishFlush: constants.Z_SYNC_FLUSH, windowBits })
  return compressed.subarray(0, compressed.length - TAIL.length)
}
