import fp from 'fastify-plugin'
import { isReadOnly } from '../src/admin/read-only.ts'

/**
 * Logs one line for each response: at info for requests that have changed something, at debug for all others, so that
 * neither dashboards and health checks, which ask every few seconds, nor refused requests, which anyone can send, fill
 * the log. Turn off Fastify's own request log when using it.
 */
export default fp(async app => {
  app.addHook('onResponse', async (request, { statusCode: status, elapsedTime: milliseconds }) => {
    const level = isReadOnly(request.method) || status >= 400 ? 'debug' : 'info'
    request.log[level]({ req: request, status, milliseconds }, 'request completed')
  })
}, { name: 'request-log', fastify: '^5.3.0' })
