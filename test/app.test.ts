import Fastify from 'fastify'
import t, { type Test } from 'tap'
import app, { type AppOptions } from '../app.ts'
import type { WebSocketServer } from '../src/core/server/websocket-server.ts'
import { servicePaths } from '../src/service-paths.ts'
import { connectRaw, upgradeRequest } from './helper/sockets/raw-socket.ts'

const token = 'x'.repeat(32)

t.test('pages and the OpenAPI document are public, the REST API requires the token', async t => {
  const { service } = await makeApp(t, { admin: { token } })
  for (const path of [
    '/docs/', '/docs/static/swagger-ui.css', '/docs/json', '/openapi.json', '/asyncapi.json', '/healthz', '/readyz'
  ]) t.equal((await service.inject(path)).statusCode, 200, path)
  for (const path of ['/api/v1/server', '/api/v1/peers', '/api/v1/nothing']) {
    t.equal((await service.inject(path)).statusCode, 401, path)
  }
  t.equal((await service.inject({
    url: '/api/v1/server',
    headers: { authorization: `Bearer ${token}` }
  })).statusCode, 200)
})

t.test('printPlugins() shows names, not code', async t => {
  const { service } = await makeApp(t, { lobby: {}, server: { rooms: true } })
  await service.ready()
  t.notMatch(service.printPlugins(), /=>/)
})

t.test('documents name the service relative to themselves, as proxies may add a prefix and TLS', async t => {
  const { service } = await makeApp(t)
  for (const path of ['/openapi.json', '/docs/json', '/docs/yaml']) {
    for (const base of ['http://localhost:3000', 'https://game.example/below/a/prefix']) {
      const { body } = await service.inject(path)
      const [, url] = /"?servers"?:[^u]*"?url"?: ?"?([^",\n]+)/.exec(body)!
      t.equal(new URL(url, base + path).href, `${base}/`, path)
    }
  }
})

t.test('documents are serialised once for all readers', async t => {
  const { service } = await makeApp(t)
  const { swagger } = service
  let calls = 0
  service.swagger = ((...options: Parameters<typeof swagger>) => {
    calls++
    return swagger(...options)
  }) as typeof swagger
  for (const path of ['/openapi.json', '/docs/json', '/docs/yaml']) {
    calls = 0
    const [first, second] = [await service.inject(path), await service.inject(path)]
    t.same([first.statusCode, calls], [200, 1], path)
    t.equal(second.body, first.body, path)
    t.match(first.headers['content-type'], path.endsWith('yaml') ? /^application\/yaml/ : /^application\/json/, path)
  }
})

t.test('Swagger UI redirects relatively to its page, whose files are beside it', async t => {
  const { service } = await makeApp(t)
  for (const path of ['/docs', '/docs?a=1', '/docs?a=1/', '/docs/?a=1', '/docs/static/index.html']) {
    const { statusCode, headers } = await service.inject(path)
    t.equal(statusCode, 308, path)
    t.equal(new URL(headers.location!, `https://game.example/prefix${path}`).href, 'https://game.example/prefix/docs/')
    t.notMatch(headers.location, /^\/|:/)
  }
  const { statusCode, body } = await service.inject('/docs/')
  t.equal(statusCode, 200)
  const links = [...body.matchAll(/(?:src|href)="([^"]*)"/g)].map(([, link]) => link)
  t.ok(links.length > 5)
  for (const link of links) t.match(link, /^\.\/static\//)
})

t.test('Swagger UI arms nothing on load, begins with text packets, and tells servers apart by tags', async t => {
  const { service } = await makeApp(t, { more: [{ name: 'godot4', path: '/ws4' }] })
  t.notMatch((await service.inject('/docs/static/swagger-initializer.js')).body, /tryItOutEnabled":\s*true/)
  const { paths, tags } = (await service.inject('/openapi.json')).json()
  t.equal(Object.keys(paths['/api/v1/packets'].post.requestBody.content)[0], 'text/plain')
  t.same(paths['/api/v1/peers'].get.tags, ['peers'])
  t.same(paths['/api/v1/godot4/peers'].get.tags, ['godot4: peers'])
  const duration = paths['/api/v1/events'].get.parameters.find(({ name }: { name: string }) => name === 'duration')
  t.ok(duration.example ?? duration.schema.examples[0] <= 5, 'a response that is tried out ends')
  const named = tags.map(({ name }: { name: string }) => name)
  for (const item of Object.values<any>(paths)) {
    for (const { tags } of Object.values<any>(item)) t.ok(named.includes(tags[0]), tags[0])
  }
})

t.test('the CSP of Swagger UI only allows its own resources', async t => {
  const { service } = await makeApp(t)
  const policy = String((await service.inject('/docs')).headers['content-security-policy'])
  t.match(policy, /default-src 'self'/)
  t.notMatch(policy, /script-src[^;]*'unsafe-(inline|eval)'/)
})

t.test('/healthz returns 200 while the process responds, /readyz while servers accept peers', async t => {
  const { service } = await makeApp(t)
  t.same((await service.inject('/healthz')).json(), { ok: true })
  t.same((await service.inject('/readyz')).json(), { ready: true })
  service.peerServer.refuseNewConnections = true
  t.equal((await service.inject('/readyz')).statusCode, 503)
  service.peerServer.refuseNewConnections = false
  await service.peerServer.stop()
  const answer = await service.inject('/readyz')
  t.equal(answer.statusCode, 503)
  t.equal(answer.headers['retry-after'], '1')
  t.match(answer.json(), { code: 'not-listening', status: 503 })
  t.equal((await service.inject('/healthz')).statusCode, 200)
})

t.test('a second server for Godot 4 has its own endpoint and REST API; /readyz requires both servers', async t => {
  const { service } = await makeApp(t, {
    server: { gdMpApi: true },
    more: [{ name: 'godot4', path: '/ws4', gdMpApi: true, wire: 'godot4' }],
    admin: { token }
  })
  const ask = async (url: string) => await service.inject({ url, headers: { authorization: `Bearer ${token}` } })
  t.match((await ask('/api/v1/server')).json(), { path: '/ws' })
  t.match((await ask('/api/v1/godot4/server')).json(), { path: '/ws4' })
  t.equal((await service.inject('/api/v1/godot4/server')).statusCode, 401)
  t.equal((await ask('/ws4')).statusCode, 426)
  t.match((await ask('/api/v1/godot4/nothing')).json(), { status: 404 })
  const operations = Object.values<any>(service.swagger().paths as any).flatMap(item => Object.values<any>(item))
    .map(({ operationId }) => operationId).filter(id => id !== undefined)
  t.equal(new Set(operations).size, operations.length)
  t.equal((await ask('/readyz')).statusCode, 200)
  service.getDecorator<WebSocketServer>('godot4').refuseNewConnections = true
  t.equal((await ask('/readyz')).statusCode, 503)
})

t.test('unknown paths return a problem, everywhere', async t => {
  const { service } = await makeApp(t)
  for (const path of ['/nothing', '/api', '/api/v1', '/api/v1/nothing', '/docs/nothing']) {
    const answer = await service.inject(path)
    t.equal(answer.statusCode, 404, path)
    t.match(answer.headers['content-type'], /^application\/problem\+json/, path)
    t.match(answer.json(), { status: 404, code: 'not-found' }, path)
  }
})

t.test('the root leads to the dashboard, unless a WebSocket endpoint is there', async t => {
  const { service } = await makeApp(t)
  const { statusCode, headers } = await service.inject('/')
  t.equal(statusCode, 302)
  t.equal(new URL(headers.location!, 'https://game.example/prefix/').pathname, '/prefix/dashboard')
  const { service: other } = await makeApp(t, { server: { path: '/' } })
  t.equal((await other.inject('/')).statusCode, 426)
})

t.test('upgrades of other paths are refused', async t => {
  const { service } = await makeApp(t)
  await service.listen({ port: 0, host: '127.0.0.1' })
  const { port } = service.peerServer
  for (const path of [
    '/', '/docs', '/docs/static/index.html', '/openapi.json', '/healthz', '/readyz', '/nothing', '/api/v1/server',
    '/wss', '/ws/'
  ]) {
    const raw = await connectRaw(t, port)
    raw.send(upgradeRequest(path))
    const { status, body } = await raw.response()
    t.equal(status, 400, path)
    t.match(JSON.parse(body), {
      code: 'bad-handshake',
      detail: path.startsWith('/api/') ? String : `No WebSocket endpoint at ${path}; connect to /ws`
    })
  }
})

t.test('a handshake at a wrong path is logged once per burst, with the existing paths and without tokens', async t => {
  const lines: any[] = []
  const service = Fastify({ logger: { level: 'warn', stream: { write: line => { lines.push(JSON.parse(line)) } } } })
  t.teardown(async () => { await service.close() })
  const more = [{ name: 'godot4', path: '/ws4', gdMpApi: true, wire: 'godot4' as const }, { name: 'own', port: 0 }]
  await service.register(app, { admin: { auth: false }, server: {}, more })
  await service.listen({ port: 0, host: '127.0.0.1' })
  const own = service.getDecorator<WebSocketServer>('own').port
  for (const path of ['/?token=secret', '/ws/', '/WS', `/${'x'.repeat(2000)}`]) {
    const raw = await connectRaw(t, service.peerServer.port)
    raw.send(upgradeRequest(path))
    const { detail } = JSON.parse((await raw.response()).body)
    t.match(detail, `; connect to /ws or /ws4 or port ${own}`)
    t.ok(detail.length < 300, detail)
  }
  t.match(lines, [{
    requested: '/',
    endpoints: ['/ws', '/ws4', `port ${own}`],
    address: '127.0.0.1',
    msg: /path without an endpoint/
  }])
  t.notMatch(JSON.stringify(lines), 'secret')
})

t.test('all routes are below paths that are reserved from WebSocket endpoints', async t => {
  const service = Fastify()
  t.teardown(async () => { await service.close() })
  const urls: string[] = []
  service.addHook('onRoute', ({ url }) => { urls.push(url) })
  const more = [{ name: 'godot4', path: '/ws4', rooms: true }]
  await service.register(app, { admin: { auth: false }, server: { rooms: true }, more, lobby: {} })
  await service.ready()
  const paths = Object.values<string>(servicePaths)
  const within = (url: string, path: string): boolean => url === path || url.startsWith(`${path}/`)
  t.same([...new Set(urls)].filter(url => !paths.some(path => within(url, path))),
    ['/ws', '/ws/:room', '/ws4', '/ws4/:room', '/'])
  t.same(paths.filter(path => !urls.some(url => within(url, path))), [], 'and each of them has routes')
})

t.test('without a token, requests of pages from other sites are rejected', async t => {
  const { service } = await makeApp(t)
  const ask = async (headers: Record<string, string>): Promise<number> => (await service.inject({
    method: 'POST',
    url: '/api/v1/packets',
    headers: { 'content-type': 'text/plain', ...headers },
    payload: 'x'
  })).statusCode
  for (const host of ['127.0.0.1:3000', 'localhost:3000', 'localhost', '[::1]:3000', '127.8.8.8']) {
    t.equal(await ask({ host }), 202, host)
  }
  for (const host of [
    'example.com', 'example.com:3000', '192.0.2.7', 'localhost.example.com', '0.0.0.0', '127.0.0.1.example.com', ' ',
    '['
  ]) t.equal(await ask({ host }), 403, host)
  for (const origin of ['http://127.0.0.1:3000', 'http://127.0.0.1:5173']) {
    t.equal(await ask({ host: '127.0.0.1:3000', origin }), 202, origin)
  }
  for (const origin of ['http://example.com', 'https://127.0.0.1.example.com', 'null']) {
    t.equal(await ask({ host: '127.0.0.1:3000', origin }), 403, origin)
  }
})

t.test('without a token, requests through a proxy are rejected for any host name', async t => {
  const { service } = await makeApp(t)
  for (const [name, value] of [
    ['forwarded', 'for=203.0.113.9'], [
      'via', '1.1 proxy'
    ], ['x-forwarded-for', '203.0.113.9'], ['x-forwarded-for', '127.0.0.1'], ['x-forwarded-for', ''],
    ['x-forwarded-host', 'localhost'], [
      'x-forwarded-proto', 'https'
    ], ['x-forwarded-port', '443'], ['x-forwarded-server', 'a'], ['x-real-ip', '127.0.0.1'],
    ['X-Forwarded-Anything', 'a'], ['cf-connecting-ip', '203.0.113.9'], ['true-client-ip', '203.0.113.9']
  ]) {
    for (const url of ['/api/v1/server', '/api/v1/peers', '/api/v1/events', '/metrics']) {
      const answer = await service.inject({ url, headers: { host: '127.0.0.1:3000', [name]: value } })
      t.equal(answer.statusCode, 403, `${url} with ${name}: ${value}`)
      t.match(answer.json(), { detail: /proxy/ })
    }
    t.equal((await service.inject({ url: '/healthz', headers: { [name]: value } })).statusCode, 200)
  }
})

t.test('with a token, pages from other sites are allowed if they send it', async t => {
  const { service } = await makeApp(t, { admin: { token } })
  const headers = { origin: 'http://example.com', host: 'game.example.com' }
  t.equal((await service.inject({ url: '/api/v1/server', headers })).statusCode, 401)
  t.equal((await service.inject({
    url: '/api/v1/server',
    headers: { ...headers, authorization: `Bearer ${token}` }
  })).statusCode, 200)
})

async function makeApp (t: Test, { admin = { auth: false }, server = {}, more = [] }: Partial<AppOptions> = {}) {
  const service = Fastify()
  t.teardown(async () => { await service.close() })
  await service.register(app, { admin, server, more })
  await service.ready()
  return { service }
}
