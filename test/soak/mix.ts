/**
 * All attacks at once against a service that a game uses: periods with and without attackers take turns. The game's p99
 * with attackers must be at most twice that without (and at least 5 ms are allowed), and afterwards memory and
 * descriptors must be as before. Service and clients have a processor each.
 *
 *   npm run build && npx tsx test/soak/mix.ts [minutes, default 10]
 */
import { execFileSync, fork, spawn } from 'node:child_process'
import { once } from 'node:events'
import { readdirSync, readFileSync } from 'node:fs'
import type { Socket } from 'node:net'
import { resolve } from 'node:path'
import { createInterface } from 'node:readline'
import { setTimeout as delay } from 'node:timers/promises'
import { frame } from '../helper/sockets/raw-frame.ts'
import { upgradeRequest } from '../helper/sockets/raw-socket.ts'
import { dial, expect, percentile } from './clients.ts'

const PLAYERS = 16
const PER_SECOND = 20
const PERIOD = 30
const SETTLE = 6
const names = Array.from({ length: 2600 }, (_, i) => `n${i}`).join('&')
const post = `POST /api/v1/server/stop?${names} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 0\r\n\r\n`

/** One attack: what a connection sends, and after how many milliseconds it is cut; how many begin per second. */
interface Attack { readonly perSecond: number, readonly cutAfter: number, readonly act: (socket: Socket) => unknown }

/** A packet for all others. */
const packet = (source: number, payload: Buffer): Buffer => {
  const header = Buffer.alloc(9)
  header.writeInt32LE(source, 1)
  return frame(2, Buffer.concat([header, payload]))
}

/** Joins a room; resolves with the id of the peer, undefined when it was refused. */
async function join (socket: Socket, room: string): Promise<number | undefined> {
  socket.write(upgradeRequest(`/ws/${room}`))
  let received = Buffer.alloc(0)
  while (!socket.destroyed) {
    const [bytes] = await Promise.race([once(socket, 'data'), once(socket, 'close')]) as [Buffer | boolean]
    if (typeof bytes === 'boolean') return undefined
    received = Buffer.concat([received, bytes])
    const head = received.indexOf('\r\n\r\n') + 4
    if (head > 3 && !received.toString('latin1').startsWith('HTTP/1.1 101')) return undefined
    // The first message is the id.
    if (head > 3 && received.length >= head + 15) return received.readInt32LE(head + 11)
  }
  return undefined
}

async function flood (socket: Socket, count: number): Promise<void> {
  const id = await join(socket, 'attack')
  const packets = packet(id ?? 0, Buffer.alloc(0))
  if (socket.writable) socket.write(Buffer.concat(Array.from({ length: count }, () => packets)))
}

async function sendForever (socket: Socket): Promise<void> {
  const large = packet(await join(socket, 'attack') ?? 0, Buffer.alloc(8000))
  const timer = setInterval(() => { if (socket.writable) socket.write(large) }, 20)
  socket.once('close', () => { clearInterval(timer) })
}

const attacks: readonly Attack[] = [
  // Upgrades that nobody can read, and handshakes that are never completed or aborted.
  { perSecond: 20, cutAfter: 10_000, act: socket => { socket.write(upgradeRequest('/%zz')) } },
  { perSecond: 20, cutAfter: 10_000, act: socket => { socket.write(upgradeRequest('/ws').slice(0, 60)) } },
  { perSecond: 10, cutAfter: 1, act: socket => { socket.write(upgradeRequest('/ws/attack')) } },
  // Audited names, and large responses that are not read.
  { perSecond: 5, cutAfter: 500, act: socket => { socket.write(post) } },
  {
    perSecond: 1,
    cutAfter: 8000,
    act: socket => {
      socket.pause()
      socket.write('GET /openapi.json HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n'.repeat(100))
    }
  },
  // A flood that ends in a reset, one that does not, and a member of a room that reads nothing.
  { perSecond: 1, cutAfter: 300, act: async socket => { await flood(socket, 4000) } },
  { perSecond: 0.2, cutAfter: 20_000, act: sendForever },
  {
    perSecond: 0.2,
    cutAfter: 20_000,
    act: socket => {
      socket.pause()
      socket.write(upgradeRequest('/ws/attack'))
    }
  }
]

if (process.send !== undefined) await attack(Number(process.argv[2]))
else await measure(Number(process.argv[2] ?? 10))

/** The attackers, in a process of their own, until it is killed. */
async function attack (port: number): Promise<void> {
  for (const { perSecond, cutAfter, act } of attacks) {
    setInterval(async () => {
      const socket = await dial(port).catch(() => undefined)
      if (socket === undefined) return
      if (!socket.isPaused()) socket.resume()
      act(socket)
      await delay(cutAfter)
      if (socket.writable) socket.resetAndDestroy()
      else socket.destroy()
    }, 1000 / perSecond)
  }
}

async function measure (minutes: number): Promise<void> {
  const service = spawn(process.execPath, [resolve(import.meta.dirname, '../../dist/service.js')], {
    env: { ...process.env, PORT: '0', ADMIN_TOKEN: 'x'.repeat(32), ROOMS: 'true' },
    stdio: ['ignore', 'pipe', 'inherit']
  })
  service.once('exit', code => { expect(code === null, `the service lives (exit code ${code})`) })
  const port = await new Promise<number>(resolve => createInterface({ input: service.stdout }).on('line', line => {
    const found = /listening at http:\/\/[^"]*:(\d+)/.exec(line)
    if (found !== null) resolve(Number(found[1]))
  }))
  pin(service.pid!, 0)
  pin(process.pid, 1)
  const players = await Promise.all(Array.from({ length: PLAYERS }, async () => await enter(port)))
  await play(players, 5)
  const base = usage(service.pid!)
  const p99s: Record<'calm' | 'attacked', number[]> = { calm: [], attacked: [] }
  for (let period = 0; period < minutes * 60 / (PERIOD + SETTLE) / 2; period++) {
    p99s.calm.push(percentile(await play(players, PERIOD), 99))
    const attackers = fork(import.meta.filename, [String(port)], { execArgv: ['--import', 'tsx'] })
    // They share a processor with the players, whose clock must not wait for them.
    execFileSync('chrt', ['--idle', '--all-tasks', '--pid', '0', String(attackers.pid)])
    await delay(SETTLE * 1000)
    p99s.attacked.push(percentile(await play(players, PERIOD), 99))
    attackers.kill()
    await delay(SETTLE * 1000)
  }
  await delay(35_000)
  const after = usage(service.pid!)
  const [calm, attacked] = [percentile(p99s.calm, 50), percentile(p99s.attacked, 50)]
  const periods = `medians of ${p99s.calm.length} periods`
  console.log(`p99 ${calm.toFixed(2)} ms calm, ${attacked.toFixed(2)} ms attacked (${periods})`)
  console.log(`before ${JSON.stringify(base)}, after ${JSON.stringify(after)}`)
  expect(attacked <= Math.max(2 * calm, 5), 'p99 with attackers is at most twice that without')
  expect(after.descriptors <= base.descriptors + 5, 'descriptors are back')
  expect(after.memory < base.memory * 1.5 + 40, 'memory is back')
  service.removeAllListeners('exit').kill()
  for (const { socket } of players) socket.destroy()
}

interface Player { readonly socket: Socket, readonly id: number }

/** A player of the room `game`. */
async function enter (port: number): Promise<Player> {
  const socket = await dial(port)
  const id = await join(socket, 'game')
  if (id === undefined) throw new Error('a player was refused')
  return { socket, id }
}

/** Every player sends the time to all others; returns the milliseconds that each delivery took. */
async function play (players: readonly Player[], seconds: number): Promise<number[]> {
  const delays: number[] = []
  const onData = (bytes: Buffer): void => {
    for (let at = 0; at + 19 <= bytes.length; at += 2 + bytes[at + 1]) {
      if (bytes[at] === 0x82 && bytes[at + 1] === 17) delays.push(performance.now() - bytes.readDoubleLE(at + 11))
    }
  }
  for (const { socket } of players) socket.on('data', onData)
  const timers = players.map(({ socket, id }) => setInterval(() => {
    const time = Buffer.alloc(8)
    time.writeDoubleLE(performance.now())
    socket.write(packet(id, time))
  }, 1000 / PER_SECOND))
  await delay(seconds * 1000)
  for (const timer of timers) clearInterval(timer)
  await delay(200)
  for (const { socket } of players) socket.off('data', onData).resume()
  expect(delays.length > players.length * PER_SECOND * seconds * 10, `enough deliveries: ${delays.length}`)
  return delays
}

function pin (pid: number, core: number): void {
  execFileSync('taskset', ['-acp', String(core), String(pid)], { stdio: 'ignore' })
}

function usage (pid: number): { descriptors: number, memory: number } {
  const memory = Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))![1]) / 1024
  return { descriptors: readdirSync(`/proc/${pid}/fd`).length, memory: Math.round(memory) }
}
