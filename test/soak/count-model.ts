/**
 * Handshakes, aborts, bans, stops, floods, resets and slow readers at random, in rooms, on both transports. After every
 * round everything that is counted must be as before: places, addresses, pending handshakes, rooms, timers, sockets,
 * descriptors; and every peer must have been signalled once when it joined and once when it left.
 *
 *   npx tsx test/soak/count-model.ts [minutes, default 3] [seed]
 */
import { readdirSync } from 'node:fs'
import type { Socket } from 'node:net'
import { setTimeout as delay } from 'node:timers/promises'
import Fastify from 'fastify'
import peerServer from '../../plugins/peer-server.ts'
import { internalsOf } from '../../src/core/server/internals.ts'
import { WebSocketServer } from '../../src/core/server/websocket-server.ts'
import type { OnHandshake } from '../../src/on-handshake.ts'
import type { ServerOptions } from '../../src/options/option-types.ts'
import { Random } from '../helper/random/random.ts'
import { frame } from '../helper/sockets/raw-frame.ts'
import { upgradeRequest } from '../helper/sockets/raw-socket.ts'
import { silentLogger } from '../helper/silent-logger.ts'
import { dial, expect } from './clients.ts'

const minutes = Number(process.argv[2] ?? 3)
const seed = Number(process.argv[3] ?? Date.now() % 2 ** 32)
const random = new Random(seed)
const SECONDS_PER_ROUND = 4
const CLIENTS = 60
/** Milliseconds until timeouts and heartbeats have ended what is left of a round. */
const MAX_WAIT = 10_000
const rooms = ['', '/a', '/b', '/c', '/not%20valid']
const addresses = ['192.0.2.1', '192.0.2.2', '192.0.2.3', '2001:db8::1', '2001:db8::2']

const onHandshake: OnHandshake = async () => {
  const choice = random.below(12)
  if (choice === 0) throw new Error('broken')
  if (choice === 1) return await new Promise(() => {})
  if (choice === 2) return { status: 403 }
  if (choice < 6) await delay(random.below(400))
  return choice === 7 ? { room: random.pick(['a', 'b', 'd']) } : {}
}

const options: Partial<ServerOptions> = {
  gdMpApi: true,
  handshakeTimeout: 0.4,
  closeTimeout: 0.3,
  pingInterval: 1,
  maxPeers: 40,
  maxPeersPerAddress: 15,
  maxPendingHandshakes: 30,
  maxPacketsPerSecond: 300,
  rooms: { maxRooms: 3, maxPeersPerRoom: 20, joinPerMinute: 0, emptyTimeout: 0.1 },
  onHandshake
}

const header = (source: number, target: number): Buffer => {
  const bytes = Buffer.alloc(9 + 20)
  bytes.writeInt32LE(source, 1)
  bytes.writeInt32LE(target, 5)
  return bytes
}

/** What one client does, from its connection to its end. */
async function play (port: number, isOver: () => boolean): Promise<void> {
  const socket = await dial(port)
  const headers = { 'X-Forwarded-For': random.pick(addresses) }
  const request = upgradeRequest(`/ws${random.pick(rooms)}`, headers)
  const cut = random.oneIn(4) ? random.below(request.length) : request.length
  socket.write(request.slice(0, cut))
  if (!random.oneIn(6)) socket.resume()
  const packet = frame(2, header(random.oneIn(2) ? 5 : 1, random.pick([0, 1, -1, 7])))
  for (let step = random.below(30); step > 0 && !isOver() && !socket.destroyed; step--) {
    await delay(random.below(60))
    act(socket, packet)
  }
  // Node cannot reset a socket that has been ended.
  if (socket.writable && random.oneIn(2)) socket.resetAndDestroy()
  else socket.destroy()
}

function act (socket: Socket, packet: Buffer): void {
  if (!socket.writable) return
  const choice = random.below(14)
  if (choice < 5) socket.write(packet)
  else if (choice === 5) socket.write(Buffer.concat(Array.from({ length: 2000 }, () => packet)))
  else if (choice === 6) socket.write(frame(8, Buffer.from([3, 232])))
  else if (choice === 7) socket.pause()
  else if (choice === 8) socket.resume()
  else if (choice === 9) socket.end()
  else if (choice === 10) socket.write(Buffer.from([0xff, 0xff, 0xff]))
  else if (choice === 11) socket.write(frame(9, Buffer.from('ping')))
}

/** Acts of the operator. */
async function operate (server: WebSocketServer, restart: () => Promise<void>, isOver: () => boolean): Promise<void> {
  while (!isOver()) {
    await delay(random.below(300))
    const choice = random.below(8)
    const ids = [...server.peers()].map(({ id }) => id)
    const peer = ids.length === 0 ? undefined : server.getPeer(random.pick(ids))
    if (choice === 0) await restart()
    else if (choice === 1) server.ban(random.pick(addresses), { seconds: 0.2 })
    else if (choice === 2) peer?.close(4000)
    else if (choice === 3) server.refuseNewConnections = !server.refuseNewConnections
    else if (choice === 4) for (const room of server.rooms()) if (random.oneIn(3)) room.close(4001).catch(() => {})
    if (choice > 5 && peer?.isOpen === true) moveSomewhere(server, peer.id)
  }
  server.refuseNewConnections = false
}

function moveSomewhere (server: WebSocketServer, id: number): void {
  const room = random.pick([...server.rooms()])
  if (room.isOpen && (room.maxPeers === 0 || room.peerCount < room.maxPeers)) server.getPeer(id).moveTo(room)
}

/** Everything that is counted. */
function countsOf (server: WebSocketServer): Record<string, unknown> {
  const { admission, registry } = internalsOf(server)
  const resources: Record<string, number> = {}
  for (const kind of process.getActiveResourcesInfo()) resources[kind] = (resources[kind] ?? 0) + 1
  return {
    places: admission.counts.places,
    addresses: [...admission.counts.connections],
    pending: registry.pendingCount,
    peers: server.peerCount,
    rooms: [...server.rooms()].map(({ name, peerCount }) => [name, peerCount]),
    sockets: resources.TCPSocketWrap ?? 0,
    timers: resources.Timeout ?? 0,
    descriptors: readdirSync('/proc/self/fd').length
  }
}

async function run (title: string, server: WebSocketServer, restart: () => Promise<void>, port: () => number) {
  const balance = new Map<number, number>()
  let joins = 0
  let faults = 0
  server.on('peer_connected', id => {
    joins++
    faults += Number(balance.has(id))
    balance.set(id, 1)
  })
  server.on('peer_disconnected', id => { faults += Number(!balance.delete(id)) })
  await delay(100)
  const before = countsOf(server)
  const rounds = Math.max(1, Math.round(minutes * 60 / 2 / SECONDS_PER_ROUND))
  let differences = 0
  for (let round = 0; round < rounds; round++) {
    const end = performance.now() + SECONDS_PER_ROUND * 1000
    const isOver = (): boolean => performance.now() > end
    const client = async (): Promise<void> => {
      while (!isOver()) await play(port(), isOver).catch(async () => { await delay(50) })
    }
    await Promise.all([operate(server, restart, isOver), ...Array.from({ length: CLIENTS }, client)])
    const isSettled = (): boolean => JSON.stringify(countsOf(server)) === JSON.stringify(before) && balance.size === 0
    for (let wait = 0; wait < MAX_WAIT && !isSettled(); wait += 100) await delay(100)
    if (isSettled()) continue
    const after = countsOf(server)
    differences++
    console.error(`round ${round}, seed ${seed}`, { before, after, notLeft: balance.size })
  }
  console.log(`${title}: ${rounds} rounds, ${joins} joins, ${differences} differences, ${faults} wrong signals`)
  const hits = Object.entries({ ...server.monitor.limits, ...server.monitor.drops }).filter(([, count]) => count > 0)
  console.log(hits.map(([name, count]) => `${name} ${count}`).join(', '))
  expect(differences === 0 && faults === 0 && joins > rounds * 10, `${title}: counts as before, seed ${seed}`)
}

const own = new WebSocketServer({ ...options, log: silentLogger })
await own.listen(0)
const fixed = own.port
await run('own listener', own, async () => {
  await own.stop()
  await own.listen(fixed)
}, () => fixed)
await own.stop()

const app = Fastify({ trustProxy: true })
await app.register(peerServer, { ...options, log: silentLogger })
await app.listen({ port: 0, host: '127.0.0.1' })
const { port } = app.server.address() as { port: number }
await run('mounted endpoint', app.peerServer, async () => {
  await app.peerServer.stop()
  await app.peerServer.listen()
}, () => port)
await app.close()
