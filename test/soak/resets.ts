/**
 * Clients that reset their connection at each of six moments, a thousand times each: no exception gets out, and no
 * peer, timer or socket is left.
 *
 *   npx tsx test/soak/resets.ts [resets at each moment, 1000]
 */
import { once } from 'node:events'
import type { Socket } from 'node:net'
import { setTimeout as delay } from 'node:timers/promises'
import { closePayload, frame, upgradeRequest } from '../helper/raw-socket.ts'
import { demand, dial, upgrade } from './clients.ts'
import { startServer, type Reading, type ServerProcess } from './server.ts'

const moments: Record<string, (socket: Socket) => Promise<unknown>> = {
  'after the SYN': async () => {},
  'in the head': async socket => { await written(socket, 'GET / HTTP/1.1\r\nUpgr') },
  'in an async hook': async socket => {
    await written(socket, upgradeRequest('/'))
    await delay(5)
  },
  'after the 101': async socket => await upgrade(socket),
  'inside a frame': async socket => {
    await upgrade(socket)
    await written(socket, frame(2, Buffer.alloc(1000)).subarray(0, 500))
  },
  'inside the close': async socket => {
    await upgrade(socket)
    await written(socket, frame(8, closePayload(1000, 'good bye')).subarray(0, 8))
  }
}

const count = Number(process.argv[2] ?? 1000)
for (const mode of ['own', 'mounted'] as const) {
  const server = await startServer({ mode, asks: 20 })
  const base = await server.read()
  await repeat(server.port, 100, moments['after the 101'])
  const before = await settled(server, base)
  for (const [when, go] of Object.entries(moments)) {
    await repeat(server.port, count, go)
    const after = await settled(server, base)
    console.log(`${mode}, ${when}: ${count} resets; ${left(base, before.heap, after)}`)
    demand(after.faults.length === 0, `no exception: ${after.faults[0]}`)
    demand(isBack(base, after), 'nothing is left')
  }
  server.stop()
}

/**
 * A reading once the server is back where it was, or after the time that a handshake and a close may take: that a
 * connection is reset is heard later.
 */
async function settled (server: ServerProcess, base: Reading): Promise<Reading> {
  for (let i = 0; i < 20; i++) {
    await delay(250)
    const now = await server.read()
    if (isBack(base, now)) return now
  }
  return await server.read()
}

/** Whether no peer, handshake, socket or timer is there that was not there before. */
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
  await new Promise(resolve => setImmediate(resolve))
}

function left (
  base: Reading, heapBefore: number, { peers, pending, descriptors, resources, faults, heap }: Reading
): string {
  const more = (kind: string): number => (resources[kind] ?? 0) - (base.resources[kind] ?? 0)
  return `${faults.length} exceptions; left: ${peers} peers, ${pending} handshakes, ` +
    `${descriptors - base.descriptors} descriptors, ${more('TCPSocketWrap')} sockets, ${more('Timeout')} timers; ` +
    `heap ${((heap - heapBefore) / 1024).toFixed(0)} KiB up`
}
