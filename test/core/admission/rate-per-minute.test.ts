import t from 'tap'
import { RatePerMinute } from '../../../src/core/admission/rate-per-minute.ts'
import { Random, seed } from '../../helper/random/random.ts'

t.test('counts events of the last minute by key', async t => {
  const rate = new RatePerMinute()
  for (const now of [0, 10_000, 20_000]) rate.add('a', now)
  rate.add('b', 30_000)
  t.same([59_999, 60_000, 70_000, 79_999, 80_000].map(now => rate.count('a', now)), [3, 2, 1, 1, 0])
  t.same([rate.count('b', 89_999), rate.count('b', 90_000), rate.count('c', 0)], [1, 0, 0])
})

t.test('forgets keys after a minute', async t => {
  const rate = new RatePerMinute()
  for (let i = 0; i < 1000; i++) rate.add(`key ${i}`, i)
  t.equal(rate.size, 1000)
  rate.add('a', 60_499)
  t.equal(rate.size, 501, 'keeps those of the last minute')
  rate.add('b', 200_000)
  t.equal(rate.size, 1)
})

t.test('takes the latest event back, and forgets keys without events', t => {
  const rate = new RatePerMinute()
  for (const now of [0, 10_000]) rate.add('a', now)
  rate.removeLatest('a')
  rate.removeLatest('b')
  t.same([59_999, 60_000].map(now => rate.count('a', now)), [1, 0])
  rate.add('b', 200_000)
  t.equal(rate.size, 1)
  t.end()
})

t.test('forgets events that nobody counts after a minute, too', async t => {
  const rate = new RatePerMinute()
  for (let now = 0; now < 6_000_000; now += 30_000) rate.add('a', now)
  t.equal(rate.count('a', 0), 2, 'those of the last minute')
})

t.test('agrees with a list of all times for random events', async t => {
  const rate = new RatePerMinute()
  const all: Array<[key: string, time: number]> = []
  const random = new Random(seed)
  let now = 0
  let differences = 0
  for (let i = 0; i < 2000; i++) {
    now += random.below(1000)
    const key = String(random.below(5))
    if (rate.count(key, now) !== all.filter(([one, time]) => one === key && time > now - 60_000).length) differences++
    rate.add(key, now)
    all.push([key, now])
  }
  t.equal(differences, 0, `seed ${seed}`)
})
