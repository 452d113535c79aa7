import { once } from 'node:events'
import { setTimeout as delay } from 'node:timers/promises'
import { promisify } from 'node:util'
import websocket from '@fastify/websocket'
import Fastify, { type FastifyInstance } from 'fastify'
import type { Test } from 'tap'
import t from 'tap'
import peerServer from '../../plugins/peer-server.ts'
import type { ServerOptions } from '../../src/options/option-types.ts'
import { listen } from '../helper/app.ts'
import { simulateTime, stopTime } from '../helper/clock.ts'
import { connectRaw, connectRawWebSocket, upgradeRequest } from '../helper/sockets/raw-socket.ts'
import { withTimeout } from '../helper/with-timeout.ts'
import { until } from '../helper/until.ts'

/** Who registered @fastify/websocket. */
const registrars = ['ours', 'the host\'s'] as const

/** An app with hooks that refuse upgrades in several ways, and a server at /ws. */
async function openHost (t: Test, registrar: (typeof registrars)[number], options: Partial<ServerOptions> = {}) {
  const app = Fastify({ routerOptions: { maxParamLength: 20 } })
  if (registrar !== 'ours') await app.register(websocket)
  app.addHook('onRequest', async (request, reply) => {
    const { 'x-guard': guard } = request.headers
    if (guard === 'slow') await delay(20)
    if (guard === 'throws') throw Object.assign(new Error('no'), { statusCode: 401 })
    if (guard !== undefined) return await reply.code(401).send('no')
  })
  app.addHook('onRequest', (request, reply, done) => {
    if (request.headers['x-callback'] === undefined) done()
    else reply.code(401).send('no')
  })
  app.get('/item/:id', async () => 'an item')
  app.post('/upload', async () => 'uploaded')
  // Long, so that nothing but what is tested ends a connection.
  await app.register(peerServer, { handshakeTimeout: 300, ...options, closeTimeout: 0.3 })
  return { app, port: await listen(t, app) }
}

/** The number of open connections of the HTTP server. */
async function connections (app: FastifyInstance): Promise<number> {
  return await promisify(app.server.getConnections.bind(app.server))()
}

type Refusal = [who: string, request: string, status: number]

/** Refusals of other routes. They are those of ordinary requests unless the host has upgrades brought to its routes. */
const otherRefusals: Refusal[] = [
  ['a path that cannot be decoded', upgradeRequest('/%zz'), 400],
  ['a parameter that is too long', upgradeRequest(`/item/${'x'.repeat(100)}`), 414],
  ['a path without a route', upgradeRequest('/nothing'), 404],
  ['a callback hook of the host', upgradeRequest('/nothing', { 'X-Callback': '1' }), 401],
  ['a body parser', upgradeRequest('/upload', { 'Content-Type': 'application/json', 'Content-Length': '3' })
    .replace('GET', 'POST') + '{a}', 400]
]

/** Refusals at our route. */
const ownRefusals: Refusal[] = [
  ['a hook of the host before our route', upgradeRequest('/ws', { 'X-Guard': 'quick' }), 401],
  ['an asynchronous hook of the host before our route', upgradeRequest('/ws', { 'X-Guard': 'slow' }), 401],
  ['a hook of the host that throws', upgradeRequest('/ws', { 'X-Guard': 'throws' }), 401],
  ['our route', upgradeRequest('/ws', { 'Sec-WebSocket-Version': '12' }), 400]
]

for (const registrar of registrars) {
  t.test(`@fastify/websocket is ${registrar}`, async t => {
    const refusals = registrar === 'ours' ? ownRefusals : [...ownRefusals, ...otherRefusals]
    for (const [who, request, status] of refusals) {
      await t.test(`closes the connection of an upgrade refused by ${who}`, async t => {
        simulateTime(t)
        const { app, port } = await openHost(t, registrar)
        const raw = await connectRaw(t, port)
        raw.send(request)
        const head = await raw.head()
        t.equal(head.status, status)
        t.equal(head.headers.connection, 'close')
        await raw.end()
        // The client keeps its side open and continues to send.
        raw.send('more')
        await until(async () => await connections(app) === 0)
        t.same(app.peerServer.countPeers(), { open: 0, closing: 0, pending: 0 })
      })
    }

    await t.test('closing the app does not wait for refused upgrades', async t => {
      const { app, port } = await openHost(t, registrar)
      for (const [, request] of refusals) {
        const raw = await connectRaw(t, port)
        raw.send(request)
        await raw.head()
      }
      await withTimeout(() => 'the app to close', app.close())
    })

    await t.test('closing the app does not wait for an upgrade request that arrives meanwhile', async t => {
      const { app, port } = await openHost(t, registrar)
      const peer = await connectRawWebSocket(t, port)
      const late = await connectRaw(t, port)
      late.send('GET /item/1 HTTP/1.1\r\nHost: x\r\n\r\n')
      t.equal((await late.response()).status, 200)
      late.send('GET /item/1 HTTP/1.1\r\n')
      const closed = app.close()
      // Half of closeTimeout later the server still waits for its peer.
      t.equal((await peer.close()).code, 1001)
      late.send(upgradeRequest('/ws').replace(/^.*\r\n/, ''))
      await late.end()
      await withTimeout(() => 'the app to close', closed)
    })
  })
}

t.test('without @fastify/websocket of the host, an upgrade of another route is an ordinary request', async t => {
  const { app, port } = await openHost(t, 'ours')
  for (const [who, request, status] of otherRefusals) {
    const raw = await connectRaw(t, port)
    raw.send(request)
    const response = await raw.response()
    t.equal(response.status, status, who)
    // Fastify itself closes it after a body that cannot be parsed.
    if (response.headers.connection === 'close') continue
    raw.send('GET /item/1 HTTP/1.1\r\nHost: x\r\n\r\n')
    t.equal((await raw.response()).body, 'an item', 'its connection serves another request')
  }
  await withTimeout(() => 'the app to close', app.close())
})

/** Hides `_httpMessage` of the server's sockets from `assignedResponse`, as on a Node without it. */
function hideAssignedResponse (app: FastifyInstance): void {
  app.server.on('connection', socket => {
    let response: unknown
    Object.defineProperty(socket, '_httpMessage', {
      get: () => new Error().stack?.includes('assigned-response') === true ? undefined : response,
      set: value => { response = value }
    })
  })
}

for (const registrar of registrars) {
  t.test(`a Node without _httpMessage, @fastify/websocket is ${registrar}`, async t => {
    const clock = stopTime(t)
    const { app, port } = await openHost(t, registrar, { handshakeTimeout: 2, pingInterval: 0 })
    hideAssignedResponse(app)
    const peer = await connectRawWebSocket(t, port)
    for (const [who, request, status] of ownRefusals) {
      const raw = await connectRaw(t, port)
      raw.send(request)
      t.equal((await raw.head()).status, status, who)
      clock.advance(2000)
      await raw.end()
    }
    t.same(app.peerServer.countPeers(), { open: 1, closing: 0, pending: 0 })
    const closed = withTimeout(() => 'the app to close', app.close())
    t.equal((await peer.close()).code, 1001)
    peer.socket.destroy()
    await closed
  })
}

t.test('refused upgrades do not accumulate', async t => {
  simulateTime(t)
  const { app, port } = await openHost(t, 'ours')
  for (let i = 0; i < 50; i++) {
    const raw = await connectRaw(t, port)
    raw.send(upgradeRequest('/ws', { 'Sec-WebSocket-Version': '12' }))
    await once(raw.socket, 'data')
  }
  await until(async () => await connections(app) === 0)
  t.equal(await connections(app), 0)
})

const unsent: Array<[who: string, options: Partial<ServerOptions>, headers?: Record<string, string>]> = [
  ['the server', { refuseNewConnections: true }],
  ['a hook of the host', {}, { 'X-Guard': 'quick' }],
  ['a server that stops', { onHandshake: async () => await new Promise(() => {}) }]
]

for (const [who, options, headers] of unsent) {
  t.test(`cuts off a client that ${who} refuses while it reads nothing`, async t => {
    const { app, port } = await openHost(t, 'ours', options)
    // As if what the client was sent before filled all buffers.
    app.server.on('connection', socket => { Object.assign(socket, { _write () {}, _writev () {} }) })
    const raw = await connectRaw(t, port)
    raw.send(upgradeRequest('/ws', headers))
    if (options.onHandshake !== undefined) {
      await until(() => app.peerServer.countPeers().pending === 1)
      await withTimeout(() => 'the app to close', app.close())
    }
    await withTimeout(() => 'the end of the connection', raw.ended)
    t.same(app.peerServer.countPeers(), { open: 0, closing: 0, pending: 0 })
  })
}
