/**
 * Starts a broker and three nodes: `node --import tsx examples/cluster/start.ts [port, default 3001] [port of the
 * broker, default 4222]`. The nodes have this port and the next two. Ctrl-C ends all.
 */
import { spawn } from 'node:child_process'
import type { ChildProcess } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

const [first = '3001', brokerPort = '4222'] = process.argv.slice(2)
const NODES = 3
const isCompiled = import.meta.filename.endsWith('.js')
const server = join(import.meta.dirname, isCompiled ? 'server.js' : 'server.ts')

const store = mkdtempSync(join(tmpdir(), 'cluster-example-'))
process.on('exit', () => { rmSync(store, { recursive: true, force: true }) })

const broker = start('nats-server', ['-js', '-a', '127.0.0.1', '-p', brokerPort, '-sd', store])
const children = [broker]
broker.once('error', () => { end('nats-server is missing: apt-get install nats-server') })
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => { end() })

await whenListening(Number(brokerPort))
const env = { ...process.env, NATS_URL: `nats://127.0.0.1:${brokerPort}` }
for (let index = 0; index < NODES; index++) {
  const port = String(Number(first) + index)
  const args = [...isCompiled ? [] : ['--import', 'tsx'], server, port]
  const node = start(process.execPath, args, env)
  children.push(node)
  console.log(`node-${port}: ws://127.0.0.1:${port}/ws/<room>, process ${node.pid}`)
}

/** With its output on ours. */
function start (command: string, args: string[], env = process.env): ChildProcess {
  return spawn(command, args, { env: { ...env, PATH: `${process.env.PATH}:/usr/sbin` }, stdio: 'inherit' })
}

/** The nodes leave the cluster first. */
async function end (problem?: string): Promise<void> {
  if (problem !== undefined) console.error(problem)
  const [broker, ...nodes] = children
  await Promise.all(nodes.map(stop))
  await stop(broker)
  process.exit(problem === undefined ? 0 : 1)
}

async function stop (child: ChildProcess): Promise<void> {
  if (child.pid === undefined || child.exitCode !== null || child.signalCode !== null) return
  await new Promise(resolve => { child.once('exit', resolve).kill('SIGTERM') })
}

async function whenListening (port: number): Promise<void> {
  const isListening = await new Promise<boolean>(resolve => {
    const socket = connect(port, '127.0.0.1', () => { socket.destroy(); resolve(true) })
    socket.once('error', () => { resolve(false) })
  })
  if (isListening) return
  await new Promise(resolve => { setTimeout(resolve, 50) })
  await whenListening(port)
}
