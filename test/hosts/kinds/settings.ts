import { createServer } from 'node:http'
import { join } from 'node:path'
import type { FastifyServerOptions } from 'fastify'
import type { WebSocketServer } from '../../../index.ts'
import { root } from '../../../scripts/root.ts'
import { pem } from '../../helper/sockets/keys.ts'
import { mountBelow } from '../mount.ts'
import { get, hello, helloRequests, load, post, type App, type HostKind } from '../host-kind.ts'

/** Hosts that set Fastify up in their own way. */
export const settings: readonly HostKind[] = [
  { name: 'a plain app', before: hello, requests: helloRequests },
  withOptions('rewriteUrl', { rewriteUrl: ({ url = '/' }) => url.replace(/^\/v2\//, '/') }, [get('/v2/hello')]),
  withOptions('ignoreTrailingSlash and ignoreDuplicateSlashes', {
    routerOptions: { ignoreTrailingSlash: true, ignoreDuplicateSlashes: true }
  }, [get('/hello/'), get('//hello')]),
  withOptions('caseSensitive: false', { routerOptions: { caseSensitive: false } }, [get('/HELLO')]),
  withOptions('useSemicolonDelimiter', { useSemicolonDelimiter: true }, [get('/hello;a=1')]),
  withOptions('trustProxy', { trustProxy: true }, [get('/hello', 200, { 'x-forwarded-for': '192.0.2.7:1234', 'x-forwarded-host': 'a.example' })]),
  withOptions('forceCloseConnections', { forceCloseConnections: true }),
  withOptions('connectionTimeout, keepAliveTimeout and requestTimeout', { connectionTimeout: 1000, keepAliveTimeout: 900, requestTimeout: 900 }),
  withOptions('handlerTimeout', { handlerTimeout: 900 } as FastifyServerOptions),
  withOptions('a body limit, strict Ajv and no coercion', {
    bodyLimit: 20, ajv: { customOptions: { coerceTypes: false, removeAdditional: false, allErrors: true } }
  }, [post('/hello', 'more than twenty characters', 413)]),
  withOptions('no HEAD routes', { exposeHeadRoutes: false }, [{ method: 'HEAD', path: '/hello', status: 404 }], helloRequests.filter(({ method }) => method !== 'HEAD')),
  withOptions('onProtoPoisoning, onConstructorPoisoning: remove', { onProtoPoisoning: 'remove', onConstructorPoisoning: 'remove' }, [
    { method: 'POST', path: '/hello', status: 200, headers: { 'content-type': 'application/json' }, body: '{"__proto__":{"a":1}}' }
  ]),
  withOptions('a custom server (serverFactory)', { serverFactory: handler => createServer(handler) }),
  withOptions('custom log and request ids', { logger: { level: 'silent' }, requestIdHeader: 'x-id', genReqId: () => 'id' }),
  {
    name: 'HTTPS',
    options: () => ({ https: { key: pem('leaf.key'), cert: pem('leaf.pem') } }) as FastifyServerOptions,
    before: hello,
    requests: helloRequests
  },
  {
    name: 'a custom error handler',
    before: app => {
      app.setErrorHandler(async (error: Error, _request: unknown, reply: any) => await reply.code(418).send({ mine: error.message }))
      app.get('/fail', async () => { throw new Error('fault') })
      hello(app)
    },
    requests: [...helloRequests, get('/fail', 418)]
  },
  {
    name: 'a custom 404 handler',
    before: app => {
      app.setNotFoundHandler({ preHandler: async () => {} }, async (_request: unknown, reply: any) => await reply.code(404).send('mine'))
      hello(app)
    },
    requests: helloRequests
  },
  {
    name: 'a catch-all route',
    before: app => { app.all('/*', async ({ url }: any) => ({ url })) },
    requests: [get('/hello'), get('/any/thing'), post('/hello', {})]
  },
  {
    name: 'parsers for any content type',
    before: app => {
      app.removeAllContentTypeParsers()
      app.addContentTypeParser('*', { parseAs: 'string' }, async (_request: unknown, body: string) => body.toUpperCase())
      hello(app)
    },
    requests: helloRequests
  },
  {
    name: 'custom validators and serializers',
    before: app => {
      app.setValidatorCompiler(() => (value: unknown) => ({ value }))
      app.setSerializerCompiler(() => (value: unknown) => JSON.stringify({ mine: value }))
      app.get('/mine', { schema: { response: { 200: { type: 'object' } } } }, async () => ({ a: 1 }))
      hello(app)
    },
    requests: [...helloRequests, get('/mine')]
  },
  {
    name: 'hooks of every kind',
    before: app => {
      for (const hook of ['onRequest', 'preValidation', 'preHandler']) {
        app.addHook(hook, async (_request: unknown, reply: any) => { reply.header(`x-${hook}`.toLowerCase(), '1') })
      }
      for (const hook of ['onError', 'onTimeout', 'onRequestAbort', 'onResponse']) app.addHook(hook, (...given: any[]) => { given.at(-1)() })
      app.addHook('onSend', async (_request: unknown, reply: any, payload: unknown) => {
        reply.header('x-onsend', '1')
        return payload
      })
      hello(app)
    },
    requests: helloRequests
  },
  {
    name: 'route constraints by host and version',
    before: app => {
      app.get('/hello', { constraints: { host: 'a.example' } }, async () => 'a')
      app.get('/hello', { constraints: { version: '1.2.0' } }, async () => '1.2')
      hello(app)
    },
    requests: [...helloRequests, get('/hello', 200, { host: 'a.example' }), get('/hello', 200, { 'accept-version': '1.x' })]
  },
  below('no prefix for the REST API', { socket: '/ws', api: '' }),
  below('the REST API at / of a parent with a 404 handler', { socket: '/ws', api: '/' }, app => {
    app.setNotFoundHandler(async (_request: unknown, reply: any) => await reply.code(404).send('mine'))
  }),
  {
    name: 'the REST API at / of a scope with a 404 handler',
    before: hello,
    mount: async app => {
      let server: WebSocketServer | undefined
      await app.register(async (scope: App) => {
        scope.setNotFoundHandler(async (_request: unknown, reply: any) => await reply.code(404).send('scope'))
        server = await mountBelow({ socket: '/ws', api: '/' })(scope)
      }, { prefix: '/outer' })
      return server!
    },
    paths: { socket: '/outer/ws', api: '/outer' },
    requests: helloRequests
  },
  {
    name: 'a scope with a parameter in its prefix',
    before: hello,
    mount: mountBelow({ socket: '/ws', api: '/api' }, '/:tenant/game'),
    paths: { socket: '/blue/game/ws', api: '/blue/game/api' },
    requests: helloRequests
  },
  {
    name: 'two scopes, one in the other',
    before: hello,
    mount: mountBelow({ socket: '/ws', api: '/api' }, '/outer', '/inner'),
    paths: { socket: '/outer/inner/ws', api: '/outer/inner/api' },
    requests: helloRequests
  },
  {
    name: 'routes below a folder',
    packages: ['@fastify/autoload'],
    before: async app => {
      await app.register(load('@fastify/autoload'), { dir: join(root, 'test/hosts/apps/loaded') })
      hello(app)
    },
    requests: [...helloRequests, get('/cats')]
  }
]

function withOptions (name: string, options: FastifyServerOptions, more: HostKind['requests'] = [], usual = helloRequests): HostKind {
  return { name, options: () => options, before: hello, requests: [...usual, ...more] }
}

/** A host with ours at these paths, the API in a scope without a prefix where it is empty. */
function below (name: string, paths: NonNullable<HostKind['paths']>, before: (app: App) => unknown = () => {}): HostKind {
  return {
    name,
    before: app => {
      before(app)
      hello(app)
    },
    mount: mountBelow(paths),
    paths: { ...paths, api: paths.api === '/' ? '' : paths.api },
    requests: helloRequests
  }
}
