import { markAsUntransferable } from 'node:worker_threads'

const ON_HEAP = 64
const SLAB_SIZE = 65536
const MAX_SHARED = 4096
const { prototype } = Uint8Array

let slab = newSlab()
let used = 0

/**
 * A copy of bytes[start..end) that is safe to keep, always a plain Uint8Array. Up to 64 bytes live on the heap of V8; above that an
 * ArrayBuffer for each costs more than the packet, so they share a slab.
 */
export function ownBytes (bytes: Uint8Array, start: number, end: number): Uint8Array {
  const size = end - start
  // The slice of a Buffer would be a Buffer.
  const isPlain = Object.getPrototypeOf(bytes) === prototype
  return isPlain && size <= ON_HEAP ? prototype.slice.call(bytes, start, end) : alignedBytes(bytes, start, size)
}

/** As `ownBytes`, but never on the heap of V8, and from a multiple of 8 on: to be seen as numbers of any kind. */
export function alignedBytes (bytes: Uint8Array, start: number, size: number): Uint8Array {
  const copy = size > MAX_SHARED ? new Uint8Array(size) : fromSlab(size)
  copy.set(bytes.subarray(start, start + size))
  return copy
}

function fromSlab (size: number): Uint8Array {
  if (used + size > SLAB_SIZE) {
    slab = newSlab()
    used = 0
  }
  const copy = new Uint8Array(slab, used, size)
  // The next one begins at a multiple of 8, so that views of any element type fit on it.
  used = (used + size + 7) & ~7
  return copy
}

function newSlab (): ArrayBuffer {
  const memory = new ArrayBuffer(SLAB_SIZE)
  // Whoever transferred a copy to a worker would take the others along.
  markAsUntransferable(memory)
  return memory
}
