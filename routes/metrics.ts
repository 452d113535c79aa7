import type { FastifyInstance, FastifyPluginAsync } from 'fastify'
import { addressOf } from '../http/client-address.ts'
import { isolated } from '../http/isolated.ts'
import { ownScope } from '../http/own-scope.ts'
import { openBurstLog } from '../http/log/burst-log.ts'
import adminAuth, { type AdminAuthOptions } from '../plugins/admin-auth.ts'
import { documentRoutes } from '../http/document/document-routes.ts'
import { shareSchemas } from '../http/document/shared-schema.ts'
import { Problem, problemCounts } from '../http/problem.ts'
import type { AdminOptions } from '../src/admin/admin-option-types.ts'
import { AdminOptions as AdminSchema, checkTokens } from '../src/admin/admin-options.ts'
import { addServerMetrics, type MetricsRegistry } from '../src/admin/server-metrics.ts'
import { defaultOptions } from '../src/options/defaults.ts'
import { checkedOptions, serverNames } from '../src/options/part-options.ts'
import { servicePaths } from '../src/service-paths.ts'
import { Type } from '../src/typebox.ts'
import { serverOf } from './server-of.ts'

/** Options of `metrics`. Without `token` everyone who can reach the host may read them. */
export interface MetricsOptions extends AdminAuthOptions, Pick<AdminOptions, 'security'> {
  /** Names of the servers to measure: their options `name`; default: `peerServer`. */
  readonly servers?: readonly string[]
  /** The host's own registry of prom-client, which gets the metrics; default: a new one with metrics of the process. */
  readonly registry?: MetricsRegistry
}

const { token, auth, security } = AdminSchema.properties
const isRegistry = (value: unknown): boolean =>
  ['metrics', 'registerMetric'].every(name => typeof (value as Record<string, unknown> | null)?.[name] === 'function')
const Options = Type.Object({
  token,
  auth,
  security,
  servers: serverNames,
  registry: Type.Optional(Type.Refine(Type.Unsafe({}), isRegistry, () => 'must be a registry of prom-client'))
}, { additionalProperties: false })

/** Plugin `metrics` of the package, which imports this file when it is registered. */
const metrics: FastifyPluginAsync<MetricsOptions> = async (app, given) => {
  const options: MetricsOptions = checkedOptions('metrics', Options, given)
  checkTokens('metrics', options)
  const { servers = [defaultOptions.name], token, auth = token === undefined ? false : undefined } = options
  const named = servers.map(name => ({ name, server: serverOf(app, name, 'metrics') }))
  const registry = addServerMetrics(named, problemCounts(app.server), options.registry)
  ownScope(app)
  logUnauthorized(app)
  await app.register(adminAuth, { token, auth })
  shareSchemas(app, Problem)
  documentRoutes(app, { security: options.security, auth })
  const { contentType } = registry
  app.get(servicePaths.metrics, isolated({
    schema: {
      operationId: 'metrics',
      summary: 'Metrics for Prometheus',
      description: 'Metrics of the servers and of the process, collected at every request.',
      tags: ['health'],
      response: {
        200: {
          description: 'Metrics in the Prometheus text format',
          content: { [contentType]: { schema: Type.String() } }
        }
      }
    }
  }), async (_request, reply) => await reply.type(contentType).send(await registry.metrics()))
}

export default metrics

/** Of the requests without a valid token the first of a burst is logged, then their number: anyone can send them. */
function logUnauthorized (app: FastifyInstance): void {
  const bursts = openBurstLog(app)
  app.addHook('onSend', async (request, { statusCode: status }) => {
    if (status !== 401 && status !== 403) return
    const address = addressOf(request)
    bursts.log({ level: 'warn', key: { status }, message: 'unauthorized requests for metrics' }, { address })
  })
}
