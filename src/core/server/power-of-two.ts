/** `size` rounded up to a power of two, as Godot rounds the sizes of its buffers. */
export function powerOfTwo (size: number): number {
  return 2 ** Math.ceil(Math.log2(size))
}
