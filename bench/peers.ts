import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { WireName } from './load/wire.ts'
import { bench } from './paths.ts'
import type { Mode } from './servers/serve.ts'

/** What a server process is started for. */
export interface Task {
  readonly port: number
  readonly mode: Mode
  /** Whether it must collect garbage on SIGUSR2. */
  readonly collects?: boolean
  /** Whether clients connect with TLS. */
  readonly secure?: boolean
  /** Options of this project's server for a measurement. */
  readonly options?: object
}

/** A server to measure. */
export interface Peer {
  /** Name on the command line. */
  readonly name: string
  /** Name in tables. */
  readonly title: string
  /** The command that starts it; it prints READY once it listens. */
  readonly command: (task: Task) => string[]
  readonly wires: Readonly<Record<Mode, WireName>>
  readonly path: string
  readonly runtime: 'node' | 'godot' | 'native'
  /** The npm package whose version is reported. */
  readonly package?: string
  /** Whether that package is only installed in bench/node_modules. */
  readonly isOptional?: boolean
  /** Whether it can be measured over TLS. */
  readonly hasTls?: boolean
  /** Scenarios it takes part in; default: all. */
  readonly only?: readonly string[]
}

/** The peer that all ratios refer to. */
export const BASE = 'ws'

const defaults = {
  path: '/', runtime: 'node', wires: { echo: 'websocket', relay: 'websocket', announce: 'websocket' }
} as const
const native = { ...defaults, runtime: 'native' } as const
const ours = { ...defaults, wires: { echo: 'websocket', relay: 'multiplayer', announce: 'multiplayer' } } as const
const engineIo = {
  ...defaults,
  path: '/socket.io/?EIO=4&transport=websocket',
  wires: { echo: 'socket.io', relay: 'socket.io', announce: 'socket.io' }
} as const

const FIXED_RATE = ['rate', 'rate-16']
const HANDSHAKES = ['handshakes']

/** One row per server. */
export const peers: readonly Peer[] = [
  { name: 'ws', title: 'ws', ...defaults, command: node('ws'), package: 'ws', hasTls: true },
  { name: 'us', title: '**this server, mounted in Fastify**', ...ours, command: us(() => ({})), hasTls: true },
  {
    name: 'us-own',
    title: '**this server, own listener**',
    ...ours,
    command: us(({ port }) => ({ port })),
    hasTls: true
  },
  {
    name: 'us-hold',
    title: '**this server, mounted, holdTime 1**',
    ...ours,
    command: us(() => ({ holdTime: 1 })),
    only: FIXED_RATE
  },
  { name: 'c', title: 'C, epoll', ...native, command: relay(0), only: FIXED_RATE },
  { name: 'c-hold', title: 'C, epoll, hold 1 ms', ...native, command: relay(1), only: FIXED_RATE },
  { name: 'node-http', title: 'node:http, ten lines', ...defaults, command: layer('http'), only: HANDSHAKES },
  { name: 'node-net', title: 'node:net, ten lines', ...defaults, command: layer('net'), only: HANDSHAKES },
  { name: 'node-handle', title: 'TCP handle of Node', ...defaults, command: layer('handle'), only: HANDSHAKES },
  {
    name: 'uws',
    title: 'uWebSockets.js (native)',
    ...defaults,
    command: node('uws'),
    package: '@trufflesuite/uws-js-unofficial',
    isOptional: true,
    hasTls: true
  },
  {
    name: 'fastify-websocket',
    title: '@fastify/websocket',
    ...defaults,
    command: node('fastify-websocket'),
    package: '@fastify/websocket'
  },
  {
    name: 'socket.io',
    title: 'socket.io',
    ...engineIo,
    command: node('socket-io'),
    package: 'socket.io',
    isOptional: true
  },
  { name: 'godot', title: 'Godot 3', ...ours, runtime: 'godot', command: godot }
]

export function node (server: string) {
  return ({ port, mode, collects, secure }: Task, given = '{}'): string[] => {
    // Without compaction, fragmentation of the heap differs by a tenth and more between runs.
    const flags = collects ? ['--expose-gc', '--compact-on-every-full-gc'] : []
    return [process.execPath, ...flags, `${import.meta.dirname}/servers/${server}.js`, String(port), mode, given,
      secure === true ? 'tls' : 'plain']
  }
}

function us (own: (task: Task) => object) {
  return (task: Task): string[] => node('us')(task, JSON.stringify({ ...task.options, ...own(task) }))
}

/** The least that a handshake can cost in a layer of Node. */
function layer (name: string) {
  return (task: Task): string[] => node('node')(task, name)
}

/** Compiles the relay in C, and runs it: the least that a relay can cost on this machine. */
function relay (hold: number) {
  const [source, program] = [`${bench}/native/relay.c`, join(tmpdir(), 'fastify-peer-server-relay')]
  return ({ port }: Task): string[] =>
    ['sh', '-c', `cc -O2 -o ${program} ${source} && exec ${program} ${port} ${hold}`]
}

function godot ({ port, mode }: Task): string[] {
  const script = `${bench}/godot/server.gd`
  return ['godot3-server', '--no-window', '-s', script, `--bench-port=${port}`, `--bench-mode=${mode}`]
}
