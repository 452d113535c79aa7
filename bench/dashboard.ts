/**
 * How long the dashboard takes to respond, with 10 and with 10,000 peers that send packets and join: actions until
 * their effect is rendered, interactions until the next paint, and all peers leaving at once. Needs Chromium. Prints
 * tables.
 *
 *   npm run compile && node dist/bench/dashboard.js [--peers 10000] [--rounds 20] [--write]
 */
import type { AddressInfo } from 'node:net'
import { parseArgs } from 'node:util'
import Fastify from 'fastify'
import { chromium, type Browser, type Page } from 'playwright-core'
import app from '../app.ts'
import { browserCommand, findProgram } from '../scripts/test/test-programs.mjs'
import type { WebSocketServer } from '../src/core/server/websocket-server.ts'
import { accept } from '../test/helper/internals.ts'
import { MemoryConnection } from '../test/helper/memory/memory-connection.ts'
import { frame } from '../test/helper/sockets/raw-frame.ts'
import { writeSection } from './report/document.ts'
import { describeMachine } from './report/machine.ts'
import { table } from './report/table.ts'

const FEW = 10
/** Packets and joins of a tick, and milliseconds between two. */
const [PACKETS, TICK] = [100, 50]

/** What a user does, and when its effect is rendered: expressions in the page. */
const actions: Record<string, [action: string, isDone: string]> = {
  'sort by traffic': ["$('[data-sort=bytesIn] button').click()", 'hasLoaded()'],
  'sort by address': ["$('[data-sort=address] button').click()", 'hasLoaded()'],
  filter: [
    "$('#filter-address').value = '10.7.0.0/16'; $('#filter').dispatchEvent(new Event('input'))",
    "hasLoaded() && $$('#peers tbody tr .address').every(({ textContent }) => textContent.startsWith('10.7.'))"
  ],
  'remove the filter': ["$('#filter').reset()", "hasLoaded() && $('#filter-clear').disabled"],
  'open a dialog': ["$('#send').click()", "$('#send-dialog').open"],
  'close the dialog': ["$('#send-dialog').close()", "!$('#send-dialog').open"]
}

/** Milliseconds of each action, of interactions, and of the news that everyone has left. */
interface Figures {
  readonly actions: Readonly<Record<string, number[]>>
  readonly interactions: readonly number[]
  readonly frames: readonly number[]
  readonly left: number
}

const { values: settings } = parseArgs({
  options: {
    peers: { type: 'string', default: '10000' },
    rounds: { type: 'string', default: '20' },
    write: { type: 'boolean', default: false }
  }
})
const rounds = Number(settings.rounds)
const many = Number(settings.peers)

const machine = describeMachine([])
const browser = await chromium.launch({
  executablePath: findProgram(browserCommand), args: ['--no-sandbox', '--disable-gpu']
})
const [few, all] = [await measure(browser, FEW), await measure(browser, many)]
await browser.close()

const rows = Object.keys(actions).map(name => [name, few.actions[name], all.actions[name]] as const)
const text = `${machine}

${table(['milliseconds, median (p90)', `${FEW} peers`, `${many.toLocaleString('en')} peers`, 'times'], [
  ...rows.map(([name, a, b]) => [name, shown(a), shown(b), (percentile(b, 50) / percentile(a, 50)).toFixed(1)]),
  ['any click or key until the next paint', ...[few, all].map(({ interactions }) => shown(interactions)), '-'],
  ['between two frames', ...[few, all].map(({ frames }) => shown(frames)), '-'],
  ['all peers leave', ...[few, all].map(({ left }) => left.toFixed(0)), '-']
])}`
console.log(text)
if (settings.write) writeSection('dashboard', text)

async function measure (browser: Browser, peers: number): Promise<Figures> {
  const service = Fastify({ forceCloseConnections: true })
  await service.register(app, { server: { protocols: ['chat'], pingInterval: 0 }, admin: { auth: false } })
  await service.listen({ port: 0, host: '127.0.0.1' })
  const server = service.peerServer
  const connections = Array.from({ length: peers }, (_, i) => new MemoryConnection(`10.${i % 200}.0.${i >> 8}`, i))
  server.on('packet', () => {})
  for (const connection of connections) accept(server, connection, 'chat')
  const page = await browser.newPage()
  await page.goto(`http://127.0.0.1:${(service.server.address() as AddressInfo).port}/dashboard`)
  await page.locator('#peers tbody tr').first().waitFor()
  const traffic = startTraffic(server, connections)
  const times: Record<string, number[]> = Object.fromEntries(Object.keys(actions).map(name => [name, []]))
  for (let round = 0; round < rounds; round++) {
    for (const [name, [action, isDone]] of Object.entries(actions)) {
      times[name].push(await page.evaluate(timed(action, isDone)))
    }
  }
  const { interactions, frames } = await interact(page)
  clearInterval(traffic)
  const left = await leave(page, connections)
  await page.close()
  await service.close()
  return { actions: times, interactions, frames, left }
}

/** Peers send packets, and others join. */
function startTraffic (server: WebSocketServer, connections: MemoryConnection[]): NodeJS.Timeout {
  let next = 0
  return setInterval(() => {
    for (let i = 0; i < PACKETS; i++) connections[next++ % connections.length].deliver(frame(1, 'hello'))
    const guest = new MemoryConnection('192.0.2.1', 9)
    connections.push(guest)
    accept(server, guest, 'chat')
  }, TICK)
}

/** Clicks, types and scrolls like a user. */
async function interact (page: Page): Promise<Pick<Figures, 'interactions' | 'frames'>> {
  await page.evaluate(`longest = new Map()
    new PerformanceObserver(list => {
      for (const { interactionId: id, duration } of list.getEntries()) {
        if (id > 0) longest.set(id, Math.max(duration, longest.get(id) ?? 0))
      }
    }).observe({ type: 'event', durationThreshold: 16 })
    frames = []
    let last = performance.now()
    const tick = now => { frames.push(now - last); last = now; requestAnimationFrame(tick) }
    requestAnimationFrame(tick)`)
  for (let round = 0; round < rounds / 4; round++) {
    await page.click('[data-sort=bytesIn] button')
    await page.locator('#filter-address').pressSequentially('10.7.0.0/16')
    await page.click('#filter-clear')
    await page.hover('#peers')
    for (let i = 0; i < 10; i++) await page.mouse.wheel(0, 60)
    await page.locator('#peers tbody tr').first().focus()
    await page.keyboard.press('ArrowDown')
    await page.keyboard.press('d')
    await page.keyboard.press('Escape')
  }
  // Those that took less than 16 ms are not reported.
  return await page.evaluate(`new Promise(resolve => { setTimeout(resolve, 500) }).then(() => ({
    interactions: [...longest.values(), ...Array(performance.interactionCount - longest.size).fill(16)],
    frames
  }))`)
}

/** Milliseconds from the moment at which all peers leave until the page shows none. */
async function leave (page: Page, connections: readonly MemoryConnection[]): Promise<number> {
  const began = performance.now()
  for (const connection of connections) connection.disconnect()
  const isEmpty = "document.querySelector('#peers-now').textContent === '0' && " +
    "document.querySelector('#peers tbody').childElementCount === 0"
  await page.evaluate(`new Promise(resolve => {
    const check = () => { if (${isEmpty}) resolve(); else requestAnimationFrame(check) }
    check()
  })`)
  return performance.now() - began
}

/** Source of a promise for the milliseconds from an action until its effect is rendered. */
function timed (action: string, isDone: string): string {
  return `new Promise(resolve => {
    const $ = selector => document.querySelector(selector)
    const $$ = selector => [...document.querySelectorAll(selector)]
    const hasLoaded = () => performance.getEntriesByType('resource').length > 0 && $('#peers tbody tr') !== null
    performance.clearResourceTimings()
    const start = performance.now()
    ${action}
    const check = () => {
      if (${isDone}) resolve(performance.now() - start)
      else requestAnimationFrame(check)
    }
    requestAnimationFrame(check)
  })`
}

function shown (values: readonly number[]): string {
  return `${percentile(values, 50).toFixed(0)} (${percentile(values, 90).toFixed(0)})`
}

function percentile (values: readonly number[], percent: number): number {
  const sorted = [...values].sort((a, b) => a - b)
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * percent / 100))]
}
