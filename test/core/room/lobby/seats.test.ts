import t from 'tap'
import { Seats } from '../../../../src/core/room/lobby/seats.ts'
import { stopTime } from '../../../helper/clock.ts'

t.test('a place is kept until the client comes, for five seconds at most', async t => {
  const clock = stopTime(t)
  const seats = new Seats(5000)
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

t.test('nothing is kept of rooms that nobody asks for any more', async t => {
  const clock = stopTime(t)
  const seats = new Seats(5000)
  for (let room = 0; room < 100; room++) seats.reserve(`${room}`)
  seats.take('7')
  t.equal(seats.size, 99)
  clock.advance(4000)
  seats.reserve('0')
  clock.advance(1000)
  seats.reserve('a')
  t.equal(seats.size, 2)
  t.same(['0', '1', 'a'].map(room => seats.count(room)), [1, 0, 1])
  seats.forget('a')
  t.equal(seats.count('a'), 0)
})
