import { join } from 'node:path'
import { get, hello, helloRequests, load, loadAll, post, type App, type HostKind } from '../host-kind.ts'
import { root } from '../../../scripts/root.ts'

const folder = join(root, 'test/hosts/apps/public')
const form = { 'content-type': 'application/x-www-form-urlencoded' }
const parts = ['--x', 'Content-Disposition: form-data; name="file"; filename="a.txt"', '', 'text', '--x--', ''].join('\r\n')

/** Hosts with plugins that read requests or write responses. */
export const content: readonly HostKind[] = [
  {
    name: 'compression of every response',
    packages: ['@fastify/compress'],
    before: async app => {
      await app.register(load('@fastify/compress'), { threshold: 0 })
      hello(app)
    },
    requests: [...helloRequests, get('/hello', 200, { 'accept-encoding': 'gzip' }), get('/hello', 200, { 'accept-encoding': 'br' })],
    headers: { 'accept-encoding': 'gzip' }
  },
  {
    name: 'uploads',
    packages: ['@fastify/multipart'],
    before: async app => {
      await app.register(load('@fastify/multipart'))
      app.post('/file', async (request: any) => (await (await request.file()).toBuffer()).toString())
      hello(app)
    },
    requests: [
      ...helloRequests,
      { method: 'POST', path: '/file', status: 200, headers: { 'content-type': 'multipart/form-data; boundary=x' }, body: parts }
    ]
  },
  {
    name: 'forms',
    packages: ['@fastify/formbody'],
    before: async app => {
      await app.register(load('@fastify/formbody'))
      hello(app)
    },
    requests: [...helloRequests, { method: 'POST', path: '/hello', status: 200, headers: form, body: 'a=1&b=2' }]
  },
  {
    name: 'cookies',
    packages: ['@fastify/cookie'],
    before: async app => {
      await app.register(load('@fastify/cookie'), { secret: 'secret' })
      app.addHook('onRequest', async ({ cookies }: any, reply: any) => { reply.setCookie('visits', String(Number(cookies.visits ?? 0) + 1)) })
      hello(app)
    },
    requests: [...helloRequests, get('/hello')]
  },
  {
    name: 'sessions',
    packages: ['@fastify/cookie', '@fastify/session'],
    before: async app => {
      await app.register(load('@fastify/cookie'))
      await app.register(load('@fastify/session'), { secret: 'a secret of at least thirty-two characters', cookie: { secure: false } })
      app.get('/visits', async ({ session }: any) => { session.visits = (session.visits ?? 0) + 1; return session.visits })
      hello(app)
    },
    mask: /sessionId=([^;]+)(?:.*?Expires=([^;]+))?/,
    requests: [...helloRequests, get('/visits'), get('/visits')]
  },
  {
    name: 'encrypted sessions',
    packages: ['@fastify/secure-session'],
    before: async app => {
      await app.register(load('@fastify/secure-session'), { key: Buffer.alloc(32, 'key') })
      app.get('/visits', async ({ session }: any) => { session.set('visits', (session.get('visits') ?? 0) + 1); return session.get('visits') })
      hello(app)
    },
    mask: /session=([^;]+)/,
    requests: [...helloRequests, get('/visits'), get('/visits')]
  },
  {
    name: 'static files at the root',
    packages: ['@fastify/static'],
    before: async app => {
      await app.register(load('@fastify/static'), { root: folder })
      app.post('/hello', async () => 'hello')
    },
    mask: /last-modified(?:":")?(?:: )?([^"\r]+)/i,
    requests: [get('/'), get('/index.html'), get('/page.css'), get('/nothing', 404), post('/hello', {}), get('/page.css', 206, { range: 'bytes=0-3' })]
  },
  {
    name: 'a single-page app with a fallback',
    packages: ['@fastify/static'],
    before: async app => {
      await app.register(load('@fastify/static'), { root: folder, wildcard: false })
      app.setNotFoundHandler(async (_request: unknown, reply: any) => await reply.sendFile('index.html'))
    },
    mask: /last-modified(?:":")?(?:: )?([^"\r]+)/i,
    requests: [get('/'), get('/some/page'), get('/page.css')]
  },
  {
    name: 'views',
    packages: ['@fastify/view', 'ejs'],
    before: async app => {
      await app.register(load('@fastify/view'), { engine: { ejs: load('ejs') }, root: folder })
      app.get('/view', async (_request: unknown, reply: any) => await reply.view('view.ejs', { name: 'world' }))
      hello(app)
    },
    requests: [...helloRequests, get('/view')]
  },
  {
    name: 'content negotiation',
    packages: ['@fastify/accepts'],
    before: async app => {
      await app.register(load('@fastify/accepts'))
      app.get('/type', async (request: any) => request.accepts().type(['html', 'json']))
      hello(app)
    },
    requests: [...helloRequests, get('/type', 200, { accept: 'application/json' })]
  },
  {
    name: 'entity tags',
    packages: ['@fastify/etag'],
    before: async app => {
      await app.register(load('@fastify/etag'))
      hello(app)
    },
    requests: [...helloRequests, get('/hello', 304, { 'if-none-match': '"IkjuL6CqqtmReFMfkkvwC0sKj04="' })]
  },
  {
    name: 'cache headers',
    packages: ['@fastify/caching'],
    before: async app => {
      await app.register(load('@fastify/caching'), { privacy: 'private', expiresIn: 300 })
      hello(app)
    },
    requests: helloRequests
  },
  {
    name: 'validation of responses',
    packages: ['@fastify/response-validation'],
    before: async app => {
      await app.register(load('@fastify/response-validation'))
      app.get('/valid', responseOf('string'), async () => ({ value: 'text' }))
      app.get('/invalid', responseOf('number'), async () => ({ value: 'text' }))
      hello(app)
    },
    requests: [...helloRequests, get('/valid'), get('/invalid', 500)]
  },
  {
    name: 'a serializer for every reply',
    before: app => {
      app.setReplySerializer((payload: unknown, status: number) => JSON.stringify({ status, payload }))
      hello(app)
    },
    requests: helloRequests
  },
  {
    name: 'an envelope around every payload',
    before: app => {
      app.addHook('preSerialization', async (_request: unknown, _reply: unknown, payload: unknown) => ({ data: payload }))
      hello(app)
    },
    requests: helloRequests
  },
  {
    name: 'zod schemas, and their transform for Swagger',
    packages: ['fastify-type-provider-zod', 'zod', '@fastify/swagger', '@fastify/swagger-ui'],
    before: async app => {
      const { validatorCompiler, serializerCompiler, jsonSchemaTransform } = loadAll('fastify-type-provider-zod')
      const { z } = loadAll('zod')
      app.setValidatorCompiler(validatorCompiler)
      app.setSerializerCompiler(serializerCompiler)
      await app.register(load('@fastify/swagger'), { openapi: { info: { title: 'Host', version: '1' } }, transform: jsonSchemaTransform })
      await app.register(load('@fastify/swagger-ui'))
      const schema = { querystring: z.object({ name: z.string().min(4) }), response: { 200: z.object({ name: z.string() }) } }
      app.get('/named', { schema }, async ({ query }: any) => ({ name: query.name, secret: 1 }))
      hello(app)
    },
    requests: [...helloRequests, get('/named?name=anna'), get('/named?name=ann', 400), get('/documentation'), get('/documentation/static/swagger-ui.css')]
  },
  ...documents('OpenAPI 3.0.3', { openapi: { openapi: '3.0.3', info: { title: 'Host', version: '1' } } }),
  ...documents('OpenAPI 3.1', { openapi: { openapi: '3.1.0', info: { title: 'Host', version: '1' } } }),
  ...documents('Swagger 2.0', { swagger: { info: { title: 'Host', version: '1' } } })
]

function responseOf (type: string) {
  return { schema: { response: { 200: { type: 'object', required: ['value'], properties: { value: { type } } } } } }
}

/** Hosts with a document of their own. Our routes join it, so only that of the host's own paths stays the same. */
function documents (kind: string, options: object): HostKind[] {
  return [{
    name: `a document of ${kind}`,
    packages: ['@fastify/swagger', '@fastify/swagger-ui'],
    before: async (app: App) => {
      await app.register(load('@fastify/swagger'), options)
      await app.register(load('@fastify/swagger-ui'))
      app.get('/peers', { schema: { operationId: 'listHostPeers', response: { 200: { type: 'array', items: { type: 'string' } } } } }, async () => ['a'])
      app.get('/document', async () => app.swagger().paths['/peers'])
      hello(app)
    },
    requests: [...helloRequests, get('/peers'), get('/document'), get('/documentation')]
  }]
}
