import { createHmac } from 'node:crypto'
import { get, hello, helloRequests, load, post, type HostKind } from '../host-kind.ts'

const secret = 'a secret of at least thirty-two characters'
const limited = { 'x-key': 'limited' }
const basic = { authorization: `Basic ${Buffer.from('ann:secret').toString('base64')}` }

/** Hosts with plugins that decide who may enter. */
export const guards: readonly HostKind[] = [
  {
    name: 'cross-origin requests',
    packages: ['@fastify/cors'],
    before: async app => {
      await app.register(load('@fastify/cors'), { origin: ['https://game.example'], credentials: true })
      hello(app)
    },
    requests: [
      ...helloRequests,
      get('/hello', 200, { origin: 'https://game.example' }),
      {
        method: 'OPTIONS', path: '/hello', status: 204, headers: { origin: 'https://game.example', 'access-control-request-method': 'POST' }
      }
    ]
  },
  {
    name: 'security headers',
    packages: ['@fastify/helmet'],
    before: async app => {
      await app.register(load('@fastify/helmet'), { enableCSPNonces: true })
      hello(app)
    },
    mask: /nonce-(\w+)/g,
    requests: helloRequests
  },
  ...(['onRequest', 'preHandler'] as const).map((hook): HostKind => ({
    name: `rate limit, in ${hook}`,
    packages: ['@fastify/rate-limit'],
    before: async app => {
      await app.register(load('@fastify/rate-limit'), { max: maxOf, timeWindow: 600_000, hook, keyGenerator: keyOf })
      hello(app)
    },
    mask: /(?:x-ratelimit-re(?:set|maining)|retry-after)\W+(\d+)/,
    requests: [...helloRequests, get('/hello', 200, limited), get('/hello', 200, limited), get('/hello', 429, limited)],
    refused: { headers: limited, status: 429 }
  })),
  {
    name: 'JSON Web Tokens for every route',
    packages: ['@fastify/jwt'],
    before: async app => {
      await app.register(load('@fastify/jwt'), { secret, verify: { extractToken } })
      app.addHook('onRequest', async (request: any) => await request.jwtVerify())
      hello(app)
    },
    requests: [get('/hello', 400), get('/hello', 200, { 'x-token': tokenOf('ann') })],
    headers: { 'x-token': tokenOf('ann') },
    refused: { headers: {}, status: 400 }
  },
  {
    name: 'basic authentication',
    packages: ['@fastify/basic-auth'],
    before: async app => {
      await app.register(load('@fastify/basic-auth'), { validate, authenticate: { realm: 'host' } })
      app.addHook('onRequest', app.basicAuth)
      hello(app)
    },
    requests: [get('/hello', 401), get('/hello', 200, basic)],
    headers: basic,
    refused: { headers: {}, status: 401 }
  },
  {
    name: 'bearer tokens',
    packages: ['@fastify/bearer-auth'],
    before: async app => {
      await app.register(load('@fastify/bearer-auth'), { keys: new Set([secret]) })
      hello(app)
    },
    requests: [get('/hello', 401), get('/hello', 200, { authorization: `Bearer ${secret}` })],
    headers: { authorization: `Bearer ${secret}` },
    refused: { headers: {}, status: 401 }
  },
  {
    name: 'one of several authentications',
    packages: ['@fastify/auth', '@fastify/basic-auth'],
    before: async app => {
      await app.register(load('@fastify/auth'))
      await app.register(load('@fastify/basic-auth'), { validate })
      app.addHook('preHandler', app.auth([app.basicAuth, async () => { throw new Error('no way in') }]))
      hello(app)
    },
    requests: [get('/hello', 401), get('/hello', 200, basic)],
    headers: basic,
    refused: { headers: {}, status: 401 }
  },
  {
    name: 'protection against cross-site forgery',
    packages: ['@fastify/cookie', '@fastify/csrf-protection'],
    before: async app => {
      await app.register(load('@fastify/cookie'), { secret })
      await app.register(load('@fastify/csrf-protection'), { cookieOpts: { signed: true } })
      app.get('/token', async (_request: unknown, reply: any) => ({ token: reply.generateCsrf() }))
      app.post('/guarded', { onRequest: app.csrfProtection }, async () => 'done')
      hello(app)
    },
    mask: /(?:_csrf=|"token":")([^;"]+)/,
    requests: [...helloRequests, get('/token'), post('/guarded', {}, 403)]
  },
  {
    name: 'under pressure',
    packages: ['@fastify/under-pressure'],
    before: async app => {
      await app.register(load('@fastify/under-pressure'), { maxHeapUsedBytes: 1e12, exposeStatusRoute: '/status' })
      hello(app)
    },
    requests: [...helloRequests, get('/status')]
  }
]

function maxOf (_request: unknown, key: string): number {
  return key === 'limited' ? 2 : 1000
}

function keyOf ({ headers }: { headers: Record<string, string> }): string {
  return headers['x-key'] ?? 'others'
}

function extractToken ({ headers }: { headers: Record<string, string> }): string | undefined {
  return headers['x-token']
}

/** A JSON Web Token, signed with HS256. */
function tokenOf (sub: string): string {
  const [head, claims] = [{ alg: 'HS256', typ: 'JWT' }, { sub }].map(part => Buffer.from(JSON.stringify(part)).toString('base64url'))
  return `${head}.${claims}.${createHmac('sha256', secret).update(`${head}.${claims}`).digest('base64url')}`
}

async function validate (name: string, password: string): Promise<void> {
  if (name !== 'ann' || password !== 'secret') throw Object.assign(new Error('who?'), { statusCode: 401 })
}
