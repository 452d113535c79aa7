const SLAB_SIZE = 16384
const MAX_SHARED = 1024

let slab = new ArrayBuffer(SLAB_SIZE)
let used = 0

/** A copy of bytes[start..end) that is safe to keep; small ones share a slab, since an ArrayBuffer for each costs more than the packet. */
export function ownBytes (bytes: Uint8Array, start: number, end: number): Uint8Array {
  const size = end - start
  const copy = size > MAX_SHARED ? new Uint8Array(size) : fromSlab(size)
  if (size > 48) copy.set(bytes.subarray(start, end))
  else for (let i = 0; i < size; i++) copy[i] = bytes[start + i]
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
