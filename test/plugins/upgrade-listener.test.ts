import { execFile } from 'node:child_process'
import { EventEmitter, on, once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo, Socket } from 'node:net'
import { Readable, type Duplex } from 'node:stream'
import { promisify } from 'node:util'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import fastifyWebsocket from '@fastify/websocket'
import Fastify, { type FastifyInstance } from 'fastify'
import t from 'tap'
import { WebSocketServer as WsServer } from 'ws'
import peerServer, { type ServerOptions } from '../../index.ts'
import { encodeSystemPacket, relayType } from '../../src/protocol/multiplayer/relay-packet.ts'
import { pem } from '../helper/sockets/keys.ts'
import { openServer } from '../helper/sockets/modes.ts'
import { startHost, type HostOptions } from '../helper/host.ts'
import {
  connectRaw, connectRawTls, connectRawWebSocket, frame, upgradeRequest, type RawSocket
} from '../helper/sockets/raw-socket.ts'
import { skipWithout } from '../helper/programs/skip-without.ts'
import { useTwoAddresses } from '../helper/programs/two-addresses.ts'
import { until } from '../helper/until.ts'
import { withTimeout } from '../helper/with-timeout.ts'

/** Offers that no WebSocket handshake is, as clients and proxies send them. */
const offers: Readonly<Record<string, Record<string, string | undefined>>> = {
  'java.net.http and curl --http2': {
    Connection: 'Upgrade, HTTP2-Settings',
    Upgrade: 'h2c',
    'HTTP2-Settings': 'AAEAAEAAAAIAAAAAAAMAAAAAAAQBAAAAAAUAAEAAAAYABgAA'
  },
  'TLS/1.2': { Upgrade: 'TLS/1.2' },
  'several tokens': { Connection: 'upgrade, keep-alive', Upgrade: 'foo/1, websocket/99' },
  'a proxy that sends Upgrade: websocket with every request': { Upgrade: 'websocket' }
}

const pipelined: Record<string, string> = { offer: offer({ Upgrade: 'h2c' }), handshake: upgradeRequest('/ws') }

for (const [what, request] of Object.entries(pipelined)) {
  for (const how of ['resets', 'ends'] as const) {
    t.test(`a client that ${how} behind a pipelined ${what} leaves no connection`, async t => {
      let release = (): void => {}
      let onRequest = (): void => {}
      const requested = new Promise<void>(resolve => { onRequest = resolve })
      const { port, app, server } = await startHost(t, {
        before: app => {
          app.get('/slow', async () => {
            onRequest()
            return await new Promise(resolve => { release = () => { resolve('done') } })
          })
        }
      })
      const connected = once(app.server, 'connection') as Promise<[Socket]>
      const raw = await connectRaw(t, port)
      const [socket] = await connected
      raw.send('GET /slow HTTP/1.1\r\nHost: x\r\n\r\n' + request)
      await requested
      if (how === 'resets') {
        raw.socket.resetAndDestroy()
        await until(async () => await connectionsOf(app) === 0)
        release()
      } else {
        const ended = once(socket, 'end')
        raw.socket.end()
        await ended
        release()
        await until(async () => await connectionsOf(app) === 0)
      }
      t.same(server.countPeers(), { open: 0, closing: 0, pending: 0 })
      t.equal((await app.inject('/healthy')).statusCode, 404, 'the app lives')
    })
  }
}

t.test('where @fastify/websocket of the host listens to another server, our endpoint refuses', async t => {
  const other = createServer()
  const { port } = await startHost(t, {
    before: async app => { await app.register(fastifyWebsocket, { options: { server: other } }) }
  })
  const raw = await connectRaw(t, port)
  raw.send(upgradeRequest('/ws'))
  const { status, body } = await raw.response()
  t.equal(status, 503)
  t.match(JSON.parse(body), { code: 'not-listening' })
  await raw.end()
})

t.test('beside @fastify/websocket of the host no other listener sees our handshakes', async t => {
  const seen: string[] = []
  const { app, port, join } = await startHost(t, {
    before: async app => { await app.register(fastifyWebsocket) },
    after: app => { app.server.on('upgrade', ({ url }) => { seen.push(url!) }) }
  })
  t.ok((await join()).id > 1)
  t.ok(await app.injectWS('/ws'))
  const raw = await connectRaw(t, port)
  raw.send(upgradeRequest('/other'))
  await until(() => seen.length > 0)
  t.same(seen, ['/other'])
})

for (const host of ['127.0.0.1', '::1']) {
  t.test(`localhost: while the app closes, an upgrade at ${host} gets 503`, async t => {
    t.teardown(useTwoAddresses())
    const app = Fastify()
    await app.register(peerServer)
    let release = (): void => {}
    const closing = new Promise<void>(resolve => {
      app.addHook('preClose', done => {
        release = done
        resolve()
      })
    })
    await app.listen({ port: 0, host: 'localhost' })
    const raw = await connectRaw(t, (app.server.address() as AddressInfo).port, host)
    const closed = app.close()
    await closing
    raw.send(upgradeRequest('/ws'))
    t.equal((await raw.response()).status, 503)
    release()
    await raw.end()
    await closed
  })
}

async function connectionsOf (app: FastifyInstance): Promise<number> {
  return await new Promise(resolve => { app.server.getConnections((_error, count) => { resolve(count) }) })
}

/** A host with routes that report what they get. */
const host: HostOptions = {
  before: app => {
    app.get('/own', async ({ headers: { upgrade }, raw: { rawHeaders } }) => {
      return { upgrade, raw: rawHeaders.filter((name, at) => at % 2 === 0 && name === 'Upgrade').length }
    })
    app.post('/own', async ({ body }) => ({ body }))
  }
}

/** A request with an offer; without the headers of a WebSocket handshake. */
function offer (
  headers: Record<string, string | undefined>, { path = '/own', method = 'GET', body = '' } = {}
): string {
  const length = body === '' ? {} : { 'Content-Type': 'application/json', 'Content-Length': String(body.length) }
  const noHandshake = { 'Sec-WebSocket-Key': undefined, 'Sec-WebSocket-Version': undefined }
  const request = upgradeRequest(path, { ...noHandshake, ...length, ...headers })
  return request.replace('GET', method) + body
}

async function answer (raw: RawSocket, request: string): Promise<{ status: number, body: any }> {
  raw.send(request)
  const { status, body } = await raw.response()
  return { status, body: JSON.parse(body) }
}

for (const [what, headers] of Object.entries(offers)) {
  t.test(`an offer is ignored by every route: ${what}`, async t => {
    const { port, server } = await startHost(t, host)
    const raw = await connectRaw(t, port)
    const path = '/api/v1/server'
    const expected = [
      ['GET of the host', {}, { upgrade: headers.Upgrade, raw: 1 }],
      ['POST of the host', { method: 'POST', body: '{"a":1}' }, { body: { a: 1 } }],
      ['GET of the REST API', { path }, { listening: true }],
      ['PATCH of the REST API', { path, method: 'PATCH', body: '{"handshakeTimeout":4}' }, { handshakeTimeout: 4 }]
    ] as const
    for (const [what, request, body] of [...expected, ...expected]) {
      t.match(await answer(raw, offer(headers, request)), { status: 200, body }, what)
    }
    t.same(server.countPeers(), { open: 0, closing: 0, pending: 0 })
  })
}

t.test('our endpoint ignores an offer of another protocol, and takes a handshake among other tokens', async t => {
  const { port } = await startHost(t, host)
  const raw = await connectRaw(t, port)
  raw.send(offer({ Upgrade: 'h2c' }, { path: '/ws' }))
  t.equal((await raw.response()).status, 426)
  await connectRawWebSocket(t, port, '/ws', { Connection: 'upgrade, keep-alive', Upgrade: 'h2c, WebSocket' })
  await connectRawWebSocket(t, port, '/ws', { Connection: 'keep-alive, Upgrade', Upgrade: 'websocket,foo/1' })
})

t.test('refuses a handshake that is not HTTP/1.1, as a listener of the server\'s own does', async t => {
  const { port, server } = await startHost(t, host)
  const own = await openServer(t, 'own')
  for (const version of ['', ' HTTP/0.9', ' HTTP/1.0', ' HTTP/2.0']) {
    const [mounted, wanted] = await Promise.all([port, own.port].map(async at => {
      const raw = await connectRaw(t, at)
      raw.send(upgradeRequest('/ws').replace(' HTTP/1.1', version))
      return await raw.response()
    }))
    t.equal(wanted.status, 400)
    t.match(JSON.parse(wanted.body), { code: 'bad-handshake' })
    t.same(mounted, wanted, `GET /ws${version}`)
  }
  t.equal(server.peerCount, 0)
})

t.test('an offer whose body comes later, pipelined behind a slow request, is an ordinary request', async t => {
  const begun = new EventEmitter()
  const { port } = await startHost(t, {
    before: app => {
      host.before!(app)
      app.get('/slow', async () => {
        await new Promise(resolve => { begun.emit('slow', resolve) })
        return { slow: true }
      })
    }
  })
  const slow = once(begun, 'slow')
  const raw = await connectRaw(t, port)
  const request = offer({ Upgrade: 'h2c' }, { method: 'POST', body: '{"a":1}' })
  raw.send('GET /slow HTTP/1.1\r\nHost: x\r\n\r\n' + request.slice(0, -3))
  const [finish] = await slow
  raw.send(request.slice(-3))
  finish()
  for (const body of [{ slow: true }, { body: { a: 1 } }]) {
    const { status, body: text } = await raw.response()
    t.equal(status, 200)
    t.same(JSON.parse(text), body)
  }
  const next = await answer(raw, 'GET /own HTTP/1.1\r\nHost: x\r\n\r\n')
  t.same(next, { status: 200, body: { raw: 0 } }, 'the connection serves more')
})

const part = Buffer.alloc(1 << 20, 'x')

for (const registrar of ['the host', 'nobody else']) {
  const outcomes: Record<number, Partial<ServerOptions>> = { 101: {}, 503: { refuseNewConnections: true } }
  for (const [outcome, options] of Object.entries(outcomes)) {
    t.test(`a handshake behind requests without a response waits: ${outcome}, websocket of ${registrar}`, async t => {
      const responses: Array<() => void> = []
      const { port, server } = await startHost(t, {
        server: options,
        before: async app => {
          if (registrar === 'the host') await app.register(fastifyWebsocket)
          app.get('/slow', async () => await new Promise(resolve => { responses.push(() => { resolve('slow') }) }))
          // More than the buffers of a connection take.
          app.get('/large', (_, reply) => {
            reply.header('content-length', 12 * part.length).send(Readable.from(Array(12).fill(part)))
          })
        }
      })
      const raw = await connectRaw(t, port)
      const gets = ['/slow', '/slow', '/large'].map(path => `GET ${path} HTTP/1.1\r\nHost: x\r\n\r\n`).join('')
      raw.socket.pause()
      raw.send(Buffer.concat([Buffer.from(gets + upgradeRequest('/ws')), frame(2, 'early')]))
      await until(() => responses.length === 2)
      t.equal(server.countPeers().pending, 0, 'nothing is counted yet')
      for (const respond of responses) respond()
      raw.socket.resume()
      for (let i = 0; i < 2; i++) t.match(await raw.response(), { status: 200, body: 'slow' })
      t.equal((await raw.response()).body.length, 12 * part.length)
      t.equal((await raw.head()).status, Number(outcome))
      if (outcome !== '101') return
      await until(() => server.peerCount === 1)
      const [peer] = server.peers()
      await until(() => peer.getAvailablePacketCount() === 1)
      t.equal(Buffer.from(peer.getPacket()).toString(), 'early')
    })
  }
}

t.test('a handshake behind a request whose response closes the connection gets none', async t => {
  const { port, server } = await startHost(t, {
    before: app => { app.get('/last', async (_, reply) => await reply.header('connection', 'close').send('last')) }
  })
  const raw = await connectRaw(t, port)
  raw.send('GET /last HTTP/1.1\r\nHost: x\r\n\r\n' + upgradeRequest('/ws'))
  t.match(await raw.response(), { status: 200, body: 'last' })
  await raw.end()
  t.equal(raw.unread.length, 0)
  t.same(server.countPeers(), { open: 0, closing: 0, pending: 0 })
})

t.test('an offer of curl --http2 is an ordinary request, with and without a body', skipWithout('curl'), async t => {
  const { port } = await startHost(t, host)
  const curl = async (path: string, ...options: string[]): Promise<string> => {
    const report = ['--silent', '--write-out', ' %{http_code} %{http_version}']
    const url = `http://127.0.0.1:${port}${path}`
    return (await promisify(execFile)('curl', ['--http2', ...report, ...options, url])).stdout
  }
  t.equal(await curl('/own'), '{"upgrade":"h2c","raw":1} 200 1.1')
  const json = ['--header', 'content-type: application/json', '--data', '{"a":1}']
  t.equal(await curl('/own', ...json), '{"body":{"a":1}} 200 1.1')
  t.match(await curl('/api/v1/server'), /"listening":true.* 200 1\.1$/)
  t.match(await curl('/ws'), / 426 1\.1$/)
})

t.test('an offer over TLS is an ordinary request', async t => {
  const https = { key: pem('leaf.key'), cert: pem('leaf.pem') }
  const { port } = await startHost(t, { ...host, fastify: { https } as object })
  const raw = await connectRawTls(t, port, { ca: pem('root.pem'), rejectUnauthorized: false })
  for (let i = 0; i < 2; i++) {
    t.same(await answer(raw, offer({ Upgrade: 'h2c' })), { status: 200, body: { upgrade: 'h2c', raw: 1 } })
  }
})

t.test('the host hears of a connection with offers once', async t => {
  const connections: Socket[] = []
  const { port, app } = await startHost(t, host)
  app.server.on('connection', socket => { connections.push(socket) })
  const raw = await connectRaw(t, port)
  for (let i = 0; i < 20; i++) await answer(raw, offer({ Upgrade: 'h2c' }))
  t.equal(connections.length, 1)
  for (const event of ['data', 'end', 'close', 'error', 'timeout', 'drain']) {
    t.ok(connections[0].listenerCount(event) <= 2, `listeners of ${event} do not add up`)
  }
})

t.test('a WebSocket handshake for a route of the host is an ordinary request, and 400 for the REST API', async t => {
  const { port } = await startHost(t, host)
  const raw = await connectRaw(t, port)
  t.match(await answer(raw, upgradeRequest('/own')), { status: 200, body: { upgrade: 'websocket' } })
  t.match(await answer(raw, upgradeRequest('/api/v1/server')), { status: 400, body: { code: 'bad-handshake' } })
})

for (const place of ['before', 'after'] as const) {
  t.test(`a listener of upgrades ${place} ours gets all others, as if it were alone`, async t => {
    const seen: string[] = []
    const app = Fastify()
    t.teardown(async () => { await app.close() })
    const listen = (): void => {
      const other = new WsServer({ noServer: true })
      app.server.on('upgrade', (request, socket: Duplex, head) => {
        const { url, headers: { upgrade } } = request
        seen.push(`${url} ${upgrade}, ${app.server.listenerCount('upgrade')} listening`)
        if (upgrade === 'websocket' && url === '/other') other.handleUpgrade(request, socket, head, () => {})
        else socket.end('HTTP/1.1 418 Mine\r\nContent-Length: 0\r\n\r\n')
      })
    }
    if (place === 'before') listen()
    await app.register(peerServer)
    if (place === 'after') listen()
    await app.listen({ port: 0, host: '127.0.0.1' })
    const { port } = app.peerServer
    await connectRawWebSocket(t, port, '/other')
    await connectRawWebSocket(t, port, '/ws')
    for (const request of [offer({ Upgrade: 'h2c' }, { path: '/ws' }), upgradeRequest('/any')]) {
      const raw = await connectRaw(t, port)
      raw.send(request)
      t.equal((await raw.head()).status, 418)
    }
    t.same(seen, ['/other websocket', '/ws h2c', '/any websocket'].map(what => `${what}, 1 listening`))
  })
}

t.test('two servers of one app share one listener of upgrades', async t => {
  const app = Fastify()
  t.teardown(async () => { await app.close() })
  await app.register(async scope => { await scope.register(peerServer, { path: '/one' }) })
  await app.register(async scope => { await scope.register(peerServer, { path: '/two' }) })
  await app.listen({ port: 0, host: '127.0.0.1' })
  t.equal(app.server.listenerCount('upgrade'), 1)
  const { port } = app.server.address() as AddressInfo
  for (const path of ['/one', '/two']) await connectRawWebSocket(t, port, path)
})

t.test('a server of the host outlives the app as it was', async t => {
  const server = createServer((request, response) => { response.end('mine') })
  const app = Fastify({ serverFactory: () => server })
  await app.register(peerServer)
  await app.ready()
  await app.close()
  t.equal(server.listenerCount('upgrade'), 0)
})

t.test('injectWS works, whether the host registers @fastify/websocket before us, after us, or never', async t => {
  const { default: websocket } = await import('@fastify/websocket')
  for (const place of ['before', 'after', 'never']) {
    const app = Fastify()
    t.teardown(async () => { await app.close() })
    if (place === 'before') await app.register(websocket)
    await app.register(peerServer)
    if (place === 'after') await app.register(websocket)
    await app.ready()
    const joined = new Promise(resolve => { app.peerServer.once('client_connected', resolve) })
    const client = await app.injectWS('/ws')
    t.ok(await joined as number > 1, place)
    client.terminate()
    await t.rejects(async () => { await app.injectWS('/nothing') }, { message: /404/ })
  }
})

t.test('a client of injectWS gets the first messages of multiplayer mode, if it listens from the start', async t => {
  const app = Fastify()
  t.teardown(async () => { await app.close() })
  await app.register(peerServer, { gdMpApi: true, closeTimeout: 0.3 })
  await app.ready()
  let messages: AsyncIterator<[Buffer]>
  const client = await app.injectWS('/ws', {}, { onInit: client => { messages = on(client, 'message') as never } })
  const [{ id }] = app.peerServer.peers()
  for (const expected of [encodeSystemPacket(relayType.ID, id), encodeSystemPacket(relayType.ADD, 1)]) {
    const { value: [bytes] } = await withTimeout(() => 'a message', messages!.next())
    t.same(bytes, Buffer.from(expected))
  }
  client.terminate()
})

/** The number of connections that the HTTP server has. */
async function connections ({ server }: FastifyInstance): Promise<number> {
  return await promisify(server.getConnections.bind(server))()
}

t.test('sockets of the host report their end, whichever side ends them', async t => {
  const ends: string[] = []
  const sockets: Socket[] = []
  const { app, port, server } = await startHost(t, {
    before: app => {
      app.server.on('connection', (socket: Socket) => {
        sockets.push(socket)
        socket.on('close', () => { ends.push('connection') })
      })
      app.addHook('onRequest', async ({ socket }, reply) => {
        socket.on('close', () => { ends.push('request.socket') })
        reply.raw.on('close', () => { ends.push('reply.raw') })
      })
    }
  })
  const waysToEnd: Record<string, (raw: RawSocket) => void> = {
    'a client that goes': raw => { raw.socket.destroy() },
    'a client that resets': raw => { raw.socket.resetAndDestroy() },
    'a client that closes': raw => { raw.sendFrame(8, Buffer.from([3, 232])) },
    'the server, which closes the peer': () => { server.disconnectPeer([...server.peers()][0].id, 1000) },
    'the host, which destroys the socket': () => { sockets.at(-1)!.destroy() }
  }
  for (const [who, end] of Object.entries(waysToEnd)) {
    const raw = await connectRawWebSocket(t, port)
    await until(() => server.countPeers().open === 1)
    t.equal(await connections(app), 1, 'the peer counts as a connection')
    end(raw)
    raw.socket.on('data', () => {}).end()
    await until(() => ends.length === 3, () => `three ends, ${who}: ${ends.join()}`)
    t.same(ends.splice(0).sort(), ['connection', 'reply.raw', 'request.socket'])
    await until(async () => await connections(app) === 0)
    t.same(server.countPeers(), { open: 0, closing: 0, pending: 0 })
  }
})

t.test('a client that leaves while a hook of the host or a poll is awaited does not join', async t => {
  const joined: number[] = []
  let release: (() => void) | undefined
  const { app, port, server } = await startHost(t, {
    server: { autoPoll: false, pingInterval: 0 },
    before: app => {
      app.addHook('onRequest', async ({ query }) => {
        if ('slow' in (query as object)) await new Promise<void>(resolve => { release = resolve })
      })
    }
  })
  server.on('client_connected', id => { joined.push(id) })
  for (const path of ['/ws?slow', '/ws']) {
    const raw = await connectRaw(t, port)
    raw.send(upgradeRequest(path))
    await until(() => server.countPeers().pending === 1 && (path === '/ws' || release !== undefined))
    raw.socket.end()
    await raw.end()
    await until(async () => await connections(app) === 0)
    release?.()
    server.poll()
    t.same(server.countPeers(), { open: 0, closing: 0, pending: 0 }, path)
  }
  t.same(joined, [])
})

t.test('maxConnections of the host counts peers', async t => {
  const { app, port, server } = await startHost(t)
  app.server.maxConnections = 1
  await connectRawWebSocket(t, port)
  const refused = await connectRaw(t, port)
  await refused.end()
  for (const { id } of server.peers()) server.disconnectPeer(id)
  await until(async () => await connections(app) === 0)
  await connectRawWebSocket(t, port)
})

t.test('nothing is left of clients that joined and left', async t => {
  const { app, port, server } = await startHost(t)
  setFlagsFromString('--expose-gc')
  const collect = runInNewContext('gc') as () => void
  const refs: Array<WeakRef<object>> = []
  app.server.on('connection', (socket: Socket) => { refs.push(new WeakRef(socket)) })
  app.server.on('request', request => { refs.push(new WeakRef(request)) })
  for (let i = 0; i < 50; i++) {
    const raw = await connectRawWebSocket(t, port)
    raw.socket.destroy()
  }
  await until(async () => server.countPeers().open === 0 && await connections(app) === 0)
  t.equal(refs.length, 50)
  await until(async () => {
    collect()
    return refs.filter(ref => ref.deref() !== undefined).length <= 2
  })
})
