import t from 'tap'
import {
  areColliding, CollisionGuard, guardOf, hashOf, MAX_CHAIN
} from '../../../src/protocol/variant/collision-guard.ts'
import { collidingBigInts, collidingFloats, collidingInts } from '../../helper/random/colliding-keys.ts'

const COUNT = 6000

/** Milliseconds of processor time to fill a Map. */
function fill (keys: readonly unknown[]): number {
  const start = process.cpuUsage()
  const map = new Map(keys.map(key => [key, null]))
  const { user, system } = process.cpuUsage(start)
  if (map.size !== keys.length) throw new Error('a key came twice')
  return (user + system) / 1000
}

const floods: Array<[name: string, keys: ReadonlyArray<number | bigint>, honest: (index: number) => number | bigint]> =
  [
    ['int', collidingInts(COUNT), i => i * 37],
    ['bigint', collidingBigInts(COUNT), i => 2n ** 60n + BigInt(i * 37)],
    ['float', collidingFloats(COUNT), i => i * 37 + 0.5]
  ]

t.test('the hash is that of this V8: colliding keys make a Map slow', async t => {
  for (const [name, keys, honest] of floods) {
    t.ok(keys.every(key => (hashOf(key) & 0x7fff) === 7), `${name}: one bucket`)
    t.ok(fill(keys) > 4 * fill(keys.map((_, i) => honest(i))), `${name}: slower than honest keys`)
  }
})

t.test('detects colliding keys once a chain is too long', async t => {
  for (const [name, keys] of floods) {
    t.notOk(new CollisionGuard(keys.slice(0, MAX_CHAIN)).isFlooded, name)
    t.ok(new CollisionGuard(keys.slice(0, MAX_CHAIN + 1)).isFlooded, name)
  }
})

/** Texts of this length that differ at their end. */
const texts = (count: number, length: number): string[] =>
  Array.from({ length: count }, (_, i) => Buffer.from(String(i).padStart(length, 'a')).toString('latin1'))

t.test('long texts are hashed by their length: they make a Map slow from 16,384 characters on', async t => {
  t.ok(fill(texts(400, 16384)) > 4 * fill(texts(400, 16383)))
  t.ok(new CollisionGuard(texts(MAX_CHAIN + 1, 16384)).isFlooded)
  t.notOk(new CollisionGuard(texts(MAX_CHAIN, 16384)).isFlooded)
  t.notOk(new CollisionGuard(texts(2000, 16383)).isFlooded)
  t.notOk(new CollisionGuard(texts(1000, 16384).map((text, at) => text.padEnd(16384 + at, 'b'))).isFlooded)
})

t.test('small tables are watched only for long texts', async t => {
  const [long, short] = [texts(MAX_CHAIN + 1, 16384), collidingInts(MAX_CHAIN + 1)]
  t.same([long, short].map(areColliding), [true, false])
  const table = new Map<unknown, null>()
  let guard: CollisionGuard | undefined
  for (const [at, key] of [...short, ...long].entries()) {
    guard = guardOf(table.set(key, null), guard, key)
    t.equal(guard === undefined, at < short.length)
  }
  t.equal(guard?.isFlooded, true)
})

t.test('is never triggered by keys of real games', async t => {
  const patterns: Array<(i: number) => unknown> = [
    i => i, i => -i, i =>
      i * 1000, i => i * 1024, i => i * 65536, i => (i & 1023) << 21 | i >> 10, i => i * 0.1, i => i + 0.5, i => i / 7,
    i =>
      2 ** 40 + i, i => i * 2 ** 33, i => BigInt(i), i => 76561197960265728n + BigInt(i) * 13n, i => BigInt(i) << 40n,
    i => `key${i}`, i => ({ i }), i => 1e18 + i * 1e6, i => Date.UTC(2026, 0) + i * 16.6
  ]
  for (const [index, pattern] of patterns.entries()) {
    t.notOk(new CollisionGuard(Array.from({ length: 100_000 }, (_, i) => pattern(i))).isFlooded, `pattern ${index}`)
  }
})
