/**
 * What a cluster costs: one to three nodes of this server on NATS, and of Socket.IO on Redis, in rooms of 32 that span
 * all nodes or are on one node each; prints tables.
 *
 *   npm run compile && node dist/bench/cluster.js [--quick] [--only busy,rate] [--systems us,redis]
 *     [--nodes 1,2,3] [--rounds 3] [--secs 1] [--write]
 */
import { parseArgs } from 'node:util'
import { layouts, loads, systems } from './cluster/cases.ts'
import type { ClusterCase, Load } from './cluster/cases.ts'
import { measureCluster } from './cluster/measure.ts'
import { writeSection } from './report/document.ts'
import { installPackages } from './processes/install.ts'
import type { Figures } from './load/job.ts'
import { describeMachine } from './report/machine.ts'
import { versionOf } from './processes/pin-to-core.ts'
import { attempt, ratios, takeTurns, values } from './processes/rounds.ts'
import type { Rounds } from './processes/rounds.ts'
import { spread, table } from './report/table.ts'

const { values: settings } = parseArgs({
  options: {
    quick: { type: 'boolean', default: false },
    only: { type: 'string', default: loads.map(({ name }) => name).join() },
    systems: { type: 'string', default: systems.map(({ name }) => name).join() },
    nodes: { type: 'string' },
    rounds: { type: 'string' },
    secs: { type: 'string' },
    write: { type: 'boolean', default: false }
  }
})
const preset = settings.quick ? { nodes: '3', rounds: '1', secs: '0.4' } : { nodes: '1,2,3', rounds: '3', secs: '1' }
const { nodes, rounds, secs } = { ...preset, ...definedIn({ ...settings }) }
const timing = { warm: settings.quick ? 0.2 : 2, seconds: Number(secs) }
const counts = nodes.split(',').map(Number)
const chosen = systems.filter(({ name }) => settings.systems.split(',').includes(name))

if (chosen.some(({ peer }) => peer.isOptional)) installPackages()
const machine = describeMachine(chosen.map(({ peer }) => peer).filter(({ isOptional }) => isOptional)) +
  `\n- Brokers: ${['nats-server', 'redis-server'].map(brokerVersion).join(', ')}`
console.log(machine)
for (const load of loads.filter(({ name }) => settings.only.split(',').includes(name))) {
  const text = await run(load)
  console.log(`\n${text}`)
  if (settings.write) writeSection(`cluster-${load.name}`, `${machine}\n\n${text}`)
}

/** Measures a load and returns its table. */
async function run (load: Load): Promise<string> {
  const cases = counts.flatMap(count => layouts.filter(({ nodes }) => count >= nodes).flatMap(layout => chosen
    .filter(({ only }) => only === undefined || only.includes(load.name))
    .map(system => ({ name: `${system.name} ${layout.name} ${count}`, system, layout, count, load }))))
  const figures = await takeTurns(cases, Number(rounds), async row => await attempt(
    `${load.name}, ${row.name}`, async () => await measureCluster(row, timing)
  ))
  const head = [
    load.title, 'nodes', 'system', 'deliveries per CPU second', 'vs Socket.IO, Redis', 'deliveries/s',
    'CPU µs', 'broker CPU µs', 'broker B', 'p50 ms', 'p99 ms'
  ]
  return table(head, cases.map(row =>
    [row.layout.title, String(row.count), row.system.peer.title, ...cells(figures, row)]))
}

/** Figures are of one delivery. */
function cells (all: Rounds, { name, layout, count }: ClusterCase): string[] {
  const value = (read: (figures: Figures) => number): string => spread(values(all, name, read))
  const perCpuSecond = ({ cpuEach, brokerCpuEach = 0 }: Figures): number => 1e6 / (cpuEach + brokerCpuEach)
  return [
    value(perCpuSecond),
    spread(ratios(all, name, `redis ${layout.name} ${count}`, perCpuSecond)),
    value(({ perSecond }) => perSecond),
    value(({ cpuEach }) => cpuEach),
    value(({ brokerCpuEach = NaN }) => brokerCpuEach),
    value(({ brokerBytesEach = NaN }) => brokerBytesEach),
    value(({ p50 }) => p50 / 1000),
    value(({ p99 }) => p99 / 1000)
  ]
}

/** Name and version of a program. */
function brokerVersion (name: string): string {
  return `${name} ${/\d+\.[\d.]+/.exec(versionOf(name) ?? '')?.[0] ?? '(not found)'}`
}

function definedIn<Values extends object> (values: Values): Partial<Values> {
  return Object.fromEntries(Object.entries(values).filter(([, value]) => value !== undefined)) as Partial<Values>
}
