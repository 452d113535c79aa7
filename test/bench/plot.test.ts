import t from 'tap'
import { plot } from '../../bench/report/plot.ts'

const series = [
  { name: 'a & b', points: [[1, 3], [10, 30], [100, 300]] as Array<[number, number]> },
  { name: 'c', points: [[1, 3], [10, 31], [100, 301]] as Array<[number, number]> },
  { name: 'not measured', points: [] }
]

t.test('both axes are logarithmic', async t => {
  const svg = plot({ title: '', x: '', y: '', series })
  const lines = [...svg.matchAll(/points="([^"]+)"/g)].map(([, points]) =>
    points.split(' ').map(point => point.split(',').map(Number)))
  t.equal(lines.length, 2, 'one line per series with points')
  const [[x1, y1], [x2, y2], [x3, y3]] = lines[0]
  t.ok(Math.abs((x1 + x3) / 2 - x2) < 0.2 && Math.abs((y1 + y3) / 2 - y2) < 0.2, 'equal factors have equal distances')
  t.ok(y3 < y2 && y2 < y1, 'larger values are higher')
})

t.test('labels are escaped and do not overlap', async t => {
  const svg = plot({ title: 'x < y', x: '', y: '', series })
  t.match(svg, />a &amp; b</)
  t.match(svg, />x &lt; y</)
  const [above, below] = [...svg.matchAll(/y="([\d.]+)" fill=/g)].map(([, y]) => Number(y)).sort((a, b) => a - b)
  t.ok(below - above >= 13)
})
