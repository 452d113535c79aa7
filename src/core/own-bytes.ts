const ON_HEAP = 64
const SLAB_SIZE = 65536
const MAX_SHARED = 4096
const { slice } = Uint8Array.prototype

let slab = new ArrayBuffer(SLAB_SIZE)
let used = 0

/**
 * A copy of bytes[start..end) that is safe to keep. Up to 64 bytes live on the heap of V8; above that an ArrayBuffer for each costs more
 * than the packet, so they share a slab.
 */
export function ownBytes (bytes: Uint8Array, start: number, end: number): Uint8Array {
  const size = end - start
  if (size <= ON_HEAP) return slice.call(bytes, start, end)
  const copy = size > MAX_SHARED ? new Uint8Array(size) : fromSlab(size)
  copy.set(bytes.subarray(start, end))
  return copy
}

function fromSlab (size: number): Uint8Array {
  if (used + size > SLAB_SIZE) {
    slab = new ArrayBuffer(SLAB_SIZE)
    used = 0
  }
  const copy = new Uint8Array(slab, used, size)
  // The next one begins at a multiple of 8, so that views of any element type fit on it.
  used = (used + size + 7) & ~7
  return copy
}
