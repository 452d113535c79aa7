import type { FastifyPluginAsync } from 'fastify'
import fp from 'fastify-plugin'
import type { AdminAuthOptions } from './plugins/admin-auth.ts'
import openapi, { tokenScheme } from './plugins/openapi.ts'
import { ownMachineOnly } from './http/own-machine.ts'
import peerServer from './plugins/peer-server.ts'
import { notFound, sendProblem } from './http/problem.ts'
import refuseUpgrades from './plugins/refuse-upgrades.ts'
import { redirectToDashboard } from './routes/dashboard.ts'
import { adminRoutes, asyncapi, dashboard, health, lobbyRoutes, metrics } from './routes/parts.ts'
import type { LobbyOptions } from './src/lobby-options.ts'
import { defaultOptions } from './src/options.ts'
import type { ServerOptions } from './src/options.ts'
import { servicePaths } from './src/service-paths.ts'

/** The options of the app's server and of further ones, who may administer them, and the lobby if there is one. */
export interface AppOptions {
  readonly server: Partial<ServerOptions>
  readonly more?: ReadonlyArray<Partial<ServerOptions> & { readonly name: string }>
  readonly admin: AdminAuthOptions
  readonly lobby?: Omit<LobbyOptions, 'server'> | undefined
}

/** Prefix of the REST API; that of a further server is below it, at the server's name. */
export const apiPrefix = servicePaths.api

const app: FastifyPluginAsync<AppOptions> = async (app, { server, more = [], admin, lobby }) => {
  app.setErrorHandler(sendProblem)
  app.setNotFoundHandler(notFound)
  await app.register(openapi)
  for (const options of [server, ...more]) await app.register(peerServer, options)
  const names = [defaultOptions.name, ...more.map(({ name }) => name)]
  await app.register(asyncapi, { servers: names })
  await app.register(refuseUpgrades, { servers: names })
  await app.register(async guarded => {
    const isOpen = admin.auth === false
    if (isOpen) guarded.addHook('onRequest', ownMachineOnly)
    const options = { ...admin, ...(isOpen ? {} : { security: [{ [tokenScheme]: [] }] }) }
    await guarded.register(adminRoutes, { prefix: apiPrefix, ...options })
    for (const { name } of more) {
      await guarded.register(adminRoutes, { prefix: `${apiPrefix}/${name}`, server: name, ...options })
    }
    await guarded.register(metrics, { servers: names, ...options })
  })
  if (lobby !== undefined) {
    await app.register(lobbyRoutes, { prefix: servicePaths.lobby, ...lobby })
    for (const { name } of more) {
      await app.register(lobbyRoutes, { prefix: `${servicePaths.lobby}/${name}`, server: name, ...lobby })
    }
  }
  await app.register(health, { servers: names })
  await app.register(dashboard, { servers: names })
  if (!app.hasRoute({ method: 'GET', url: '/' })) redirectToDashboard(app)
}

/** Everything the service offers. */
export default fp(app, { name: 'peer-server-app', fastify: '^5.3.0' })
