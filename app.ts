import type { FastifyInstance, FastifyPluginAsync } from 'fastify'
import fp from 'fastify-plugin'
import type { AdminAuthOptions } from './plugins/admin-auth.ts'
import openapi, { tokenScheme } from './plugins/openapi.ts'
import { ownMachineOnly } from './http/own-machine.ts'
import peerServer from './plugins/peer-server.ts'
import { notFound, sendProblem } from './http/problem.ts'
import refuseUpgrades from './plugins/refuse-upgrades.ts'
import { redirectToDashboard } from './routes/dashboard.ts'
import { adminRoutes, asyncapi, dashboard, health, lobbyRoutes, metrics } from './routes/parts.ts'
import type { AdminOptions } from './src/admin/admin-option-types.ts'
import { StateFile } from './src/admin/state-file.ts'
import type { WebSocketServer } from './src/core/server/websocket-server.ts'
import type { LobbyOptions } from './src/options/lobby-option-types.ts'
import { defaultOptions } from './src/options/defaults.ts'
import type { ServerOptions } from './src/options/option-types.ts'
import { servicePaths } from './src/service-paths.ts'

/** The options of the app's server and of additional ones, who may administer them, and the lobby if there is one. */
export interface AppOptions {
  readonly server: Partial<ServerOptions>
  readonly more?: ReadonlyArray<Partial<ServerOptions> & { readonly name: string }>
  readonly admin: AdminAuthOptions & Pick<AdminOptions, 'origin'>
  readonly lobby?: Omit<LobbyOptions, 'server'> | undefined
  /** File that keeps bans and run-time settings. */
  readonly stateFile?: string | undefined
}

/** Prefix of the REST API; that of an additional server is below it, at the server's name. */
export const apiPrefix = servicePaths.api

const app: FastifyPluginAsync<AppOptions> = async (app, options) => {
  const { server, more = [], admin, lobby, stateFile } = options
  app.setErrorHandler(sendProblem)
  app.setNotFoundHandler(notFound)
  const names = [defaultOptions.name, ...more.map(({ name }) => name)]
  await app.register(openapi, { servers: names.slice(1) })
  for (const options of [server, ...more]) await app.register(peerServer, options)
  if (stateFile !== undefined) keepState(app, stateFile, names)
  await app.register(asyncapi, { servers: names })
  await app.register(refuseUpgrades, { servers: names })
  await app.register(fp(async guarded => {
    const isOpen = admin.auth === false
    if (isOpen) guarded.addHook('onRequest', ownMachineOnly)
    const options = { ...admin, ...(isOpen ? {} : { security: [{ [tokenScheme]: [] }] }) }
    await guarded.register(adminRoutes, { prefix: apiPrefix, ...options })
    for (const { name } of more) {
      await guarded.register(adminRoutes, { prefix: `${apiPrefix}/${name}`, server: name, ...options })
    }
    const { token, auth, security } = options
    await guarded.register(metrics, { servers: names, token, auth, security })
  }, { name: 'peer-server-guarded', encapsulate: true }))
  if (lobby !== undefined) {
    await app.register(lobbyRoutes, { prefix: servicePaths.lobby, ...lobby })
    // A listener of the server's own has a public URL that leads to no other server.
    const { publicUrl, ...withoutUrl } = lobby
    const others = server.port === undefined ? lobby : withoutUrl
    for (const { name } of more) {
      await app.register(lobbyRoutes, { prefix: `${servicePaths.lobby}/${name}`, server: name, ...others })
    }
  }
  await app.register(health, { servers: names })
  await app.register(dashboard, { servers: names })
  if (!app.hasRoute({ method: 'GET', url: '/' })) redirectToDashboard(app)
}

function keepState (app: FastifyInstance, path: string, names: readonly string[]): void {
  const servers = names.map(name => ({ name, server: app.getDecorator<WebSocketServer>(name) }))
  const file = new StateFile(path, servers, app.log)
  app.addHook('onClose', async () => { file.flush() })
}

/** Everything the service offers. */
export default fp(app, { name: 'peer-server-app', fastify: '^5.3.0' })
