/** Seed of random tests: environment variable SEED, to reproduce a failure, or derived from the clock. */
export const seed = Number(process.env.SEED ?? Date.now() % 2 ** 32)

const volume = Number(process.env.VOLUME ?? 1)
if (!(volume > 0)) throw new Error(`Invalid VOLUME ${process.env.VOLUME}: expected a positive number`)

/** Number of random cases: `count` multiplied by environment variable VOLUME. */
export function scaled (count: number): number {
  return Math.ceil(count * volume)
}

/** Seeded pseudo-random numbers (32-bit xorshift). */
export class Random {
  #state: number

  constructor (seed: number) {
    this.#state = Math.imul(seed, 0x9e3779b1) ^ 0x85ebca6b || 1
    for (let i = 0; i < 8; i++) this.uint32()
  }

  /** 32 random bits as an unsigned number. */
  uint32 (): number {
    let x = this.#state
    x ^= x << 13
    x ^= x >>> 17
    this.#state = x ^= x << 5
    return x >>> 0
  }

  /** An integer in 0..limit-1. */
  below (limit: number): number {
    return this.uint32() % limit
  }

  /** True with probability 1/n. */
  oneIn (n: number): boolean {
    return this.below(n) === 0
  }

  pick<T> (list: readonly T[]): T {
    return list[this.below(list.length)]
  }

  bytes (size: number): Buffer {
    const bytes = Buffer.allocUnsafe(size)
    for (let i = 0; i < size; i++) bytes[i] = this.uint32() >>> 11
    return bytes
  }
}
