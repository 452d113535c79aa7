import type { Figures } from './load/job.ts'
import { measure } from './measure.ts'
import type { Timing } from './measure.ts'
import type { Peer } from './peers.ts'
import type { Scenario } from './scenarios.ts'

/** Figures of each round by peer name; undefined if a measurement failed. */
export type Rounds = Map<string, Array<Figures | undefined>>

/**
 * Measures all peers in turn; each round starts with a different one, so that disturbances affect all peers equally.
 */
export async function runRounds (
  scenario: Scenario, all: readonly Peer[], count: number, timing: Timing
): Promise<Rounds> {
  const peers = all.filter(({ only }) => only === undefined || only.includes(scenario.name))
  const rounds: Rounds = new Map(peers.map(({ name }) => [name, []]))
  for (let round = 0; round < Math.min(count, scenario.rounds ?? Infinity); round++) {
    for (let i = 0; i < peers.length; i++) {
      const peer = peers[(round + i) % peers.length]
      rounds.get(peer.name)!.push(await attempt(peer, scenario, timing))
    }
  }
  return rounds
}

async function attempt (peer: Peer, scenario: Scenario, timing: Timing): Promise<Figures | undefined> {
  const figures = await measure(peer, scenario, timing).catch((error: Error) => {
    console.error(`${scenario.name}, ${peer.name}: ${error.message}`)
    return undefined
  })
  if (figures !== undefined && figures.faults > 0) {
    console.error(`${scenario.name}, ${peer.name}: ${figures.faults} unexpected messages`)
    process.exitCode = 1
  }
  return figures
}
