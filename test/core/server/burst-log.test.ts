import t from 'tap'
import { BurstLog } from '../../../src/core/server/log/burst-log.ts'
import type { Repetition } from '../../../src/core/server/log/burst-log.ts'
import { silentLogger } from '../../helper/silent-logger.ts'
import { stopTime } from '../../helper/clock.ts'

/** A burst log and the records that it writes as warnings. */
function openLog () {
  const records: Array<[object, string]> = []
  const bursts = new BurstLog({ ...silentLogger, warn: (details, message) => { records.push([details, message]) } })
  return { bursts, records }
}

const limitHit: Repetition = { level: 'warn', key: { limit: 'address-limit' }, message: 'limit hit' }

t.test('logs the first event of a burst, then a summary every 10 seconds', async t => {
  const clock = stopTime(t)
  const { bursts, records } = openLog()
  for (let i = 0; i < 1000; i++) bursts.log(limitHit, { address: `192.0.2.${i}` })
  t.same(records, [[{ limit: 'address-limit', address: '192.0.2.0' }, 'limit hit']])
  clock.advance(10_000)
  t.same(records.slice(1), [[{ limit: 'address-limit', hits: 999, seconds: 10 }, 'limit hit repeatedly']])
  clock.advance(10_000)
  t.equal(records.length, 2, 'nothing happened since: the burst is over')
  bursts.log(limitHit)
  t.same(records.slice(2), [[{ limit: 'address-limit' }, 'limit hit']])
})

t.test('events with different keys or messages are different bursts', async t => {
  stopTime(t)
  const { bursts, records } = openLog()
  bursts.log(limitHit)
  bursts.log({ ...limitHit, key: { limit: 'banned' } })
  bursts.log({ ...limitHit, message: 'listener failed' })
  bursts.log(limitHit)
  t.equal(records.length, 3)
})
