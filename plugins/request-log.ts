import fp from 'fastify-plugin'
import { isReadOnly } from '../src/admin/read-only.ts'

/**
 * Logs one line for each response: at info for requests that change something, at debug for all others, so that
 * dashboards and health checks, which ask every few seconds, do not fill the log. Turn off Fastify's own request log
 * when using it.
 */
export default fp(async app => {
  app.addHook('onResponse', async (request, reply) => {
    const level = isReadOnly(request.method) ? 'debug' : 'info'
    request.log[level]({ req: request, status: reply.statusCode, milliseconds: reply.elapsedTime }, 'request completed')
  })
}, { name: 'request-log', fastify: '^5.3.0' })
