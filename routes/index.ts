import type { FastifyPluginAsync } from 'fastify'
import { allowOrigins } from '../http/allow-origins.ts'
import adminAuth from '../plugins/admin-auth.ts'
import audit from '../plugins/audit.ts'
import { documentRoutes } from '../http/document/document-routes.ts'
import { watchMethods } from '../http/method-not-allowed.ts'
import { ownScope } from '../http/own-scope.ts'
import { Problem } from '../http/problem.ts'
import { strictQueries } from '../http/query/strict-query.ts'
import { shareSchemas } from '../http/document/shared-schema.ts'
import type { AdminOptions } from '../src/admin/admin-option-types.ts'
import { parseAdminOptions } from '../src/admin/admin-options.ts'
import { feedOf } from '../src/admin/event-feed.ts'
import { BanEntry, banRoutes } from './bans.ts'
import { banPeersRoute } from './peers/ban-peers.ts'
import { disconnectRoutes } from './peers/disconnect.ts'
import { Event } from './events/event-schemas.ts'
import { shareStats } from './events/cluster-stats.ts'
import { eventRoutes } from './events/events.ts'
import { historyRoutes } from './history.ts'
import { ClusterNodes } from './nodes/cluster-nodes.ts'
import { NodeEntry, nodeRoutes } from './nodes/node-routes.ts'
import { packetRoutes } from './packets.ts'
import { createPeerList } from './peers/peer-list.ts'
import { peerRoutes } from './peers/peers.ts'
import { RoomEntry } from './rooms/room-schemas.ts'
import { roomRoutes } from './rooms/rooms.ts'
import { Peer, PeerDetails } from './schemas.ts'
import { serverRoutes, State } from './server.ts'
import { serverOf } from './server-of.ts'

const crossOriginUse = {
  methods: ['GET', 'HEAD', 'POST', 'PATCH', 'DELETE'],
  allowedHeaders: ['authorization', 'content-type', 'last-event-id'],
  exposedHeaders: ['location', 'retry-after', 'www-authenticate']
}

/** The REST API of a server of the app. */
export const adminRoutes: FastifyPluginAsync<AdminOptions & { prefix?: string }> = async (app, given) => {
  const options = parseAdminOptions(given)
  const server = serverOf(app, options.server, 'adminRoutes')
  ownScope(app, given.prefix)
  strictQueries(app)
  const feed = feedOf(server, { maxEvents: options.eventHistory, maxBytes: options.eventHistoryBytes })
  await allowOrigins(app, options.origin, crossOriginUse)
  await app.register(audit, { feed })
  const onWrongToken = (address: string): void => { feed.addWrongToken(address) }
  await app.register(adminAuth, { ...options, onWrongToken })
  shareSchemas(app, Problem, NodeEntry, Peer, PeerDetails, RoomEntry, State, BanEntry, Event)
  documentRoutes(app, { ...options, server: given.server })
  const nodes = new ClusterNodes(server)
  const peers = createPeerList(nodes)
  const refuseOtherMethods = watchMethods(app)
  for (const routes of [
    nodeRoutes, serverRoutes, roomRoutes, peerRoutes, disconnectRoutes, packetRoutes, banRoutes, banPeersRoute
  ]) await app.register(routes, { server, nodes, peers })
  shareStats(nodes, feed)
  app.addHook('onClose', async () => { feed.close() })
  await app.register(historyRoutes, { server, nodes, peers, feed })
  await app.register(eventRoutes, { feed, maxStreams: options.maxEventStreams })
  refuseOtherMethods()
}
