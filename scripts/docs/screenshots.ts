// Takes the screenshots of the dashboard in docs/images:
// `npm run build && npx tsx scripts/docs/screenshots.ts [seconds]`.
// It simulates players and administrators for that many seconds, 600 by default, to fill the charts and the events.
import { once } from 'node:events'
import { mkdirSync, writeFileSync } from 'node:fs'
import type { AddressInfo } from 'node:net'
import { resolve } from 'node:path'
import Fastify from 'fastify'
import { chromium, type Browser, type Page } from 'playwright-core'
import { WebSocket } from 'ws'
import { root } from '../root.ts'
import app, { apiPrefix } from '../../app.ts'
import { browserCommand, findProgram } from '../test/test-programs.mjs'

const folder = resolve(root, 'docs/images')
const seconds = Number(process.argv[2] ?? 600)
const PLAYERS = 38
/** Seconds at the end in which the pages are open; their charts begin with what the server has measured. */
const WATCHED = 20
/** In turn for those who join. */
const rooms = ['main', 'harbour', 'main', 'canyon', 'harbour', 'duel-K7QXM', 'main']
const alice = { name: 'alice', token: 'token of alice, long enough to be valid' }
const bob = { name: 'bob', token: 'token of bob, long enough to be valid' }

/** Browser settings of each screenshot. */
const screenshots = {
  'dashboard-light.png': { viewport: { width: 1280, height: 820 }, colorScheme: 'light' },
  'dashboard-dark.png': { viewport: { width: 1280, height: 820 }, colorScheme: 'dark' },
  'dashboard-phone.png': {
    viewport: { width: 390, height: 844 },
    colorScheme: 'light',
    deviceScaleFactor: 2,
    isMobile: true,
    hasTouch: true
  }
} as const

const service = Fastify({ trustProxy: true })
await service.register(app, {
  server: { gdMpApi: true, rooms: true, protocols: ['lobby', 'duel'] }, admin: { token: [alice, bob] }
})
await service.listen({ port: 0, host: '127.0.0.1' })
const { port } = service.server.address() as AddressInfo
const browser = await chromium.launch({
  executablePath: findProgram(browserCommand), headless: true, args: ['--no-sandbox', '--disable-gpu']
})

const players = new Map<WebSocket, Player>()
for (let i = 0; i < PLAYERS; i++) await join(i)
await simulate(0, seconds - WATCHED)
const [pages] = await Promise.all([
  Promise.all(Object.values(screenshots).map(options => openDashboard(browser, options))),
  simulate(seconds - WATCHED, seconds)
])
mkdirSync(folder, { recursive: true })
for (const [i, file] of Object.keys(screenshots).entries()) {
  await pages[i].mouse.move(0, 0)
  writeFileSync(resolve(folder, file), await pages[i].screenshot())
}

await browser.close()
for (const socket of players.keys()) socket.terminate()
await service.close()

/** A player who sends `rate` packets of `size` bytes per second. */
interface Player { readonly id: number, readonly room: string, readonly rate: number, readonly size: number }

/** Connects player number `i`, from an address that is reserved for documentation. */
async function join (i: number): Promise<WebSocket> {
  const addresses = [
    `203.0.113.${17 + i * 5 % 230}`, `198.51.100.${4 + i * 7 % 240}`, `2001:db8:${(i * 37).toString(16)}::${i + 1}`
  ]
  const joined = new Promise<number>(resolve => { service.peerServer.once('peer_connected', resolve) })
  const room = rooms[i % rooms.length]
  const socket = new WebSocket(`ws://127.0.0.1:${port}/ws/${room}`, [i % 3 === 0 ? 'duel' : 'lobby'], {
    headers: { 'x-forwarded-for': addresses[i % 3] }
  })
  const [id] = await Promise.all([joined, once(socket, 'open')])
  players.set(socket, { id, room, rate: 1 + i * 7 % 10, size: 24 + i * 13 % 60 })
  socket.on('close', () => { players.delete(socket) })
  return socket
}

async function openDashboard (browser: Browser, options: object): Promise<Page> {
  const page = await (await browser.newContext({ ...options, reducedMotion: 'reduce' })).newPage()
  await page.goto(`http://127.0.0.1:${port}/dashboard`)
  await page.fill('#token-dialog [name=token]', alice.token)
  await page.click('#token-dialog .primary')
  await page.locator('#status[data-state=success]').waitFor()
  return page
}

/** Players send packets at varying rates, join and leave; administrators act. */
async function simulate (from: number, to: number): Promise<void> {
  const incidents = new Map([
    [0.4, spoofSource], [0.7, connectFromForbiddenOrigin], [0.76, sendText],
    [0.84, kickUnknown], [0.9, kick], [0.96, sendVariant]
  ])
  for (let second = from; second < to; second++) {
    const activity = 1 + 0.5 * Math.sin(second / 11) + 0.25 * Math.sin(second / 3.1)
    for (let part = 0; part < 4; part++) {
      for (const [socket, player] of players) play(socket, player, activity / 4)
      await new Promise(resolve => setTimeout(resolve, 250))
    }
    if (second % 8 === 4) await join(PLAYERS + second)
    if (second % 10 === 7) [...players.keys()][second % players.size].close(1000, second % 2 === 0 ? '' : 'good night')
    for (const [time, incident] of incidents) if (second === Math.floor(time * seconds)) await incident()
  }
}

/** Sends packets, in turn to all players as `rpc` does, and to one. */
function play (socket: WebSocket, { id, room, rate, size }: Player, share: number): void {
  const count = Math.round(rate * share + Math.random())
  const other = [...players.values()].find(player => player.id !== id && player.room === room)
  for (let i = 0; i < count; i++) socket.send(packet(id, i % 2 === 0 || other === undefined ? 0 : other.id, size))
}

function packet (source: number, target: number, size: number): Buffer {
  const bytes = Buffer.alloc(9 + size)
  bytes.writeInt32LE(source, 1)
  bytes.writeInt32LE(target, 5)
  return bytes
}

async function connectFromForbiddenOrigin (): Promise<void> {
  const socket = new WebSocket(`ws://127.0.0.1:${port}/ws`, ['duel'], {
    origin: 'https://other.example', headers: { 'x-forwarded-for': '192.0.2.66' }
  })
  await once(socket, 'error')
}

/** A player sends packets with the id of another one. */
async function spoofSource (): Promise<void> {
  const [[socket, { id }]] = players
  for (let i = 0; i < 40; i++) socket.send(packet(id + 1, 0, 20))
}

async function sendText (): Promise<void> {
  await request(bob, 'POST', `peers/${[...players.values()][5].id}/packets`, 'please be polite', 'text/plain')
}

async function kick (): Promise<void> {
  const reason = encodeURIComponent('insults after a warning')
  await request(alice, 'DELETE', `peers/${[...players.values()][5].id}?code=4001&reason=${reason}`)
}

async function kickUnknown (): Promise<void> {
  await request(bob, 'DELETE', 'peers/3')
}

async function sendVariant (): Promise<void> {
  await request(alice, 'POST', 'packets?target=0', '{"maintenance": {"int": 15}}', 'application/vnd.godot.variant+json')
}

async function request (
  { token }: { token: string }, method: string, path: string, body?: string, mediaType?: string
): Promise<void> {
  const headers = {
    authorization: `Bearer ${token}`,
    'x-forwarded-for': '192.0.2.2',
    ...(mediaType === undefined ? {} : { 'content-type': mediaType })
  }
  await fetch(`http://127.0.0.1:${port}${apiPrefix}/${path}`, { method, headers, body })
}
