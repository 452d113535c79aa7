/**
 * A hundred thousand rooms are opened by a client each and closed when it leaves: nothing may be left of them.
 *
 *   node --expose-gc --import tsx test/soak/rooms.ts [rooms, default 100000]
 */
import { WebSocketServer } from '../../src/core/server/websocket-server.ts'
import { nextTurn } from '../helper/memory/frame-client.ts'
import { memoryMount } from '../helper/memory/memory-client.ts'
import { RoomClient } from '../helper/memory/room-client.ts'
import { expect } from './clients.ts'

const count = Number(process.argv[2] ?? 100_000)
const server = new WebSocketServer({ gdMpApi: true, rooms: { joinPerMinute: 0 }, pingInterval: 0 }, memoryMount)
await server.listen()
await openAndClose(5000)
const before = heap()
await openAndClose(count)
const after = heap()
const timers = process.getActiveResourcesInfo().filter(kind => kind === 'Timeout').length
console.log(`${count} rooms: heap ${before} KiB before, ${after} KiB after; ${timers} timers`)
expect(server.roomCount === 1 && server.peerCount === 0 && timers === 0, 'no room, peer or timer is left')
expect(after < before * 1.1, 'memory is back')
await server.stop()

async function openAndClose (rooms: number): Promise<void> {
  for (let i = 0; i < rooms; i++) {
    new RoomClient(server, `/ws/room-${i}`).disconnect()
    if (i % 50 === 0) await nextTurn()
  }
  await nextTurn()
}

/** KiB after garbage collection. */
function heap (): number {
  globalThis.gc!()
  return Math.round(process.memoryUsage().heapUsed / 1024)
}
