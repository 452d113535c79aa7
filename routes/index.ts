import type { FastifyInstance, FastifyPluginAsync } from 'fastify'
import adminAuth, { type AdminAuthOptions } from '../plugins/admin-auth.ts'
import audit from '../plugins/audit.ts'
import { describeFailures } from '../plugins/describe-failures.ts'
import { watchMethods } from '../plugins/method-not-allowed.ts'
import { notFound, Problem, sendProblem } from '../plugins/problem.ts'
import { refuseUpgrade } from '../plugins/refuse-upgrades.ts'
import { requestValidator } from '../plugins/request-validator.ts'
import { shareSchemas } from '../plugins/shared-schema.ts'
import { EventFeed } from '../src/admin/event-feed.ts'
import type { WebSocketServer } from '../src/core/server/websocket-server.ts'
import { defaultOptions } from '../src/options.ts'
import { BanEntry, banRoutes } from './bans.ts'
import { eventRoutes } from './events.ts'
import { packetRoutes } from './packets.ts'
import { peerRoutes } from './peers.ts'
import { Peer } from './schemas.ts'
import { serverRoutes, State } from './server.ts'

/** Options of `adminRoutes` beside Fastify's own `prefix`. */
export interface AdminOptions extends AdminAuthOptions {
  /** Name of the server to administer, i.e. its option `name`; default: `peerServer`. */
  readonly server?: string
  /** Security requirement in the OpenAPI document, by name of a security scheme of it: `[{ adminToken: [] }]`. */
  readonly security?: ReadonlyArray<Readonly<Record<string, readonly string[]>>>
  /** Number of events kept for clients that reconnect to `/events`; default: 10000, 0: none. */
  readonly eventHistory?: number
  /** Approximate memory of these events in bytes; default: 16 MiB. */
  readonly eventHistoryBytes?: number
  /** Maximum number of `/events` streams at a time; default: 128. */
  readonly maxEventStreams?: number
}

/** Plugin that adds the REST API of a server. Throws without `token` and without `auth: false`. */
export const adminRoutes: FastifyPluginAsync<AdminOptions & { prefix?: string }> = async (app, options) => {
  const server = serverOf(app, options.server ?? defaultOptions.name)
  keepToItself(app)
  if (options.prefix !== undefined && app.prefix !== '/') app.setNotFoundHandler(notFound)
  app.addHook('onRequest', refuseUpgrade)
  const feed = new EventFeed(server, { maxEvents: options.eventHistory ?? 10_000, maxBytes: options.eventHistoryBytes ?? 16 << 20 })
  await app.register(audit, { feed })
  await app.register(adminAuth, options)
  shareSchemas(app, Problem, Peer, State, BanEntry)
  describeFailures(app, options)
  const refuseOtherMethods = watchMethods(app)
  for (const routes of [serverRoutes, peerRoutes, packetRoutes, banRoutes]) await app.register(routes, { server })
  await app.register(eventRoutes, { feed, maxStreams: options.maxEventStreams ?? 128 })
  refuseOtherMethods()
}

function serverOf (app: FastifyInstance, name: string): WebSocketServer {
  if (!app.hasDecorator(name)) throw new Error(`adminRoutes: there is no ${name}; register the peerServer plugin first`)
  return app.getDecorator<WebSocketServer>(name)
}

const MAX_JSON = 1 << 20

/** Reads, checks, writes and fails in its own way, whatever the host has set. */
function keepToItself (app: FastifyInstance): void {
  app.removeAllContentTypeParsers()
  app.addContentTypeParser('application/json', { parseAs: 'string', bodyLimit: MAX_JSON }, app.getDefaultJsonParser('error', 'error'))
  app.setValidatorCompiler(requestValidator)
  app.setSerializerCompiler(() => JSON.stringify)
  app.setErrorHandler(sendProblem)
}
