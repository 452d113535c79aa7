import t from 'tap'
import { RateLimit } from '../../../../src/core/peer/rate/rate-limit.ts'

t.test('allows the packets of one second at once, then delays', async t => {
  const rate = new RateLimit({ packets: 10, bytes: 0 }, 0)
  for (let i = 0; i < 10; i++) t.equal(rate.take(1000, 0), 0)
  t.equal(rate.take(1, 0), 100, 'the eleventh packet waits for 0.1 s')
  t.equal(rate.exceeded, 'packet-rate')
  t.equal(rate.take(1, 100), 100)
  t.equal(rate.take(1, 5000), 0, 'after a pause the packets of one second are allowed again')
})

t.test('limits bytes separately', async t => {
  const rate = new RateLimit({ packets: 0, bytes: 1000 }, 0)
  t.equal(rate.take(1000, 0), 0)
  t.equal(rate.take(500, 0), 500)
  t.equal(rate.exceeded, 'byte-rate')
})

t.test('after the delay the packet is allowed', async t => {
  const rate = new RateLimit({ packets: 100_000, bytes: 0 }, 0)
  for (let i = 0; i < 100_000; i++) rate.take(1, 0)
  t.equal(rate.take(1, 0), 50)
})

t.test('does not delay a sender whose average stays within the limits', async t => {
  const rate = new RateLimit({ packets: 60, bytes: 6000 }, 0)
  for (let now = 0; now < 60_000; now += 1000 / 60) t.equal(rate.take(100, now), 0)
})

t.test('a sender above the limit gets exactly the rate, and counts as a flood after 5 seconds', async t => {
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

t.test('a sender that is above the limit now and then does not count as a flood', async t => {
  const rate = new RateLimit({ packets: 10, bytes: 0 }, 0)
  for (let now = 0; now < 60_000; now += 3000) {
    for (let i = 0; i < 12; i++) rate.take(1, now)
    t.notOk(rate.isFlood)
  }
})
