import type { FastifyPluginAsync } from 'fastify'
import fp from 'fastify-plugin'
import type { AdminAuthOptions } from './plugins/admin-auth.ts'
import asyncapi from './plugins/asyncapi.ts'
import metrics from './plugins/metrics.ts'
import openapi, { tokenScheme } from './plugins/openapi.ts'
import { ownMachineOnly } from './plugins/own-machine.ts'
import peerServer from './plugins/peer-server.ts'
import { notFound, sendProblem } from './plugins/problem.ts'
import { refuseUpgrade } from './plugins/refuse-upgrade.ts'
import { dashboardRoutes } from './routes/dashboard.ts'
import { healthRoutes } from './routes/health.ts'
import { adminRoutes } from './routes/index.ts'
import { metricsRoutes } from './routes/metrics.ts'
import { defaultOptions } from './src/options.ts'
import type { ServerOptions } from './src/options.ts'

/** What the app is made with: the options of its server and of others beside it, and who may administer them. */
export interface AppOptions {
  readonly server: Partial<ServerOptions>
  readonly more?: ReadonlyArray<Partial<ServerOptions> & { readonly name: string }>
  readonly admin: AdminAuthOptions
}

/** Where the REST API of the service is; that of another server is below it, by the server's name. */
export const apiPrefix = '/api/v1'

const app: FastifyPluginAsync<AppOptions> = async (app, { server, more = [], admin }) => {
  app.setErrorHandler(sendProblem)
  app.setNotFoundHandler(notFound)
  await app.register(openapi)
  for (const options of [server, ...more]) await app.register(peerServer, options)
  const names = [defaultOptions.name, ...more.map(({ name }) => name)]
  await app.register(metrics, { servers: names })
  await app.register(asyncapi, { servers: names })
  const sockets = [server, ...more].map(({ path = defaultOptions.path }) => path)
  app.addHook('onRequest', async request => { if (!sockets.includes(request.routeOptions.url ?? '')) await refuseUpgrade(request) })
  await app.register(async guarded => {
    const isOpen = admin.auth === false
    if (isOpen) guarded.addHook('onRequest', ownMachineOnly)
    const options = { ...admin, ...(isOpen ? {} : { security: [{ [tokenScheme]: [] }] }) }
    await guarded.register(adminRoutes, { prefix: apiPrefix, ...options })
    for (const { name } of more) await guarded.register(adminRoutes, { prefix: `${apiPrefix}/${name}`, server: name, ...options })
    await guarded.register(metricsRoutes, options)
  })
  await app.register(healthRoutes, { servers: names })
  await app.register(dashboardRoutes, { servers: names })
}

/** Everything the service offers. */
export default fp(app, { name: 'peer-server-app', fastify: '5.x' })
