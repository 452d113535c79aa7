import type { Figures } from '../load/job.ts'
import { BASE } from '../peers.ts'
import type { Peer } from '../peers.ts'
import { comparisons, values } from '../processes/rounds.ts'
import type { Rounds } from '../processes/rounds.ts'
import type { Scenario, Subject } from '../scenarios.ts'
import { spreadOf } from './spread.ts'
import { figure, spread, table } from './table.ts'

/** A scenario and its figures. */
export interface Outcome { readonly scenario: Scenario, readonly rounds: Rounds }

/** Share of a core from which the generator is the bottleneck: the server could do more. */
const SATURATED = 0.95

/** How many times better than the base a peer is, per subject. */
const advantage: Record<Subject, (own: Figures, base: Figures) => number> = {
  throughput: (own, base) => own.perSecond / base.perSecond,
  cpu: (own, base) => base.cpuEach / own.cpuEach,
  memory: (own, base) => base.memoryEach! / own.memoryEach!,
  peak: (own, base) => base.peakMib! / own.peakMib!
}

/** A column of a scenario's table. */
interface Column { readonly head: string, readonly cell: (outcome: Outcome, peer: string) => string }

const columns = {
  perSecond: {
    head: '/s',
    cell: (outcome, peer) => atLeast(outcome, peer) + figure(median(outcome, peer, ({ perSecond }) => perSecond))
  },
  ratio: {
    head: `vs ${BASE}`,
    cell: (outcome, peer) => atLeast(outcome, peer) + spread(ratios(outcome, peer, 'throughput'))
  },
  p50: { head: 'p50 µs', cell: (outcome, peer) => figure(median(outcome, peer, ({ p50 }) => p50)) },
  p99: { head: 'p99 µs', cell: (outcome, peer) => figure(median(outcome, peer, ({ p99 }) => p99)) },
  cpu: { head: 'CPU µs', cell: (outcome, peer) => figure(median(outcome, peer, ({ cpuEach }) => cpuEach)) },
  cpuRatio: { head: `CPU advantage over ${BASE}`, cell: (outcome, peer) => spread(ratios(outcome, peer, 'cpu')) },
  server: {
    head: 'server CPU',
    cell: (outcome, peer) => figure(median(outcome, peer, ({ serverCpu }) => serverCpu))
  },
  generator: { head: 'generator CPU', cell: generatorCell },
  memory: {
    head: 'KiB per peer',
    cell: (outcome, peer) => spread(values(outcome.rounds, peer, ({ memoryEach }) => memoryEach!))
  },
  memoryRatio: {
    head: `memory advantage over ${BASE}`, cell: (outcome, peer) => spread(ratios(outcome, peer, 'memory'))
  },
  peak: { head: 'peak MiB', cell: (outcome, peer) => spread(values(outcome.rounds, peer, ({ peakMib }) => peakMib!)) },
  peakRatio: {
    head: `memory advantage over ${BASE}`, cell: (outcome, peer) => spread(ratios(outcome, peer, 'peak'))
  }
} satisfies Record<string, Column>

/** Columns of the table per subject. */
const layouts: Record<Subject, Column[]> = {
  throughput: [
    columns.perSecond, columns.ratio, columns.p50, columns.p99,
    columns.cpu, columns.cpuRatio, columns.server, columns.generator
  ],
  cpu: [
    columns.perSecond, columns.cpu, columns.cpuRatio, columns.p50, columns.p99, columns.server, columns.generator
  ],
  memory: [columns.memory, columns.memoryRatio, columns.perSecond, columns.cpu, columns.generator],
  peak: [columns.peak, columns.peakRatio, columns.perSecond, columns.cpu, columns.cpuRatio, columns.generator]
}

/** Table of one scenario: a row per peer, with medians, and ratios with their spread. */
export function scenarioReport (outcome: Outcome, peers: readonly Peer[]): string {
  const { name, title, subject, counted } = outcome.scenario
  const layout = layouts[subject]
  const head = ['server', ...layout.map(column => column === columns.perSecond ? `${counted}/s` : column.head)]
  const rows = present(outcome, peers).map(peer => [peer.title, ...layout.map(({ cell }) => cell(outcome, peer.name))])
  return `### \`${name}\`: ${title}\n\n${table(head, rows)}`
}

/** Table of all scenarios: how many times better than the base each peer is. */
export function summary (outcomes: readonly Outcome[], peers: readonly Peer[]): string {
  const shown = peers.filter(peer => outcomes.some(({ rounds }) => rounds.has(peer.name)))
  const rows = outcomes.map(outcome => [
    `\`${outcome.scenario.name}\`, ${outcome.scenario.subject}`,
    ...shown.map(({ name }) => outcome.scenario.subject === 'throughput'
      ? atLeast(outcome, name) + figure(spreadOf(ratios(outcome, name, 'throughput'))?.median)
      : figure(spreadOf(ratios(outcome, name, outcome.scenario.subject))?.median))
  ])
  return table([`times better than ${BASE}`, ...shown.map(({ title }) => title)], rows)
}

function present ({ rounds }: Outcome, peers: readonly Peer[]): Peer[] {
  return peers.filter(({ name }) => rounds.get(name)?.some(figures => figures !== undefined))
}

function median (outcome: Outcome, peer: string, read: (figures: Figures) => number): number | undefined {
  return spreadOf(values(outcome.rounds, peer, read))?.median
}

function ratios ({ rounds }: Outcome, peer: string, subject: Subject): number[] {
  return comparisons(rounds, peer, BASE, advantage[subject])
}

function isPaced ({ scenario }: Outcome): boolean {
  return scenario.load.rate !== undefined
}

function isGeneratorSaturated (outcome: Outcome, peer: string): boolean {
  return !isPaced(outcome) && median(outcome, peer, ({ generatorCpu }) => generatorCpu)! >= SATURATED
}

function atLeast (outcome: Outcome, peer: string): string {
  return isGeneratorSaturated(outcome, peer) ? '≥ ' : ''
}

/** A paced generator polls the clock, so its CPU usage is not meaningful. */
function generatorCell (outcome: Outcome, peer: string): string {
  if (isPaced(outcome)) return 'paced'
  const share = figure(median(outcome, peer, ({ generatorCpu }) => generatorCpu))
  return isGeneratorSaturated(outcome, peer) ? `${share}, saturated` : share
}
