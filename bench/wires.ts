/**
 * Compares a room with Godot 3's wire and with Godot 4's, in interleaved rounds; prints a table.
 *
 *   npm run compile && node dist/bench/wires.js [rounds, 5] [players, 32]
 */
import type { Figures } from './load/job.ts'
import { describeMachine } from './report/machine.ts'
import { peers } from './peers.ts'
import type { Peer } from './peers.ts'
import { ratios, runRounds, values } from './processes/rounds.ts'
import type { Rounds } from './processes/rounds.ts'
import { room } from './scenarios.ts'
import { spread, table } from './report/table.ts'

const [rounds = 5, players = 32] = process.argv.slice(2).map(Number)

const [base, other] = [onWire('godot3', 'multiplayer'), onWire('godot4', 'multiplayer4')]
console.log(describeMachine([]))
const scenario = { name: `room-${players}`, ...room(players) }
const figures = await runRounds(scenario, [base, other], rounds, { warm: 0.5, seconds: 1.5 })
console.log(`\n${scenario.title}\n`)
const head = [
  '', 'deliveries/s', 'server CPU per delivery (µs)', 'p99 (ms)', 'deliveries vs Godot 3', 'CPU vs Godot 3'
]
console.log(table(head, [base, other].map(({ title, name }) => [title, ...cells(figures, name)])))

/** This server with one wire, and the generator's wire for it. */
function onWire (wire: string, relay: Peer['wires']['relay']): Peer {
  const us = peers.find(({ name }) => name === 'us')!
  return {
    ...us,
    name: wire,
    title: wire,
    wires: { ...us.wires, relay },
    command: task => us.command({ ...task, options: { wire } })
  }
}

function cells (all: Rounds, name: string): string[] {
  const value = (read: (figures: Figures) => number): string => spread(values(all, name, read))
  const ratio = (read: (figures: Figures) => number): string => spread(ratios(all, name, 'godot3', read))
  return [
    value(({ perSecond }) => perSecond),
    value(({ cpuEach }) => cpuEach),
    value(({ p99 }) => p99 / 1000),
    ratio(({ perSecond }) => perSecond),
    ratio(({ cpuEach }) => cpuEach)
  ]
}
