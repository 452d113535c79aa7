import t from 'tap'
import { Seats } from '../../../src/cluster/room/seats.ts'
import { stopTime } from '../../helper/clock.ts'

t.test('a place is kept until the client comes, for five seconds at most', async t => {
  const clock = stopTime(t)
  const seats = new Seats()
  seats.reserve('a')
  clock.advance(3000)
  seats.reserve('a')
  seats.reserve('a')
  t.same([seats.count('a'), seats.count('b')], [3, 0])
  seats.take('a')
  seats.take('b')
  t.equal(seats.count('a'), 2)
  clock.advance(4999)
  t.equal(seats.count('a'), 2)
  clock.advance(1)
  t.equal(seats.count('a'), 0)
  seats.reserve('a')
  seats.take('a')
  t.equal(seats.count('a'), 0)
})
