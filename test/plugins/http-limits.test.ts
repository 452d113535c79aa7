import { once } from 'node:events'
import { readdirSync } from 'node:fs'
import type { Socket } from 'node:net'
import type { FastifyInstance, FastifyReply } from 'fastify'
import t, { type Test } from 'tap'
import { problemCounts } from '../../http/problem.ts'
import httpLimits, { type HttpLimits } from '../../plugins/http-limits.ts'
import { mayUseInternals } from '../../src/transport/internals.ts'
import { startApp } from '../helper/app.ts'
import { stopTime } from '../helper/clock.ts'
import { openEvents } from '../helper/sockets/event-source.ts'
import { nextTurn } from '../helper/memory/frame-client.ts'
import { connectRaw, connectRawWebSocket, upgradeRequest } from '../helper/sockets/raw-socket.ts'
import { withTimeout } from '../helper/with-timeout.ts'
import { until } from '../helper/until.ts'

const LARGE = 32 << 20
const get = (path: string): string => `GET ${path} HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n`

/** A listening app with limits, and a route that responds with 32 MiB, and one that waits. */
async function start (t: Test, limits: Partial<HttpLimits> = {}) {
  const warnings: string[] = []
  const write = (line: string): void => { warnings.push(JSON.parse(line).limit) }
  const queries: string[] = []
  const slow: Array<{ reply: FastifyReply, respond: () => void }> = []
  const querystringParser = (query: string): Record<string, unknown> => {
    queries.push(query)
    return Object.fromEntries(new URLSearchParams(query))
  }
  const large = Buffer.alloc(LARGE, 'x')
  const { service, port } = await startApp(t, { server: { pingInterval: 0 }, admin: { auth: false } }, {
    logger: { level: 'warn', stream: { write } },
    routerOptions: { querystringParser },
    before: async service => {
      await service.register(httpLimits, {
        maxRequestsInFlight: 10,
        responseTimeout: 30,
        maxConnectionsPerAddress: 0,
        isExempt: () => false,
        ...limits
      })
      service.get('/slow', async (_request, reply) => {
        await new Promise<void>(resolve => { slow.push({ reply, respond: resolve }) })
        return 'done'
      })
      service.get('/large', async (_request, reply) => await reply.type('text/plain').send(large))
    }
  })
  return { service, port, warnings, queries, slow }
}

/** Number of open file descriptors of this process. */
function openFiles (): number {
  return readdirSync('/proc/self/fd').length
}

t.test('responds to pipelined requests up to the limit in order', async t => {
  const { port } = await start(t)
  const raw = await connectRaw(t, port)
  const paths = [
    '/healthz', '/readyz', '/nothing', '/openapi.json', '/docs/static/swagger-ui.css', '/healthz', '/nothing',
    '/asyncapi.json', '/readyz', '/healthz'
  ]
  raw.send(paths.map(get).join(''))
  for (const path of paths) t.equal((await raw.response()).status, path === '/nothing' ? 404 : 200, path)
  for (let i = 0; i < 30; i++) {
    raw.send(get('/healthz'))
    t.equal((await raw.response()).status, 200, 'the connection stays usable')
  }
})

t.test('destroys a connection with more requests in flight, which leaves no descriptors open', async t => {
  const { service, port, warnings } = await start(t)
  const before = openFiles()
  const accepted = once(service.server, 'connection') as Promise<[Socket]>
  const raw = await connectRaw(t, port)
  raw.socket.pause()
  const [socket] = await accepted
  const ended = once(socket, 'close')
  let most = 0
  let requests = 0
  service.server.on('request', () => { requests++ })
  const timer = setInterval(() => { most = Math.max(most, openFiles()) }, 1)
  t.teardown(() => { clearInterval(timer) })
  raw.send(get('/docs/static/swagger-ui-bundle.js').repeat(999))
  await withTimeout(() => 'the end of the connection', ended)
  await until(() => openFiles() <= before)
  t.ok(most - before < 30, `${most - before} descriptors at most`)
  // Without undocumented parts of Node it parses the chunk to its end.
  t.ok(requests < (mayUseInternals ? 50 : 1000), `Node ignores the rest of a chunk after ${requests} requests`)
  t.same(warnings, ['requests in flight'])
  t.equal((await fetch(`http://127.0.0.1:${port}/healthz`)).status, 200)
})

t.test('a client that disconnects before its pipelined responses leaves no descriptors open', async t => {
  const { service, port, warnings } = await start(t)
  const before = openFiles()
  const raw = await connectRaw(t, port)
  raw.socket.pause()
  const served = new Promise<void>(resolve => {
    let count = 0
    service.server.on('request', () => { if (++count === 10) resolve() })
  })
  raw.send(get('/docs/static/swagger-ui-bundle.js').repeat(10))
  await served
  await until(() => openFiles() >= before + 5)
  raw.socket.resetAndDestroy()
  await until(() => openFiles() <= before)
  t.same(warnings, [])
})

t.test('closes a connection that does not read its response in time, even if it reads slowly', async t => {
  const { service, port, warnings } = await start(t, { responseTimeout: 30 })
  const clock = stopTime(t)
  for (const isDripping of [false, true]) {
    const accepted = once(service.server, 'connection') as Promise<[Socket]>
    const raw = await connectRaw(t, port)
    const [socket] = await accepted
    const closed = once(socket, 'close')
    raw.socket.pause()
    raw.send(get('/large'))
    await until(() => socket.bytesWritten > 0)
    for (let second = 0; second < 29; second++) {
      if (isDripping) await until(() => raw.socket.read(1 << 15) !== null)
      clock.advance(1000)
    }
    t.notOk(socket.destroyed)
    clock.advance(2000)
    await withTimeout(() => 'the end of the connection', closed)
  }
  t.ok(warnings.every(limit => limit === 'time to read a response') && warnings.length > 0)
})

t.test('a client that leaves before its response is not reported', async t => {
  const { port, warnings, slow } = await start(t, { responseTimeout: 30 })
  const clock = stopTime(t)
  const raw = await connectRaw(t, port)
  raw.send(get('/slow'))
  await until(() => slow.length === 1)
  const [{ reply, respond }] = slow
  raw.socket.destroy()
  await once(reply.raw, 'close')
  respond()
  await until(() => reply.raw.writableEnded)
  for (let second = 0; second < 31; second++) clock.advance(1000)
  await nextTurn()
  t.same(warnings, [])
})

t.test('the response timeout does not affect readers, event streams, idle connections and WebSockets', async t => {
  const { port } = await start(t, { responseTimeout: 30 })
  const clock = stopTime(t)
  const stream = await openEvents(t, `http://127.0.0.1:${port}/api/v1/events?types=client_disconnected`)
  const peer = await connectRawWebSocket(t, port)
  const idle = await connectRaw(t, port)
  idle.send(get('/healthz'))
  t.equal((await idle.response()).status, 200)
  t.ok((await (await fetch(`http://127.0.0.1:${port}/docs/static/swagger-ui-bundle.js`)).text()).length > 1e6)
  clock.advance(60_000)
  idle.send(get('/healthz'))
  t.equal((await idle.response()).status, 200)
  peer.sendFrame(8)
  t.match((await stream.next()).data, { type: 'client_disconnected', outcome: 'clean' })
})

t.test('limits connections per address, without closed and upgraded ones', async t => {
  const { service, port, warnings } = await start(t, { maxConnectionsPerAddress: 3 })
  const [first] = await Promise.all([connectRaw(t, port), connectRaw(t, port), connectRaw(t, port)])
  const refused = await connectRaw(t, port)
  refused.send(get('/docs/static/swagger-ui-bundle.js').repeat(5))
  const { body, ...head } = await refused.response()
  t.match(head, {
    status: 429, headers: { 'retry-after': '1', connection: 'close', 'content-type': 'application/problem+json' }
  })
  t.match(JSON.parse(body), { status: 429, code: 'too-many-requests', detail: /connections/ })
  t.same(problemCounts(service.server), { 'too-many-requests': 1 })
  await refused.end()
  t.same(warnings, ['connections per address'])

  first.socket.destroy()
  await connectionsOf(service, 2)
  t.equal(await answers(t, port), true)
  await connectionsOf(service, 2)
  for (let i = 0; i < 5; i++) await connectRawWebSocket(t, port)
  t.equal(await answers(t, port), true, 'peers are not counted')
})

t.test('exempt addresses have no limit', async t => {
  const { port } = await start(t, { maxConnectionsPerAddress: 1, isExempt: address => address === '127.0.0.1' })
  await Promise.all([connectRaw(t, port), connectRaw(t, port)])
  t.equal(await answers(t, port), true)
})

/** Waits until the server has `count` connections. */
async function connectionsOf ({ server }: FastifyInstance, count: number): Promise<void> {
  const current = async (): Promise<number> => await new Promise(resolve => {
    server.getConnections((_, count) => { resolve(count) })
  })
  await until(async () => await current() === count, () => `${count} connections`)
}

/** Whether a new connection gets a response; it is closed afterwards. */
async function answers (t: Test, port: number): Promise<boolean> {
  const raw = await connectRaw(t, port)
  raw.send(get('/healthz'))
  const { status } = await raw.head().catch(() => ({ status: 0 }))
  raw.socket.destroy()
  return status === 200
}

const names = (count: number): string => Array.from({ length: count }, (_, i) => `n${i}`).join('&')

t.test('refuses a request with over 100 query parameters before the router parses them', async t => {
  const { service, port, warnings, queries } = await start(t)
  for (const [method, path, status] of [
    ['POST', '/api/v1/server/stop', 414], ['GET', '/healthz', 414], ['GET', '/nothing', 414]
  ] as const) {
    const raw = await connectRaw(t, port)
    const request = `${method} ${path}?${names(2600)} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 0\r\n\r\n`
    raw.send(request + request)
    const { headers, body, ...head } = await raw.response()
    t.equal(head.status, status, path)
    t.match(headers, { connection: 'close', 'content-type': 'application/problem+json' })
    t.match(JSON.parse(body), { status, code: 'uri-too-long', detail: /at most 100/ })
    await raw.end()
  }
  t.same(queries, [])
  t.same(warnings, ['query parameters'])
  t.same(problemCounts(service.server), { 'uri-too-long': 3 })
  t.equal((await fetch(`http://127.0.0.1:${port}/healthz?${names(100)}`)).status, 200)
  t.same(queries, [names(100)])
})

t.test('refuses an upgrade with over 100 query parameters before the router parses them', async t => {
  const { service, port, queries } = await start(t)
  // What the router decides about a path is known from then on.
  await connectRawWebSocket(t, port)
  queries.length = 0
  for (const [path, status] of [['/ws', 400], ['/nothing', 414]] as const) {
    const raw = await connectRaw(t, port)
    raw.send(upgradeRequest(`${path}?${names(1000)}`))
    t.equal((await raw.head()).status, status, path)
    await raw.end()
  }
  t.notOk(queries.some(query => query !== ''), 'nothing is parsed')
  t.same(service.peerServer.countPeers(), { open: 1, closing: 0, pending: 0 })
  await connectRawWebSocket(t, port, `/ws?${names(100)}`)
})

t.test('serialises generated documents once', async t => {
  const { service } = await start(t)
  const original = JSON.stringify
  let count = 0
  JSON.stringify = ((value: unknown, ...rest: []) => {
    const text = original(value, ...rest)
    if (typeof text === 'string' && text.length > 20_000) count++
    return text
  }) as typeof JSON.stringify
  t.teardown(() => { JSON.stringify = original })
  for (const path of ['/openapi.json', '/docs/json', '/asyncapi.json']) {
    const bodies = new Set<string>()
    for (let i = 0; i < 5; i++) {
      const answer = await service.inject(path)
      t.match(answer.headers['content-type'], /^application\/json/)
      bodies.add(answer.body)
    }
    t.equal(bodies.size, 1, path)
  }
  t.ok(count <= 2, `${count} times`)
  const other = (await service.inject({ url: '/asyncapi.json', headers: { host: 'game.example:1234' } })).json()
  t.equal(other.servers.peerServer.host, 'game.example:1234')
  t.ok(count <= 2, 'another Host header does not serialise again')
  await service.peerServer.stop()
  await service.peerServer.listen(undefined, ['chat'])
  t.same((await service.inject('/asyncapi.json')).json().channels.peerServer['x-sub-protocols'].names, [
    'chat'
  ], 'a change does')
})
