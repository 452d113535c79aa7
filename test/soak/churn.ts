// Clients join and leave continuously: `npx tsx test/soak/churn.ts [minutes, default 30] [joins per second, default
// 100]`. Prints a line per minute, and finally compares heap and descriptors with those after the first minute.
import { fork, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { readdirSync } from 'node:fs'
import { connect, type Socket } from 'node:net'
import { setTimeout as delay } from 'node:timers/promises'
import Fastify from 'fastify'
import peerServer from '../../plugins/peer-server.ts'
import { closePayload, frame, upgradeRequest } from '../helper/sockets/raw-socket.ts'

interface Reading { heap: number, rss: number, descriptors: number, peers: number, joins: number }

const ends: Array<(socket: Socket) => unknown> = [
  socket => socket.write(frame(8, closePayload(1000, 'bye'))),
  socket => socket.end(),
  socket => socket.resetAndDestroy(),
  socket => socket.write(frame(2, 'unmasked', { mask: false }))
]

if (process.send === undefined) await churn(Number(process.argv[2] ?? 30), Number(process.argv[3] ?? 100))
else await serve()

/** The server, in a child process; answers each message with a reading after garbage collection. */
async function serve (): Promise<void> {
  const app = Fastify()
  await app.register(peerServer, { gdMpApi: true })
  await app.listen({ port: 0, host: '127.0.0.1' })
  let joins = 0
  app.peerServer.on('peer_connected', () => { joins++ })
  process.on('message', () => { process.send!(read(app.peerServer.peerCount, joins)) })
  process.on('disconnect', () => { process.exit() })
  process.send!(app.peerServer.port)
}

function read (peers: number, joins: number): Reading {
  for (let i = 0; i < 3; i++) globalThis.gc!()
  const { heapUsed: heap, rss } = process.memoryUsage()
  return { heap, rss, descriptors: readdirSync('/proc/self/fd').length, peers, joins }
}

async function churn (minutes: number, perSecond: number): Promise<void> {
  const server = fork(import.meta.filename, { execArgv: ['--expose-gc', '--import', 'tsx'] })
  const [port] = await once(server, 'message') as [number]
  const joins = setInterval(() => { runClient(port).catch(fail) }, 1000 / perSecond)
  await delay(60_000)
  const first = await requestReading(server)
  print('after the first minute', first)
  for (let minute = 2; minute <= minutes; minute++) {
    await delay(60_000)
    print(`minute ${minute}`, await requestReading(server))
  }
  clearInterval(joins)
  // Longer than a client's lifetime and a close handshake.
  await delay(5_000)
  const last = await requestReading(server)
  print('after all have left', last)
  const growth = ((last.heap / first.heap - 1) * 100).toFixed(1)
  const descriptors = last.descriptors - first.descriptors + first.peers
  console.log(`since the first minute: heap ${growth} percent, ${descriptors} descriptors (without those of peers)`)
  server.kill()
  process.exitCode = last.peers === 0 && last.heap < first.heap * 1.05 ? 0 : 1
}

function fail (error: unknown): never {
  console.error(error)
  process.exit(1)
}

async function requestReading (server: ChildProcess): Promise<Reading> {
  server.send('read')
  const [reading] = await once(server, 'message') as [Reading]
  return reading
}

function print (when: string, { heap, rss, descriptors, peers, joins }: Reading): void {
  const memory = `heap ${(heap / 2 ** 20).toFixed(2)} MiB, RSS ${(rss / 2 ** 20).toFixed(1)} MiB`
  console.log(`${when}: ${memory}, ${descriptors} descriptors, ${peers} peers, ${joins} joins`)
}

/** One client: joins, sends a few packets to all, and leaves in one of the `ends`. */
async function runClient (port: number): Promise<void> {
  const socket = connect({ port, host: '127.0.0.1' }).on('error', () => {}).on('data', () => {})
  socket.write(upgradeRequest('/ws'))
  const packet = Buffer.alloc(60)
  socket.once('data', head => {
    // The response, followed by the packet with the client's id.
    const at = head.indexOf('\r\n\r\n') + 4 + 2 + 9
    if (at + 4 <= head.length) head.copy(packet, 1, at, at + 4)
  })
  for (let i = 0; i < 5; i++) {
    await delay(Math.random() * 200)
    if (socket.writable) socket.write(frame(2, packet))
  }
  if (socket.writable) ends[Math.floor(Math.random() * ends.length)](socket)
  await delay(3000)
  socket.destroy()
}
