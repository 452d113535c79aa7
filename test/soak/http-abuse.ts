/**
 * Abuse of the HTTP interface of a service with a heap of 400 MB: audited names, pipelined requests and large responses
 * that clients do not read. Memory and descriptors must stay bounded and return to their initial values, and other
 * clients must be served during the abuse.
 *
 *   npm run build && npx tsx test/soak/http-abuse.ts
 */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readdirSync, readFileSync } from 'node:fs'
import type { Socket } from 'node:net'
import { resolve } from 'node:path'
import { createInterface } from 'node:readline'
import { setTimeout as delay } from 'node:timers/promises'
import { expect, dial } from './clients.ts'

const RESPONSE_TIMEOUT = 5
const get = (path: string): string => `GET ${path} HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n`
const post = (count: number): string => {
  const names = Array.from({ length: count }, (_, i) => `n${i}`).join('&')
  return `POST /api/v1/server/stop?${names} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 0\r\n\r\n`
}

const service = spawn(process.execPath, [
  '--max-old-space-size=400', resolve(import.meta.dirname, '../../dist/service.js')
], {
  env: {
    ...process.env,
    PORT: '0',
    ADMIN_TOKEN: 'x'.repeat(32),
    LOG_LEVEL: 'info',
    RESPONSE_TIMEOUT: String(RESPONSE_TIMEOUT)
  },
  stdio: ['ignore', 'pipe', 'inherit']
})
service.once('exit', code => { expect(code === null, `the service lives (exit code ${code})`) })
const port = await new Promise<number>(resolve => createInterface({ input: service.stdout }).on('line', line => {
  const found = /listening at http:\/\/[^"]*:(\d+)/.exec(line)
  if (found !== null) resolve(Number(found[1]))
}))
await fetch(`http://127.0.0.1:${port}/openapi.json`)
const base = { descriptors: descriptors(), memory: memory() }
console.log(`base: ${base.descriptors} descriptors, ${base.memory} MiB`)

await phase('10,000 unauthorized POSTs with 100 query parameters each', async () => {
  await Promise.all(Array.from({ length: 10 }, async () => {
    const socket = await dial(port)
    for (let i = 0; i < 1000; i++) {
      socket.write(post(100))
      await once(socket, 'data')
    }
    socket.destroy()
  }))
})
await phase('10,000 POSTs with 2,600 query parameters each', async () => {
  await Promise.all(Array.from({ length: 10 }, async () => {
    for (let i = 0; i < 1000; i++) {
      const socket = await dial(port)
      socket.write(post(2600))
      await once(socket, 'data')
      socket.destroy()
    }
  }))
})
const file = get('/docs/static/swagger-ui-bundle.js')
const kinds: Array<[what: string, connections: number, requests: string]> = [
  ['50 connections with 999 pipelined static files each', 50, file.repeat(999)],
  ['50 connections with 9,000 pipelined OpenAPI documents each', 50, get('/openapi.json').repeat(9000)],
  ['100 connections with 10 pipelined static files each', 100, file.repeat(10)]
]
for (const [what, connections, requests] of kinds) {
  await phase(`${what}, unread`, async () => { await unread(connections, requests) })
}
service.removeAllListeners('exit').kill()

/** Runs one abuse with a good client beside it, and prints and checks the figures. */
async function phase (what: string, abuse: () => Promise<void>): Promise<void> {
  const most = { descriptors: 0, memory: 0, milliseconds: 0 }
  const over = new AbortController()
  const watch = (async () => {
    while (!over.signal.aborted) {
      const began = performance.now()
      const { ok } = await fetch(`http://127.0.0.1:${port}/healthz`)
      expect(ok, `${what}: a good client is served`)
      most.milliseconds = Math.max(most.milliseconds, performance.now() - began)
      most.descriptors = Math.max(most.descriptors, descriptors())
      most.memory = Math.max(most.memory, memory())
      await delay(20)
    }
  })()
  const began = performance.now()
  await abuse()
  const seconds = (performance.now() - began) / 1000
  over.abort()
  await watch
  await delay(500)
  console.log(`${what}: ${seconds.toFixed(1)} s; at most ${most.descriptors} descriptors, ${most.memory} MiB, a good ` +
    `client waited ${most.milliseconds.toFixed(0)} ms; ` +
    `then ${descriptors()} descriptors, ${memory()} MiB`)
  expect(descriptors() <= base.descriptors + 5, `${what}: descriptors are back`)
  expect(most.memory < 500, `${what}: memory is bounded`)
}

/** Connections that send and read nothing; resolves when the server has ended all of them. */
async function unread (count: number, text: string): Promise<void> {
  await Promise.all(Array.from({ length: count }, async () => {
    const socket: Socket = await dial(port)
    socket.on('error', () => {})
    socket.pause()
    socket.write(text)
    const ended = new Promise(resolve => { socket.once('close', resolve) })
    await delay((RESPONSE_TIMEOUT + 1) * 1000)
    socket.resume()
    await Promise.race([ended, delay(5000).then(() => {
      expect(socket.destroyed, 'an unread connection is ended in time')
    })])
    socket.destroy()
  }))
}

function descriptors (): number {
  return readdirSync(`/proc/${service.pid}/fd`).length
}

/** Resident memory in MiB. */
function memory (): number {
  return Math.round(Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${service.pid}/status`, 'utf8'))![1]) / 1024)
}
