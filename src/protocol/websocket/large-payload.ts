import { rawBytes } from '../own-bytes.ts'
import { unmaskPart } from './unmask.ts'

/** Size of the smallest buffer, and of any other in proportion to what has arrived: announcing costs nothing. */
const SMALLEST = 4096
const GROWTH = 32
const EMPTY = new Uint8Array(0)

/** Payload of a frame that arrives in several chunks, unmasked into a buffer of its own. */
export class LargePayload {
  /** First byte of its frame. */
  readonly first: number
  /** Announced length. */
  readonly size: number
  readonly #key: Uint8Array
  #bytes: Uint8Array = EMPTY
  #filled = 0

  /** `header`: bytes up to `end`, which is the end of the header of the frame. */
  constructor (first: number, size: number, header: Uint8Array, end: number) {
    this.first = first
    this.size = size
    this.#key = Uint8Array.of(header[end - 4], header[end - 3], header[end - 2], header[end - 1])
  }

  /** Bytes that have arrived. */
  get filled (): number {
    return this.#filled
  }

  get isComplete (): boolean {
    return this.#filled === this.size
  }

  /** The whole payload, once it is complete: nobody else has its buffer. */
  get bytes (): Uint8Array {
    return this.#bytes
  }

  /** Takes what belongs to the payload from chunk[start..end), which is overwritten; returns the offset after it. */
  fill (chunk: Uint8Array, start: number, end: number): number {
    const taken = Math.min(end - start, this.size - this.#filled)
    const filled = this.#filled + taken
    if (filled > this.#bytes.length) this.#grow(filled)
    // In the chunk, which is in the cache of the processor.
    unmaskPart(chunk, start, start + taken, this.#key, this.#filled)
    this.#bytes.set(chunk.subarray(start, start + taken), this.#filled)
    this.#filled = filled
    return start + taken
  }

  #grow (wanted: number): void {
    const larger = rawBytes(Math.min(this.size, Math.max(SMALLEST, wanted * GROWTH)))
    larger.set(this.#bytes.subarray(0, this.#filled))
    this.#bytes = larger
  }
}
