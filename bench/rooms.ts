/**
 * What rooms cost: memory of idle rooms, a message among many rooms, and the same relay in Colyseus; prints tables.
 *
 *   npm run compile && node dist/bench/rooms.js [--only memory,messages,colyseus] [--rounds 3] [--sockets 19800]
 *     [--secs 1] [--write]
 */
import { parseArgs } from 'node:util'
import { availablePeers } from './processes/available-peers.ts'
import { writeSection } from './report/document.ts'
import type { Figures, Job } from './load/job.ts'
import { describeMachine, maxSockets } from './report/machine.ts'
import { node, peers } from './peers.ts'
import type { Peer } from './peers.ts'
import { ratios, runCases, values } from './processes/rounds.ts'
import type { Scenario } from './scenarios.ts'
import { spread, table } from './report/table.ts'

type Load = Pick<Job, 'connections'> & Partial<Job>

/** Peers of an idle room. */
const ROOM_SIZE = 4

const { values: settings } = parseArgs({
  options: {
    only: { type: 'string', default: 'memory,messages,colyseus' },
    rounds: { type: 'string', default: '3' },
    sockets: { type: 'string', default: String(maxSockets) },
    secs: { type: 'string', default: '1' },
    write: { type: 'boolean', default: false }
  }
})
const rounds = Number(settings.rounds)
const timing = { warm: 0.5, seconds: Number(settings.secs) }

const options = { rooms: { maxRooms: 1_000_000, joinPerMinute: 0 }, maxPeersPerAddress: 0 }
const [mounted, ownListener] = ['us', 'us-own'].map(name => peers.find(peer => peer.name === name)!)
const ours = [mounted, ownListener]
const colyseus: Peer = {
  name: 'colyseus',
  title: 'Colyseus',
  path: '/',
  runtime: 'node',
  wires: { echo: 'colyseus', relay: 'colyseus', announce: 'colyseus' },
  command: node('colyseus'),
  package: '@colyseus/core',
  isOptional: true
}

const parts: Record<string, () => Promise<string>> = { memory, messages, colyseus: compareWithColyseus }
const selected = Object.keys(parts).filter(name => settings.only.split(',').includes(name))
const machine = describeMachine(selected.includes('colyseus') ? [colyseus] : [])
console.log(machine)
for (const name of selected) {
  const text = await parts[name]()
  console.log(`\n${text}`)
  if (settings.write) writeSection(`rooms-${name}`, `${machine}\n\n${text}`)
}

/** Idle peers in one room and in rooms of four. Announcements are off: in one room their number is quadratic. */
async function memory (): Promise<string> {
  const count = Number(settings.sockets)
  const layouts = [{ name: 'one', size: undefined }, { name: 'rooms', size: ROOM_SIZE }]
  const cases = ours.flatMap(peer => layouts.map(({ name, size }) => ({
    name: `${peer.name} ${name}`,
    peer,
    scenario: scenario('memory', { idle: count, idleRoomSize: size, connections: 0 }, { serverRelay: false })
  })))
  const figures = await runCases(cases, rounds, { warm: 0, seconds: 0 })
  const kib = ({ memoryEach = NaN }: Figures): number => memoryEach
  const rows = ours.map(({ name, title }) => [
    title,
    spread(values(figures, `${name} one`, kib)),
    spread(values(figures, `${name} rooms`, kib)),
    spread(ratios(figures, `${name} rooms`, `${name} one`, kib))
  ])
  const peerCount = `${count.toLocaleString('en')} idle peers`
  return table([peerCount, 'one room: KiB per peer', 'rooms of 4: KiB per peer', 'ratio'], rows)
}

/** Eight busy rooms of four among more and more idle rooms. */
async function messages (): Promise<string> {
  const busy = { rooms: 8, connections: ROOM_SIZE }
  const most = Math.floor((Number(settings.sockets) - busy.rooms * busy.connections) / ROOM_SIZE)
  const counts = [10, 1000, most].filter(count => count <= most)
  const cases = counts.map(count => ({
    name: String(count),
    peer: ownListener,
    scenario: scenario('cpu', { ...busy, idle: count * ROOM_SIZE, idleRoomSize: ROOM_SIZE })
  }))
  const figures = await runCases(cases, rounds, timing)
  const cpu = ({ cpuEach }: Figures): number => cpuEach
  const rows = counts.map(count => [
    count.toLocaleString('en'),
    spread(values(figures, String(count), cpu)),
    spread(ratios(figures, String(count), String(counts[0]), cpu)),
    spread(values(figures, String(count), ({ perSecond }) => perSecond))
  ])
  return table(['idle rooms', 'CPU µs per delivery', `vs ${counts[0]} rooms`, 'deliveries/s'], rows)
}

/** Sixteen busy rooms of this server and of Colyseus. */
async function compareWithColyseus (): Promise<string> {
  const all = [mounted, ...await availablePeers([colyseus])]
  const loads: Array<[title: string, load: Load]> = [
    ['16 rooms of 4, 4 in flight each', { connections: 4 }],
    ['16 rooms of 16, 4 in flight each', { connections: 16 }],
    ['16 rooms of 16, 10 messages per second each', { connections: 16, rate: 10 }]
  ]
  const cases = loads.flatMap(([title, load]) => all.map(peer => ({
    name: `${peer.name} ${title}`, peer, scenario: scenario('cpu', { rooms: 16, ...load })
  })))
  const figures = await runCases(cases, rounds, timing)
  const perCpuSecond = ({ cpuEach }: Figures): number => 1e6 / cpuEach
  const rows = loads.flatMap(([load]) => all.map(({ name, title }) => [
    load,
    title,
    spread(values(figures, `${name} ${load}`, perCpuSecond)),
    spread(ratios(figures, `${name} ${load}`, `colyseus ${load}`, perCpuSecond)),
    spread(values(figures, `${name} ${load}`, ({ perSecond }) => perSecond))
  ]))
  return table(['load', 'server', 'deliveries per CPU second', 'vs Colyseus', 'deliveries/s'], rows)
}

/** All clients of a room send 64 B to all others. */
function scenario (
  subject: Scenario['subject'], load: Load, more: object = {}
): Scenario {
  return {
    name: 'rooms',
    title: '',
    counted: 'deliveries',
    subject,
    mode: 'relay',
    load: { kind: 'rooms', window: 4, size: 64, ...load },
    options: { ...options, ...more }
  }
}
