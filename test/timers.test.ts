import t from 'tap'
import httpLimits from '../plugins/http-limits.ts'
import { startApp } from './helper/app.ts'
import { type StoppedClock, stopTime } from './helper/clock.ts'
import { FrameClient, nextTurn } from './helper/memory/frame-client.ts'
import { HandshakeClient } from './helper/sockets/handshake-client.ts'
import { joinRoom, openMemoryCluster } from './helper/memory/memory-cluster.ts'
import { openMemoryServer } from './helper/memory/memory-server.ts'
import { connectRaw, connectRawWebSocket, upgradeRequest } from './helper/sockets/raw-socket.ts'
import { silentLogger } from './helper/silent-logger.ts'

// A timer that outlives its server would use an app, a logger or a test that has ended.

t.test('a stopped server leaves no timer, and has logged everything', async t => {
  const clock = stopTime(t)
  const records: Array<[object, string]> = []
  const log = { ...silentLogger, warn: (details: object, message: string) => { records.push([details, message]) } }
  const server = await openMemoryServer({ gdMpApi: true, maxPeersPerAddress: 1, pingInterval: 10, log })
  new FrameClient(server).text('unread')
  const waiting = new HandshakeClient(server, '192.0.2.1')
  waiting.handshake.start()
  for (let i = 0; i < 4; i++) new HandshakeClient(server, '192.0.2.7').request()
  await nextTurn()
  clock.advance(2000)
  t.ok(clock.waiting() > 2)
  await endOf(server.stop(), clock)
  t.equal(clock.waiting(), 0)
  t.equal(waiting.isDestroyed, true)
  const limitHit = { limit: 'address-limit', option: 'maxPeersPerAddress' }
  t.match(records, [[limitHit, 'limit hit'], [{ ...limitHit, hits: 2, seconds: 2.1 }, 'limit hit repeatedly']])
})

t.test('a node that has left its cluster leaves no timer', async t => {
  const clock = stopTime(t)
  const { nodes } = await openMemoryCluster(t, 2)
  await joinRoom(nodes[0], 'far')
  await joinRoom(nodes[1], 'far')
  t.ok(clock.waiting() > 0)
  for (const node of nodes) await endOf(node.stop(), clock)
  t.equal(clock.waiting(), 0)
})

/** Advances the time until something has stopped, as its clients do not answer. */
async function endOf (stopping: PromiseLike<unknown>, clock: StoppedClock): Promise<void> {
  const over = new AbortController()
  stopping.then(() => { over.abort() })
  while (!over.signal.aborted) {
    clock.advance(10)
    await nextTurn()
  }
}

t.test('a closed app leaves no timer, and has logged everything', async t => {
  const clock = stopTime(t)
  const records: any[] = []
  const { service, port } = await startApp(t, {
    server: { gdMpApi: true, rooms: true }, admin: { token: 'x'.repeat(32) }, lobby: {}
  }, {
    logger: { level: 'warn', stream: { write: (line: string) => { records.push(JSON.parse(line)) } } },
    before: async service => {
      await service.register(httpLimits, {
        maxRequestsInFlight: 10, responseTimeout: 30, maxConnectionsPerAddress: 0, isExempt: () => false
      })
    }
  })
  await connectRawWebSocket(t, port)
  const requests = [
    upgradeRequest('/nowhere'),
    `GET /?${'a&'.repeat(2000)} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n`,
    'GET /api/v1/peers HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n'
  ]
  for (const request of [...requests, ...requests, ...requests]) {
    const raw = await connectRaw(t, port)
    raw.send(request)
    await raw.response()
    await raw.end()
  }
  const messages = (): string[] => records.map(({ msg }) => msg).sort()
  const first = [
    'HTTP connection closed: limit hit', 'WebSocket handshake at a path without an endpoint',
    'unauthorized admin requests'
  ]
  t.same(messages(), first)
  await endOf(service.close(), clock)
  t.equal(clock.waiting(), 0)
  t.same(messages(), first.flatMap(message => [message, `${message} repeatedly`]))
})
