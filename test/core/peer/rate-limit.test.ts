import t from 'tap'
import { RateLimit } from '../../../src/core/peer/rate-limit.ts'

t.test('a second\'s worth may come at once, then it waits', async t => {
  const rate = new RateLimit({ packets: 10, bytes: 0 }, 0)
  for (let i = 0; i < 10; i++) t.equal(rate.take(1000, 0), 0)
  t.equal(rate.take(1, 0), 100, 'the eleventh waits for a tenth of a second')
  t.equal(rate.hit, 'packet-rate')
  t.equal(rate.take(1, 100), 100)
  t.equal(rate.take(1, 5000), 0, 'after a pause a second\'s worth may come again')
})

t.test('bytes have a bucket of their own', async t => {
  const rate = new RateLimit({ packets: 0, bytes: 1000 }, 0)
  t.equal(rate.take(1000, 0), 0)
  t.equal(rate.take(500, 0), 500)
  t.equal(rate.hit, 'byte-rate')
})

t.test('a wait is worth it', async t => {
  const rate = new RateLimit({ packets: 100_000, bytes: 0 }, 0)
  for (let i = 0; i < 100_000; i++) rate.take(1, 0)
  t.equal(rate.take(1, 0), 50)
})

t.test('who keeps to the rates on the average never waits', async t => {
  const rate = new RateLimit({ packets: 60, bytes: 6000 }, 0)
  for (let now = 0; now < 60_000; now += 1000 / 60) t.equal(rate.take(100, now), 0)
})

t.test('who sends all that he can gets the rate and no more, and is a flood after 5 seconds', async t => {
  const rate = new RateLimit({ packets: 100, bytes: 0 }, 0)
  let now = 0
  let packets = 0
  while (!rate.isFlood) {
    now += rate.take(10, now)
    packets++
  }
  t.ok(now > 5000 && now < 5200, `${now} ms`)
  t.ok(packets > 500 && packets < 650, `${packets} packets`)
})

t.test('who is over the rates now and then is no flood', async t => {
  const rate = new RateLimit({ packets: 10, bytes: 0 }, 0)
  for (let now = 0; now < 60_000; now += 3000) {
    for (let i = 0; i < 12; i++) rate.take(1, now)
    t.notOk(rate.isFlood)
  }
})
