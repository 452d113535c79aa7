import type { FastifyInstance, FastifyPluginAsync } from 'fastify'
import { serializeResponses } from '../http/isolated.ts'
import adminAuth from '../plugins/admin-auth.ts'
import audit from '../plugins/audit.ts'
import { describeFailures } from '../http/describe-failures.ts'
import { watchMethods } from '../http/method-not-allowed.ts'
import { notFound, Problem, sendProblem } from '../http/problem.ts'
import { refuseUpgrade } from '../http/refuse-upgrade.ts'
import { requestValidator } from '../http/request-validator.ts'
import { shareSchemas } from '../http/shared-schema.ts'
import { type AdminOptions, parseAdminOptions } from '../src/admin/admin-options.ts'
import { feedOf } from '../src/admin/event-feed.ts'
import type { WebSocketServer } from '../src/core/server/websocket-server.ts'
import { BanEntry, banRoutes } from './bans.ts'
import { disconnectRoutes } from './disconnect.ts'
import { eventRoutes } from './events.ts'
import { packetRoutes } from './packets.ts'
import { peerRoutes } from './peers.ts'
import { RoomEntry } from './room-schemas.ts'
import { roomRoutes } from './rooms.ts'
import { Peer } from './schemas.ts'
import { serverRoutes, State } from './server.ts'

/** The REST API of a server of the app. */
export const adminRoutes: FastifyPluginAsync<AdminOptions & { prefix?: string }> = async (app, given) => {
  const options = parseAdminOptions(given)
  const server = serverOf(app, options.server)
  isolate(app)
  if (hasOwnPaths(given.prefix)) app.setNotFoundHandler(notFound)
  app.addHook('onRequest', refuseUpgrade)
  const feed = feedOf(server, { maxEvents: options.eventHistory, maxBytes: options.eventHistoryBytes })
  await app.register(audit, { feed })
  await app.register(adminAuth, options)
  shareSchemas(app, Problem, Peer, RoomEntry, State, BanEntry)
  const { operationIdPrefix = given.server === undefined ? '' : `${given.server}.` } = options
  describeFailures(app, { ...options, operationIdPrefix })
  const refuseOtherMethods = watchMethods(app)
  for (const routes of [serverRoutes, roomRoutes, peerRoutes, disconnectRoutes, packetRoutes, banRoutes]) {
    await app.register(routes, { server })
  }
  await app.register(eventRoutes, { feed, maxStreams: options.maxEventStreams })
  refuseOtherMethods()
}

/**
 * Whether all paths below the prefix belong to the REST API; with none, or `/`, the parent responds to unknown ones.
 */
function hasOwnPaths (prefix = ''): boolean {
  return prefix !== '' && prefix !== '/'
}

function serverOf (app: FastifyInstance, name: string): WebSocketServer {
  if (!app.hasDecorator(name)) {
    throw new Error(`adminRoutes: no server named ${name}; register the peerServer plugin first`)
  }
  return app.getDecorator<WebSocketServer>(name)
}

const MAX_JSON = 1 << 20

/** Parses, validates, serialises and reports errors in its own way, whatever the host has set. */
function isolate (app: FastifyInstance): void {
  app.removeAllContentTypeParsers()
  app.addContentTypeParser('application/json', {
    parseAs:
    'string',
    bodyLimit: MAX_JSON
  }, app.getDefaultJsonParser('error', 'error'))
  app.setValidatorCompiler(requestValidator)
  app.setSerializerCompiler(() => JSON.stringify)
  app.setErrorHandler(sendProblem)
  serializeResponses(app)
}
