import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import Type from 'typebox'
import { isolated } from '../http/isolated.ts'
import adminAuth, { type AdminAuthOptions } from '../plugins/admin-auth.ts'
import { describeFailures } from '../http/document/describe-failures.ts'
import { shareSchemas } from '../http/document/shared-schema.ts'
import { Problem } from '../http/problem.ts'
import type { AdminOptions } from '../src/admin/admin-options.ts'

type Options = AdminAuthOptions & Pick<AdminOptions, 'security'>

/** Metrics for Prometheus; requires a token where the REST API does. */
export const metricsRoutes: FastifyPluginAsyncTypebox<Options> = async (app, options) => {
  await app.register(adminAuth, options)
  shareSchemas(app, Problem)
  describeFailures(app, options)
  const { contentType } = app.metrics
  app.get('/metrics', isolated({
    schema: {
      operationId: 'metrics',
      summary: 'Metrics for Prometheus',
      description: 'Of the servers and of the process, read at every request.',
      tags: ['health'],
      response: {
        200: {
          description: 'Metrics in the Prometheus text format',
          content: { [contentType]: { schema: Type.String() } }
        }
      }
    }
  }), async (_request, reply) => await reply.type(contentType).send(await app.metrics.metrics()))
}
