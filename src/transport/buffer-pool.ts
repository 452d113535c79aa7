/*
 * Until a large block is freed for the first time, malloc of glibc returns memory above 128 KiB to the system at every
 * opportunity and gets it back page by page, which costs more than everything else about a message of 16 KiB or more.
 * This block is never touched, so it takes no memory; it is freed by the first garbage collection.
 */
Buffer.allocUnsafeSlow(16 << 20)

/** Unused buffers by size: small ones for what most turns send, large ones for the rest. */
const pools = [
  { size: 4096, max: 4096, buffers: [] as Buffer[] },
  { size: 65536, max: 256, buffers: [] as Buffer[] }
]

/** Size of the largest buffers that are reused. */
export const LARGEST_BUFFER = pools[pools.length - 1].size

/** A buffer of at least `size` bytes, not cleared; `returnBuffer` takes it once nothing refers to it any more. */
export function borrowBuffer (size: number): Buffer {
  for (const pool of pools) if (size <= pool.size) return pool.buffers.pop() ?? Buffer.allocUnsafeSlow(pool.size)
  return Buffer.allocUnsafeSlow(size)
}

/** Keeps a buffer for reuse. */
export function returnBuffer (buffer: Buffer): void {
  for (const { size, max, buffers } of pools) if (buffer.length === size && buffers.length < max) buffers.push(buffer)
}
