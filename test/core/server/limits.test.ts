import t from 'tap'
import { LimitBook } from '../../../src/core/server/limits.ts'
import { silentLogger } from '../../../src/logger.ts'
import { stopTime } from '../../helper/clock.ts'

/** A book and what it logs. */
function openBook () {
  const lines: object[] = []
  const book = new LimitBook({ ...silentLogger, warn: details => { lines.push(details) } })
  return { book, lines }
}

t.test('every hit is counted, and a burst is logged once and summed up', async t => {
  const clock = stopTime(t)
  const { book, lines } = openBook()
  for (let i = 0; i < 1000; i++) book.hit('address-limit', { address: '192.0.2.7' })
  t.equal(book.counts['address-limit'], 1000)
  t.same(lines, [{ limit: 'address-limit', option: 'maxPeersPerAddress', address: '192.0.2.7' }])
  clock.advance(10_000)
  t.same(lines.slice(1), [{ limit: 'address-limit', option: 'maxPeersPerAddress', hits: 999, seconds: 10 }])
  clock.advance(10_000)
  t.equal(lines.length, 2, 'the burst is over')
  book.hit('address-limit', {})
  t.equal(lines.length, 3, 'and the next one is logged anew')
})

t.test('limits are told apart', async t => {
  stopTime(t)
  const { book, lines } = openBook()
  book.hit('server-full', {})
  book.hit('banned', {})
  t.equal(lines.length, 2)
  t.match(book.counts, { 'server-full': 1, banned: 1, 'silent-peer': 0 })
})
