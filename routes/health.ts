import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import Type from 'typebox'
import { problem } from '../plugins/problem.ts'
import type { WebSocketServer } from '../src/core/server/websocket-server.ts'
import { GodotError } from '../src/error.ts'

/** Whether the process lives, and whether its servers, by name, take new peers: for whoever starts it and sends it traffic. */
export const healthRoutes: FastifyPluginAsyncTypebox<{ servers: readonly string[] }> = async (app, { servers }) => {
  app.get('/healthz', {
    schema: {
      operationId: 'healthz',
      summary: 'Whether the process lives',
      tags: ['health'],
      response: { 200: Type.Object({ ok: Type.Literal(true) }, { description: 'It does' }) }
    }
  }, async () => ({ ok: true as const }))

  app.get('/readyz', {
    schema: {
      operationId: 'readyz',
      summary: 'Whether it takes new peers',
      tags: ['health'],
      response: {
        200: Type.Object({ ready: Type.Literal(true) }, { description: 'It does' }),
        503: problem('It does not listen, refuses new connections, or is about to end', new GodotError('not-listening'))
      }
    }
  }, async () => {
    for (const name of servers) app.getDecorator<WebSocketServer>(name).checkJoin()
    return { ready: true as const }
  })
}
