/** Finds frames in a stream of frames of equal size, and joins those that are split between chunks. */
export class FrameWalker {
  readonly #size: number
  readonly #visit: (bytes: Buffer, start: number, end: number) => void
  readonly #carried: Buffer
  #carriedLength = 0

  /** `visit` gets bytes[start..end): consecutive frames of `size` bytes. */
  constructor (size: number, visit: (bytes: Buffer, start: number, end: number) => void) {
    this.#size = size
    this.#visit = visit
    this.#carried = Buffer.alloc(size)
  }

  /** Processes bytes[0..length). */
  walk (bytes: Buffer, length: number): void {
    const start = this.#carriedLength === 0 ? 0 : this.#complete(bytes, length)
    const end = length - (length - start) % this.#size
    if (start < end) this.#visit(bytes, start, end)
    if (end < length) this.#carry(bytes, end, length)
  }

  /** Completes the split frame; returns the offset of the next one. */
  #complete (bytes: Buffer, length: number): number {
    const end = Math.min(this.#size - this.#carriedLength, length)
    this.#carry(bytes, 0, end)
    if (this.#carriedLength === this.#size) {
      this.#carriedLength = 0
      this.#visit(this.#carried, 0, this.#size)
    }
    return end
  }

  #carry (bytes: Buffer, start: number, end: number): void {
    this.#carriedLength += bytes.copy(this.#carried, this.#carriedLength, start, end)
  }
}
