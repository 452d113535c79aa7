import type { Random } from './random.ts'

const words = [0, 1, 4, 0x7fffffff, 0x80000000, 0xffffffff, 0x10000, 0x80000001, 0x40000000]

/** Ways to mutate bytes at one position. */
const mutations: Array<(bytes: Buffer, random: Random) => Buffer> = [
  (bytes, random) => bytes.subarray(0, random.below(bytes.length + 1)),
  (bytes, random) => { bytes[random.below(bytes.length)] = random.uint32(); return bytes },
  (bytes, random) => { bytes[random.below(bytes.length)] ^= 1 << random.below(8); return bytes },
  (bytes, random) => {
    if (bytes.length >= 4) bytes.writeUInt32LE(random.pick(words), random.below(bytes.length - 3))
    return bytes
  },
  (bytes, random) => Buffer.concat([bytes, random.bytes(random.below(9))]),
  (bytes, random) => {
    const at = random.below(bytes.length)
    return Buffer.concat([bytes.subarray(0, at), random.bytes(1 + random.below(5)), bytes.subarray(at)])
  },
  (bytes, random) => {
    const at = random.below(bytes.length)
    return Buffer.concat([bytes.subarray(0, at), bytes.subarray(at + 1 + random.below(8))])
  },
  (bytes, random) => {
    const [from, to] = [random.below(bytes.length), random.below(bytes.length)]
    bytes.copyWithin(to, from, from + random.below(16))
    return bytes
  }
]

/** A copy of one of `seeds` with one to four mutations. */
export function mutated (random: Random, seeds: readonly Uint8Array[]): Buffer {
  let bytes = Buffer.from(random.pick(seeds))
  for (let left = 1 + random.below(4); left > 0 && bytes.length > 0; left--) {
    bytes = Buffer.from(random.pick(mutations)(bytes, random))
  }
  return bytes
}
