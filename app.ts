import type { FastifyPluginAsync } from 'fastify'
import fp from 'fastify-plugin'
import type { AdminAuthOptions } from './plugins/admin-auth.ts'
import metrics from './plugins/metrics.ts'
import openapi, { tokenScheme } from './plugins/openapi.ts'
import { ownMachineOnly } from './plugins/own-machine.ts'
import peerServer from './plugins/peer-server.ts'
import { notFound, sendProblem } from './plugins/problem.ts'
import { refuseUpgrade } from './plugins/refuse-upgrade.ts'
import { healthRoutes } from './routes/health.ts'
import { adminRoutes } from './routes/index.ts'
import { metricsRoutes } from './routes/metrics.ts'
import type { ServerOptions } from './src/options.ts'

/** What the app is made with: the options of its server, and who may administer it. */
export interface AppOptions {
  readonly server: Partial<ServerOptions>
  readonly admin: AdminAuthOptions
}

/** Where the REST API of the service is. */
export const apiPrefix = '/api/v1'

const app: FastifyPluginAsync<AppOptions> = async (app, { server, admin }) => {
  app.setErrorHandler(sendProblem)
  app.setNotFoundHandler(notFound)
  await app.register(openapi)
  await app.register(peerServer, server)
  await app.register(metrics)
  app.addHook('onRequest', async request => { if (request.routeOptions.url !== app.peerServer.path) await refuseUpgrade(request) })
  await app.register(async guarded => {
    const isOpen = admin.auth === false
    if (isOpen) guarded.addHook('onRequest', ownMachineOnly)
    const options = { ...admin, ...(isOpen ? {} : { security: [{ [tokenScheme]: [] }] }) }
    await guarded.register(adminRoutes, { prefix: apiPrefix, ...options })
    await guarded.register(metricsRoutes, options)
  })
  await app.register(healthRoutes)
}

/** Everything the service offers. */
export default fp(app, { name: 'peer-server-app', fastify: '5.x' })
