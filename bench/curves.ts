import type { Figures } from './load/job.ts'
import { maxSockets } from './report/machine.ts'
import { churn, echo, idle, largeBuffers, overTls, peak, room, rooms } from './scenarios.ts'
import type { Scenario } from './scenarios.ts'

/** Reads the figure of a column at a point; undefined if it is not meaningful there. */
type Read = (figures: Figures, x: number) => number | undefined

/** A column of a curve's table. */
export interface Column { readonly head: string, readonly read: Read }

/** A cost as a function of one variable. */
export interface Curve {
  readonly name: string
  readonly title: string
  /** Label of the variable. */
  readonly x: string
  readonly points: readonly number[]
  readonly scenario: (x: number) => Omit<Scenario, 'name'>
  /** Columns per peer; the first one is plotted. */
  readonly columns: readonly Column[]
}

const cpuEach: Read = figures => figures.cpuEach
const perSecond: Read = figures => figures.perSecond

/** With fewer peers than this their memory is not distinguishable from that of the process. */
const MEMORY_FROM = 1000

/** Most bytes in flight of all clients that echo. */
const IN_FLIGHT = 64 << 20

/** One row per curve. */
export const curves: readonly Curve[] = [
  {
    name: 'rooms',
    title: 'Rooms: CPU time per delivery',
    x: 'peers in the room',
    points: [2, 4, 8, 16, 32, 64, 128, 256, 512],
    scenario: room,
    columns: [{ head: 'CPU µs', read: cpuEach }, { head: 'deliveries/s', read: perSecond }]
  },
  {
    name: 'idle',
    title: 'Idle peers: CPU time per echo',
    x: 'idle peers',
    points: [10, 100, 1000, 5000, 10_000, Math.min(20_000, maxSockets)],
    scenario: count => idle(count, 64),
    columns: [
      { head: 'CPU µs', read: cpuEach },
      { head: 'KiB per peer', read: ({ memoryEach }, x) => x < MEMORY_FROM ? undefined : memoryEach }
    ]
  },
  {
    name: 'sizes',
    title: 'Message sizes: CPU time per echo',
    x: 'message size in bytes',
    points: [32, 256, 1024, 4096, 16_384, 65_536, 1 << 18, 1 << 20, 1 << 22, 1 << 24],
    scenario: size => {
      const connections = Math.min(64, IN_FLIGHT / size)
      const title = `echo of ${size} B, ${connections} connections, one in flight each`
      return { ...echo(title, connections, 1, size), options: largeBuffers }
    },
    columns: [
      { head: 'CPU µs', read: cpuEach },
      { head: 'MiB/s per direction', read: (figures, x) => figures.perSecond * x / (1 << 20) }
    ]
  },
  {
    name: 'peak',
    title: 'Large messages: memory at the peak',
    x: 'message size in bytes, sixteen connections',
    points: [1 << 20, 1 << 22, 1 << 24],
    scenario: size => peak(16, size),
    columns: [{ head: 'peak MiB', read: ({ peakMib }) => peakMib }, { head: 'CPU µs', read: cpuEach }]
  },
  {
    name: 'many-rooms',
    title: 'Many rooms of 16: CPU time per delivery',
    x: 'rooms',
    points: [1, 4, 16, 64],
    scenario: count => rooms(count, 16),
    columns: [{ head: 'CPU µs', read: cpuEach }, { head: 'deliveries/s', read: perSecond }]
  },
  {
    name: 'churn',
    title: 'Joining and leaving: CPU time per join',
    x: 'members of the room',
    points: [62, 125, 250, 500, 1000],
    scenario: churn,
    columns: [{ head: 'CPU µs', read: cpuEach }, { head: 'joins/s', read: perSecond }]
  },
  {
    name: 'tls-rooms',
    title: 'Rooms over TLS: CPU time per delivery',
    x: 'peers in the room',
    points: [4, 8, 16, 32, 64],
    scenario: size => overTls(room(size)),
    columns: [{ head: 'CPU µs', read: cpuEach }, { head: 'deliveries/s', read: perSecond }]
  }
]
