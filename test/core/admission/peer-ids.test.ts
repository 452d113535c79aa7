import t from 'tap'
import { PeerIds } from '../../../src/core/admission/peer-ids.ts'

t.test('draws again while an id is in use or was freed recently', async t => {
  const draws = [5, 5, 6, 5, 6, 7, 5]
  const ids = new PeerIds(() => draws.shift()!)
  t.equal(ids.take(), 5)
  t.equal(ids.take(), 6)
  ids.release(5)
  t.equal(ids.take(), 7)
})

t.test('an id can be reused once enough other peers have left', async t => {
  let draw = 2
  const ids = new PeerIds(() => draw++)
  ids.take()
  ids.release(2)
  for (let i = 0; i < 4096; i++) ids.release(ids.take())
  draw = 2
  t.equal(ids.take(), 2)
})

t.test('ids have 31 bits, are unique, and are never 0 or 1', async t => {
  const ids = new PeerIds()
  const seen = new Set<number>()
  for (let i = 0; i < 100_000; i++) seen.add(ids.take())
  t.equal(seen.size, 100_000)
  t.ok([...seen].every(id => Number.isInteger(id) && id >= 2 && id <= 2147483647))
  t.ok(Math.max(...[...seen].slice(0, 1000)) > 2 ** 30, 'the whole range is used')
})
