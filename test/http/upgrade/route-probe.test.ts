import type { IncomingMessage } from 'node:http'
import Fastify, { type FastifyInstance, type FastifyReply, type FastifyServerOptions } from 'fastify'
import t, { type Test } from 'tap'
import type { AddressInfo } from 'node:net'
import peerServer, { type ServerOptions } from '../../../index.ts'
import { connectRaw, upgradeRequest } from '../../helper/sockets/raw-socket.ts'

/** Callback of an asynchronous constraint. */
type Done = (error: Error | null, value?: unknown) => void

/** Fastify options with a constraint `tenant`, whose value `deriveConstraint` finds in a request. */
function withTenants (
  deriveConstraint: (request: IncomingMessage, context: unknown, done: Done) => unknown
): FastifyServerOptions {
  const storage = () => {
    const routes = new Map<unknown, unknown>()
    return {
      get: (key: unknown) => routes.get(key) ?? null,
      set: (key: unknown, route: unknown) => { routes.set(key, route) }
    }
  }
  const tenant = { name: 'tenant', storage, deriveConstraint }
  return { routerOptions: { constraints: { tenant } } } as unknown as FastifyServerOptions
}

/** An app with our endpoint, and its port. */
async function startApp (
  t: Test, fastify: FastifyServerOptions = {}, before: (app: FastifyInstance) => unknown = () => {},
  { prefix = '', ...server }: Partial<ServerOptions> & { prefix?: string } = {}
) {
  const app = Fastify(fastify)
  t.teardown(async () => { await app.close() })
  await before(app)
  let peers
  await app.register(async scope => {
    await scope.register(peerServer, server)
    peers = scope.peerServer
  }, { prefix })
  await app.listen({ port: 0, host: '127.0.0.1' })
  return { app, port: (app.server.address() as AddressInfo).port, server: peers! }
}

/** The status of the response to a handshake. */
async function statusOf (t: Test, port: number, target: string, headers: Record<string, string> = {}): Promise<number> {
  const raw = await connectRaw(t, port)
  raw.send(upgradeRequest(target, headers))
  const { status } = await raw.head()
  raw.socket.destroy()
  return status
}

const routers: Array<[targets: string[], fastify: FastifyServerOptions, prefix?: string]> = [
  [['/ws', '/ws?a=1', '/%77s', 'http://any.example/ws'], {}],
  [['/ws/'], { routerOptions: { ignoreTrailingSlash: true } }],
  [['//ws', '/ws'], { routerOptions: { ignoreDuplicateSlashes: true } }],
  [['/WS', '/Ws'], { routerOptions: { caseSensitive: false } }],
  [['/ws;a=1'], { useSemicolonDelimiter: true }],
  [['/v2/ws', '/ws'], {
    rewriteUrl: ({ url = '', headers: { connection } }) => connection === '' ? '/' : url.replace('/v2/', '/')
  }],
  [['/blue/game/ws', '/a%20b/game/ws'], {}, '/:tenant/game']
]

for (const [targets, fastify, prefix] of routers) {
  t.test(`the endpoint is where the router finds it: ${targets.join(', ')}`, async t => {
    const { port } = await startApp(t, fastify, () => {}, prefix === undefined ? {} : { prefix })
    for (const target of targets) t.equal(await statusOf(t, port, target), 101, target)
    const others = ['/ws/more', '/Ws/', '//ws/', '/%zz'].filter(target => !targets.includes(target))
    for (const target of others) t.not(await statusOf(t, port, target), 101, target)
  })

  t.test(`handshakeTimeout applies wherever the router finds the endpoint: ${targets.join(', ')}`, async t => {
    const waits = async (): Promise<void> => { await new Promise(() => {}) }
    const { port } = await startApp(t, fastify, app => { app.addHook('preHandler', waits) }, {
      handshakeTimeout: 0.1, ...(prefix === undefined ? {} : { prefix })
    })
    for (const target of targets) t.equal(await statusOf(t, port, target), 408, target)
  })
}

t.test('a route of the host that is more specific, or has constraints, is not the endpoint', async t => {
  const { port } = await startApp(t, {}, app => {
    app.get('/mine/ws', async () => 'mine')
    app.get('/:any/ws', { constraints: { host: 'mine.example' } }, async () => 'mine')
    app.get('/:any/ws', { constraints: { version: '2.0.0' } }, async () => 'mine')
  }, { prefix: '/:tenant' })
  t.equal(await statusOf(t, port, '/blue/ws'), 101)
  t.equal(await statusOf(t, port, '/mine/ws'), 200)
  t.equal(await statusOf(t, port, '/blue/ws', { Host: 'mine.example' }), 200)
  t.equal(await statusOf(t, port, '/blue/ws', { 'Accept-Version': '2.x' }), 200)
})

t.test('asking the router runs no hook, no handler and no error handler of the host', async t => {
  const seen: string[] = []
  const fastify: FastifyServerOptions = {
    frameworkErrors: (error, _request, reply) => {
      seen.push(`frameworkErrors ${error.code}`)
      const { raw } = reply as FastifyReply
      raw.writeHead(400).end()
    }
  }
  const { port } = await startApp(t, fastify, app => {
    app.addHook('onRequest', async ({ url }) => { seen.push(`onRequest ${url}`) })
    app.setNotFoundHandler(async ({ url }, reply) => { seen.push(`404 ${url}`); return await reply.code(404).send('') })
    app.get('/item/:id', async ({ url }) => { seen.push(`handler ${url}`); return '' })
  })
  for (const [target, calls] of [
    ['/item/1', ['onRequest /item/1', 'handler /item/1']],
    ['/nothing', ['onRequest /nothing', '404 /nothing']],
    ['/%zz', ['frameworkErrors FST_ERR_BAD_URL']],
    [`/item/${'x'.repeat(101)}`, ['frameworkErrors FST_ERR_MAX_PARAM_LENGTH']],
    ['/ws', ['onRequest /ws']]
  ] as const) {
    await statusOf(t, port, target)
    t.same(seen.splice(0), calls, target)
  }
})

t.test('a constraint of the host decides about every request separately', async t => {
  const fastify = withTenants(({ rawHeaders }: IncomingMessage) => rawHeaders[rawHeaders.indexOf('X-Tenant') + 1])
  const { port } = await startApp(t, fastify, app => {
    app.get('/ws', { constraints: { tenant: 'blue' } }, async () => 'mine')
  })
  for (const [tenant, status] of [['red', 101], ['blue', 200], ['red', 101], ['blue', 200]] as const) {
    t.equal(await statusOf(t, port, '/ws', { 'X-Tenant': tenant }), status, tenant)
  }
})

t.test('decides many different paths, and long ones', async t => {
  const { port } = await startApp(t, {}, () => {}, { prefix: '/:tenant' })
  for (let i = 0; i < 1100; i += 100) {
    const paths = Array.from({ length: 100 }, (_, at) => `/${i + at}/ws`)
    t.same(new Set(await Promise.all(paths.map(async path => await statusOf(t, port, path)))), new Set([101]))
  }
  t.equal(await statusOf(t, port, `/long/ws?${'x'.repeat(1000)}`), 101)
  t.equal(await statusOf(t, port, '/long/ws', { Host: 'x'.repeat(1000) }), 101)
})

t.test('asynchronous constraints: the endpoint works while nobody else takes upgrades', async t => {
  const fastify = withTenants(({ headers }: IncomingMessage, _context: unknown, done: Done) => {
    setImmediate(() => { done(null, headers['x-tenant'] ?? 'none') })
  })
  const { port } = await startApp(t, fastify, app => {
    app.get('/tenant', { constraints: { tenant: 'blue' } }, async () => 'blue')
  })
  t.equal(await statusOf(t, port, '/ws'), 101)
})
