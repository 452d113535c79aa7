import { HIGH, LOW } from '../endianness.ts'

/**
 * Detects hash flooding: keys chosen so that they all fall into one bucket of the engine's hash table, which makes
 * filling a `Map` quadratic. V8 hashes objects at random and strings with a secret, but numbers without one, and long
 * strings by their length alone. So the guard computes V8's own hash of these and counts how many share a bucket.
 * Should an engine hash them in another way, the guard finds nothing; test/protocol/variant/collision-guard.test.ts
 * fails then.
 */

/**
 * A chain of this many keys is legal: in a table at most twice as full as it has buckets, chance alone never gets
 * there.
 */
export const MAX_CHAIN = 64

/** Smaller tables need no guard: even if all of their keys collide they are filled fast, unless keys are long. */
const GUARDED_SIZE = 256

/** Characters of the longest string whose text is hashed: `String::kMaxHashCalcLength` of V8's src/objects/string.h. */
const MAX_HASHED = 16383

/** V8's hashes are integers of 30 bits. */
const HASH_MASK = 0x3fffffff

/** The same eight bytes as a float and as two words. */
const float = new Float64Array(1)
const words = new Uint32Array(float.buffer)

/** Watches the keys of one table. */
export class CollisionGuard {
  readonly #hashes: number[] = []
  #chains = new Uint16Array(MAX_CHAIN)
  #longest = 0

  /** The keys that the table holds already. */
  constructor (keys: Iterable<unknown>) {
    for (const key of keys) this.add(key)
  }

  /** Whether more than `MAX_CHAIN` keys share a bucket. */
  get isFlooded (): boolean {
    return this.#longest > MAX_CHAIN
  }

  /** Counts a key that is new in the table; short strings and objects cannot be made to collide. */
  add (key: unknown): void {
    const hash = knownHashOf(key)
    if (hash === undefined) return
    this.#hashes.push(hash)
    if (this.#hashes.length > 2 * this.#chains.length) this.#grow()
    else this.#count(hash)
  }

  #count (hash: number): void {
    this.#longest = Math.max(this.#longest, ++this.#chains[hash & this.#chains.length - 1])
  }

  /** Twice as many buckets, like the table itself: V8 keeps at most two keys per bucket. */
  #grow (): void {
    this.#chains = new Uint16Array(2 * this.#chains.length)
    for (const hash of this.#hashes) this.#count(hash)
  }
}

/** Whether these keys of one table are too many that collide. */
export function areColliding (keys: readonly unknown[]): boolean {
  return (keys.length > GUARDED_SIZE || keys.some(isLong)) && new CollisionGuard(keys).isFlooded
}

/** The guard of a table that `key` was added to; undefined while it needs none. */
export function guardOf (
  table: ReadonlyMap<unknown, unknown>, guard: CollisionGuard | undefined, key: unknown
): CollisionGuard | undefined {
  if (guard === undefined && (table.size > GUARDED_SIZE || isLong(key))) return new CollisionGuard(table.keys())
  guard?.add(key)
  return guard
}

function isLong (key: unknown): key is string {
  return typeof key === 'string' && key.length > MAX_HASHED
}

/** V8's hash of a key if that depends on nothing else. */
function knownHashOf (key: unknown): number | undefined {
  if (isLong(key)) return key.length
  return typeof key === 'number' || typeof key === 'bigint' ? hashOf(key) : undefined
}

/** V8's hash of a number or bigint as a key of a `Map`. */
export function hashOf (key: number | bigint): number {
  if (typeof key === 'bigint') {
    const magnitude = key < 0n ? -key : key
    return hash64(Number(magnitude & 0xffffffffn), Number(magnitude >> 32n & 0xffffffffn))
  }
  if ((key | 0) === key) return hash32(key)
  float[0] = key
  return hash64(words[LOW], words[HIGH])
}

/** `ComputeUnseededHash` of V8's src/utils/utils.h. */
function hash32 (key: number): number {
  let hash = Math.imul(key, 0x7fff) - 1 | 0
  hash ^= hash >>> 12
  hash = Math.imul(hash, 5)
  hash ^= hash >>> 4
  hash = Math.imul(hash, 2057)
  return (hash ^ hash >>> 16) & HASH_MASK
}

/** `ComputeLongHash` of V8's src/utils/utils.h; numbers of 64 bits are pairs of words. */
function hash64 (low: number, high: number): number {
  let product = low * 0x3ffff - 1
  high = Math.imul(high, 0x3ffff) + Math.floor(product / 2 ** 32) >>> 0
  low = product >>> 0
  low = (low ^ (low >>> 31 | high << 1)) >>> 0
  high = (high ^ high >>> 31) >>> 0
  product = low * 21
  high = Math.imul(high, 21) + Math.floor(product / 2 ** 32) >>> 0
  low = product >>> 0
  low = (low ^ (low >>> 11 | high << 21)) >>> 0
  high = (high ^ high >>> 11) >>> 0
  product = low * 65
  high = Math.imul(high, 65) + Math.floor(product / 2 ** 32) >>> 0
  low = product >>> 0
  return (low ^ (low >>> 22 | high << 10)) & HASH_MASK
}
