/**
 * Numbers that V8 puts into one bucket of a hash table: its hashes of numbers, computed backwards from hashes that
 * differ only in their upper bits. Every step of both is a multiplication by an odd number or a xor with itself
 * shifted, so has an inverse.
 */

const MASK = 0xffffffffffffffffn

/** `count` int32 keys of one bucket. */
export function collidingInts (count: number): number[] {
  return Array.from({ length: count }, (_, i) => unhash32(i << 15 | 7))
}

/** `count` keys of one bucket that are int64 and no safe integers. */
export function collidingBigInts (count: number): bigint[] {
  return collect(count, bits => bits > 2n ** 54n && bits < 2n ** 63n ? bits : undefined)
}

/** `count` keys of one bucket that are floats, none of them an integer of 32 bits. */
export function collidingFloats (count: number): number[] {
  const view = new DataView(new ArrayBuffer(8))
  return collect(count, bits => {
    view.setBigUint64(0, bits)
    const key = view.getFloat64(0)
    return Number.isFinite(key) && !Number.isInteger(key) ? key : undefined
  })
}

function collect<Key> (count: number, take: (bits: bigint) => Key | undefined): Key[] {
  const keys: Key[] = []
  for (let i = 0n; keys.length < count; i++) {
    const key = take(unhash64(i * 0x9e3779b97f4a7c15n << 15n & MASK | 7n))
    if (key !== undefined) keys.push(key)
  }
  return keys
}

function unhash32 (hash: number): number {
  const shift = 32n
  let bits = BigInt(hash)
  bits = unXorShift(bits, 16n, shift)
  bits = unMultiply(bits, 2057n, shift)
  bits = unXorShift(bits, 4n, shift)
  bits = unMultiply(bits, 5n, shift)
  bits = unXorShift(bits, 12n, shift)
  return Number(BigInt.asIntN(32, unMultiply(bits + 1n, 0x7fffn, shift)))
}

function unhash64 (hash: bigint): bigint {
  let bits = unXorShift(hash, 22n)
  bits = unMultiply(bits, 65n)
  bits = unXorShift(bits, 11n)
  bits = unMultiply(bits, 21n)
  bits = unXorShift(bits, 31n)
  return unMultiply(bits + 1n, 0x3ffffn)
}

function unXorShift (bits: bigint, shift: bigint, width = 64n): bigint {
  let before = bits
  for (let at = shift; at < width; at += shift) before = bits ^ before >> shift
  return before
}

function unMultiply (product: bigint, factor: bigint, width = 64n): bigint {
  // Newton's iteration doubles the correct bits each time.
  let inverse = 1n
  for (let i = 0; i < 6; i++) inverse = BigInt.asUintN(64, inverse * (2n - factor * inverse))
  return BigInt.asUintN(Number(width), product * inverse)
}
