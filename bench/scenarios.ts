import type { Job } from './load/job.ts'
import type { Mode } from './servers/serve.ts'

/** What a scenario compares: throughput, CPU time of the server, memory of idle peers, or memory at the peak. */
export type Subject = 'throughput' | 'cpu' | 'memory' | 'peak'

/** One measured workload. */
export interface Scenario {
  /** Name on the command line. */
  readonly name: string
  readonly title: string
  /** What is counted, in the plural: echoes, deliveries or handshakes. */
  readonly counted: string
  readonly subject: Subject
  readonly mode: Mode
  readonly load: Pick<Job, 'kind' | 'connections' | 'window' | 'size'> & Partial<Job>
  /** Whether it is part of --quick. */
  readonly isQuick?: boolean
  /** Maximum number of rounds, for figures that hardly vary. */
  readonly rounds?: number
  /** Options of this project's server. */
  readonly options?: object
  /** Whether clients connect with TLS. */
  readonly secure?: boolean
  /** Names of the peers that do the same work; default: all. */
  readonly peers?: readonly string[]
}

const quick = { isQuick: true }

/** Buffers of this project's server for messages of up to 16 MiB. */
export const largeBuffers = { inputBufferKb: 32_768, outputBufferKb: 32_768 }

/** One row per scenario. */
export const scenarios: readonly Scenario[] = [
  { name: 'one', ...echo('one connection, 32 B, one in flight', 1, 1, 32) },
  { name: 'echo-64', ...echo('echo, 64 connections, 32 B, one in flight each', 64, 1, 32), ...quick },
  { name: 'echo-512', ...echo('echo, 512 connections, 32 B, one in flight each', 512, 1, 32) },
  { name: 'echo-1k', ...echo('echo, 64 connections, 1 KiB, one in flight each', 64, 1, 1024) },
  { name: 'echo-16k', ...echo('echo, 64 connections, 16 KiB, one in flight each', 64, 1, 16_384) },
  { name: 'echo-60k', ...echo('echo, 16 connections, 60 KiB, one in flight each', 16, 1, 61_440) },
  { name: 'echo-1m', ...echo('echo, 8 connections, 1 MiB, one in flight each', 8, 1, 1 << 20), options: largeBuffers },
  { name: 'pipelined', ...echo('echo, 64 connections, 32 B, 64 in flight each', 64, 64, 32), ...quick },
  { name: 'pipelined-1k', ...echo('echo, 64 connections, 1 KiB, 64 in flight each', 64, 64, 1024) },
  { name: 'fan-100', ...fan(100, 1) },
  { name: 'fan-1000', ...fan(1000, 1) },
  { name: 'fan-100-16', ...fan(100, 16), ...quick },
  { name: 'fan-1000-16', ...fan(1000, 16) },
  { name: 'room-16', ...room(16) },
  { name: 'room-32', ...room(32), ...quick },
  { name: 'room-64', ...room(64) },
  { name: 'rate', ...paced(64, 60), ...quick },
  { name: 'rate-16', ...paced(16, 20) },
  { name: 'handshakes', ...handshakes(), ...quick },
  { name: 'churn-500', ...churn(500), ...quick },
  { name: 'churn-1000', ...churn(1000) },
  { name: 'peak-16m', ...peak(16, 16 << 20) },
  { name: 'tls-echo-64', ...overTls(echo('echo, 64 connections, 32 B, one in flight each', 64, 1, 32)) },
  { name: 'tls-echo-16k', ...overTls(echo('echo, 64 connections, 16 KiB, one in flight each', 64, 1, 16_384)) },
  { name: 'tls-room-32', ...overTls(room(32)), ...quick },
  { name: 'tls-handshakes', ...overTls(handshakes()) },
  { name: 'idle', ...idle(5000, 64), ...quick }
]

/** `connections` clients keep `window` messages of `size` bytes in flight each. */
export function echo (title: string, connections: number, window: number, size: number): Omit<Scenario, 'name'> {
  const load = { kind: 'echo', connections, window, size } as const
  return { title, counted: 'echoes', subject: 'throughput', mode: 'echo', load }
}

/** All clients of a room send to all others and keep four messages of 64 bytes in flight each. */
export function room (connections: number): Omit<Scenario, 'name'> {
  return {
    title: `room of ${connections}, all to all, 64 B, 4 in flight each`,
    counted: 'deliveries',
    subject: 'throughput',
    mode: 'relay',
    load: { kind: 'room', connections, window: 4, size: 64 }
  }
}

/** `count` idle peers, and `connections` more that echo. */
export function idle (count: number, connections: number): Omit<Scenario, 'name'> {
  return {
    title: `${count} idle peers after one echo each; ${connections} more peers echo`,
    counted: 'echoes',
    subject: 'memory',
    mode: 'echo',
    rounds: 1,
    load: { kind: 'idle', idle: count, connections, window: 1, size: 32 }
  }
}

function fan (receivers: number, window: number): Omit<Scenario, 'name'> {
  return {
    title: `one sender to ${receivers} receivers, 64 B, ${window} in flight`,
    counted: 'deliveries',
    subject: 'throughput',
    mode: 'relay',
    load: { kind: 'room', connections: receivers + 1, senders: 1, window, size: 64 }
  }
}

function paced (connections: number, rate: number): Omit<Scenario, 'name'> {
  return {
    title: `room of ${connections}, each peer sends ${rate} messages of 64 B per second`,
    counted: 'deliveries',
    subject: 'cpu',
    mode: 'relay',
    load: { kind: 'room', connections, rate, window: 0, size: 64 }
  }
}

function handshakes (): Omit<Scenario, 'name'> {
  return {
    title: 'connect, upgrade, one echo, close; 32 concurrent',
    counted: 'handshakes',
    subject: 'throughput',
    mode: 'echo',
    load: { kind: 'handshakes', connections: 32, window: 1, size: 32 }
  }
}

/** Clients join and leave a room of `members`, each of which hears of it. */
export function churn (members: number): Omit<Scenario, 'name'> {
  return {
    title: `clients join a room of ${members} and leave, 8 concurrent`,
    counted: 'joins',
    subject: 'cpu',
    mode: 'announce',
    load: { kind: 'churn', idle: members, connections: 8, window: 1, size: 0 },
    peers: ['ws', 'us', 'us-own', 'uws'],
    options: { maxJoinsPerMinute: 0, maxPeersPerAddress: 0 }
  }
}

/** `count` rooms of `size` clients each; all send to all others of their room. */
export function rooms (count: number, size: number): Omit<Scenario, 'name'> {
  return {
    title: `${count} rooms of ${size}, all to all, 64 B, 4 in flight each`,
    counted: 'deliveries',
    subject: 'throughput',
    mode: 'relay',
    load: { kind: 'rooms', rooms: count, connections: size, window: 4, size: 64 },
    peers: ['ws', 'us', 'us-own', 'uws'],
    options: { rooms: { joinPerMinute: 0 }, maxPeersPerAddress: 0 }
  }
}

/** By how much echoes of messages of `size` bytes on all connections at once increase the memory of the server. */
export function peak (connections: number, size: number): Omit<Scenario, 'name'> {
  return {
    title: `${connections} connections echo ${size >> 20} MiB, one in flight each: memory at the peak`,
    counted: 'echoes',
    subject: 'peak',
    mode: 'echo',
    load: { kind: 'peak', connections, window: 1, size },
    peers: ['ws', 'us', 'us-own', 'uws'],
    options: largeBuffers
  }
}

/** The same over TLS; the generator encrypts too, so that servers are compared by their CPU time. */
export function overTls (scenario: Omit<Scenario, 'name'>): Omit<Scenario, 'name'> {
  return { ...scenario, title: `${scenario.title}, over TLS`, subject: 'cpu', secure: true }
}
