/**
 * SIGTERM with ten thousand idle peers, one in a hundred of them unresponsive: all others receive 1001 with a reason,
 * /readyz returns 503 before, and the service exits with 0 within closeTimeout + 1 s. Needs `npm run build`.
 *
 *   npx tsx test/soak/drain.ts [peers, default 10000]
 */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import type { Socket } from 'node:net'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { root } from '../../scripts/root.ts'
import { frame, frameSize, parseFrame } from '../helper/sockets/raw-frame.ts'
import { dialMany, expect, percentile, upgrade } from './clients.ts'

const CLOSE_TIMEOUT = 2

const count = Number(process.argv[2] ?? 10_000)
const main = join(root, 'dist/service.js')
const env = { PATH: process.env.PATH, PORT: '0', GD_MP_API: 'false', LOG_LEVEL: 'info' }
const service = spawn(process.execPath, [main], { env, stdio: ['ignore', 'pipe', 'inherit'] })
const exited = once(service, 'exit')
const port = await new Promise<number>(resolve => createInterface({ input: service.stdout }).on('line', line => {
  const found = /listening at http:\/\/[^"]*:(\d+)/.exec(line)
  if (found !== null) resolve(Number(found[1]))
}))

const began = performance.now()
const sockets: Socket[] = []
while (sockets.length < count) {
  const more = await dialMany(port, Math.min(200, count - sockets.length))
  await Promise.all(more.map(async socket => { expect(await upgrade(socket, '/ws'), 'every client joins') }))
  sockets.push(...more)
}
console.log(`${count} peers joined in ${((performance.now() - began) / 1000).toFixed(1)} s`)

/** Milliseconds until each peer received its close frame. */
const closeTimes: number[] = []
const reasons = new Set<string>()
const unresponsive = Math.ceil(count / 100)
let stoppedAt = 0
for (const [at, socket] of sockets.entries()) {
  if (at < unresponsive) socket.pause()
  else socket.on('data', chunk => { answerClose(socket, chunk) })
}

stoppedAt = performance.now()
service.kill('SIGTERM')
const ready = await fetch(`http://127.0.0.1:${port}/readyz`)
  .then(response => response.status, error => String(error.cause?.code))
const closedBeforeReady = closeTimes.length
const [code] = await exited as [number]
const seconds = (performance.now() - stoppedAt) / 1000
const [median, last] = [percentile(closeTimes, 50), Math.max(...closeTimes)].map(time => time.toFixed(0))
console.log(`${closeTimes.length} of ${count - unresponsive} received a close frame (${[...reasons].join(', ')}), ` +
  `median after ${median} ms, last after ${last} ms`)
console.log(`/readyz: ${ready} after ${closedBeforeReady} close frames; exit ${code} after ${seconds.toFixed(2)} s ` +
  `with ${unresponsive} unresponsive peers`)
expect(closeTimes.length === count - unresponsive, 'all responsive peers receive a close frame')
expect(reasons.size === 1 && reasons.has('1001 server shutdown'), 'close frames have code 1001 and a reason')
expect(ready === 503, '/readyz returns 503')
expect(code === 0 && seconds < CLOSE_TIMEOUT + 1, `exit 0 within ${CLOSE_TIMEOUT + 1} s`)
process.exit()

function answerClose (socket: Socket, chunk: Buffer): void {
  if (frameSize(chunk) === undefined) return
  const { opcode, payload } = parseFrame(chunk.subarray(0, frameSize(chunk)))
  if (opcode !== 8) return
  closeTimes.push(performance.now() - stoppedAt)
  reasons.add(`${payload.readUInt16BE()} ${payload.subarray(2).toString()}`)
  socket.write(frame(8, payload))
}
