/*
 * malloc of glibc returns free memory at the end of its heap to the system when it exceeds twice the size of the
 * largest block that was ever freed, and gets it back page by page, which costs more than everything else about a
 * message of 16 KiB or more. A garbage collection frees some 40 MiB of such messages at once, so this block is just
 * below the largest that counts, 32 MiB. It is never touched, so it takes no memory; the first garbage collection
 * frees it.
 */
Buffer.allocUnsafeSlow((32 << 20) - 65536)

/** Unused buffers by size: small ones for what most turns send, large ones for the rest. */
const pools = [
  { size: 4096, max: 4096, buffers: [] as Buffer[] },
  { size: 65536, max: 256, buffers: [] as Buffer[] }
]

/** Size of the largest buffers that are reused. */
export const LARGEST_BUFFER = pools[pools.length - 1].size

/** A buffer of at least `size` bytes, not cleared; `returnBuffer` takes it once nothing refers to it. */
export function borrowBuffer (size: number): Buffer {
  for (const pool of pools) if (size <= pool.size) return pool.buffers.pop() ?? Buffer.allocUnsafeSlow(pool.size)
  return Buffer.allocUnsafeSlow(size)
}

/** Keeps a buffer for reuse. */
export function returnBuffer (buffer: Buffer): void {
  for (const { size, max, buffers } of pools) if (buffer.length === size && buffers.length < max) buffers.push(buffer)
}
