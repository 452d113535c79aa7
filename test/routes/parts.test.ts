import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { promisify } from 'node:util'
import fastifyStatic from '@fastify/static'
import swagger from '@fastify/swagger'
import { Validator } from '@seriousme/openapi-schema-validator'
import Fastify, { type FastifyInstance } from 'fastify'
import { Counter, Registry } from 'prom-client'
import t, { type Test } from 'tap'
import { root } from '../../scripts/root.ts'
import peerServer, { adminRoutes, asyncapi, dashboard, health, lobbyRoutes, metrics } from '../../index.ts'
import { parseMetrics, valueOf } from '../helper/prometheus.ts'

const token = 'a token of more than thirty-two characters'

/** Paths of all parts below their prefix. */
const paths = {
  '/ops/healthz': /^application\/json/,
  '/ops/readyz': /^application\/json/,
  '/ops/metrics': /^text\/plain; version=0\.0\.4/,
  '/ops/asyncapi.json': /^application\/json/,
  '/ops/dashboard': /^text\/html/,
  '/ops/dashboard/app.js': /^text\/javascript/,
  '/ops/dashboard/client/client.js': /^text\/javascript/,
  '/ops/dashboard/servers.json': /^application\/json/,
  '/ops/lobby/rooms': /^application\/json/
}

/** Registers the server and all parts below /ops. */
async function mountAll (app: FastifyInstance): Promise<void> {
  await app.register(peerServer, { rooms: true })
  for (const part of [health, metrics, asyncapi, dashboard]) await app.register(part, { prefix: '/ops' })
  await app.register(lobbyRoutes, { prefix: '/ops/lobby' })
  await app.register(adminRoutes, { prefix: '/ops/api/v1', auth: false })
}

async function respondsAsMounted (t: Test, app: FastifyInstance): Promise<void> {
  for (const [path, type] of Object.entries(paths)) {
    const { statusCode, headers } = await app.inject(path)
    t.equal(statusCode, 200, path)
    t.match(headers['content-type'], type, path)
  }
}

/** Where a response redirects to, as a client resolves it. */
function redirected (path: string, location: string | undefined): string {
  return new URL(location!, `http://localhost/proxy${path}`).pathname
}

async function listeningHost (t: Test): Promise<FastifyInstance> {
  const app = Fastify()
  t.teardown(async () => { await app.close() })
  return app
}

t.test('every part is mounted below the prefix that it is registered with', async t => {
  const app = await listeningHost(t)
  await mountAll(app)
  await app.ready()
  await respondsAsMounted(t, app)
  for (const path of ['/healthz', '/metrics', '/dashboard', '/asyncapi.json', '/']) {
    t.equal((await app.inject(path)).statusCode, 404, path)
  }
})

t.test('without a prefix every part is where the service has it', async t => {
  const app = await listeningHost(t)
  await app.register(peerServer)
  for (const part of [health, metrics, asyncapi, dashboard]) await app.register(part)
  for (const path of ['/healthz', '/readyz', '/metrics', '/asyncapi.json', '/dashboard']) {
    t.equal((await app.inject(path)).statusCode, 200, path)
  }
  t.equal((await app.inject('/')).statusCode, 404, 'the root is the host\'s')
})

t.test('parts work in a host with compilers, serializers, error handlers and static files of its own', async t => {
  const app = await listeningHost(t)
  const broken = (): never => { throw new Error('of the host') }
  app.setValidatorCompiler(() => broken).setSerializerCompiler(() => broken).setErrorHandler(broken)
  app.setReplySerializer(broken)
  app.addHook('preSerialization', async () => broken())
  await app.register(fastifyStatic, { root: join(root, 'docs'), prefix: '/files/' })
  await mountAll(app)
  await app.ready()
  await respondsAsMounted(t, app)
  t.equal((await app.inject('/files/protocol.md')).statusCode, 200)
  app.peerServer.refuseNewConnections = true
  t.match((await app.inject('/ops/readyz')).json(), { status: 503, code: 'refusing-connections' })
})

t.test('the parts are in the document of the host, which stays valid', async t => {
  const app = await listeningHost(t)
  await app.register(swagger, { openapi: { openapi: '3.1.0', info: { title: 'Host', version: '1' } } })
  await mountAll(app)
  await app.ready()
  const document = JSON.parse(JSON.stringify(app.swagger()))
  const { valid, errors } = await new Validator().validate(structuredClone(document))
  t.ok(valid, JSON.stringify(errors))
  for (const path of ['/ops/healthz', '/ops/readyz', '/ops/metrics', '/ops/lobby/rooms', '/ops/api/v1/peers']) {
    t.ok(path in document.paths, path)
  }
})

t.test('the root of the prefix leads to the dashboard, unless the host has a page there', async t => {
  const app = await listeningHost(t)
  app.get('/taken', async () => 'own')
  await app.register(peerServer)
  for (const prefix of ['/ops', '/taken']) await app.register(dashboard, { prefix })
  for (const [path, location] of [['/ops', '/ops/dashboard'], ['/ops/', '/ops/dashboard']]) {
    const { statusCode, headers } = await app.inject(path)
    t.equal(statusCode, 302)
    t.equal(redirected(path, headers.location), `/proxy${location}`)
  }
  t.equal((await app.inject('/taken')).body, 'own')
  t.equal((await app.inject('/taken/dashboard')).statusCode, 200)
})

t.test('the page links to Swagger UI if the host has it beside the page', async t => {
  const app = await listeningHost(t)
  await app.register(peerServer)
  for (const prefix of ['/ops', '/other']) await app.register(dashboard, { prefix })
  app.get('/ops/docs/', async () => 'Swagger UI')
  t.match((await app.inject('/ops/dashboard')).body, '<a href="docs">API reference</a>')
  t.notMatch((await app.inject('/other/dashboard')).body, 'API reference')
})

t.test('the host may have a page at the root of the prefix with or without a slash, also in a scope', async t => {
  for (const page of ['/outer/ops', '/outer/ops/']) {
    const app = await listeningHost(t)
    app.get(page, async () => 'own')
    await app.register(peerServer)
    await app.register(async scope => { await scope.register(dashboard, { prefix: '/ops' }) }, { prefix: '/outer' })
    t.equal((await app.inject(page)).body, 'own')
    t.equal((await app.inject('/outer/ops/dashboard')).statusCode, 200)
  }
})

for (const routerOptions of [
  { ignoreTrailingSlash: true }, { ignoreDuplicateSlashes: true }, { caseSensitive: false },
  { ignoreTrailingSlash: true, ignoreDuplicateSlashes: true, caseSensitive: false }
]) {
  t.test(`parts work in a host with ${JSON.stringify(routerOptions)}`, async t => {
    const app = Fastify({ routerOptions })
    t.teardown(async () => { await app.close() })
    await mountAll(app)
    await app.ready()
    await respondsAsMounted(t, app)
    const { ignoreTrailingSlash = false, ignoreDuplicateSlashes = false, caseSensitive = true } = routerOptions
    for (const path of [...Object.keys(paths), '/ops/api/v1/server', '/ops/api/v1/rooms/main']) {
      const isPage = path === '/ops/dashboard'
      if (ignoreTrailingSlash && !isPage) t.equal((await app.inject(`${path}/`)).statusCode, 200, `${path}/`)
      if (!caseSensitive) t.equal((await app.inject(path.replace('/ops/', '/OPS/'))).statusCode, 200, `${path} at /OPS`)
      if (ignoreDuplicateSlashes) {
        t.equal((await app.inject(path.replace('/ops/', '//ops//'))).statusCode, 200, `${path} at //ops//`)
      }
    }
    for (const path of ['/ops/dashboard/', ...(ignoreDuplicateSlashes ? ['/ops/dashboard//?a=/'] : [])]) {
      const { statusCode, headers } = await app.inject(path)
      t.equal(statusCode, 308, path)
      t.equal(redirected(path, headers.location), '/proxy/ops/dashboard', path)
    }
    for (const path of ['/ops', '/ops/']) {
      const { statusCode, headers } = await app.inject(path)
      t.equal(statusCode, 302, path)
      t.equal(redirected(path, headers.location), '/proxy/ops/dashboard', path)
    }
  })
}

for (const prefix of [undefined, '/x', '/x/']) {
  t.test(`parts can be registered where the router ignores slashes, with prefix ${prefix}`, async t => {
    const at = prefix === undefined ? {} : { prefix }
    for (const routerOptions of [{ ignoreTrailingSlash: true }, { ignoreDuplicateSlashes: true }]) {
      for (const part of [health, metrics, asyncapi, dashboard, lobbyRoutes, adminRoutes]) {
        const app = Fastify({ routerOptions })
        t.teardown(async () => { await app.close() })
        await app.register(peerServer, { rooms: true })
        await app.register(part as typeof adminRoutes, { ...at, ...(part === adminRoutes ? { auth: false } : {}) })
        await app.ready()
      }
    }
  })
}

t.test('option api sets where the page finds the REST API', async t => {
  const app = await listeningHost(t)
  await app.register(peerServer)
  await app.register(dashboard, { prefix: '/ops', api: '../admin?"<&' })
  t.match((await app.inject('/ops/dashboard')).body, '<meta name="api" content="../admin?&quot;&lt;&amp;">')
})

t.test('metrics require a token if one is given, and can be added to a registry of the host', async t => {
  const app = await listeningHost(t)
  await app.register(peerServer)
  const registry = new Registry()
  new Counter({ name: 'own_total', help: 'Own', registers: [registry] }).inc(7)
  await app.register(metrics, { prefix: '/ops', token, registry })
  t.equal((await app.inject('/ops/metrics')).statusCode, 401)
  const { body } = await app.inject({ url: '/ops/metrics', headers: { authorization: `Bearer ${token}` } })
  const values = parseMetrics(body)
  t.equal(valueOf(values, 'own_total'), 7)
  t.equal(valueOf(values, 'peer_server_rooms{server="peerServer"}'), 1)
  t.notMatch(body, /process_/)
})

t.test('a part that names a server that does not exist fails to register', async t => {
  for (const [name, part] of Object.entries({ health, metrics, asyncapi, dashboard })) {
    const app = await listeningHost(t)
    await app.register(peerServer)
    await t.rejects(async () => { await app.register(part, { servers: ['other'] }) },
      { message: `${name}: no server named other; register the peerServer plugin first` })
  }
})

const partsByName = { health, metrics, asyncapi, dashboard }
const badOptions: Array<[part: keyof typeof partsByName, options: object, message: RegExp]> = [
  ...(['health', 'metrics', 'asyncapi', 'dashboard'] as const).flatMap(
    part => ([
      [part, { server: 'peerServer' }, /option server: unknown option/],
      [part, { servers: 'peerServer' }, /option servers: must be array/],
      [part, { servers: [] }, /option servers: must not have fewer than 1 items/]
    ] satisfies typeof badOptions)),
  ['dashboard', { Api: 'x' }, /option Api: unknown option/],
  ['dashboard', { api: 1 }, /option api: must be string/],
  ['metrics', { tokens: token }, /option tokens: unknown option/],
  ['metrics', { token: '' }, /the token of admin must not be empty/],
  ['metrics', { token: [] }, /option `token` needs at least one token/],
  ['metrics', { token: [{ name: 'viewer', token: ' ' }] }, /the token of viewer must not be empty/],
  ['metrics', { token: [{ name: 'viewer' }] }, /option token/],
  ['metrics', { token, auth: false }, /option `token` has no effect with `auth: false`/],
  ['metrics', { auth: true }, /option auth: must be false/],
  ['metrics', { registry: null }, /option registry: must be a registry/],
  ['metrics', { registry: {} }, /option registry: must be a registry/]
]

for (const [part, options, message] of badOptions) {
  t.test(`${part} refuses the options ${JSON.stringify(options)}`, async t => {
    const app = await listeningHost(t)
    await app.register(peerServer)
    await t.rejects(async () => { await app.register(partsByName[part], options) },
      { code: 'ERR_INVALID_PARAMETER', message: new RegExp(`^${part}: ${message.source}`) })
  })
}

t.test('metrics refuse a short token in production', async t => {
  const { NODE_ENV } = process.env
  t.teardown(() => {
    if (NODE_ENV === undefined) delete process.env.NODE_ENV
    else process.env.NODE_ENV = NODE_ENV
  })
  process.env.NODE_ENV = 'production'
  const app = await listeningHost(t)
  await app.register(peerServer)
  await t.rejects(async () => { await app.register(metrics, { token: 'short' }) },
    { code: 'ERR_INVALID_PARAMETER', message: /the token of admin must have at least 32 characters/ })
})

const main = JSON.stringify(pathToFileURL(join(root, 'dist/index.js')).href)
/** What a program does one after the other, and the packages of parts or of the service that it loads by that. */
const steps: ReadonlyArray<[step: string, statement: string, packages: string[]]> = [
  ['importing the package', `ours = await import(${main})`, []],
  ['a server', 'await register(ours.default, { rooms: true })', []],
  ['metrics', 'await register(ours.metrics)', ['@fastify/bearer-auth', 'prom-client']],
  ['dashboard', 'await register(ours.dashboard)', ['@fastify/static']],
  ['lobbyRoutes', "await register(ours.lobbyRoutes, { prefix: '/lobby', origin: '*' })",
    ['@fastify/cors', '@fastify/rate-limit']],
  // And @fastify/bearer-auth, which metrics have loaded.
  ['adminRoutes', "await register(ours.adminRoutes, { prefix: '/api', auth: false })", ['@fastify/sse']]
]
const ofService = ['@fastify/swagger', '@fastify/swagger-ui', 'close-with-grace', 'eventsource-parser', 'string-width']
// 'typebox' is bundled: src/typebox.ts.
const watched = ['typebox', ...ofService, ...steps.flatMap(([, , packages]) => packages)]

t.test('importing the package loads no package of a part, registering a part only its own', async t => {
  const program = `
    import { Session } from 'node:inspector'
    import Fastify from 'fastify'
    const app = Fastify()
    const register = async (...args) => { await app.register(...args) }
    let loaded = []
    const session = new Session()
    session.connect()
    session.on('Debugger.scriptParsed', ({ params }) => { loaded.push(params.url) })
    session.post('Debugger.enable')
    let ours
    for (const step of [${steps.map(([, statement]) => `async () => { ${statement} }`).join(', ')}]) {
      loaded = []
      await step()
      console.log(JSON.stringify(loaded))
    }
    await app.ready()
    await app.close()`
  const args = ['--no-warnings', '--input-type=module', '-e', program]
  const { stdout } = await promisify(execFile)(process.execPath, args, { cwd: root, maxBuffer: 1 << 26 })
  const loaded: string[][] = stdout.trim().split('\n').map(line => JSON.parse(line))
  t.ok(loaded[0].some(url => url.includes('/node_modules/fastify-plugin/')), 'packages are seen')
  for (const [at, [step, , packages]] of steps.entries()) {
    const isLoaded = (name: string) => loaded[at].some(url => url.includes(`/node_modules/${name}/`))
    t.same(watched.filter(isLoaded).sort(), packages, step)
  }
})
