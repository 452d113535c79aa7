import { markAsUntransferable } from 'node:worker_threads'

const ON_HEAP = 64
const { prototype } = Uint8Array

/** Memory that copies share, as an ArrayBuffer of its own would cost more than a small copy. */
class Slab {
  #memory: ArrayBuffer
  #used = 0

  constructor (size: number) {
    this.#memory = untransferable(size)
  }

  take (size: number): Uint8Array {
    if (this.#used + size > this.#memory.byteLength) {
      this.#memory = untransferable(this.#memory.byteLength)
      this.#used = 0
    }
    const copy = new Uint8Array(this.#memory, this.#used, size)
    // Copies start at multiples of 8, so that they can be viewed as elements of any type.
    this.#used = (this.#used + size + 7) & ~7
    return copy
  }
}

/** Transferring one copy to a worker would take the others of its slab along. */
function untransferable (size: number): ArrayBuffer {
  const memory = new ArrayBuffer(size)
  markAsUntransferable(memory)
  return memory
}

/** A copy that is kept also keeps its slab, so this is small for small copies. */
const slabs = [{ most: 512, slab: new Slab(8192) }, { most: 4096, slab: new Slab(32_768) }] as const

/**
 * A copy of bytes[start..end), always a plain Uint8Array. Up to 64 bytes are on V8's heap, up to 4096 in a slab.
 */
export function ownBytes (bytes: Uint8Array, start: number, end: number): Uint8Array {
  const size = end - start
  // The slice of a Buffer would be a Buffer.
  const isPlain = Object.getPrototypeOf(bytes) === prototype
  return isPlain && size <= ON_HEAP ? prototype.slice.call(bytes, start, end) : alignedBytes(bytes, start, size)
}

/** As `ownBytes`, but never on V8's heap and aligned to 8 bytes, so that it can be viewed as numbers of any type. */
export function alignedBytes (bytes: Uint8Array, start: number, size: number): Uint8Array {
  const shared = size <= slabs[0].most ? slabs[0] : slabs[1]
  const copy = size <= shared.most ? shared.slab.take(size) : rawBytes(size)
  copy.set(bytes.subarray(start, start + size))
  return copy
}

/**
 * bytes[start..end) of a message: as they are if the message has its own memory (`start` is 0) and uses half of it,
 * otherwise a copy. Always a plain Uint8Array.
 */
export function messageBytes (bytes: Uint8Array, start: number, end: number): Uint8Array {
  if (start > 0 || bytes.buffer.byteLength > 2 * end) return ownBytes(bytes, start, end)
  const own = new Uint8Array(bytes.buffer, bytes.byteOffset, end)
  if (end >= SENT_ON) handedOver.add(own)
  return own
}

/** Messages of this size may be sent on without a copy. */
const SENT_ON = 65536
const handedOver = new WeakSet<Uint8Array>()

/** Whether the bytes are a large received message, to which nobody but the application has access. */
export function isHandedOver (bytes: Uint8Array): boolean {
  return bytes.length >= SENT_ON && handedOver.has(bytes)
}

/** Memory that is not cleared first, so that it must be filled before anybody sees it. */
export function rawBytes (size: number): Uint8Array {
  return new Uint8Array(Buffer.allocUnsafeSlow(size).buffer)
}
