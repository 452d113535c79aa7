import t from 'tap'
import { PathCache } from '../../../src/core/rpc/wire/path-cache.ts'

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
  while (cache.announce(7, count, 'Main') && count < 1e6) count++
  t.ok(count > 3000, 'a game with many nodes is within the limit')
  t.ok(count < 10000)
  t.equal(cache.announce(7, 0, 'Main'), true, 'announcing an id again costs nothing')
  t.equal(cache.announce(7, 0, 'Main/Pawn'), false)
  t.equal(cache.resolve(7, 0), 'Main', 'a refused announcement changes nothing')
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
