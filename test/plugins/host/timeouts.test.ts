import { once } from 'node:events'
import { connect as connectHttp2 } from 'node:http2'
import { createServer, type AddressInfo } from 'node:net'
import { setImmediate as turn } from 'node:timers/promises'
import Fastify, { type FastifyInstance, type FastifyServerOptions } from 'fastify'
import type { Test } from 'tap'
import pino from 'pino'
import t from 'tap'
import peerServer, { adminRoutes } from '../../../index.ts'
import { stopTime } from '../../helper/clock.ts'
import { pem } from '../../helper/sockets/keys.ts'
import { silentLogger } from '../../helper/silent-logger.ts'
import { connectRawWebSocket } from '../../helper/sockets/raw-socket.ts'
import { withTimeout } from '../../helper/with-timeout.ts'

interface Line { level: number, msg: string }

/** What a host with these options logs about timeouts and HTTP/2 when it listens. */
async function logged (t: Test, options: object): Promise<Line[]> {
  const lines: Line[] = []
  const app = Fastify({
    ...options,
    loggerInstance: pino({}, { write: line => { lines.push(JSON.parse(line)) } })
  } as FastifyServerOptions)
  t.teardown(async () => { await app.close() })
  await app.register(peerServer, { handshakeTimeout: 3 })
  await app.listen()
  return lines.filter(({ msg }) => /handshakeTimeout|HTTP\/2/.test(msg))
}

t.test('logs that the HTTP server of the host has a longer timeout than handshakeTimeout', async t => {
  const msg = 'headersTimeout (60 s) exceeds handshakeTimeout (3 s): a client that sends its upgrade request slowly ' +
    'is only cut off after headersTimeout: see docs/reliability.md'
  const headersTimeout = 60_000
  t.match(await logged(t, { http: { headersTimeout } }), [{ level: 30, headersTimeout: 60, handshakeTimeout: 3, msg }])
  t.match(await logged(t, { http: { headersTimeout: 0 } }), [{ level: 40, msg: /^headersTimeout is off, .* never cut off: / }], 'warns if the HTTP server has no timeout')
  t.same(await logged(t, { http: { headersTimeout: 3000 } }), [])
})

t.test('warns that no WebSocket client can connect over HTTP/2 alone', async t => {
  t.match(await logged(t, { http2: true }), [{ level: 40, msg: /^HTTP\/2 without allowHTTP1/ }])
  const https = { allowHTTP1: true, key: pem('leaf.key'), cert: pem('leaf.pem') }
  t.match(await logged(t, { http2: true, https }), [{ level: 30, msg: /^headersTimeout \(60 s\) exceeds/ }])
})

for (const options of [{}, { port: 0 }]) {
  const how = 'port' in options ? 'its own port' : 'a mounted endpoint'
  t.test(`app.close() waits for peers of ${how} beyond pluginTimeout, and runs the other hooks before`, async t => {
    const clock = stopTime(t)
    const app = Fastify({ pluginTimeout: 10_000 })
    const order: string[] = []
    await app.register(peerServer, { ...options, closeTimeout: 60, lastWords: false })
    const called = new Promise<void>(resolve => {
      app.addHook('preClose', async () => {
        order.push('preClose of the host')
        resolve()
      })
    })
    await app.listen({ port: 0, host: '127.0.0.1' })
    app.peerServer.on('client_disconnected', () => { order.push('peer left') })
    const silent = await connectRawWebSocket(t, app.peerServer.port)
    const closed = app.close().then(() => { order.push('closed') })
    t.equal((await silent.frame()).opcode, 8)
    clock.advance(9500)
    await called
    for (let i = 0; i < 10; i++) await turn()
    clock.advance(1000)
    for (let i = 0; i < 10; i++) await turn()
    clock.advance(50_000)
    await closed
    t.same(order, ['preClose of the host', 'peer left', 'closed'])
  })
}

t.test('a session of HTTP/2 has its timeout after an event stream, but not during it', async t => {
  const timeouts = { http2SessionTimeout: 200, connectionTimeout: 100 }
  const app = Fastify({ http2: true, ...timeouts }) as unknown as FastifyInstance
  t.teardown(async () => { await app.close() })
  await app.register(peerServer)
  await app.register(adminRoutes, { prefix: '/api/v1', auth: false })
  await app.listen({ port: 0, host: '127.0.0.1' })
  const session = connectHttp2(`http://127.0.0.1:${(app.server.address() as AddressInfo).port}`)
  t.teardown(() => { session.destroy() })
  const closed = once(session, 'close')
  const stream = session.request({ ':path': '/api/v1/events?duration=1&types=stopped' })
  const [headers] = await once(stream, 'response')
  t.equal(headers[':status'], 200)
  await stream.toArray()
  t.equal(stream.rstCode, 0)
  await withTimeout(() => 'the end of the session', closed)
})

t.test('a node that cannot join its cluster within pluginTimeout gives up, and its app does not start', async t => {
  const silent = createServer()
  t.teardown(() => { silent.close() })
  silent.on('connection', socket => { t.teardown(() => { socket.destroy() }) })
  silent.listen(0, '127.0.0.1')
  await once(silent, 'listening')
  const { port } = silent.address() as AddressInfo
  const app = Fastify({ pluginTimeout: 500 })
  t.teardown(async () => { await app.close() })
  await app.register(peerServer, {
    gdMpApi: true, log: silentLogger, cluster: { servers: `nats://127.0.0.1:${port}`, nodeId: 'node' }
  })
  await t.rejects(app.listen({ port: 0, host: '127.0.0.1' }), { code: 'cluster-unavailable' })
  t.notOk(app.peerServer.isListening())
  app.peerServer.bindIp = '127.0.0.1'
})
