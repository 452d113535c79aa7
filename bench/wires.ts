/**
 * A room on Godot 3's wire and on Godot 4's, in turn; prints a table.
 *
 *   npx tsc -p bench && node bench/dist/bench/wires.js [rounds, 5] [players, 32]
 */
import type { Figures } from './load/job.ts'
import { describeMachine } from './machine.ts'
import { peers } from './peers.ts'
import type { Peer } from './peers.ts'
import { runRounds } from './rounds.ts'
import type { Rounds } from './rounds.ts'
import { room } from './scenarios.ts'
import { spreadOf } from './spread.ts'
import { figure, table } from './table.ts'

const [rounds = 5, players = 32] = process.argv.slice(2).map(Number)

const [base, other] = [onWire('godot3', 'multiplayer'), onWire('godot4', 'multiplayer4')]
console.log(describeMachine(['node bench/dist/bench/wires.js', ...process.argv.slice(2)].join(' '), []))
const scenario = { name: `room-${players}`, ...room(players) }
const figures = await runRounds(scenario, [base, other], rounds, { warm: 0.5, seconds: 1.5 })
console.log(`\n${scenario.title}\n`)
console.log(table(['', 'deliveries/s', 'server CPU per delivery (µs)', 'p99 (ms)', 'deliveries to Godot 3', 'CPU to Godot 3'],
  [base, other].map(({ title, name }) => [title, ...cells(figures, name)])))

/** This server with one wire. */
function onWire (wire: string, speaks: Peer['wires']['relay']): Peer {
  const us = peers.find(({ name }) => name === 'us')!
  return { ...us, name: wire, title: wire, wires: { ...us.wires, relay: speaks }, command: task => us.command({ ...task, options: { wire } }) }
}

function cells (all: Rounds, name: string): string[] {
  const [own, base] = [all.get(name)!, all.get('godot3')!]
  const of = (read: (figures: Figures) => number): string => spread(own.map(one => one === undefined ? NaN : read(one)))
  const ratio = (read: (figures: Figures) => number): string => spread(own.map((one, at) => one === undefined || base[at] === undefined ? NaN : read(one) / read(base[at])))
  return [of(one => one.perSecond), of(one => one.cpuEach), of(one => one.p99 / 1000), ratio(one => one.perSecond), ratio(one => one.cpuEach)]
}

/** median (min..max) */
function spread (values: number[]): string {
  const all = spreadOf(values)
  return `${figure(all?.median)} (${figure(all?.min)}..${figure(all?.max)})`
}
