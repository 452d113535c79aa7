/** Where the random of a run begin: SEED of the environment, to see a failure again, or the clock. */
export const seed = Number(process.env.SEED ?? Date.now() % 2 ** 32)

const volume = Number(process.env.VOLUME ?? 1)
if (!(volume > 0)) throw new Error(`VOLUME must be a positive number, not ${process.env.VOLUME}`)

/** How many random cases to run: the everyday number times VOLUME of the environment. */
export function scaled (everyday: number): number {
  return Math.ceil(everyday * volume)
}

/** Dice with a memory: the same seed throws the same (xorshift of 32 bits). */
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

  /** True once in `n` throws. */
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
