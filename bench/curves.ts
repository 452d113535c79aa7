import { spawnSync } from 'node:child_process'
import type { Figures } from './load/job.ts'
import { echo, idle, room } from './scenarios.ts'
import type { Scenario } from './scenarios.ts'

/** A figure of one column at one point; undefined where it means nothing. */
type Read = (figures: Figures, x: number) => number | undefined

/** A column of a curve's table. */
export interface Column { readonly head: string, readonly read: Read }

/** How one cost grows with one thing. */
export interface Curve {
  readonly name: string
  readonly title: string
  /** What grows. */
  readonly x: string
  readonly points: readonly number[]
  readonly scenario: (x: number) => Omit<Scenario, 'name'>
  /** Per peer a column each; the first one is drawn. */
  readonly columns: readonly Column[]
}

const cpuEach: Read = figures => figures.cpuEach
const perSecond: Read = figures => figures.perSecond

/** Sockets a process may have: all the files it may open, less those it needs for itself. */
const sockets = openFiles() - 200

/** Growth of memory below this many peers drowns in that of the process itself. */
const MEMORY_FROM = 1000

/** The default limits refuse a packet of 64 KiB. */
const wide = { inputBufferKb: 256, outputBufferKb: 256 }

/** A row per curve. */
export const curves: readonly Curve[] = [
  {
    name: 'rooms',
    title: 'Rooms: CPU time of a delivery',
    x: 'peers in the room',
    points: [2, 4, 8, 16, 32, 64, 128, 256, 512],
    scenario: room,
    columns: [{ head: 'CPU µs', read: cpuEach }, { head: 'deliveries/s', read: perSecond }]
  },
  {
    name: 'idle',
    title: 'Idle peers: CPU time of an echo among them',
    x: 'idle peers',
    points: [10, 100, 1000, 5000, 10_000, Math.min(20_000, sockets)],
    scenario: count => idle(count, 64),
    columns: [
      { head: 'CPU µs', read: cpuEach },
      { head: 'KiB a peer', read: ({ memoryEach }, x) => x < MEMORY_FROM ? undefined : memoryEach }
    ]
  },
  {
    name: 'sizes',
    title: 'Message sizes: CPU time of an echo',
    x: 'bytes of a message',
    points: [16, 64, 256, 1024, 4096, 16_384, 65_536],
    scenario: size => ({ ...echo(`echo of ${size} B, 64 connections, one in flight each`, 64, 1, size), options: wide }),
    columns: [{ head: 'CPU µs', read: cpuEach }, { head: 'MiB/s each way', read: (figures, x) => figures.perSecond * x / (1 << 20) }]
  }
]

function openFiles (): number {
  const { stdout } = spawnSync('sh', ['-c', 'ulimit -Hn'], { encoding: 'utf8' })
  return Number(stdout) || Infinity
}
