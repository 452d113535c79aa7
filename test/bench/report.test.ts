import t from 'tap'
import type { Figures } from '../../bench/load/job.ts'
import { peers } from '../../bench/peers.ts'
import { scenarioReport, summary } from '../../bench/report.ts'
import { scenarios } from '../../bench/scenarios.ts'

const usual: Figures = { perSecond: 1000, p50: 10, p99: 20, serverCpu: 1, generatorCpu: 0.5, cpuEach: 4, memoryEach: 10, faults: 0 }

/** What a scenario gives when each of `ws` and `us` was measured so, round by round. */
function outcome (scenario: string, ws: Array<Partial<Figures> | undefined>, us: Array<Partial<Figures> | undefined>) {
  const filled = (rounds: Array<Partial<Figures> | undefined>) => rounds.map(figures => figures && { ...usual, ...figures })
  return { scenario: scenarios.find(({ name }) => name === scenario)!, rounds: new Map([['ws', filled(ws)], ['us', filled(us)]]) }
}

function lastRow (text: string): string[] {
  return text.split('\n').at(-1)!.split(' | ')
}

t.test('ratios are taken inside rounds, and their median is shown with the outermost', async t => {
  const found = outcome('echo-64', [{ perSecond: 1000 }, { perSecond: 500 }, { perSecond: 800 }], [{ perSecond: 2000 }, { perSecond: 2000 }, { perSecond: 2000 }])
  const [, perSecond, ratio] = lastRow(scenarioReport(found, peers))
  t.same([perSecond, ratio], ['2,000', '2.50 (2.00..4.00)'])
})

t.test('a round in which one failed has no ratio', async t => {
  const found = outcome('echo-64', [undefined, { perSecond: 1000 }], [{ perSecond: 9000 }, { perSecond: 2000 }])
  t.equal(lastRow(scenarioReport(found, peers))[2], '2.00 (2.00..2.00)')
})

t.test('where the generator was the limit, figures are at least', async t => {
  const found = outcome('echo-64', [{}], [{ perSecond: 3000, generatorCpu: 0.98 }])
  const row = lastRow(scenarioReport(found, peers))
  t.same([row[1], row[2], row.at(-1)], ['≥ 3,000', '≥ 3.00 (3.00..3.00)', '0.98, the limit |'])
  t.equal(lastRow(summary([found], peers))[2], '≥ 3.00 |')
})

t.test('at a fixed rate it is CPU time that counts, of idle peers it is memory', async t => {
  const paced = outcome('rate', [{ cpuEach: 6 }], [{ cpuEach: 2, generatorCpu: 1 }])
  const idle = outcome('idle', [{ memoryEach: 10 }], [{ memoryEach: 5 }])
  t.match(summary([paced, idle], peers), /`rate`.* \| 3\.00 \|\n.*`idle`.* \| 2\.00 \|/)
})
