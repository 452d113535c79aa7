import { constants, deflateRawSync, inflateRawSync } from 'node:zlib'
import { closeCode } from '../../protocol/websocket/close-code.ts'

/** A compressed message ends with this, which is not sent (RFC 7692 section 7.2.1). */
const TAIL = Buffer.of(0x00, 0x00, 0xff, 0xff)
/** The same and an empty final block: zlib misses it when the message is cut short, and says so. */
const END = Buffer.concat([TAIL, Buffer.of(0x01, 0x00, 0x00, 0xff, 0xff)])

const MAX_WINDOW_BITS = 15

/** Messages from this size on are worth compressing. */
export const DEFLATE_FROM = 1024
/**
 * Messages that are inflated in one go, before others have their turn: each takes as long as many that are not
 * compressed.
 */
export const INFLATED_AT_ONCE = 256

/** What zlib tells besides: how many bytes it has read. */
interface Inflated { readonly buffer: Uint8Array, readonly engine: { readonly bytesWritten: number } }

/**
 * A compressed message as it was, of up to `maxSize` bytes; else the close code to end with. Nothing is kept for the
 * next one.
 */
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

/**
 * Behind a final block of the client's own, where zlib stops, may stand an empty one (RFC 7692 section 7.2.3.4), and no
 * more.
 */
function isWhole (bytes: Uint8Array, read: number): boolean {
  return read >= bytes.length || (read === bytes.length - 1 && bytes[read] === 0)
}

/** A message compressed by itself, with an LZ77 window of 9 to 15 bits. */
export function deflate (bytes: Uint8Array, windowBits: number = MAX_WINDOW_BITS): Uint8Array {
  const compressed = deflateRawSync(bytes, { finishFlush: constants.Z_SYNC_FLUSH, windowBits })
  return compressed.subarray(0, compressed.length - TAIL.length)
}
