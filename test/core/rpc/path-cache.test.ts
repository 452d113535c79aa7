import t from 'tap'
import { PathCache } from '../../../src/core/rpc/wire/path-cache.ts'
import { idKey } from '../../../src/core/rpc/wire/id-key.ts'
import { CollisionGuard } from '../../../src/protocol/variant/collision-guard.ts'
import { collidingInts } from '../../helper/random/colliding-keys.ts'
import { Random, scaled, seed } from '../../helper/random/random.ts'

t.test('numbers paths of the server in the order of first use', async t => {
  const cache = new PathCache()
  t.equal(cache.own('Main').id, 1)
  t.equal(cache.own('Main/Pawn').id, 2)
  t.equal(cache.own('Main').id, 1)
})

t.test('a peer can only confirm paths that were announced to it', async t => {
  const cache = new PathCache()
  cache.own('Main').announcedTo.add(7)
  t.equal(cache.confirm(8, 'Main'), undefined, 'another peer')
  t.equal(cache.confirm(7, 'Pawn'), undefined, 'another path')
  t.equal(cache.own('Main').confirmed.has(7), false)
  t.equal(cache.confirm(7, 'Main'), cache.own('Main'))
  t.equal(cache.confirm(7, 1), cache.own('Main'), 'by id')
  t.equal(cache.own('Main').confirmed.has(7), true)
})

t.test('an id refers to the path that its sender announced last', async t => {
  const cache = new PathCache()
  cache.announce(7, 1, 'Main')
  cache.announce(8, 1, 'Pawn')
  t.equal(cache.resolve(7, 1), 'Main')
  t.equal(cache.resolve(8, 1), 'Pawn')
  t.equal(cache.resolve(7, 2), undefined)
  t.equal(cache.resolve(9, 1), undefined)
  cache.announce(7, 1, 'Main/Pawn')
  t.equal(cache.resolve(7, 1), 'Main/Pawn')
})

t.test('ids of a peer that collide in a hash table have keys that do not', async t => {
  const ids = collidingInts(500)
  t.equal(new CollisionGuard(ids).isFlooded, true)
  t.equal(new CollisionGuard(ids.map(idKey)).isFlooded, false)
  const edges = [0, 1, 2 ** 31 - 1, 2 ** 31, 2 ** 32 - 1]
  t.equal(new Set(edges.map(idKey)).size, edges.length, 'every id has a key of its own')
})

t.test('forgets everything about a peer that left, and nothing about others', async t => {
  const cache = new PathCache()
  for (const peer of [7, 8]) {
    cache.own('Main').announcedTo.add(peer)
    cache.confirm(peer, 'Main')
    cache.announce(peer, 1, 'Main')
  }
  cache.forgetPeer(7)
  t.same([...cache.own('Main').announcedTo], [8])
  t.same([...cache.own('Main').confirmed], [8])
  t.equal(cache.resolve(7, 1), undefined)
  t.equal(cache.resolve(8, 1), 'Main')
})

t.test('a freed path gets another id', async t => {
  const cache = new PathCache()
  cache.own('Main').announcedTo.add(7)
  cache.forgetPath('Main')
  t.equal(cache.confirm(7, 'Main'), undefined)
  t.equal(cache.own('Main').id, 2)
  t.equal(cache.own('Main').announcedTo.size, 0)
})

t.test('accepts one late confirmation of a freed node, by path or by id', async t => {
  const cache = new PathCache()
  cache.own('Main').announcedTo.add(7)
  cache.own('Main').announcedTo.add(8)
  cache.confirm(8, 'Main')
  cache.forgetPath('Main')
  t.equal(cache.confirmLate(8, 'Main'), undefined, 'had confirmed')
  t.equal(cache.confirmLate(9, 'Main'), undefined, 'was never announced')
  t.equal(cache.confirmLate(7, 'Main'), 'Main')
  for (const node of ['Main', 1]) t.equal(cache.confirmLate(7, node), undefined, 'only once')
  cache.own('Pawn').announcedTo.add(7)
  cache.forgetPath('Pawn')
  t.equal(cache.confirmLate(7, 2), 'Pawn', 'by id')
  cache.own('Gun').announcedTo.add(7)
  cache.forgetPath('Gun')
  cache.forgetPeer(7)
  t.equal(cache.confirmLate(7, 'Gun'), undefined, 'the peer has left')
})

t.test('confirmations that never arrive take bounded memory', async t => {
  const cache = new PathCache()
  for (let i = 0; i < 10_000; i++) {
    cache.own(`N${i}`).announcedTo.add(7)
    cache.forgetPath(`N${i}`)
  }
  let late = 0
  for (let i = 0; i < 10_000; i++) late += Number(cache.confirmLate(7, `N${i}`) !== undefined)
  t.ok(late > 1000 && late < 5000)
})

t.test('limits the paths of one peer in number and length', async t => {
  const cache = new PathCache()
  let count = 0
  while (cache.announce(7, count, `N${count}`) && count < 1e6) count++
  t.ok(count > 3000, 'a game with many nodes is within the limit')
  t.ok(count < 10000)
  t.equal(cache.announce(7, 0, 'N0'), true, 'announcing an id again costs nothing')
  t.equal(cache.announce(7, 0, 'Main/Pawn'.repeat(20)), false)
  t.equal(cache.resolve(7, 0), 'N0', 'a refused announcement changes nothing')
  t.equal(cache.announce(8, 1, 'x'.repeat(300000)), false)
  t.equal(cache.announce(8, 1, 'Main'), true, 'the limit applies to each peer')
})

t.test('accepts late confirmations of every id that a freed path had', async t => {
  const cache = new PathCache()
  const main = cache.own('Main')
  main.announcedTo.add(7)
  const [first, second] = [cache.renew(7, main), cache.renew(7, main)]
  t.equal(cache.confirm(7, second), main)
  t.equal(cache.confirmedId(7, 'Main'), second)
  cache.forgetPath('Main')
  t.equal(cache.confirm(7, first), undefined)
  t.equal(cache.confirmLate(7, second), undefined, 'had been confirmed')
  t.equal(cache.confirmLate(7, first), 'Main')
  t.equal(cache.confirmLate(7, first), undefined, 'only once')
})

t.test('what a peer knows of the paths is restored, with the ids that they have got for it since', t => {
  const cache = new PathCache()
  const [main, pawn, freed] = ['Main', 'Pawn', 'Freed'].map(path => cache.own(path))
  for (const own of [main, pawn, freed]) own.announcedTo.add(7)
  cache.confirm(7, main.id)
  const [first, second] = [cache.renew(7, pawn), cache.renew(7, pawn)]
  cache.confirm(7, first)
  const restore = cache.remember(7)
  cache.forgetPeer(7)
  cache.forgetPath('Freed')
  t.same(['Main', 'Pawn'].map(path => cache.confirmedId(7, path)), [undefined, undefined])
  t.equal(cache.confirm(7, second), undefined)
  restore()
  t.same(['Main', 'Pawn'].map(path => cache.confirmedId(7, path)), [main.id, first])
  t.equal(cache.confirm(7, second), pawn)
  t.equal(cache.confirmLate(7, freed.id), 'Freed', 'its path was freed meanwhile')
  t.end()
})

/** Four paths of this length are all that a peer may announce. */
const LONG = 65000
const long = (name: string): string => name.padEnd(LONG, '_')

t.test('previous ids of a path are kept until their peer needs the space', async t => {
  const cache = new PathCache()
  for (let id = 1; id <= 100; id++) t.ok(cache.announce(7, id, long('Main')))
  t.same(cache.announcementsOf(7).map(({ id }) => id), [97, 98, 99, 100])
  for (let id = 101; id <= 103; id++) t.ok(cache.announce(7, id, long(`N${id}`)))
  t.notOk(cache.announce(7, 104, long('N104')))
  t.ok(cache.announce(7, 105, long('Main')), 'in place of the former id')
  t.same(cache.announcementsOf(7).map(({ id }) => id), [101, 102, 103, 105])
  t.ok(cache.announce(7, 101, long('Main')), 'in place of another path')
  t.same(cache.announcementsOf(7).map(({ id }) => id), [102, 103, 105, 101])
})

t.test('ids of what a spawned node consists of are forgotten with it', async t => {
  const cache = new PathCache()
  for (let id = 1; id <= 100; id++) {
    const spawned = `P${id}`
    t.ok(cache.announce(7, 2 * id, long(`${spawned}/Input`), { spawned }))
    t.ok(cache.announce(7, 2 * id + 1, long(spawned), { spawned }))
    t.ok(cache.announce(8, id, 'Main', { spawned: 'Other' }))
    cache.gone(spawned)
    t.same([2 * id, 2 * id + 1].map(id => cache.resolve(7, id)), [undefined, undefined])
    t.equal(cache.resolve(8, id), 'Main')
  }
})

t.test('ids of freed nodes are kept until their peer needs the space, the last used ones longest', async t => {
  const cache = new PathCache()
  for (let id = 1; id <= 4; id++) t.ok(cache.announce(7, id, long(`N${id}`)))
  t.notOk(cache.announce(7, 5, long('N5')))
  for (let id = 1; id <= 3; id++) cache.forgetPath(long(`N${id}`))
  t.equal(cache.resolve(7, 1), long('N1'), 'the peer may have the node still')
  t.notOk(cache.announce(7, 5, 'N'.repeat(4 * LONG)), 'larger than what is kept of freed nodes')
  t.same([1, 2, 3, 4].map(id => cache.resolve(7, id)?.slice(0, 2)), ['N1', 'N2', 'N3', 'N4'])
  cache.resolve(7, 2)
  t.ok(cache.announce(7, 5, long('N5')))
  t.same([1, 2, 3, 4, 5].map(id => cache.resolve(7, id)?.slice(0, 2)), [undefined, 'N2', 'N3', 'N4', 'N5'])
})

t.test('never keeps more than a peer may announce', async t => {
  const random = new Random(seed)
  const cache = new PathCache()
  let staleIds = 0
  const paths = Array.from({ length: 40 }, (_, at) => 'N'.repeat(random.below(20000)) + at)
  for (let i = 0; i < scaled(3000); i++) {
    const path = random.pick(paths)
    const spawned = random.pick([undefined, ...paths])
    const before = cache.announcementsOf(7)
    const id = random.below(60)
    if (!cache.announce(7, id, path, { spawned })) t.strictSame(cache.announcementsOf(7), before, `seed ${seed}`)
    else if (cache.resolve(7, id) !== path) t.fail(`seed ${seed}`)
    if (random.oneIn(20)) cache.forgetPath(random.pick(paths))
    if (random.oneIn(20)) cache.gone(random.pick(paths))
    const kept = cache.announcementsOf(7)
    if (kept.reduce((sum, { path }) => sum + path.length + 64, 0) > 262144) t.fail(`seed ${seed}`)
    if (new Set(kept.map(({ path }) => path)).size < kept.length) staleIds++
  }
  t.ok(staleIds > 100)
})
