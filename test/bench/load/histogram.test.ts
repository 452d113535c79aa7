import t from 'tap'
import { Histogram } from '../../../bench/load/histogram.ts'

t.test('percentiles have an error of at most three percent in all octaves', async t => {
  for (const octave of [1, 100, 10_000, 1_000_000]) {
    const histogram = new Histogram()
    for (let i = 1; i <= 100; i++) histogram.add(i * octave, 1)
    for (const share of [0.25, 0.5, 0.99]) {
      const exact = (share * 100 + 1) * octave
      const found = histogram.percentile(share)
      t.ok(Math.abs(found / exact - 1) <= 1 / 32, `${share} of ${octave}: ${found}`)
    }
  }
})

t.test('percentiles are weighted by count; clear() removes all values', async t => {
  const histogram = new Histogram()
  histogram.add(10, 1)
  histogram.add(20, 99)
  t.equal(histogram.percentile(0.5), 20)
  histogram.clear()
  t.ok(Number.isNaN(histogram.percentile(0.5)))
})
