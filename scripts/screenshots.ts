// Takes the pictures of the dashboard in docs/images, of an evening on a server: `npx tsx scripts/screenshots.ts [seconds of history]`.
import { once } from 'node:events'
import { mkdirSync, writeFileSync } from 'node:fs'
import type { AddressInfo } from 'node:net'
import { resolve } from 'node:path'
import Fastify from 'fastify'
import { chromium, type Browser, type Page } from 'playwright-core'
import { WebSocket } from 'ws'
import { root } from './root.ts'
import app, { apiPrefix } from '../app.ts'
import { find } from './parts.mjs'

const folder = resolve(root, 'docs/images')
const seconds = Number(process.argv[2] ?? 125)
const PLAYERS = 38
const [alice, bob] = [{ name: 'alice', token: 'alice shows the dashboard to readers' }, { name: 'bob', token: 'bob comes by and has a look as well' }]

/** Pictures by file: what kind of window they are of. */
const pictures = {
  'dashboard-light.png': { viewport: { width: 1280, height: 820 }, colorScheme: 'light' },
  'dashboard-dark.png': { viewport: { width: 1280, height: 820 }, colorScheme: 'dark' },
  'dashboard-phone.png': { viewport: { width: 390, height: 844 }, colorScheme: 'light', deviceScaleFactor: 2, isMobile: true, hasTouch: true }
} as const

const service = Fastify({ trustProxy: true })
await service.register(app, { server: { gdMpApi: true, protocols: ['lobby', 'duel'] }, admin: { token: [alice, bob] } })
await service.listen({ port: 0, host: '127.0.0.1' })
const { port } = service.server.address() as AddressInfo
const browser = await chromium.launch({ executablePath: find('chromium'), headless: true, args: ['--no-sandbox', '--disable-gpu'] })

const players = new Map<WebSocket, Player>()
for (let i = 0; i < PLAYERS; i++) await join(i)
const pages = await Promise.all(Object.values(pictures).map(options => openDashboard(browser, options)))
await evening()
mkdirSync(folder, { recursive: true })
for (const [i, file] of Object.keys(pictures).entries()) {
  await pages[i].mouse.move(0, 0)
  writeFileSync(resolve(folder, file), await pages[i].screenshot())
}

await browser.close()
for (const socket of players.keys()) socket.terminate()
await service.close()

/** One who plays: how many packets it sends in a second, and how large. */
interface Player { readonly id: number, readonly rate: number, readonly size: number }

/** The one who comes as number `i`, from an address set aside for documentation. */
async function join (i: number): Promise<WebSocket> {
  const address = [`203.0.113.${17 + i * 5 % 230}`, `198.51.100.${4 + i * 7 % 240}`, `2001:db8:${(i * 37).toString(16)}::${i + 1}`][i % 3]
  const joined = new Promise<number>(resolve => { service.peerServer.once('peer_connected', resolve) })
  const socket = new WebSocket(`ws://127.0.0.1:${port}/ws`, [i % 3 === 0 ? 'duel' : 'lobby'], { headers: { 'x-forwarded-for': address } })
  const [id] = await Promise.all([joined, once(socket, 'open')])
  players.set(socket, { id, rate: 1 + i * 7 % 10, size: 24 + i * 13 % 60 })
  socket.on('close', () => { players.delete(socket) })
  return socket
}

async function openDashboard (browser: Browser, options: object): Promise<Page> {
  const page = await (await browser.newContext({ ...options, reducedMotion: 'reduce' })).newPage()
  await page.goto(`http://127.0.0.1:${port}/dashboard`)
  await page.fill('#token-dialog input', alice.token)
  await page.click('#token-dialog .primary')
  await page.locator('#status[data-state=good]').waitFor()
  return page
}

/** Everyone sends a little, more and less as time goes on; some come and go, and the administrators have their work. */
async function evening (): Promise<void> {
  const incidents = new Map([[0.4, misled], [0.7, refused], [0.76, warned], [0.84, missed], [0.9, kicked], [0.96, greeted]])
  for (let second = 0; second < seconds; second++) {
    const mood = 1 + 0.5 * Math.sin(second / 11) + 0.25 * Math.sin(second / 3.1)
    for (let part = 0; part < 4; part++) {
      for (const [socket, player] of players) play(socket, player, mood / 4)
      await new Promise(resolve => setTimeout(resolve, 250))
    }
    if (second % 8 === 4) await join(PLAYERS + second)
    if (second % 10 === 7) [...players.keys()][second % players.size].close(1000, second % 2 === 0 ? '' : 'good night')
    for (const [at, incident] of incidents) if (second === Math.floor(at * seconds)) await incident()
  }
}

/** Sends for a while: every other packet to all, as an `rpc` goes, and one to a neighbour. */
function play (socket: WebSocket, { id, rate, size }: Player, share: number): void {
  const count = Math.round(rate * share + Math.random())
  const friend = [...players.values()].find(player => player.id !== id) as Player
  for (let i = 0; i < count; i++) socket.send(packet(id, i % 2 === 0 ? 0 : friend.id, size))
}

function packet (source: number, target: number, size: number): Buffer {
  const bytes = Buffer.alloc(9 + size)
  bytes.writeInt32LE(source, 1)
  bytes.writeInt32LE(target, 5)
  return bytes
}

async function refused (): Promise<void> {
  const socket = new WebSocket(`ws://127.0.0.1:${port}/ws`, ['duel'], { origin: 'https://elsewhere.example', headers: { 'x-forwarded-for': '192.0.2.66' } })
  await once(socket, 'error')
}

/** One claims to be another. */
async function misled (): Promise<void> {
  const [[socket, { id }]] = players
  for (let i = 0; i < 40; i++) socket.send(packet(id + 1, 0, 20))
}

async function warned (): Promise<void> {
  await act(bob, 'POST', `peers/${[...players.values()][5].id}/packets`, 'mind your words', 'text/plain')
}

async function kicked (): Promise<void> {
  await act(alice, 'DELETE', `peers/${[...players.values()][5].id}?code=4001&reason=${encodeURIComponent('insults, in spite of a warning')}`)
}

/** Who is to go has gone already. */
async function missed (): Promise<void> {
  await act(bob, 'DELETE', 'peers/3')
}

async function greeted (): Promise<void> {
  await act(alice, 'POST', 'packets?target=0', '{"maintenance": {"int": 15}}', 'application/vnd.godot.variant+json')
}

async function act ({ token }: { token: string }, method: string, path: string, body?: string, type?: string): Promise<void> {
  const headers = { authorization: `Bearer ${token}`, 'x-forwarded-for': '192.0.2.2', ...(type === undefined ? {} : { 'content-type': type }) }
  await fetch(`http://127.0.0.1:${port}${apiPrefix}/${path}`, { method, headers, body })
}
