/**
 * What replication costs: spawned nodes whose position is sent to every client 20 times a second, as nodes and clients
 * grow, and for clients that see a quarter of the world. Prints tables.
 *
 *   npm run compile && node dist/bench/replication.js [--only nodes,clients,visibility] [--rounds 3] [--secs 2]
 *     [--write]
 */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, writeFileSync } from 'node:fs'
import { connect } from 'node:net'
import type { Socket } from 'node:net'
import { dirname, join } from 'node:path'
import { createInterface } from 'node:readline'
import { parseArgs } from 'node:util'
import { page, writeSection } from './report/document.ts'
import { describeMachine } from './report/machine.ts'
import { project } from './paths.ts'
import { core, pinToCore } from './processes/pin-to-core.ts'
import { plot } from './report/plot.ts'
import { spreadOf } from './report/spread.ts'
import { spread, table } from './report/table.ts'

/** Nodes and clients of the middle of all curves. */
const [NODES, CLIENTS] = [500, 32]

type Shown = 'all' | 'filter' | 'interest'
interface Case { readonly nodes: number, readonly clients: number, readonly shown: Shown }

/** CPU milliseconds of the server per tick; KiB and messages per second and client; ticks per second. */
interface Figures { readonly cpu: number, readonly kib: number, readonly messages: number, readonly rate: number }

const { values: settings } = parseArgs({
  options: {
    only: { type: 'string', default: 'nodes,clients,visibility' },
    rounds: { type: 'string', default: '3' },
    secs: { type: 'string', default: '2' },
    write: { type: 'boolean', default: false }
  }
})
const seconds = Number(settings.secs)
const head = ['CPU ms per tick', 'of a core', 'KiB/s per client', 'messages/s per client', 'ticks/s']

const all = (nodes: number, clients: number): Case => ({ nodes, clients, shown: 'all' })
const [nodeCounts, clientCounts] = [[50, 125, 250, NODES, 1000, 2000], [2, 4, 8, 16, CLIENTS, 64]]
const parts: Record<string, () => Promise<string>> = {
  nodes: async () => await curve('nodes', `spawned nodes, ${CLIENTS} clients`, nodeCounts, x => all(x, CLIENTS)),
  clients: async () => await curve('clients', `clients, ${NODES} spawned nodes`, clientCounts, x => all(NODES, x)),
  visibility
}

const machine = describeMachine([])
console.log(machine)
for (const name of Object.keys(parts).filter(name => settings.only.split(',').includes(name))) {
  const text = await parts[name]()
  console.log(`\n${text}`)
  if (settings.write) writeSection(`replication-${name}`, `${picture(name)}${machine}\n\n${text}`)
}

/** Cost as a function of one number. */
async function curve (name: string, x: string, counts: readonly number[], at: (x: number) => Case): Promise<string> {
  const rounds = await measureAll(counts.map(at))
  const points = counts.map((count, i) => [count, spreadOf(rounds[i].map(({ cpu }) => cpu))!.median] as const)
  if (settings.write) {
    const file = fileOf(name)
    mkdirSync(dirname(file), { recursive: true })
    writeFileSync(file, plot({
      title: 'Replication: CPU time of the server per tick', x, y: 'CPU ms per tick', series: [{ name: 'all', points }]
    }))
  }
  return table([x, ...head], counts.map((count, i) => [count.toLocaleString('en'), ...cells(rounds[i])]))
}

/** The same nodes, of which each client is sent a quarter. */
async function visibility (): Promise<string> {
  const rows: Array<[title: string, shown: Shown]> = [
    ['all nodes to all', 'all'], ['a callback per node, every tick', 'filter'],
    ['`spawner.interest`, four times a second', 'interest']
  ]
  const cases = rows.map(([, shown]) => ({ ...all(4 * NODES, CLIENTS), shown }))
  const rounds = await measureAll(cases)
  const title = `${4 * NODES} spawned nodes, ${CLIENTS} clients`
  return table([title, ...head], rows.map(([row], i) => [row, ...cells(rounds[i])]))
}

function cells (figures: readonly Figures[]): string[] {
  const of = (read: (figures: Figures) => number): string => spread(figures.map(read))
  return [
    of(({ cpu }) => cpu), of(({ cpu, rate }) => cpu * rate / 1000), of(({ kib }) => kib),
    of(({ messages }) => messages), of(({ rate }) => rate)
  ]
}

/** The figures of each case in interleaved rounds. */
async function measureAll (cases: readonly Case[]): Promise<Figures[][]> {
  const figures = cases.map((): Figures[] => [])
  for (let round = 0; round < Number(settings.rounds); round++) {
    for (const [i, one] of cases.entries()) figures[i].push(await measure(one))
  }
  return figures
}

/** A new server, with clients that read and count. */
async function measure ({ nodes, clients, shown }: Case): Promise<Figures> {
  const [file, args] = pinToCore(core.server, [
    process.execPath, join(project, 'dist/bench/servers/replication.js'), String(nodes), shown
  ])
  const child = spawn(file, args, { stdio: ['pipe', 'pipe', 'inherit'] })
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]()
  const port = Number((await lines.next()).value)
  const counted = { bytes: 0, messages: 0 }
  const sockets = await Promise.all(Array.from({ length: clients }, async () => await join4(port, counted)))
  const usage = async (): Promise<{ cpu: number, ticks: number }> => {
    child.stdin.write('\n')
    return JSON.parse((await lines.next()).value as string)
  }
  await new Promise(resolve => setTimeout(resolve, 500))
  await usage()
  const [start, before] = [performance.now(), { ...counted }]
  await new Promise(resolve => setTimeout(resolve, seconds * 1000))
  const { cpu, ticks } = await usage()
  const time = (performance.now() - start) / 1000
  for (const socket of sockets) socket.destroy()
  child.kill()
  await once(child, 'exit')
  return {
    cpu: cpu / 1000 / ticks,
    kib: (counted.bytes - before.bytes) / 1024 / time / clients,
    messages: (counted.messages - before.messages) / time / clients,
    rate: ticks / time
  }
}

/** A client that has joined; it counts what it is sent. */
async function join4 (port: number, counted: { bytes: number, messages: number }): Promise<Socket> {
  const socket = connect({ port, host: '127.0.0.1', noDelay: true })
  await once(socket, 'connect')
  socket.write('GET / HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n' +
    'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n')
  const [head] = await once(socket, 'data') as [Buffer]
  if (!head.toString('latin1').startsWith('HTTP/1.1 101')) throw new Error('the handshake was refused')
  let rest = head.subarray(head.indexOf('\r\n\r\n') + 4)
  socket.on('data', (chunk: Buffer) => {
    counted.bytes += chunk.length
    rest = countFrames(rest.length === 0 ? chunk : Buffer.concat([rest, chunk]), counted)
  }).on('error', () => {})
  return socket
}

/** Counts whole frames of a server; returns what is left. */
function countFrames (bytes: Buffer, counted: { messages: number }): Buffer {
  for (let at = 0; ;) {
    if (bytes.length - at < 4) return bytes.subarray(at)
    const short = bytes[at + 1]
    const size = short < 126 ? 2 + short : short === 126 ? 4 + bytes.readUInt16BE(at + 2) : NaN
    if (Number.isNaN(size)) throw new Error('a frame of over 64 KiB')
    if (bytes.length - at < size) return bytes.subarray(at)
    at += size
    counted.messages++
  }
}

function fileOf (name: string): string {
  return join(dirname(page), 'benchmarks', `replication-${name}.svg`)
}

function picture (name: string): string {
  return name === 'visibility' ? '' : `![Replication: ${name}](benchmarks/replication-${name}.svg)\n\n`
}
