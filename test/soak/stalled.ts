/**
 * A thousand stalled handshakes of each kind: each must be cut 3 s ± 0.5 s after its connection was opened, while a
 * well-behaved client joins within a second.
 *
 *   npx tsx test/soak/stalled.ts [handshakes, default 1000]
 */
import type { Socket } from 'node:net'
import { setTimeout as delay } from 'node:timers/promises'
import { leafKeys } from '../helper/sockets/keys.ts'
import { upgradeRequest } from '../helper/sockets/raw-socket.ts'
import { dial, dialTls, expect, percentile, timeJoin } from './clients.ts'
import { startServer, type Setting } from './server.ts'

interface Kind {
  readonly title: string
  readonly setting: Setting
  readonly stall: (socket: Socket) => void
  readonly isTls?: boolean
}

const drip = (socket: Socket): void => {
  const bytes = upgradeRequest('/').split('')
  const timer = setInterval(() => { if (socket.writable) socket.write(bytes.shift()!) }, 200)
  socket.once('close', () => { clearInterval(timer) })
}

const request = (socket: Socket): void => { socket.write(upgradeRequest('/')) }

const kinds: Kind[] = (['own', 'mounted'] as const).flatMap<Kind>(mode => [
  { title: `${mode}: silent`, setting: { mode }, stall: () => {} },
  { title: `${mode}: half a request line`, setting: { mode }, stall: socket => { socket.write('GET / HT') } },
  { title: `${mode}: dripped headers`, setting: { mode }, stall: drip },
  { title: `${mode}: onHandshake never resolves`, setting: { mode, handshakeDelay: 'never' }, stall: request }
])
kinds.push({
  title: 'mounted: a hook of the host app never resolves',
  setting: { mode: 'mounted', hookDelay: 'never' },
  stall: request
})
const tls: Setting = { mode: 'own', options: leafKeys }
kinds.push({ title: 'own: TLS, silent', setting: tls, stall: () => {}, isTls: true })
kinds.push({
  title: 'own: TLS, half a ClientHello',
  setting: tls,
  stall: socket => { socket.write(Buffer.from('160301020001', 'hex')) },
  isTls: true
})

const count = Number(process.argv[2] ?? 1000)
for (const kind of kinds) await run(kind)

async function run ({ title, setting, stall, isTls = false }: Kind): Promise<void> {
  const server = await startServer(setting)
  const join = async (): Promise<number> => await timeJoin(server.port, '/?good=1', isTls ? dialTls : dial)
  await join()
  const stalls = Array.from({ length: count }, async () => await measureLife(server.port, stall))
  const slowest = await slowestJoin(join)
  const lives = await Promise.all(stalls)
  const [least, most] = [Math.min(...lives), Math.max(...lives)]
  const { pending, peers, faults } = await server.read()
  server.stop()
  const range = `${least.toFixed(2)} .. ${most.toFixed(2)} s (median ${percentile(lives, 50).toFixed(2)})`
  console.log(`${title}: ${count} cut after ${range}; slowest join ${slowest.toFixed(0)} ms`)
  expect(least > 2.5 && most < 3.5, `${title}: cut after 3 s ± 0.5 s`)
  expect(slowest < 1000, `${title}: clients join within a second`)
  const isClean = pending === 0 && peers === 0 && faults.length === 0
  expect(isClean, `${title}: no leaks ${JSON.stringify({ pending, peers, faults })}`)
}

/** Seconds until the connection is closed. */
async function measureLife (port: number, stall: (socket: Socket) => void): Promise<number> {
  const socket = await dial(port)
  const began = performance.now()
  stall(socket)
  socket.resume()
  await new Promise(resolve => socket.once('close', resolve))
  return (performance.now() - began) / 1000
}

/** Duration of the slowest of ten joins in milliseconds. */
async function slowestJoin (join: () => Promise<number>): Promise<number> {
  const times: number[] = []
  for (let i = 0; i < 10; i++) {
    await delay(200)
    times.push(await join())
  }
  return Math.max(...times)
}
