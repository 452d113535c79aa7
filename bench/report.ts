import type { Figures } from './load/job.ts'
import { BASE } from './peers.ts'
import type { Peer } from './peers.ts'
import type { Rounds } from './rounds.ts'
import type { Scenario, Subject } from './scenarios.ts'
import { spreadOf } from './spread.ts'
import type { Spread } from './spread.ts'
import { figure, table } from './table.ts'

/** A scenario and what its rounds gave. */
export interface Outcome { readonly scenario: Scenario, readonly rounds: Rounds }

/** From this share of a core on, the generator was the limit: the server could do more. */
const LIMIT = 0.95

/** How many times better than the base a peer was, per subject. */
const better: Record<Subject, (own: Figures, base: Figures) => number> = {
  throughput: (own, base) => own.perSecond / base.perSecond,
  cpu: (own, base) => base.cpuEach / own.cpuEach,
  memory: (own, base) => base.memoryEach! / own.memoryEach!
}

/** A column of a scenario's table. */
interface Column { readonly head: string, readonly cell: (outcome: Outcome, peer: string) => string }

const columns = {
  perSecond: { head: '/s', cell: (outcome, peer) => atLeast(outcome, peer) + figure(middle(outcome, peer, ({ perSecond }) => perSecond)) },
  ratio: { head: `times ${BASE}`, cell: (outcome, peer) => atLeast(outcome, peer) + spread(ratios(outcome, peer, 'throughput')) },
  p50: { head: 'p50 µs', cell: (outcome, peer) => figure(middle(outcome, peer, ({ p50 }) => p50)) },
  p99: { head: 'p99 µs', cell: (outcome, peer) => figure(middle(outcome, peer, ({ p99 }) => p99)) },
  cpu: { head: 'CPU µs each', cell: (outcome, peer) => figure(middle(outcome, peer, ({ cpuEach }) => cpuEach)) },
  cpuRatio: { head: `less CPU than ${BASE}, times`, cell: (outcome, peer) => spread(ratios(outcome, peer, 'cpu')) },
  server: { head: 'server', cell: (outcome, peer) => figure(middle(outcome, peer, ({ serverCpu }) => serverCpu)) },
  generator: { head: 'generator', cell: generatorCell },
  memory: { head: 'KiB a peer', cell: (outcome, peer) => spread(values(outcome, peer, ({ memoryEach }) => memoryEach!)) },
  memoryRatio: { head: `less memory than ${BASE}, times`, cell: (outcome, peer) => spread(ratios(outcome, peer, 'memory')) }
} satisfies Record<string, Column>

/** The columns of a table, per subject. */
const layouts: Record<Subject, Column[]> = {
  throughput: [columns.perSecond, columns.ratio, columns.p50, columns.p99, columns.cpu, columns.cpuRatio, columns.server, columns.generator],
  cpu: [columns.perSecond, columns.cpu, columns.cpuRatio, columns.p50, columns.p99, columns.server, columns.generator],
  memory: [columns.memory, columns.memoryRatio, columns.perSecond, columns.cpu, columns.generator]
}

/** One scenario: a row per peer, medians, and ratios with their spread. */
export function scenarioReport (outcome: Outcome, peers: readonly Peer[]): string {
  const { name, title, subject, counted } = outcome.scenario
  const layout = layouts[subject]
  const head = ['server', ...layout.map(column => column === columns.perSecond ? `${counted}/s` : column.head)]
  const rows = present(outcome, peers).map(peer => [peer.title, ...layout.map(({ cell }) => cell(outcome, peer.name))])
  return `### \`${name}\`: ${title}\n\n${table(head, rows)}`
}

/** All scenarios in one table: how many times better than the base each peer was. */
export function summary (outcomes: readonly Outcome[], peers: readonly Peer[]): string {
  const shown = peers.filter(peer => outcomes.some(({ rounds }) => rounds.has(peer.name)))
  const rows = outcomes.map(outcome => [
    `\`${outcome.scenario.name}\`, ${outcome.scenario.subject}`,
    ...shown.map(({ name }) => outcome.scenario.subject === 'throughput'
      ? atLeast(outcome, name) + figure(spreadOf(ratios(outcome, name, 'throughput'))?.median)
      : figure(spreadOf(ratios(outcome, name, outcome.scenario.subject))?.median))
  ])
  return table(['times better than ws', ...shown.map(({ title }) => title)], rows)
}

function present ({ rounds }: Outcome, peers: readonly Peer[]): Peer[] {
  return peers.filter(({ name }) => rounds.get(name)?.some(figures => figures !== undefined))
}

function values ({ rounds }: Outcome, peer: string, read: (figures: Figures) => number): number[] {
  return (rounds.get(peer) ?? []).flatMap(figures => figures === undefined ? [] : [read(figures)])
}

function middle (outcome: Outcome, peer: string, read: (figures: Figures) => number): number | undefined {
  return spreadOf(values(outcome, peer, read))?.median
}

/** Taken inside each round, as rounds differ more than peers within one. */
function ratios ({ rounds }: Outcome, peer: string, subject: Subject): number[] {
  const base = rounds.get(BASE) ?? []
  return (rounds.get(peer) ?? []).flatMap((own, round) => {
    const other = base[round]
    return own === undefined || other === undefined ? [] : [better[subject](own, other)]
  })
}

function spread (values: readonly number[]): string {
  const found: Spread | undefined = spreadOf(values)
  return found === undefined ? '-' : `${figure(found.median)} (${figure(found.min)}..${figure(found.max)})`
}

function isPaced ({ scenario }: Outcome): boolean {
  return scenario.load.rate !== undefined
}

function isGeneratorTheLimit (outcome: Outcome, peer: string): boolean {
  return !isPaced(outcome) && middle(outcome, peer, ({ generatorCpu }) => generatorCpu)! >= LIMIT
}

function atLeast (outcome: Outcome, peer: string): string {
  return isGeneratorTheLimit(outcome, peer) ? '≥ ' : ''
}

/** A generator that keeps to a rate looks at the clock all the time, so its share says nothing. */
function generatorCell (outcome: Outcome, peer: string): string {
  if (isPaced(outcome)) return 'paced'
  const share = figure(middle(outcome, peer, ({ generatorCpu }) => generatorCpu))
  return isGeneratorTheLimit(outcome, peer) ? `${share}, the limit` : share
}
