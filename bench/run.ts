/**
 * Compares this server with others; see README.md.
 *
 *   npm run bench -- [--quick | --curves | --all] [--only room,rate] [--peers ws,us]
 *     [--rounds 5] [--secs 1.5] [--warm 0.5] [--json file] [--write]
 */
import { writeFileSync } from 'node:fs'
import { readCommandLine } from './command-line.ts'
import { installPackages } from './processes/install.ts'
import { runCurves } from './run-curves.ts'
import { writeSection } from './report/document.ts'
import { describeMachine } from './report/machine.ts'
import { peers } from './peers.ts'
import type { Peer } from './peers.ts'
import { scenarioReport, summary } from './report/report.ts'
import type { Outcome } from './report/report.ts'
import { runRounds } from './processes/rounds.ts'
import { availablePeers } from './processes/available-peers.ts'

const settings = readCommandLine(process.argv.slice(2))
const { scenarios, curves } = settings
const measured = [...scenarios.length > 0 ? settings.peers : [], ...curves.length > 0 ? settings.curvePeers : []]
if (measured.some(({ isOptional }) => isOptional)) installPackages()
const machine = describeMachine(peers.filter(peer => measured.includes(peer)), settings.command)
console.log(machine)
const available = await availablePeers([...new Set(measured)])
const figures = await runScenarios(available.filter(peer => settings.peers.includes(peer)))
const points = await runCurves(settings, available.filter(peer => settings.curvePeers.includes(peer)), machine)
if (settings.json !== undefined) writeFileSync(settings.json, JSON.stringify({ machine, figures, curves: points }))

/** Measures all scenarios and returns the figures of all rounds. */
async function runScenarios (peers: Peer[]): Promise<object> {
  const outcomes: Outcome[] = []
  for (const scenario of scenarios) {
    const outcome = { scenario, rounds: await runRounds(scenario, peers, settings.rounds, settings.timing) }
    outcomes.push(outcome)
    console.log(`\n${scenarioReport(outcome, peers)}`)
  }
  if (outcomes.length > 0) console.log(`\n${summary(outcomes, peers)}`)
  if (settings.writes) {
    writeTables('', outcomes.filter(({ scenario }) => scenario.secure !== true), peers)
    writeTables('tls-', outcomes.filter(({ scenario }) => scenario.secure === true), peers)
  }
  return Object.fromEntries(outcomes.map(({ scenario, rounds }) => [scenario.name, Object.fromEntries(rounds)]))
}

function writeTables (section: string, outcomes: readonly Outcome[], peers: readonly Peer[]): void {
  if (outcomes.length === 0) return
  writeSection(`${section}summary`, `${machine}\n\n${summary(outcomes, peers)}`)
  writeSection(`${section}scenarios`, outcomes.map(outcome => scenarioReport(outcome, peers)).join('\n\n'))
}
