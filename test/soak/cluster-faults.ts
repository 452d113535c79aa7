/**
 * A partition of the network: a broker and two nodes on three hosts (network namespaces), one of which loses its
 * network for longer than its lease, again and again. Fails unless both sides settle within 5 s. Needs root, iproute2
 * and nats-server; compile the tests first (npm run compile).
 *
 *   npx tsx test/soak/cluster-faults.ts [rounds, default 3]
 */
import { ok } from 'node:assert'
import { execFileSync, spawn, type ChildProcess } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { root } from '../../scripts/root.ts'
import { findProgram } from '../../scripts/test/test-programs.mjs'
import { defaultTimings } from '../../src/cluster/membership/timings.ts'
import { until } from '../helper/until.ts'

const rounds = Number(process.argv[2] ?? 3)
/** Both sides settle within this, in milliseconds. */
const SETTLED = 5000
const prefix = `gdws${process.pid}`
const folder = mkdtempSync(join(tmpdir(), 'nats-'))
const processes: ChildProcess[] = []

interface Told {
  readonly event: string
  readonly slot?: number
  readonly at: number
}

function ip (...args: string[]): void {
  execFileSync('ip', args)
}

/** Runs a program on one of the hosts. */
function run (host: string, ...command: string[]): ChildProcess {
  const args = ['netns', 'exec', `${prefix}${host}`, ...command]
  const child = spawn('ip', args, { stdio: ['ignore', 'pipe', 'pipe'] })
  processes.push(child)
  return child
}

/** Port of the switch for a host. */
function portOf (host: string): string {
  return `v${host}${process.pid}`
}

/** Connects a host to a switch on a fourth one. */
function makeHost (host: string, number: number): void {
  const [name, port] = [`${prefix}${host}`, portOf(host)]
  ip('netns', 'add', name)
  ip('link', 'add', port, 'netns', `${prefix}switch`, 'type', 'veth', 'peer', 'name', 'eth0', 'netns', name)
  ip('-n', `${prefix}switch`, 'link', 'set', port, 'master', 'switch', 'up')
  ip('-n', name, 'address', 'add', `10.99.0.${number}/24`, 'dev', 'eth0')
  ip('-n', name, 'link', 'set', 'eth0', 'up')
  ip('-n', name, 'link', 'set', 'lo', 'up')
}

/** Takes the cable of a host out, or puts it in. */
function setCable (host: string, state: 'up' | 'down'): void {
  ip('-n', `${prefix}switch`, 'link', 'set', portOf(host), state)
}

/** A node on a host of its own, and what was reported to it. */
class Member {
  readonly told: Told[] = []

  constructor (host: string) {
    const script = join(root, 'dist/test/cluster/nats/member.js')
    const member = run(host, process.execPath, script, 'nats://10.99.0.1:4222', host, JSON.stringify(defaultTimings))
    member.stderr!.pipe(process.stderr)
    createInterface(member.stdout!).on('line', line => { this.told.push(JSON.parse(line) as Told) })
  }

  count (event: string): number {
    return this.told.filter(told => told.event === event).length
  }

  async toldOf (event: string, times: number): Promise<number> {
    await until(() => this.count(event) >= times, () => `${times} times ${event}`)
    return this.told.filter(told => told.event === event)[times - 1].at
  }
}

async function partition (round: number, a: Member, b: Member): Promise<void> {
  const cutAt = Date.now()
  setCable('b', 'down')
  const [lost, fenced] = await Promise.all([a.toldOf('left b lost', round), b.toldOf('fenced', round)])
  console.log(`${round}: a has lost b after ${lost - cutAt} ms, b is fenced after ${fenced - cutAt} ms`)
  ok(lost - cutAt < SETTLED && fenced - cutAt < SETTLED)
  const healedAt = Date.now()
  setCable('b', 'up')
  const [joined, ready] = await Promise.all([a.toldOf('joined b', round + 1), b.toldOf('ready', round + 1)])
  console.log(`${round}: healed; a knows b after ${joined - healedAt} ms, b is ready after ${ready - healedAt} ms`)
  ok(joined - healedAt < SETTLED && ready - healedAt < SETTLED)
  ok(a.count('fenced') === 0 && a.count('left b lost') === round && b.count('left a lost') === round)
}

async function play (): Promise<void> {
  ip('netns', 'add', `${prefix}switch`)
  ip('-n', `${prefix}switch`, 'link', 'add', 'switch', 'type', 'bridge')
  ip('-n', `${prefix}switch`, 'link', 'set', 'switch', 'up')
  for (const [index, host] of ['broker', 'a', 'b'].entries()) makeHost(host, index + 1)
  const program = findProgram('nats-server')!
  const broker = run('broker', program, '-js', '-a', '10.99.0.1', '-p', '4222', '-sd', folder)
  let log = ''
  broker.stderr!.on('data', chunk => { log += String(chunk) })
  await until(() => log.includes('Server is ready'))
  const [a, b] = [new Member('a'), new Member('b')]
  await Promise.all([a.toldOf('joined b', 1), b.toldOf('ready', 1), a.toldOf('ready', 1)])
  for (let round = 1; round <= rounds; round++) await partition(round, a, b)
  console.log('both sides settled in every round')
}

try {
  await play()
} finally {
  for (const child of processes) child.kill('SIGKILL')
  for (const host of ['switch', 'broker', 'a', 'b']) execFileSync('ip', ['netns', 'del', `${prefix}${host}`])
  rmSync(folder, { recursive: true, force: true })
}
