/**
 * Clients reset their connection in each of six phases, a thousand times each: there is no uncaught exception, and no
 * peer, timer or socket is leaked.
 *
 *   npx tsx test/soak/resets.ts [resets per phase, default 1000]
 */
import { once } from 'node:events'
import type { Socket } from 'node:net'
import { setImmediate as nextTurn, setTimeout as delay } from 'node:timers/promises'
import { closePayload, frame, upgradeRequest } from '../helper/sockets/raw-socket.ts'
import { dial, expect, upgrade } from './clients.ts'
import { startServer, type Reading, type ServerProcess } from './server.ts'

const phases: Record<string, (socket: Socket) => Promise<unknown>> = {
  'after the SYN': async () => {},
  'in the request head': async socket => { await written(socket, 'GET / HTTP/1.1\r\nUpgr') },
  'while onHandshake is pending': async socket => {
    await written(socket, upgradeRequest('/'))
    await delay(5)
  },
  'after the 101': async socket => await upgrade(socket),
  'in a frame': async socket => {
    await upgrade(socket)
    await written(socket, frame(2, Buffer.alloc(1000)).subarray(0, 500))
  },
  'in the close frame': async socket => {
    await upgrade(socket)
    await written(socket, frame(8, closePayload(1000, 'good bye')).subarray(0, 8))
  }
}

const count = Number(process.argv[2] ?? 1000)
for (const mode of ['own', 'mounted'] as const) {
  const server = await startServer({ mode, handshakeDelay: 20 })
  const base = await server.read()
  await repeat(server.port, 100, phases['after the 101'])
  const before = await settled(server, base)
  for (const [when, go] of Object.entries(phases)) {
    await repeat(server.port, count, go)
    const after = await settled(server, base)
    console.log(`${mode}, ${when}: ${count} resets; ${describeLeaks(base, before.heap, after)}`)
    expect(after.faults.length === 0, `no uncaught exception: ${after.faults[0]}`)
    expect(isBack(base, after), 'no leaks')
  }
  server.stop()
}

/**
 * The reading when the server has no more resources than before, or else after 5 s: resets are noticed with a delay.
 */
async function settled (server: ServerProcess, base: Reading): Promise<Reading> {
  for (let i = 0; i < 20; i++) {
    await delay(250)
    const now = await server.read()
    if (isBack(base, now)) return now
  }
  return await server.read()
}

/** Whether there are no peers and handshakes, and no more descriptors, sockets and timers than before. */
function isBack (base: Reading, { peers, pending, descriptors, resources }: Reading): boolean {
  return peers === 0 && pending === 0 && descriptors <= base.descriptors &&
    ['TCPSocketWrap', 'Timeout'].every(kind => (resources[kind] ?? 0) <= (base.resources[kind] ?? 0))
}

async function repeat (port: number, times: number, go: (socket: Socket) => Promise<unknown>): Promise<void> {
  for (let done = 0; done < times; done += 50) {
    await Promise.all(Array.from({ length: Math.min(50, times - done) }, async () => {
      const socket = await dial(port)
      await go(socket)
      socket.resetAndDestroy()
    }))
  }
}

async function written (socket: Socket, bytes: string | Uint8Array): Promise<void> {
  if (!socket.write(bytes)) await once(socket, 'drain')
  await nextTurn()
}

function describeLeaks (base: Reading, heapBefore: number, reading: Reading): string {
  const { peers, pending, descriptors, resources, faults, heap } = reading
  const more = (kind: string): number => (resources[kind] ?? 0) - (base.resources[kind] ?? 0)
  return `${faults.length} exceptions; remaining: ${peers} peers, ${pending} handshakes, ` +
    `${descriptors - base.descriptors} descriptors, ${more('TCPSocketWrap')} sockets, ${more('Timeout')} timers; ` +
    `heap +${((heap - heapBefore) / 1024).toFixed(0)} KiB`
}
