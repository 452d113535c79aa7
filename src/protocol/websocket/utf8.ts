/// <reference lib="es2024.string" />
import { Buffer } from 'node:buffer'

/**
 * UTF-8 as in Godot 3: lone surrogates are encoded as code points of their own (`ed a0 80`), which strict UTF-8, and so
 * Godot 4, rejects. Everything else follows RFC 3629.
 */

/** Longest text, in UTF-16 units or bytes, that a loop handles faster than a native call. */
const SHORT = 24

/**
 * Writes `text` into `page` at `offset`, which must have space for three bytes per UTF-16 unit; returns the bytes
 * written.
 */
export function writeUtf8 (page: Buffer, offset: number, text: string): number {
  if (text.length <= SHORT && writeAscii(page, offset, text)) return text.length
  return text.isWellFormed() ? page.write(text, offset) : writeUnits(page, offset, text)
}

function writeAscii (page: Buffer, offset: number, text: string): boolean {
  for (let i = 0; i < text.length; i++) {
    const unit = text.charCodeAt(i)
    if (unit > 0x7f) return false
    page[offset + i] = unit
  }
  return true
}

/** Writes text with lone surrogates, which a native call would replace by U+FFFD. */
function writeUnits (page: Buffer, offset: number, text: string): number {
  let end = offset
  for (const character of text) {
    const code = character.codePointAt(0) as number
    if (code < 0xd800 || code > 0xdfff) end += page.write(character, end)
    else {
      page[end++] = 0xe0 | code >> 12
      page[end++] = 0x80 | code >> 6 & 0x3f
      page[end++] = 0x80 | code & 0x3f
    }
  }
  return end - offset
}

/**
 * Reads the text of `bytes` from `start` to `end` or its first NUL, without a byte order mark, as Godot does.
 * Returns undefined if they are not UTF-8; `strict` rejects lone surrogates, too.
 */
export function readUtf8 (bytes: Uint8Array, start: number, end: number, strict: boolean): string | undefined {
  // The length of pooled strings, and of some senders, includes the NUL.
  if (bytes[end - 1] === 0 && end > start) end--
  return (end - start <= SHORT ? readShort(bytes, start, end) : undefined) ?? readAny(bytes, start, end, strict)
}

// Cache of short ASCII strings, since names and keys repeat; the slot follows from the bytes.
const SLOT_BITS = 10
const known = new Array<string>(1 << SLOT_BITS).fill('')
const knownBytes = new Uint8Array(SHORT << SLOT_BITS)

/** ASCII without NUL; undefined for any other text. */
function readShort (bytes: Uint8Array, start: number, end: number): string | undefined {
  const size = end - start
  const mark = bytes[start] | bytes[start + end >> 1] << 8 | bytes[end - 1] << 16 | size << 24
  const slot = Math.imul(mark, 0x9e3779b1) >>> 32 - SLOT_BITS
  if (known[slot].length !== size || !isKnown(slot, bytes, start, size)) {
    if (!isAscii(bytes, start, end)) return
    known[slot] = latin1Slice.call(bytes, start, end)
    for (let i = 0; i < size; i++) knownBytes[slot * SHORT + i] = bytes[start + i]
  }
  return known[slot]
}

function isKnown (slot: number, bytes: Uint8Array, start: number, size: number): boolean {
  for (let i = 0; i < size; i++) {
    if (knownBytes[slot * SHORT + i] !== bytes[start + i]) return false
  }
  return true
}

function isAscii (bytes: Uint8Array, start: number, end: number): boolean {
  for (let at = start; at < end; at++) {
    if (bytes[at] === 0 || bytes[at] > 0x7f) return false
  }
  return true
}

function readAny (bytes: Uint8Array, start: number, end: number, strict: boolean): string | undefined {
  let text: string | undefined = utf8Slice.call(bytes, start, end)
  const nul = text.indexOf('\0')
  if (nul !== -1) text = text.slice(0, nul)
  // U+FFFD was sent, or replaces invalid bytes.
  if (text.includes('\ufffd')) text = readUnits(bytes, start, end, strict)
  return text?.charCodeAt(0) === 0xfeff ? text.slice(1) : text
}

/** The native decoders of `buffer.toString()`, which also accept a Uint8Array. */
const { latin1Slice, utf8Slice } = Buffer.prototype as unknown as
  Record<'latin1Slice' | 'utf8Slice', (this: Uint8Array, start: number, end: number) => string>

/** Continuation bytes and smallest code point of a sequence, by the upper five bits of its first byte. */
function sequenceOf (first: number): [tail: number, least: number] | undefined {
  if (first < 0x80) return [0, 0]
  if (first >> 5 === 0b110) return [1, 0x80]
  if (first >> 4 === 0b1110) return [2, 0x800]
  if (first >> 3 === 0b11110) return [3, 0x10000]
}

function readUnits (bytes: Uint8Array, start: number, end: number, strict: boolean): string | undefined {
  let text = ''
  for (let at = start; at < end && bytes[at] !== 0;) {
    const sequence = sequenceOf(bytes[at])
    if (sequence === undefined) return
    const [tail, least] = sequence
    if (at + tail >= end) return
    const code = readCode(bytes, at, tail)
    if (code < least || code > 0x10ffff || (strict && code >> 11 === 0b11011)) return
    text += String.fromCodePoint(code)
    at += tail + 1
  }
  return text
}

/** The code point at `at`, or -1 if a continuation byte is missing. */
function readCode (bytes: Uint8Array, at: number, tail: number): number {
  let code = tail === 0 ? bytes[at] : bytes[at] & 0x3f >> tail
  for (let i = 1; i <= tail; i++) {
    if (bytes[at + i] >> 6 !== 0b10) return -1
    code = code << 6 | bytes[at + i] & 0x3f
  }
  return code
}
