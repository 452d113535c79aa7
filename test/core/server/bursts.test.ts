import t from 'tap'
import { Bursts } from '../../../src/core/server/log/bursts.ts'
import { stopTime } from '../../helper/clock.ts'

t.test('reports the first event of a burst at once, then how many there were in each interval', async t => {
  const clock = stopTime(t)
  const reports: unknown[][] = []
  const bursts = new Bursts<string>(1, (...report) => { reports.push(report) })
  for (const event of ['first', 'second', 'third']) bursts.add('a', event)
  bursts.add('b', 'other')
  t.same(reports.splice(0), [['first', 1], ['other', 1]])
  clock.advance(999)
  t.same(reports, [])
  clock.advance(1)
  t.same(reports.splice(0), [['third', 2, 1]], 'with the latest event')
  bursts.add('a', 'fourth')
  bursts.add('b', 'another')
  t.same(reports.splice(0), [['another', 1]], 'the burst of b was over')
  clock.advance(1000)
  t.same(reports.splice(0), [['fourth', 1, 1]])
  clock.advance(1000)
  t.same(reports, [])
  bursts.add('a', 'fifth')
  t.same(reports, [['fifth', 1]], 'the burst of a was over')
})

t.test('an event during the report of a burst counts', async t => {
  const clock = stopTime(t)
  const counts: number[] = []
  const bursts = new Bursts<number>(1, (repetitions, count) => {
    counts.push(count)
    if (repetitions > 0) bursts.add('a', repetitions - 1)
  })
  bursts.add('a', 2)
  t.same(counts, [1])
  clock.advance(1000)
  clock.advance(1000)
  clock.advance(1000)
  t.same(counts, [1, 1, 1])
})
