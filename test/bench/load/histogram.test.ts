import t from 'tap'
import { Histogram } from '../../../bench/load/histogram.ts'

t.test('percentiles are right to three percent, over all octaves', async t => {
  for (const octave of [1, 100, 10_000, 1_000_000]) {
    const histogram = new Histogram()
    for (let i = 1; i <= 100; i++) histogram.add(i * octave, 1)
    for (const share of [0.25, 0.5, 0.99]) {
      const exact = (share * 100 + 1) * octave
      t.ok(
        Math.abs(histogram.percentile(share) / exact - 1) <= 1 / 32,
        `${share} of ${octave}: ${histogram.percentile(share)}`
      )
    }
  }
})

t.test('counts weigh, and clearing forgets', async t => {
  const histogram = new Histogram()
  histogram.add(10, 1)
  histogram.add(20, 99)
  t.equal(histogram.percentile(0.5), 20)
  histogram.clear()
  t.ok(Number.isNaN(histogram.percentile(0.5)))
})
