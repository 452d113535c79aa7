import type { WireName } from './load/wire.ts'
import { bench } from './paths.ts'
import type { Mode } from './servers/serve.ts'

/** Where a server is to listen, what it is to do, and whether memory will be read. */
export interface Task {
  readonly port: number
  readonly mode: Mode
  readonly collects?: boolean
  /** Options of this project's server that a measurement needs. */
  readonly options?: object
}

/** A server that is measured. */
export interface Peer {
  /** On the command line. */
  readonly name: string
  /** In tables. */
  readonly title: string
  /** What starts it; it prints a line with READY once it listens. */
  readonly command: (task: Task) => string[]
  readonly wires: Readonly<Record<Mode, WireName>>
  readonly path: string
  readonly runtime: 'node' | 'godot'
  /** The package it is made of, whose version is told. */
  readonly package?: string
  /** Whether that one is there only once bench/node_modules is. */
  readonly isOptional?: boolean
  /** Scenarios it takes part in; all unless given. */
  readonly only?: readonly string[]
}

/** The peer that all ratios are taken against. */
export const BASE = 'ws'

const usual = { path: '/', runtime: 'node', wires: { echo: 'websocket', relay: 'websocket' } } as const
const ours = { ...usual, wires: { echo: 'websocket', relay: 'multiplayer' } } as const
const engineIo = { ...usual, path: '/socket.io/?EIO=4&transport=websocket', wires: { echo: 'socket.io', relay: 'socket.io' } } as const

/** A row per server. */
export const peers: readonly Peer[] = [
  { name: 'ws', title: 'ws', ...usual, command: node('ws'), package: 'ws' },
  { name: 'us', title: '**this server, mounted in Fastify**', ...ours, command: us(() => ({})) },
  { name: 'us-own', title: '**this server, own listener**', ...ours, command: us(({ port }) => ({ port })) },
  { name: 'us-hold', title: '**this server, mounted, holdTime 1**', ...ours, command: us(() => ({ holdTime: 1 })), only: ['rate'] },
  { name: 'uws', title: 'uWebSockets.js (native)', ...usual, command: node('uws'), package: '@trufflesuite/uws-js-unofficial', isOptional: true },
  { name: 'fastify-websocket', title: '@fastify/websocket', ...usual, command: node('fastify-websocket'), package: '@fastify/websocket' },
  { name: 'socket.io', title: 'socket.io', ...engineIo, command: node('socket-io'), package: 'socket.io', isOptional: true },
  { name: 'godot', title: 'Godot 3 itself', ...ours, runtime: 'godot', command: godot }
]

function node (server: string) {
  return ({ port, mode, collects }: Task, ...given: string[]): string[] => {
    const flags = collects ? ['--expose-gc'] : []
    return [process.execPath, ...flags, `${import.meta.dirname}/servers/${server}.js`, String(port), mode, ...given]
  }
}

function us (own: (task: Task) => object) {
  return (task: Task): string[] => node('us')(task, JSON.stringify({ ...task.options, ...own(task) }))
}

function godot ({ port, mode }: Task): string[] {
  return ['godot3-server', '--no-window', '-s', `${bench}/godot/server.gd`, `--bench-port=${port}`, `--bench-mode=${mode}`]
}
