import { Buffer } from 'node:buffer'
import { markAsUntransferable } from 'node:worker_threads'
import { GodotError } from '../error.ts'
import { HIGH, isLittleEndian, LOW } from './endianness.ts'
import { alignedBytes, ownBytes } from './own-bytes.ts'
import { readUtf8, writeUtf8 } from './websocket/utf8.ts'

/** Converts bits between integers and floats: three views of the same eight bytes. */
const bits = new Int32Array(2)
const asF32 = new Float32Array(bits.buffer)
const asF64 = new Float64Array(bits.buffer)

/** Constructor of a typed array. */
export interface NumberArray<Numbers> {
  readonly BYTES_PER_ELEMENT: number
  new (buffer: ArrayBufferLike, byteOffset: number, length: number): Numbers
}

/** Swaps bytes in place between little-endian and the machine's order. */
function swapToNative (bytes: Uint8Array, size: number): Uint8Array {
  const view = isLittleEndian ? undefined : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length)
  if (size === 4) view?.swap32()
  else view?.swap64()
  return bytes
}

/** The little-endian i32 at bytes[at..]; the caller has checked the bounds. */
export function readI32 (bytes: Uint8Array, at: number): number {
  return bytes[at] | bytes[at + 1] << 8 | bytes[at + 2] << 16 | bytes[at + 3] << 24
}

/**
 * Reads little-endian values from bytes[start..end) and checks every bound. Reading beyond the end throws
 * ERR_INVALID_DATA with the offset from the start of `bytes`.
 */
export class ByteReader {
  #bytes!: Uint8Array
  #offset!: number
  #end!: number

  constructor (bytes: Uint8Array, start = 0, end = bytes.length) {
    this.open(bytes, start, end)
  }

  /** Restarts with other bytes. */
  open (bytes: Uint8Array, start = 0, end = bytes.length): void {
    this.#bytes = bytes
    this.#offset = start
    this.#end = end
  }

  /** Offset of the next value. */
  get offset (): number { return this.#offset }

  /** The bytes that offsets refer to. */
  get source (): Uint8Array { return this.#bytes }

  /** Offset of the end. */
  get end (): number { return this.#end }

  /** Number of unread bytes. */
  get remaining (): number { return this.#end - this.#offset }

  /** Moves the end to `offset`, which must not be read yet, and returns a reader of the rest. */
  split (offset: number): ByteReader {
    if (offset < this.#offset || offset > this.#end) this.fail('offset outside of the packet', this.#offset)
    const rest = new ByteReader(this.#bytes, offset, this.#end)
    this.#end = offset
    return rest
  }

  u8 (): number { return this.#bytes[this.#take(1)] }
  i8 (): number { return this.u8() << 24 >> 24 }

  u16 (): number {
    const at = this.#take(2)
    return this.#bytes[at] | this.#bytes[at + 1] << 8
  }

  i16 (): number { return this.u16() << 16 >> 16 }

  i32 (): number { return readI32(this.#bytes, this.#take(4)) }
  u32 (): number { return this.i32() >>> 0 }

  i64 (): bigint {
    const at = this.#take(8)
    return BigInt(readI32(this.#bytes, at + 4)) << 32n | BigInt(readI32(this.#bytes, at) >>> 0)
  }

  /** An i64 as a number where that is exact, which is the common case and faster, else as a bigint. */
  int64 (): number | bigint {
    const low = this.u32()
    const high = this.i32()
    const value = high * 0x100000000 + low
    return Number.isSafeInteger(value) ? value : BigInt(high) << 32n | BigInt(low)
  }

  u64 (): bigint { return BigInt.asUintN(64, this.i64()) }

  f32 (): number {
    bits[0] = this.i32()
    return asF32[0]
  }

  f64 (): number {
    const at = this.#take(8)
    bits[LOW] = readI32(this.#bytes, at)
    bits[HIGH] = readI32(this.#bytes, at + 4)
    return asF64[0]
  }

  /** Reads `size` bytes as a view, not a copy. */
  bytes (size: number): Uint8Array {
    const start = this.#take(size)
    return new Uint8Array(this.#bytes.buffer, this.#bytes.byteOffset + start, size)
  }

  /** Reads all remaining bytes as a view. */
  rest (): Uint8Array { return this.bytes(this.remaining) }

  /** Reads `size` bytes as a copy. */
  ownBytes (size: number): Uint8Array {
    const start = this.#take(size)
    return ownBytes(this.#bytes, start, start + size)
  }

  /** Reads `count` numbers as a copy. */
  numbers<Numbers> (Type: NumberArray<Numbers>, count: number): Numbers {
    const size = count * Type.BYTES_PER_ELEMENT
    const copy = alignedBytes(this.#bytes, this.#take(size), size)
    const { buffer, byteOffset } = swapToNative(copy, Type.BYTES_PER_ELEMENT)
    return new Type(buffer, byteOffset, count)
  }

  skip (size: number): void { this.#take(size) }

  /** The next byte, without reading it. */
  peek (): number {
    const byte = this.u8()
    this.#offset--
    return byte
  }

  /** The bytes from `start` to `end`, which have been read, as a string with one character each, for comparison. */
  latin1 (start: number, end: number): string {
    return Buffer.from(this.#bytes.buffer, this.#bytes.byteOffset + start, end - start).toString('latin1')
  }

  /**
   * Reads a count of elements of at least `size` bytes each. Fails before anything is allocated if they exceed the
   * packet.
   */
  count (size: number, count = this.u32()): number {
    if (count * size > this.remaining) this.fail(`count of ${count} elements exceeds the packet`, this.#offset)
    return count
  }

  /** Reads UTF-8 text of `size` bytes, up to its first NUL as Godot does. Lone surrogates fail if `strict`. */
  utf8 (size: number, strict = false): string {
    const start = this.#take(size)
    return this.#text(start, start + size, strict)
  }

  /** Reads UTF-8 text up to a NUL, or with `'optional'` up to the end. */
  cstring (nul: 'required' | 'optional' = 'required'): string {
    const start = this.#offset
    const found = this.#bytes.indexOf(0, start)
    const isEnded = found >= 0 && found < this.#end
    if (!isEnded && nul === 'required') this.fail('text without a terminating NUL', start)
    const end = isEnded ? found : this.#end
    this.#offset = isEnded ? end + 1 : end
    return this.#text(start, end, false)
  }

  /** Throws ERR_INVALID_DATA with the offset. */
  fail (what: string, offset = this.#offset): never {
    throw new GodotError('ERR_INVALID_DATA', `${what} at byte ${offset}`)
  }

  #text (start: number, end: number, strict: boolean): string {
    return readUtf8(this.#bytes, start, end, strict) ?? this.fail('invalid UTF-8', start)
  }

  #take (size: number): number {
    const start = this.#offset
    if (start + size > this.#end) this.fail('truncated', start)
    this.#offset = start + size
    return start
  }
}

/** Bytes of a page. Many packets are written into one page, so that most of them allocate only their view. */
const PAGE = 65536

/** Writes little-endian values, growing as needed; `done` returns them and starts the next packet. */
export class ByteWriter {
  // Three views of the same memory.
  #memory = new ArrayBuffer(0)
  #page = Buffer.from(this.#memory)
  #view = new DataView(this.#memory)
  #start = 0
  #end = 0

  /** Bytes written since the start or the last `done`. */
  get length (): number { return this.#end - this.#start }

  u8 (value: number): void {
    const at = this.#reserve(1)
    this.#page[at] = value
  }

  u16 (value: number): void {
    const at = this.#reserve(2)
    this.#view.setUint16(at, value, true)
  }

  /** Signed or unsigned: the lower 32 bits count. */
  u32 (value: number): void {
    const at = this.#reserve(4)
    this.#view.setUint32(at, value, true)
  }

  /** Signed or unsigned: the lower 64 bits count. */
  u64 (value: bigint): void {
    const at = this.#reserve(8)
    this.#view.setBigUint64(at, value, true)
  }

  // The bits of a computed NaN depend on the processor: all are written as the same NaN.

  f32 (value: number): void {
    const at = this.#reserve(4)
    this.#view.setFloat32(at, value, true)
    if (Number.isNaN(value)) this.#nan(at, 4)
  }

  f64 (value: number): void {
    const at = this.#reserve(8)
    this.#view.setFloat64(at, value, true)
    if (Number.isNaN(value)) this.#nan(at, 8)
  }

  #nan (at: number, size: number): void {
    if (size === 4) this.#view.setUint32(at, 0x7fc00000, true)
    else this.#view.setBigUint64(at, 0x7ff8000000000000n, true)
  }

  bytes (bytes: Uint8Array): void {
    const at = this.#reserve(bytes.length)
    this.#page.set(bytes, at)
  }

  integers (items: Int32Array | BigInt64Array): void {
    this.#numbers(items)
  }

  floats (items: Float32Array | Float64Array): void {
    const at = this.#numbers(items)
    const size = items.BYTES_PER_ELEMENT
    for (let i = 0; i < items.length; i++) if (Number.isNaN(items[i])) this.#nan(at + i * size, size)
  }

  #numbers ({ buffer, byteOffset, byteLength, BYTES_PER_ELEMENT: size }: NodeJS.TypedArray): number {
    const at = this.#reserve(byteLength)
    this.#page.set(new Uint8Array(buffer, byteOffset, byteLength), at)
    if (!isLittleEndian) swapToNative(this.#page.subarray(at, at + byteLength), size)
    return at
  }

  /** Writes text as UTF-8 and returns the number of bytes; see utf8.ts for lone surrogates. */
  utf8 (text: string): number {
    const room = text.length * 3
    const at = this.#reserve(room)
    const size = writeUtf8(this.#page, at, text)
    this.#end = at + size
    return size
  }

  /** Writes text and a NUL; throws ERR_INVALID_PARAMETER if the text contains one. */
  cstring (text: string): void {
    if (text.includes('\0')) throw new GodotError('ERR_INVALID_PARAMETER', 'a name or path must not contain NUL')
    this.utf8(text)
    this.u8(0)
  }

  zeros (count: number): void {
    const at = this.#reserve(count)
    for (let i = 0; i < count; i++) this.#page[at + i] = 0
  }

  /** Replaces the u32 at `offset`, which has been written before. */
  patchU32 (offset: number, value: number): void { this.#view.setUint32(this.#start + offset, value, true) }

  /** Returns the written bytes, which are not reused; the next value starts a new packet. */
  done (): Uint8Array {
    const bytes = new Uint8Array(this.#memory, this.#start, this.#end - this.#start)
    this.#start = this.#end
    return bytes
  }

  /** Discards everything written since the last `done`. */
  discard (): void { this.#end = this.#start }

  #reserve (size: number): number {
    if (this.#end + size > this.#page.length) this.#turnPage(size)
    const at = this.#end
    this.#end = at + size
    return at
  }

  #turnPage (size: number): void {
    const written = this.#page.subarray(this.#start, this.#end)
    this.#memory = new ArrayBuffer(Math.max(PAGE, 2 * (written.length + size)))
    // Transferring one packet to a worker would take the others of its page along.
    markAsUntransferable(this.#memory)
    this.#page = Buffer.from(this.#memory)
    this.#view = new DataView(this.#memory)
    this.#page.set(written)
    this.#start = 0
    this.#end = written.length
  }
}
