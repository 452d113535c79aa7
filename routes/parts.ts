import type { FastifyPluginAsync } from 'fastify'
import fp from 'fastify-plugin'
import type { AdminOptions } from '../src/admin/admin-option-types.ts'
import type { LobbyOptions } from '../src/options/lobby-option-types.ts'
import type { AsyncapiOptions } from './asyncapi.ts'
import type { DashboardOptions } from './dashboard.ts'
import type { HealthOptions } from './health.ts'
import type { MetricsOptions } from './metrics.ts'

/** Options of Fastify's own `register`. */
interface Mounted { readonly prefix?: string }

/**
 * A plugin that is loaded, with the packages that only it needs, when it is registered. Its scope is its own; `name` is
 * what `app.printPlugins()` shows.
 */
function part<Options extends object> (
  name: string, load: () => Promise<FastifyPluginAsync<Options>>
): FastifyPluginAsync<Options & Mounted> {
  const plugin: FastifyPluginAsync<Options> = async (app, options) => { await (await load())(app, options) }
  return fp(plugin, { name, encapsulate: true })
}

/** The REST API of a server of the app. */
export const adminRoutes = part<AdminOptions>('peer-server-admin', async () => (await import('./index.ts')).adminRoutes)

/**
 * The public lobby of a server with option `rooms`: lists rooms, opens rooms and finds one to play in. It needs no
 * token and shows nothing but rooms that are listed, not locked, and have a free seat. Banned addresses are refused.
 */
export const lobbyRoutes = part<LobbyOptions>('peer-server-lobby',
  async () => (await import('./rooms/lobby.ts')).default)

/**
 * The dashboard at `/dashboard`, below the prefix that it is registered with: static files that use the REST API
 * (`adminRoutes`), and the names of the servers. They contain no other data, so they need no token.
 */
export const dashboard = part<DashboardOptions>('peer-server-dashboard',
  async () => (await import('./dashboard.ts')).default)

/** Metrics for Prometheus at `/metrics`, below the prefix that it is registered with. */
export const metrics = part<MetricsOptions>('peer-server-metrics', async () => (await import('./metrics.ts')).default)

/**
 * Liveness of the process at `/healthz` and readiness of its servers at `/readyz`, below the prefix that it is
 * registered with: for process managers and load balancers.
 */
export const health = part<HealthOptions>('peer-server-health', async () => (await import('./health.ts')).default)

/**
 * The AsyncAPI document of the WebSocket endpoints at `/asyncapi.json`, below the prefix that it is registered with. It
 * describes the servers as they are now, and is serialised again only when one of them has changed.
 */
export const asyncapi = part<AsyncapiOptions>('peer-server-asyncapi',
  async () => (await import('./asyncapi.ts')).default)
