import { once } from 'node:events'
import { connect as connectHttp2 } from 'node:http2'
import type { AddressInfo } from 'node:net'
import swagger from '@fastify/swagger'
import websocket from '@fastify/websocket'
import { Validator } from '@seriousme/openapi-schema-validator'
import Fastify, { type FastifyInstance, type FastifyReply, type FastifyRequest } from 'fastify'
import t, { type Test } from 'tap'
import { WebSocket } from 'ws'
import peerServer, { adminRoutes, dashboard, lobbyRoutes, metrics } from '../../../index.ts'
import { nextClose, jsonRequest, nextMessage, startHost } from '../../helper/host.ts'
import { connectRaw, upgradeRequest } from '../../helper/sockets/raw-socket.ts'
import { pem } from '../../helper/sockets/keys.ts'
import { nextSignal } from '../../helper/next-signal.ts'
import { until } from '../../helper/until.ts'

t.test('a host keeps its own WebSocket routes and their options', async t => {
  const { port, join } = await startHost(t, {
    before: async app => {
      await app.register(websocket, { options: { maxPayload: 100 } })
      app.get('/own', { websocket: true }, socket => {
        socket.on('message', data => { socket.send(`own ${String(data)}`) })
      })
    }
  })
  const own = await open(t, port, '/own')
  const answer = nextMessage(own)
  own.send('hello')
  t.equal((await answer).bytes.toString(), 'own hello')
  const end = nextClose(own)
  own.send('x'.repeat(101))
  t.match(await end, { code: 1009 })

  const { id, socket } = await join()
  t.ok(id > 1)
  socket.send('x'.repeat(101))
  socket.ping()
  await once(socket, 'pong')
})

t.test('refuses an upgrade of a REST path, with @fastify/websocket of the host or our own', async t => {
  const bare = Fastify()
  t.teardown(async () => { await bare.close() })
  await bare.register(peerServer, { port: 0 })
  await bare.register(adminRoutes, { prefix: '/api/v1', auth: false })
  await bare.listen({ port: 0, host: '127.0.0.1' })
  const { port } = await startHost(t, { before: async app => { await app.register(websocket) } })
  for (const at of [(bare.server.address() as AddressInfo).port, port]) {
    const raw = await connectRaw(t, at)
    raw.send(upgradeRequest('/api/v1/server'))
    t.equal((await raw.response()).status, 400)
  }
})

t.test('adds the routes to the OpenAPI document of the host', async t => {
  const { app } = await startHost(t, {
    before: async app => {
      await app.register(swagger, { openapi: { openapi: '3.1.0', info: { title: 'Host', version: '1.0.0' } } })
    }
  })
  const document: any = app.swagger()
  t.ok((await new Validator().validate(JSON.parse(JSON.stringify(document)))).valid)
  t.equal(document.info.title, 'Host')
  t.equal(document.paths['/api/v1/peers/{id}'].delete.operationId, 'disconnectPeer')
  t.equal(document.paths['/ws'].get.operationId, 'connect')
  t.notOk('security' in document.paths['/api/v1/server'].get, 'no security scheme, since the host may name its own')
  t.notOk('401' in document.paths['/api/v1/server'].get.responses)
})

t.test('uses the security scheme that the host names', async t => {
  const { app } = await startHost(t, {
    admin: { token: 'x'.repeat(32), security: [{ mine: [] }] },
    before: async app => {
      await app.register(swagger, {
        openapi: {
          openapi: '3.1.0',
          info: { title: 'Host', version: '1' },
          components: { securitySchemes: { mine: { type: 'http', scheme: 'bearer' } } }
        }
      })
    }
  })
  const document: any = app.swagger()
  t.same(document.paths['/api/v1/server'].get.security, [{ mine: ['read'] }])
  t.ok('401' in document.paths['/api/v1/server'].get.responses)
})

t.test('does not change the behaviour of the host\'s routes', async t => {
  const { get: own, api } = await startHost(t, {
    before: async app => {
      app.get(
        '/own',
        {
          schema: {
            querystring: {
              type: 'object',
              properties: { count: { type: 'integer' }, on: { type: 'boolean' } },
              additionalProperties: false
            }
          }
        },
        async request => request.query
      )
      app.post('/own', async request => ({ body: request.body }))
      app.get('/fail', async () => { throw Object.assign(new Error('mine'), { statusCode: 418 }) })
    }
  })
  t.same(
    await (await own('/own?count=0x10&on=true&more=1')).json(), { count: 16, on: true },
    'the host\'s Ajv coerces types and removes properties'
  )
  t.same(
    await (await own('/own', { method: 'POST', body: 'text', headers: { 'content-type': 'text/plain' } })).json(),
    { body: 'text' }
  )
  t.same(await (await own('/fail')).json(), { statusCode: 418, error: 'I\'m a Teapot', message: 'mine' })
  t.match(await (await own('/nothing')).json(), { message: 'Route GET:/nothing not found' })
  t.equal((await own('/own', { method: 'PUT' })).status, 404)
  t.match(await (await api('/nothing')).json(), { code: 'not-found' })
})

t.test('compilers, error handlers and parsers of the host do not affect our routes', async t => {
  const { api, join } = await startHost(t, {
    fastify: { exposeHeadRoutes: false, onProtoPoisoning: 'ignore', bodyLimit: 10 },
    before: async app => {
      app.setValidatorCompiler(() => () => ({ error: new Error('a language of its own') }))
      app.setSerializerCompiler(() => () => 'a language of its own')
      app.setErrorHandler(async () => 'never an error')
      app.addContentTypeParser('*', async () => 'anything')
    }
  })
  const { id } = await join()
  t.match(await (await api(`/peers/${id}`)).json(), { id })
  t.equal((await api(`/peers/${id}`, { method: 'HEAD' })).status, 200)
  t.equal((await api('/peers/05')).status, 400)
  t.equal(
    (await api('/server', {
      method: 'PATCH',
      headers: { 'content-type': 'application/json' },
      body: '{"__proto__":{}}'
    })).status,
    400
  )
  t.equal(
    (await api('/server', { method: 'PATCH', headers: { 'content-type': 'application/xml' }, body: '<a/>' })).status,
    415
  )
  t.equal(
    (await api('/packets', {
      method: 'POST',
      headers: { 'content-type': 'text/plain' },
      body: 'more than ten bytes'
    })).status,
    202
  )
  t.equal((await api('/server', jsonRequest('PATCH', { refuseNewConnections: false }))).status, 200)
})

t.test('hooks of the host run first', async t => {
  const seen: string[] = []
  const { api, port } = await startHost(t, {
    admin: { token: 'x'.repeat(32) },
    before: async app => {
      app.addHook('onRequest', async (request, reply) => {
        seen.push(request.url)
        if (request.headers['x-banned'] !== undefined) return await reply.code(403).send('no')
      })
    }
  })
  t.equal((await api('/server', { headers: { 'x-banned': '1' } })).status, 403)
  const raw = await connectRaw(t, port)
  raw.send(upgradeRequest('/ws', { 'X-Banned': '1' }))
  t.equal((await raw.head()).status, 403)
  t.same(seen, ['/api/v1/server', '/ws'])
})

t.test('renders errors of the host\'s hooks as problems', async t => {
  const { api } = await startHost(t, {
    before: async app => {
      app.addHook('preHandler', async () => { throw Object.assign(new Error('slow down'), { statusCode: 429 }) })
    }
  })
  const answer = await api('/server')
  t.equal(answer.status, 429)
  t.match(await answer.json(), { status: 429, code: 'too-many-requests', detail: 'slow down' })
})

t.test('an error of a host\'s hook counts as 500 unless its statusCode is from 400 to 599', async t => {
  let statusCode: unknown
  const { api } = await startHost(t, {
    before: async app => {
      app.addHook('preHandler', async () => { throw Object.assign(new Error('secret'), { statusCode }) })
    }
  })
  for (statusCode of [200, 302, 600, 1000, 404.5, Number.NaN, 'abc', '404', null]) {
    const answer = await api('/server')
    t.equal(answer.status, 500, String(statusCode))
    t.match(await answer.json(), { status: 500, code: 'internal-server-error', detail: /^Internal error/ })
  }
})

t.test('works with any prefix, or none', async t => {
  for (const [outer, inner, path] of [
    ['', '/admin', '/admin/server'], ['/a', '/b', '/a/b/server'], ['/a', '', '/a/server'], ['', '', '/server'],
    ['', '/', '/server']
  ]) {
    const app = Fastify()
    t.teardown(async () => { await app.close() })
    await app.register(peerServer)
    await app.register(
      async scope => { await scope.register(adminRoutes, { auth: false, ...(inner === '' ? {} : { prefix: inner }) }) },
      { prefix: outer }
    )
    t.equal((await app.inject(path)).statusCode, 200, path)
    t.match(
      (await app.inject('/nothing')).json(), { message: 'Route GET:/nothing not found' },
      `the host's own 404 with ${outer}${inner}`
    )
  }
})

t.test('the routes can be registered twice, for two kinds of administrators', async t => {
  const app = Fastify()
  t.teardown(async () => { await app.close() })
  await app.register(peerServer)
  await app.register(adminRoutes, { prefix: '/inside', auth: false })
  await app.register(adminRoutes, { prefix: '/outside', token: 'x'.repeat(32) })
  t.equal((await app.inject('/inside/server')).statusCode, 200)
  t.equal((await app.inject('/outside/server')).statusCode, 401)
})

t.test('rejects the routes without a server', async t => {
  const app = Fastify()
  t.teardown(async () => { await app.close() })
  await t.rejects(async () => {
    await app.register(adminRoutes, { prefix: '/api', auth: false })
  }, { message: /no server named peerServer; register the peerServer plugin first/ })
  const other = Fastify()
  t.teardown(async () => { await other.close() })
  await other.register(peerServer, { name: 'lobby' })
  await t.rejects(
    async () => { await other.register(adminRoutes, { prefix: '/api', server: 'arena', auth: false }) },
    { message: /no server named arena/ }
  )
})

t.test('the address of a peer is the one that a trusted proxy sends', async t => {
  for (const [trustProxy, address] of [
    [true, '192.0.2.7'], [false, '127.0.0.1'], ['127.0.0.1', '192.0.2.7'], ['10.0.0.1', '127.0.0.1']
  ] as const) {
    const { api, server, port } = await startHost(t, { fastify: { trustProxy } })
    const connected = nextSignal(server, 'client_connected')
    const socket = new WebSocket(`ws://127.0.0.1:${port}/ws`, { headers: { 'x-forwarded-for': '192.0.2.7' } })
    t.teardown(() => { socket.terminate() })
    const [id] = await connected
    t.same(await (await api(`/peers/${id}/address`)).json(), { address }, String(trustProxy))
    t.equal((await (await api('/peers?address=192.0.2.0/24')).json()).items.length, address === '192.0.2.7' ? 1 : 0)
  }
})

t.test('with autoListen false clients are refused until listen() is called', async t => {
  const { api, port, join } = await startHost(t, { server: { autoListen: false } })
  const raw = await connectRaw(t, port)
  raw.send(upgradeRequest('/ws'))
  const { status, headers, body } = await raw.response()
  t.equal(status, 503)
  t.equal(headers['retry-after'], '1')
  t.match(JSON.parse(body), { code: 'not-listening' })
  t.equal((await api('/server/listen', { method: 'POST' })).status, 200)
  t.ok((await join()).id > 1)
})

t.test('accepts a client of app.injectWS', async t => {
  const { app, server } = await startHost(t)
  const connected = nextSignal(server, 'client_connected')
  const socket = await app.injectWS('/ws')
  const [id] = await connected
  t.match((await app.inject(`/api/v1/peers/${id}`)).json(), { id, address: '', port: 0 })
  t.match((await app.inject('/api/v1/peers?address=0.0.0.0/0')).json(), { items: [] })
  const end = nextClose(socket as unknown as WebSocket)
  t.equal((await app.inject({ method: 'DELETE', url: `/api/v1/peers/${id}?code=4001` })).statusCode, 202)
  t.match(await end, { code: 4001 })
})

t.test('one app can have several servers, each with a name, an endpoint and a REST API', async t => {
  const app = Fastify()
  t.teardown(async () => { await app.close() })
  await app.register(swagger, { openapi: { openapi: '3.1.0', info: { title: 'Host', version: '1' } } })
  for (const [name, gdMpApi] of [['lobby', false], ['arena', true]] as const) {
    await app.register(peerServer, { name, path: `/${name}`, gdMpApi })
    await app.register(adminRoutes, { server: name, prefix: `/api/${name}`, auth: false })
  }
  await app.listen({ port: 0, host: '127.0.0.1' })
  const { port } = app.server.address() as AddressInfo
  await Promise.all([open(t, port, '/lobby'), open(t, port, '/lobby'), open(t, port, '/arena')])
  t.match((await app.inject('/api/lobby/server')).json(), {
    path: '/lobby',
    gdMpApi: false,
    peers: { open: 2, pending: 0 }
  })
  t.match((await app.inject('/api/arena/server')).json(), {
    path: '/arena',
    gdMpApi: true,
    peers: { open: 1, pending: 0 }
  })

  const document: any = app.swagger()
  t.ok((await new Validator().validate(JSON.parse(JSON.stringify(document)))).valid)
  const ids = Object.values<object>(document.paths).flatMap(item => Object.values(item))
    .map(({ operationId }) => operationId)
    .filter(id => id !== undefined)
  t.equal(new Set(ids).size, ids.length, 'operationIds are unique')
  t.ok(['lobby.connect', 'arena.connect', 'lobby.peers', 'arena.disconnectPeer'].every(id => ids.includes(id)))
})

t.test('works in a child scope with its own server', async t => {
  const app: FastifyInstance = Fastify()
  t.teardown(async () => { await app.close() })
  await app.register(async scope => {
    await scope.register(peerServer, { path: '/socket' })
    await scope.register(adminRoutes, { prefix: '/admin', auth: false })
  }, { prefix: '/game' })
  await app.listen({ port: 0, host: '127.0.0.1' })
  const { port } = app.server.address() as AddressInfo
  const socket = await open(t, port, '/game/socket')
  t.match(await (await fetch(`http://127.0.0.1:${port}/game/admin/server`)).json(), { peers: { open: 1 } })
  t.notOk(app.hasDecorator('peerServer'), 'the parent does not have the decorator')
  const end = nextClose(socket)
  await app.close()
  t.match(await end, { code: 1001 })
})

t.test('over HTTP/2 the endpoint responds with 426, and clients of HTTP/1.1 join', async t => {
  const https = { allowHTTP1: true, key: pem('leaf.key'), cert: pem('leaf.pem') + pem('middle.pem') }
  const app = Fastify({ http2: true, https }) as unknown as FastifyInstance
  t.teardown(async () => { await app.close() })
  await app.register(peerServer, { rooms: true })
  await app.register(adminRoutes, { prefix: '/api/v1', auth: false })
  await app.listen({ port: 0, host: '127.0.0.1' })
  const { port } = app.server.address() as AddressInfo
  const session = connectHttp2(`https://127.0.0.1:${port}`, { rejectUnauthorized: false })
  t.teardown(() => { session.destroy() })
  for (const [path, status, answer] of [
    ['/ws', 426, { code: 'upgrade-required' }],
    ['/ws/arena', 426, { code: 'upgrade-required' }],
    ['/api/v1/server', 200, { listening: true }],
    ['/api/v1/peers/2', 404, { code: 'ERR_DOES_NOT_EXIST' }]
  ] as const) {
    const stream = session.request({ ':path': path })
    const [headers] = await once(stream, 'response')
    t.equal(headers[':status'], status, path)
    t.match(JSON.parse(Buffer.concat(await stream.toArray()).toString()), answer, path)
    t.notOk('upgrade' in headers || 'connection' in headers, path)
  }
  const connected = nextSignal(app.peerServer, 'client_connected')
  const socket = new WebSocket(`wss://127.0.0.1:${port}/ws/arena`, { rejectUnauthorized: false })
  t.teardown(() => { socket.terminate() })
  await Promise.all([connected, once(socket, 'open')])
})

async function open (t: Test, port: number, path: string): Promise<WebSocket> {
  const socket = new WebSocket(`ws://127.0.0.1:${port}${path}`)
  t.teardown(() => { socket.terminate() })
  await once(socket, 'open')
  return socket
}

t.test('accepts the options of register(): prefix, logLevel and logSerializers', async t => {
  const app = Fastify({ logger: { level: 'silent' } })
  t.teardown(async () => { await app.close() })
  await app.register(peerServer, {
    prefix: '/game',
    path: '/socket',
    logLevel: 'warn',
    logSerializers: { req: () => 'hidden' }
  })
  await app.register(adminRoutes, {
    prefix: '/game/api',
    auth: false,
    logLevel: 'warn',
    logSerializers: { req: () => 'hidden' }
  })
  await app.listen({ port: 0, host: '127.0.0.1' })
  const { port } = app.server.address() as AddressInfo
  await open(t, port, '/game/socket')
  t.match((await app.inject('/game/api/server')).json(), { path: '/game/socket', peers: { open: 1 } })
})

t.test('what a hook of the host throws keeps its status, headers and challenge', async t => {
  const host = await startHost(t, {
    server: { rooms: true },
    before: app => {
      app.addHook('onRequest', async ({ headers }, reply) => {
        if (headers['x-case'] === 'challenge') {
          reply.header('www-authenticate', 'Basic realm="host"')
          throw Object.assign(new Error('who?'), { statusCode: 401 })
        }
        if (headers['x-case'] === 'text') {
          reply.code(403)
          throw Object.assign(new Error('not you'), { status: 'PERMISSION_DENIED' })
        }
        throw Object.assign(new Error('later'), { status: 503, headers: { 'retry-after': '120', 'x-why': 'backup' } })
      })
    },
    after: async app => {
      await app.register(lobbyRoutes, { prefix: '/lobby' })
      await app.register(dashboard)
      await app.register(metrics)
    }
  })
  for (const path of ['/ws', '/api/v1/peers', '/lobby/rooms', '/dashboard', '/metrics']) {
    const challenge = await host.get(path, { headers: { 'x-case': 'challenge' } })
    t.equal(challenge.status, 401, path)
    t.equal(challenge.headers.get('www-authenticate'), 'Basic realm="host"', path)
    t.equal((await host.get(path, { headers: { 'x-case': 'text' } })).status, 403, path)
    const later = await host.get(path)
    t.equal(later.status, 503, path)
    t.match(Object.fromEntries(later.headers), { 'retry-after': '120', 'x-why': 'backup' }, path)
  }
})

/** An app whose log is kept, with these options of its logger. */
function loggingApp (logger: object) {
  const lines: any[] = []
  const stream = { write: (text: string) => { lines.push(JSON.parse(text)) } }
  return { app: Fastify({ logger: { level: 'info', stream, ...logger } }), lines }
}

t.test('handshakes are logged as the host logs requests, without tokens', async t => {
  const { app, lines } = loggingApp({
    serializers: { req: ({ method, url }: { method: string, url: string }) => ({ method, path: url }) }
  })
  t.teardown(async () => { await app.close() })
  app.addHook('onRequest', async request => { request.log.info({ req: request.raw }, 'raw') })
  await app.register(peerServer)
  await app.register(async scope => {
    await scope.register(peerServer, { name: 'other', path: '/other' })
  }, { logSerializers: { req: ({ url }: { url: string }) => url } } as object)
  await app.listen({ port: 0, host: '127.0.0.1' })
  const { port } = app.server.address() as AddressInfo
  for (const path of ['/ws', '/other']) await open(t, port, `${path}?token=secret&x=1`)
  const inProcess = await app.injectWS('/ws?token=secret')
  inProcess.terminate()
  const records = lines.filter(({ req }) => req !== undefined).map(({ msg, req }) => [msg, req])
  t.same(records.slice(0, 4), [
    ['incoming request', { method: 'GET', path: '/ws?token=***&x=1' }],
    ['raw', { method: 'GET', path: '/ws?token=***&x=1' }],
    ['incoming request', '/other?token=***&x=1'],
    ['raw', '/other?token=***&x=1']
  ])
  t.match(records[4], ['incoming request', { method: 'GET', url: '/ws?token=***' }])
})

/** What many hosts log of a request: all of it. */
function describeAll (request: FastifyRequest) {
  const { url, query, params, headers, raw: { rawHeaders } } = request
  return {
    method: request.method,
    address: { url: new URL(url, 'http://host'), search: url.split('?', 2)[1], query, params },
    headers,
    rawHeaders,
    none: { token: undefined, cookie: null }
  }
}

t.test('tokens of handshakes are logged nowhere, whatever the serializers of the host return', async t => {
  const { app, lines } = loggingApp({
    redact: ['req.headers.host'],
    serializers: {
      req: describeAll,
      res: ({ statusCode, request }: FastifyReply) => ({ statusCode, url: request.url })
    }
  })
  t.teardown(async () => { await app.close() })
  app.addHook('onRequest', async ({ headers }, reply) => {
    if (headers.cookie === undefined) await reply.code(401).send()
  })
  await app.register(peerServer, { protocols: ['chat'] })
  await app.listen({ port: 0, host: '127.0.0.1' })
  const { port } = app.server.address() as AddressInfo
  const headers = { authorization: 'Bearer secret', referer: 'http://a/?access_token=secret' }
  const protocols = ['chat', `base64url.bearer.authorization.${Buffer.from('secret').toString('base64url')}`]
  const url = `ws://127.0.0.1:${port}/ws?token=secret&x=1`
  const socket = new WebSocket(url, protocols, { headers: { ...headers, cookie: 'id=1' } })
  await once(socket, 'open')
  socket.terminate()
  await once(new WebSocket(url, protocols, { headers }).on('error', () => {}), 'error')
  await until(() => lines.some(({ res }) => res !== undefined))
  t.notMatch(JSON.stringify(lines), /secret|c2VjcmV0/)
  const [{ req }, refused, { res }] = lines.filter(line => line.req !== undefined || line.res !== undefined)
  t.match(req, {
    method: 'GET',
    address: { url: 'http://host/ws?token=***&x=1', search: 'token=***&x=1', query: { token: '***', x: '1' } },
    headers: {
      host: '[Redacted]',
      authorization: '***',
      cookie: '***',
      referer: 'http://a/?access_token=***',
      'sec-websocket-protocol': 'chat,base64url.bearer.authorization.***',
      upgrade: 'websocket'
    },
    none: { cookie: null }
  })
  t.notOk('token' in req.none)
  t.ok(req.rawHeaders.includes('Bearer ***'))
  t.match(refused.req.headers, { authorization: '***' })
  t.same(res, { statusCode: 401, url: '/ws?token=***&x=1' })
})

t.test('a serializer of the host may return what has cycles', async t => {
  const { app, lines } = loggingApp({
    serializers: { req: (request: FastifyRequest) => ({ method: request.method, raw: request.raw }) }
  })
  t.teardown(async () => { await app.close() })
  await app.register(peerServer)
  await app.listen({ port: 0, host: '127.0.0.1' })
  const { port } = app.server.address() as AddressInfo
  await open(t, port, '/ws?token=secret')
  const { req } = lines.find(line => line.req !== undefined)
  t.match(req, { method: 'GET', raw: { httpVersion: '1.1', url: '/ws?token=***' } })
  t.notMatch(JSON.stringify(req), /secret/)
})

t.test('the serializer of Fastify logs handshakes, also of clients in this process', async t => {
  const { app, lines } = loggingApp({})
  t.teardown(async () => { await app.close() })
  await app.register(peerServer)
  await app.listen({ port: 0, host: '127.0.0.1' })
  const { port } = app.server.address() as AddressInfo
  await open(t, port, '/ws?access_token=secret')
  const inProcess = await app.injectWS('/ws')
  inProcess.terminate()
  t.match(lines.filter(({ req }) => req !== undefined).map(({ req }) => req), [
    { method: 'GET', url: '/ws?access_token=***', host: `127.0.0.1:${port}`, remoteAddress: '127.0.0.1' },
    { method: 'GET', url: '/ws', remoteAddress: '' }
  ])
})
