import t from 'tap'
import type { Figures } from '../../bench/load/job.ts'
import { peers } from '../../bench/peers.ts'
import { scenarioReport, summary } from '../../bench/report/report.ts'
import { scenarios } from '../../bench/scenarios.ts'

const defaults: Figures = {
  perSecond: 1000, p50: 10, p99: 20, serverCpu: 1, generatorCpu: 0.5, cpuEach: 4, memoryEach: 10, faults: 0
}

type PartialFigures = Partial<Figures> | undefined

/** The outcome of a scenario with these figures of `ws` and `us` per round. */
function outcome (scenario: string, ws: PartialFigures[], us: PartialFigures[]) {
  const filled = (rounds: PartialFigures[]) => rounds.map(figures => figures && { ...defaults, ...figures })
  return {
    scenario: scenarios.find(({ name }) => name === scenario)!,
    rounds: new Map([['ws', filled(ws)], ['us', filled(us)]])
  }
}

function lastRow (text: string): string[] {
  return text.split('\n').at(-1)!.split(' | ')
}

t.test('ratios are calculated within rounds and shown as median, minimum and maximum', async t => {
  const ours = { perSecond: 2000 }
  const found = outcome('echo-64', [{ perSecond: 1000 }, { perSecond: 500 }, { perSecond: 800 }], [ours, ours, ours])
  const [, perSecond, ratio] = lastRow(scenarioReport(found, peers))
  t.same([perSecond, ratio], ['2,000', '2.50 (2.00..4.00)'])
})

t.test('a round with a failed measurement has no ratio', async t => {
  const found = outcome('echo-64', [undefined, { perSecond: 1000 }], [{ perSecond: 9000 }, { perSecond: 2000 }])
  t.equal(lastRow(scenarioReport(found, peers))[2], '2.00 (2.00..2.00)')
})

t.test('figures are lower bounds if the generator is saturated', async t => {
  const found = outcome('echo-64', [{}], [{ perSecond: 3000, generatorCpu: 0.98 }])
  const row = lastRow(scenarioReport(found, peers))
  t.same([row[1], row[2], row.at(-1)], ['≥ 3,000', '≥ 3.00 (3.00..3.00)', '0.98, saturated |'])
  t.equal(lastRow(summary([found], peers))[2], '≥ 3.00 |')
})

t.test('compares memory at the peak', async t => {
  const found = outcome('peak-16m', [{ peakMib: 450 }], [{ peakMib: 300 }])
  const [, peak, ratio] = lastRow(scenarioReport(found, peers))
  t.same([peak, ratio], ['300 (300..300)', '1.50 (1.50..1.50)'])
  t.match(summary([found], peers), /`peak-16m`, peak \| 1\.00 \| 1\.50 \|/)
})

t.test('compares CPU time at a fixed rate, and memory for idle peers', async t => {
  const paced = outcome('rate', [{ cpuEach: 6 }], [{ cpuEach: 2, generatorCpu: 1 }])
  const idle = outcome('idle', [{ memoryEach: 10 }], [{ memoryEach: 5 }])
  t.match(summary([paced, idle], peers), /`rate`.* \| 3\.00 \|\n.*`idle`.* \| 2\.00 \|/)
})
