/**
 * Compares this server with others; see README.md.
 *
 *   npm run bench -- [--quick | --curves] [--only room,rate] [--peers ws,us]
 *     [--rounds 5] [--secs 1.5] [--warm 0.5] [--json file] [--write]
 */
import { writeFileSync } from 'node:fs'
import { readCommandLine } from './command-line.ts'
import type { Settings } from './command-line.ts'
import { runCurves } from './run-curves.ts'
import { writeSection } from './document.ts'
import { describeMachine } from './machine.ts'
import type { Peer } from './peers.ts'
import { scenarioReport, summary } from './report.ts'
import type { Outcome } from './report.ts'
import { runRounds } from './rounds.ts'
import { availablePeers } from './available-peers.ts'

const settings = readCommandLine(process.argv.slice(2))
const machine = describeMachine(settings.command, settings.peers)
console.log(machine)
const peers = await availablePeers(settings.peers)
const figures = await (settings.curves.length > 0 ? runCurves(settings, peers, machine) : runScenarios(settings, peers))
if (settings.json !== undefined) writeFileSync(settings.json, JSON.stringify({ machine, figures }))

/** Measures all scenarios and returns the figures of all rounds. */
async function runScenarios ({ scenarios, rounds, timing, writes }: Settings, peers: Peer[]): Promise<object> {
  const outcomes: Outcome[] = []
  for (const scenario of scenarios) {
    const outcome = { scenario, rounds: await runRounds(scenario, peers, rounds, timing) }
    outcomes.push(outcome)
    console.log(`\n${scenarioReport(outcome, peers)}`)
  }
  const overview = summary(outcomes, peers)
  console.log(`\n${overview}`)
  if (writes) {
    writeSection('summary', `${machine}\n\n${overview}`)
    writeSection('scenarios', outcomes.map(outcome => scenarioReport(outcome, peers)).join('\n\n'))
  }
  return Object.fromEntries(outcomes.map(({ scenario, rounds }) => [scenario.name, Object.fromEntries(rounds)]))
}
