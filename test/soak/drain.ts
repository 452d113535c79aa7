/**
 * Ten thousand idle peers, one in a hundred deaf, and a SIGTERM: all others are told 1001 with a reason, /readyz says
 * 503 first, and the service ends with 0 within closeTimeout and a second. Needs `npm run build`.
 *
 *   npx tsx test/soak/drain.ts [peers, 10000]
 */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import type { Socket } from 'node:net'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { root } from '../../scripts/root.ts'
import { frame, frameSize, parseFrame } from '../helper/raw-frame.ts'
import { demand, dialMany, percentile, upgrade } from './clients.ts'

const CLOSE_TIMEOUT = 2

const count = Number(process.argv[2] ?? 10_000)
const main = join(root, 'dist/service.js')
const service = spawn(process.execPath, [main], {
  env: { PATH: process.env.PATH, PORT: '0', GD_MP_API: 'false', LOG_LEVEL: 'info' },
  stdio: ['ignore', 'pipe', 'inherit']
})
const exited = once(service, 'exit')
const port = await new Promise<number>(resolve => createInterface({ input: service.stdout }).on('line', line => {
  const found = /listening at http:\/\/[^"]*:(\d+)/.exec(line)
  if (found !== null) resolve(Number(found[1]))
}))

const began = performance.now()
const sockets: Socket[] = []
while (sockets.length < count) {
  const more = await dialMany(port, Math.min(200, count - sockets.length))
  await Promise.all(more.map(async socket => { demand(await upgrade(socket, '/ws'), 'every client joins') }))
  sockets.push(...more)
}
console.log(`${count} peers joined in ${((performance.now() - began) / 1000).toFixed(1)} s`)

const told: number[] = []
const reasons = new Set<string>()
const deaf = Math.ceil(count / 100)
let stoppedAt = 0
for (const [at, socket] of sockets.entries()) {
  if (at < deaf) socket.pause()
  else socket.on('data', chunk => { answerClose(socket, chunk) })
}

stoppedAt = performance.now()
service.kill('SIGTERM')
const ready =
  await fetch(`http://127.0.0.1:${port}/readyz`).then(answer => answer.status, error => String(error.cause?.code))
const toldWhenAsked = told.length
const [code] = await exited as [number]
const seconds = (performance.now() - stoppedAt) / 1000
console.log(`told ${told.length} of ${count - deaf} (${[...reasons].join(', ')}), the median ` +
  `after ${percentile(told, 50).toFixed(0)} ms and the last after ${Math.max(...told).toFixed(0)} ms`)
console.log(`/readyz: ${ready} when ${toldWhenAsked} had been told; exit ${code} after ${seconds.toFixed(2)} s ` +
  `with ${deaf} deaf peers`)
demand(told.length === count - deaf, 'everyone who listens is told')
demand(reasons.size === 1 && reasons.has('1001 server shutdown'), '1001 with a reason')
demand(ready === 503, 'not ready any more')
demand(code === 0 && seconds < CLOSE_TIMEOUT + 1, `exit 0 within ${CLOSE_TIMEOUT + 1} s`)
process.exit()

function answerClose (socket: Socket, chunk: Buffer): void {
  if (frameSize(chunk) === undefined) return
  const { opcode, payload } = parseFrame(chunk.subarray(0, frameSize(chunk)))
  if (opcode !== 8) return
  told.push(performance.now() - stoppedAt)
  reasons.add(`${payload.readUInt16BE()} ${payload.subarray(2).toString()}`)
  socket.write(frame(8, payload))
}
