import { join } from 'node:path'
import { root } from '../../../scripts/root.ts'
import { get, hello, helloRequests, load, loadAll, post, type HostKind } from '../host-kind.ts'
import { startNest } from '../nest.ts'
import { listen, newApp } from '../start.ts'
import { talk } from '../talk.ts'

/** Hosts that other frameworks make, and plugins that bring one along. */
export const frameworks: readonly HostKind[] = [
  {
    name: 'Express middleware and routes',
    packages: ['@fastify/express', 'express'],
    before: async app => {
      await app.register(load('@fastify/express'))
      app.use((_request: unknown, response: any, next: () => void) => { response.setHeader('x-express', '1'); next() })
      const router = load('express').Router()
      router.get('/express', (_request: unknown, response: any) => { response.json({ express: true }) })
      app.use(router)
      hello(app)
    },
    requests: [...helloRequests, get('/express')]
  },
  {
    name: 'middleware',
    packages: ['@fastify/middie'],
    before: async app => {
      await app.register(load('@fastify/middie'))
      app.use((_request: unknown, response: any, next: () => void) => { response.setHeader('x-middie', '1'); next() })
      hello(app)
    },
    requests: helloRequests
  },
  {
    name: 'NestJS',
    packages: ['@nestjs/core', '@nestjs/platform-fastify'],
    start: async mount => await startNest(mount),
    requests: [get('/cats'), get('/nothing', 404), post('/cats', {}, 404)]
  },
  {
    name: 'NestJS with a WebSocket gateway',
    packages: ['@nestjs/core', '@nestjs/platform-fastify', '@nestjs/websockets', '@nestjs/platform-ws'],
    start: async mount => await startNest(mount, { hasGateway: true }),
    requests: [get('/cats'), get('/nothing', 404)],
    sockets: async port => await talk(`ws://127.0.0.1:${port}/gateway`, JSON.stringify({ event: 'echo', data: 'hi' })),
    expected: JSON.stringify({ event: 'echo', data: 'hi' })
  },
  {
    name: 'fastify-cli',
    packages: ['fastify-cli', '@fastify/autoload'],
    start: async mount => {
      const app = await load('fastify-cli/helper').build(['-l', 'silent', join(root, 'test/hosts/apps/cli.cjs')], { mount, skipOverride: true })
      return await listen(app)
    },
    requests: [...helloRequests, get('/cats')]
  },
  {
    name: 'GraphQL',
    packages: ['mercurius', 'graphql'],
    before: async app => {
      await app.register(load('mercurius'), { schema: 'type Query { hello: String }', resolvers: { Query: { hello: () => 'world' } }, graphiql: true })
      hello(app)
    },
    requests: [...helloRequests, post('/graphql', { query: '{ hello }' }), get('/graphiql')]
  },
  {
    name: 'tracing',
    packages: ['@fastify/otel', '@opentelemetry/sdk-trace-base'],
    before: async app => {
      const Instrumentation = loadAll('@fastify/otel').default ?? loadAll('@fastify/otel')
      const instrumentation = new Instrumentation()
      instrumentation.setTracerProvider(new (loadAll('@opentelemetry/sdk-trace-base').BasicTracerProvider)())
      await app.register(instrumentation.plugin())
      hello(app)
    },
    requests: helloRequests
  },
  {
    name: 'tRPC',
    packages: ['@trpc/server'],
    before: async app => {
      const { initTRPC } = loadAll('@trpc/server')
      const { router, procedure } = initTRPC.create()
      const { fastifyTRPCPlugin } = loadAll('@trpc/server/adapters/fastify')
      await app.register(fastifyTRPCPlugin, { prefix: '/trpc', trpcOptions: { router: router({ hello: procedure.query(() => 'world') }) } })
      hello(app)
    },
    requests: [...helloRequests, get('/trpc/hello')]
  },
  {
    name: 'utilities of every kind',
    packages: ['@fastify/sensible', '@fastify/request-context', '@fastify/url-data', '@fastify/routes'],
    before: async app => {
      for (const name of ['sensible', 'request-context', 'url-data', 'routes']) await app.register(load(`@fastify/${name}`))
      app.addHook('onRequest', async (request: any) => { request.requestContext.set('path', request.urlData('path')) })
      app.get('/path', async (request: any) => ({ path: request.requestContext.get('path'), routes: app.routes.get('/path')?.length }))
      app.get('/teapot', async () => { throw app.httpErrors.imateapot() })
      hello(app)
    },
    requests: [...helloRequests, get('/path'), get('/teapot', 418)]
  },
  {
    name: 'a circuit breaker',
    packages: ['@fastify/circuit-breaker'],
    before: async app => {
      await app.register(load('@fastify/circuit-breaker'), { threshold: 2 })
      app.get('/fail', { preHandler: app.circuitBreaker() }, async () => { throw new Error('fault') })
      hello(app)
    },
    requests: [...helloRequests, get('/fail', 500), get('/fail', 503)]
  },
  {
    name: 'http-terminator',
    packages: ['http-terminator'],
    start: async mount => {
      const app = newApp()
      hello(app)
      await mount?.(app)
      const terminator = loadAll('http-terminator').createHttpTerminator({ server: app.server, gracefulTerminationTimeout: 1000 })
      return {
        ...await listen(app),
        close: async () => {
          await app.peerServer?.stop()
          await terminator.terminate()
        }
      }
    },
    requests: helloRequests
  }
]
