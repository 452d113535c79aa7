import type { FastifyPluginAsync } from 'fastify'
import fp from 'fastify-plugin'
import type { AdminAuthOptions } from './plugins/admin-auth.ts'
import peerServer from './plugins/peer-server.ts'
import { healthRoutes } from './routes/health.ts'
import { adminRoutes } from './routes/index.ts'
import type { ServerOptions } from './src/options.ts'

/** What the app is made with: the options of its server, and who may administer it. */
export interface AppOptions {
  readonly server: Partial<ServerOptions>
  readonly admin: AdminAuthOptions
}

/** Where the REST API of the service is. */
export const apiPrefix = '/api/v1'

const app: FastifyPluginAsync<AppOptions> = async (app, { server, admin }) => {
  await app.register(peerServer, server)
  await app.register(adminRoutes, { prefix: apiPrefix, ...admin })
  await app.register(healthRoutes)
}

/** Everything the service offers. */
export default fp(app, { name: 'peer-server-app', fastify: '5.x' })
