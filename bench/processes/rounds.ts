import type { Figures } from '../load/job.ts'
import { measure } from './measure.ts'
import type { Timing } from './measure.ts'
import type { Peer } from '../peers.ts'
import type { Scenario } from '../scenarios.ts'

/** One measurement of a round; names differ. */
export interface Case { readonly name: string, readonly peer: Peer, readonly scenario: Scenario }

/** Figures of each round by name of the peer or case; undefined if a measurement failed. */
export type Rounds = Map<string, Array<Figures | undefined>>

/**
 * Measures all peers in turn; each round starts with a different one, so that disturbances affect all peers equally.
 */
export async function runRounds (
  scenario: Scenario, all: readonly Peer[], count: number, timing: Timing
): Promise<Rounds> {
  const peers = all.filter(({ name, only, hasTls }) =>
    (only === undefined || only.includes(scenario.name)) &&
    (scenario.peers === undefined || scenario.peers.includes(name)) &&
    (scenario.secure !== true || hasTls === true))
  const cases = peers.map(peer => ({ name: peer.name, peer, scenario }))
  return await runCases(cases, Math.min(count, scenario.rounds ?? Infinity), timing)
}

/** Measures all cases in turn; each round starts with a different one. */
export async function runCases (cases: readonly Case[], count: number, timing: Timing): Promise<Rounds> {
  return await takeTurns(cases, count, async ({ peer, scenario }) => await attempt(
    `${scenario.name}, ${peer.name}`, async () => await measure(peer, scenario, timing)
  ))
}

/** Runs all cases in turn; each round starts with a different one. */
export async function takeTurns<Row extends { readonly name: string }> (
  cases: readonly Row[], count: number, run: (row: Row) => Promise<Figures | undefined>
): Promise<Rounds> {
  const rounds: Rounds = new Map(cases.map(({ name }) => [name, []]))
  for (let round = 0; round < count; round++) {
    for (let i = 0; i < cases.length; i++) {
      const row = cases[(round + i) % cases.length]
      rounds.get(row.name)!.push(await run(row))
    }
  }
  return rounds
}

/** Measures; prints what goes wrong, with the name of the measurement. */
export async function attempt (name: string, measure: () => Promise<Figures>): Promise<Figures | undefined> {
  const figures = await measure().catch((error: Error) => {
    console.error(`${name}: ${error.message}`)
    return undefined
  })
  if (figures !== undefined && figures.faults > 0) {
    console.error(`${name}: ${figures.faults} unexpected messages`)
    process.exitCode = 1
  }
  return figures
}

/** A figure of all rounds that succeeded. */
export function values (all: Rounds, name: string, read: (figures: Figures) => number): number[] {
  return (all.get(name) ?? []).flatMap(figures => figures === undefined ? [] : [read(figures)])
}

/** A figure of one case divided by that of another, within each round. */
export function ratios (all: Rounds, name: string, base: string, read: (figures: Figures) => number): number[] {
  return comparisons(all, name, base, (own, other) => read(own) / read(other))
}

/** One case compared with another within each round, as rounds differ more than measurements of a round. */
export function comparisons (
  all: Rounds, name: string, base: string, compare: (own: Figures, other: Figures) => number
): number[] {
  return (all.get(name) ?? []).flatMap((own, round) => {
    const other = all.get(base)?.[round]
    return own === undefined || other === undefined ? [] : [compare(own, other)]
  })
}
