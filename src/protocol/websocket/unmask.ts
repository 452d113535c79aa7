import { isLittleEndian } from '../endianness.ts'
import { compile } from './unmask-module.ts'

/** Shorter messages are unmasked byte by byte, longer ones in words, by SIMD instructions where possible. */
const SHORT = 64
const SIMD_BLOCK = 64
const EMPTY = new Uint8Array(0)

/** Size of `fastMemory`. */
const FAST_SIZE = 65536
const simd = compile()

/**
 * Memory in which unmasking is ten times as fast: that of a WebAssembly module, which has SIMD instructions. Ordinary
 * memory where there is no WebAssembly.
 */
export const fastMemory: Uint8Array = simd?.memory ?? new Uint8Array(FAST_SIZE)

/** Unmasks bytes[start..end) with the key in the four bytes before (RFC 6455 section 5.3). */
export function unmask (bytes: Uint8Array, start: number, end: number): void {
  if (end - start >= SHORT) return unmaskLong(bytes, start, end, bytes, start - 4, 0)
  const m0 = bytes[start - 4]
  const m1 = bytes[start - 3]
  const m2 = bytes[start - 2]
  const m3 = bytes[start - 1]
  let i = start
  for (const last = end - 3; i < last; i += 4) {
    bytes[i] ^= m0
    bytes[i + 1] ^= m1
    bytes[i + 2] ^= m2
    bytes[i + 3] ^= m3
  }
  if (i < end) bytes[i] ^= m0
  if (i + 1 < end) bytes[i + 1] ^= m1
  if (i + 2 < end) bytes[i + 2] ^= m2
}

/** Unmasks bytes[start..end), the part of a payload that begins `skew` bytes into it; `key` has the four bytes. */
export function unmaskPart (bytes: Uint8Array, start: number, end: number, key: Uint8Array, skew: number): void {
  if (end - start >= SHORT) unmaskLong(bytes, start, end, key, 0, skew & 3)
  else unmaskBytes(bytes, start, end, key, 0, skew)
}

// The buffer that was unmasked last: asking for its memory costs more than unmasking a short message.
let seen: Uint8Array = EMPTY
let isFast = false
let offset = 0
let words: Int32Array = new Int32Array(0)

/** The key is keys[at..at + 4), of which the first byte of the payload takes the one at `skew`. */
function unmaskLong (
  bytes: Uint8Array, start: number, end: number, keys: Uint8Array, at: number, skew: number
): void {
  if (seen !== bytes) see(bytes)
  if (isFast) {
    const blocksEnd = start + (end - start & -SIMD_BLOCK)
    simd!.unmask(offset + start, offset + blocksEnd, maskWord(keys, at, skew, true))
    unmaskBytes(bytes, blocksEnd, end, keys, at, skew)
  } else unmaskWords(bytes, start, end, keys, at, skew)
}

/** Four words per step where the buffer is aligned, and single bytes before and after. */
function unmaskWords (
  bytes: Uint8Array, start: number, end: number, keys: Uint8Array, at: number, skew: number
): void {
  const view = words
  const aligned = start + (-(offset + start) & 3)
  const mask = maskWord(keys, at, skew + aligned - start, isLittleEndian)
  let word = offset + aligned >> 2
  const lastWord = word + (end - aligned >> 2)
  const rest = aligned + (lastWord - word << 2)
  unmaskBytes(bytes, start, aligned, keys, at, skew)
  for (; word + 4 <= lastWord; word += 4) {
    view[word] ^= mask
    view[word + 1] ^= mask
    view[word + 2] ^= mask
    view[word + 3] ^= mask
  }
  for (; word < lastWord; word++) view[word] ^= mask
  unmaskBytes(bytes, rest, end, keys, at, skew + rest - start)
}

/** Byte by byte. */
function unmaskBytes (
  bytes: Uint8Array, start: number, end: number, keys: Uint8Array, at: number, skew: number
): void {
  for (let i = start; i < end; i++) bytes[i] ^= keys[at + (i - start + skew & 3)]
}

/** The key at keys[at..at + 4) rotated by `skew` bytes, as one word. */
function maskWord (keys: Uint8Array, at: number, skew: number, littleEndian: boolean): number {
  const b0 = keys[at + (skew & 3)]
  const b1 = keys[at + (skew + 1 & 3)]
  const b2 = keys[at + (skew + 2 & 3)]
  const b3 = keys[at + (skew + 3 & 3)]
  return littleEndian ? b0 | b1 << 8 | b2 << 16 | b3 << 24 : b3 | b2 << 8 | b1 << 16 | b0 << 24
}

function see (bytes: Uint8Array): void {
  seen = bytes
  const { buffer, byteOffset } = bytes
  offset = byteOffset
  isFast = simd !== undefined && buffer === fastMemory.buffer
  if (!isFast && words.buffer !== buffer) words = new Int32Array(buffer, 0, buffer.byteLength >> 2)
}
