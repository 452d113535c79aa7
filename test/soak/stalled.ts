/**
 * A thousand handshakes that stall, of each kind: each must be cut 3 s after it began, give or take 0.5, while a good
 * client joins in under a second.
 *
 *   npx tsx test/soak/stalled.ts [handshakes, 1000]
 */
import type { Socket } from 'node:net'
import { setTimeout as delay } from 'node:timers/promises'
import { leafKeys } from '../helper/keys.ts'
import { upgradeRequest } from '../helper/raw-socket.ts'
import { demand, dial, dialTls, percentile, timeJoin } from './clients.ts'
import { startServer, type Setting } from './server.ts'

interface Kind {
  readonly what: string
  readonly setting: Setting
  readonly stall: (socket: Socket) => void
  readonly isTls?: boolean
}

const drip = (socket: Socket): void => {
  const bytes = upgradeRequest('/').split('')
  const timer = setInterval(() => { if (socket.writable) socket.write(bytes.shift()!) }, 200)
  socket.once('close', () => { clearInterval(timer) })
}

const kinds: Kind[] = (['own', 'mounted'] as const).flatMap<Kind>(mode => [
  { what: `${mode}: silent`, setting: { mode }, stall: () => {} },
  { what: `${mode}: half a request line`, setting: { mode }, stall: socket => { socket.write('GET / HT') } },
  { what: `${mode}: dripped headers`, setting: { mode }, stall: drip },
  {
    what: `${mode}: a hook that never answers`,
    setting: { mode, asks: 'never' },
    stall: socket => { socket.write(upgradeRequest('/')) }
  }
])
kinds.push({
  what: 'mounted: a hook of the host that never answers',
  setting: { mode: 'mounted', hostAsks: 'never' },
  stall: socket => { socket.write(upgradeRequest('/')) }
})
const tls: Setting = { mode: 'own', options: leafKeys }
kinds.push({ what: 'own: TLS, silent', setting: tls, stall: () => {}, isTls: true })
kinds.push({
  what: 'own: a TLS handshake that stalls',
  setting: tls,
  stall: socket => { socket.write(Buffer.from('160301020001', 'hex')) },
  isTls: true
})

const count = Number(process.argv[2] ?? 1000)
for (const kind of kinds) await run(kind)

async function run ({ what, setting, stall, isTls = false }: Kind): Promise<void> {
  const server = await startServer(setting)
  const join = async (): Promise<number> => await timeJoin(server.port, '/?good=1', isTls ? dialTls : dial)
  await join()
  const stalls = Array.from({ length: count }, async () => await measureLife(server.port, stall))
  const slowest = await slowestOf(join)
  const lives = await Promise.all(stalls)
  const [least, most] = [Math.min(...lives), Math.max(...lives)]
  const { pending, peers, faults } = await server.read()
  server.stop()
  console.log(`${what}: ${count} cut after ${least.toFixed(2)} .. ${most.toFixed(2)} s (median ${percentile(lives, 50)
    .toFixed(2)}); the slowest of the good clients joined in ${slowest.toFixed(0)} ms`)
  demand(least > 2.5 && most < 3.5, `${what}: 3 s +-0.5`)
  demand(slowest < 1000, `${what}: a good client joins in under a second`)
  demand(pending === 0 && peers === 0 && faults.length === 0, `${what}: nothing is left ${JSON.stringify({
    pending,
    peers,
    faults
  })}`)
}

/** Seconds from the connection to its end. */
async function measureLife (port: number, stall: (socket: Socket) => void): Promise<number> {
  const socket = await dial(port)
  const began = performance.now()
  stall(socket)
  socket.resume()
  await new Promise(resolve => socket.once('close', resolve))
  return (performance.now() - began) / 1000
}

/** Milliseconds that the slowest of some good clients takes while the others stall. */
async function slowestOf (join: () => Promise<number>): Promise<number> {
  const times: number[] = []
  for (let i = 0; i < 10; i++) {
    await delay(200)
    times.push(await join())
  }
  return Math.max(...times)
}
