import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import Type from 'typebox'
import { isolated } from '../http/isolated.ts'
import { problem } from '../http/problem.ts'
import type { WebSocketServer } from '../src/core/server/websocket-server.ts'
import { GodotError } from '../src/error.ts'

/** Liveness of the process and readiness of its servers, given by name: for process managers and load balancers. */
export const healthRoutes: FastifyPluginAsyncTypebox<{ servers: readonly string[] }> = async (app, { servers }) => {
  app.get('/healthz', isolated({
    schema: {
      operationId: 'healthz',
      summary: 'Liveness',
      description: 'Whether the process responds. A process manager restarts it if not.',
      tags: ['health'],
      response: { 200: Type.Object({ ok: Type.Literal(true) }, { description: 'The process is alive' }) }
    }
  }), async () => ({ ok: true as const }))

  app.get('/readyz', isolated({
    schema: {
      operationId: 'readyz',
      summary: 'Readiness',
      description: 'Whether a client would be accepted now. A load balancer sends clients elsewhere if not.',
      tags: ['health'],
      response: {
        200: Type.Object({ ready: Type.Literal(true) }, { description: 'All servers accept new peers' }),
        503: problem('A server is not listening, refuses new connections, or is stopping',
          new GodotError('not-listening'))
      }
    }
  }), async () => {
    for (const name of servers) app.getDecorator<WebSocketServer>(name).checkJoin()
    return { ready: true as const }
  })
}
