import rateLimit from '@fastify/rate-limit'
import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import type { FastifyInstance, FastifyPluginAsync, FastifyRequest } from 'fastify'
import { allowOrigins } from '../../http/allow-origins.ts'
import { addressOf } from '../../http/client-address.ts'
import { documentRoutes } from '../../http/document/document-routes.ts'
import { isolated } from '../../http/isolated.ts'
import { watchMethods } from '../../http/method-not-allowed.ts'
import { ownScope } from '../../http/own-scope.ts'
import { BadRequest } from '../../http/http-error.ts'
import { Problem } from '../../http/problem.ts'
import { strictQueries } from '../../http/query/strict-query.ts'
import { roomUrl } from '../../http/room-url.ts'
import { shareSchemas } from '../../http/document/shared-schema.ts'
import { addressKey } from '../../src/core/admission/address-key.ts'
import { type ListedRoom, Lobby } from '../../src/core/room/lobby/lobby.ts'
import { internalsOf } from '../../src/core/server/internals.ts'
import type { WebSocketServer } from '../../src/core/server/websocket-server.ts'
import { GodotError } from '../../src/error.ts'
import type { LobbyOptions } from '../../src/options/lobby-option-types.ts'
import { type ParsedLobbyOptions, parseLobbyOptions } from '../../src/options/lobby-options.ts'
import { LobbyRoom, listSchema, matchSchema, openSchema } from './lobby-schemas.ts'
import { pageOf } from '../page.ts'
import { roomKeys } from './room-list.ts'
import { serverOf } from '../server-of.ts'

/** Newest first: players of older rooms may have begun their game. */
const newestFirst = { sort: 'openedAt', order: 'desc' } as const
const crossOriginUse = {
  methods: ['GET', 'HEAD', 'POST'], allowedHeaders: ['content-type'], exposedHeaders: ['retry-after']
}

/** Plugin `lobbyRoutes` of the package, which imports this file when it is registered. */
const lobbyRoutes: FastifyPluginAsync<LobbyOptions & { prefix?: string }> = async (app, given) => {
  const options = parseLobbyOptions(given)
  const server = serverOf(app, options.server, 'lobbyRoutes')
  const { settings, admission, registry, monitor, listening } = internalsOf(server)
  if (settings.rooms === undefined) {
    throw new GodotError('ERR_INVALID_PARAMETER', `lobbyRoutes: server ${options.server} needs option \`rooms\``)
  }
  if (server.mode === 'mounted') checkPath(listening.path)
  ownScope(app, given.prefix)
  strictQueries(app)
  shareSchemas(app, Problem, LobbyRoom)
  documentRoutes(app, { auth: false, server: given.server, operationIdPrefix: options.operationIdPrefix })
  // First, so that pages of other origins can read why they are refused, and preflight requests are not counted.
  await allowOrigins(app, options.origin, crossOriginUse)
  await limitRate(app, options)
  app.addHook('onRequest', async request => { admission.checkBan(addressOf(request)) })
  const refuseOtherMethods = watchMethods(app)
  const lobby = new Lobby(registry, monitor.events)
  for (const routes of [listRoute, openRoutes]) await routes(app, { server, lobby, options })
  refuseOtherMethods()
}

export default lobbyRoutes

/** Throws ERR_INVALID_PARAMETER for a path that stands for several URLs: that of a room would be unknown. */
function checkPath (path: string): void {
  if (!path.includes(':')) return
  const message = `lobbyRoutes: the endpoint ${path} has parameters, so that rooms have no URL of their own`
  throw new GodotError('ERR_INVALID_PARAMETER', message)
}

async function limitRate (app: FastifyInstance, { rateLimit: { max, timeWindow } }: ParsedLobbyOptions): Promise<void> {
  await app.register(rateLimit, {
    max,
    timeWindow,
    keyGenerator: request => addressKey(addressOf(request)),
    errorResponseBuilder: () => new GodotError('lobby-rate', `more than ${max} requests per ${windowText(timeWindow)}`)
  })
}

function windowText (timeWindow: number | string): string {
  return typeof timeWindow === 'number' ? `${timeWindow} ms` : timeWindow
}

type Routes = FastifyPluginAsyncTypebox<{
  server: WebSocketServer, lobby: Lobby, options: ParsedLobbyOptions
}>

const listRoute: Routes = async (app, { server, lobby, options }) => {
  app.get('/rooms', isolated({ schema: listSchema() }), async request => {
    const query = { ...request.query, ...newestFirst }
    // Almost in order, as rooms are in order of opening.
    const rooms = [...lobby.rooms()].reverse()
    const { items, ...page } = pageOf(roomKeys, query, rooms, internalsOf(server).registry.cluster?.config.secret)
    return { ...page, items: items.map(room => describe(room, urlOf(server, room, request, options))) }
  })
}

const openRoutes: Routes = async (app, { server, lobby, options }) => {
  app.post('/rooms', isolated({ schema: openSchema() }), async (request, reply) => {
    checkMaxPeers(server, request.body.maxPeers)
    if (!options.create) throw new GodotError('lobby-create')
    server.checkJoin()
    const room = lobby.open(request.body, addressOf(request))
    return await reply.code(201).send({ name: room.name, url: urlOf(server, room, request, options) })
  })

  app.post('/match', isolated({ schema: matchSchema() }), async request => {
    server.checkJoin()
    const { data = {} } = request.body
    const found = lobby.find(data)
    if (found === undefined && !options.create) throw new GodotError('lobby-no-match')
    const room = found ?? lobby.open({ data }, addressOf(request))
    return { name: room.name, url: urlOf(server, room, request, options), created: found === undefined }
  })
}

/** Throws BadRequest for more than the server allows now: its limit can change at run time; 0 means no limit. */
function checkMaxPeers (server: WebSocketServer, maxPeers: number | undefined): void {
  const { maxPeersPerRoom } = internalsOf(server).settings.rooms!
  if (maxPeers === undefined || maxPeersPerRoom === 0 || maxPeers <= maxPeersPerRoom) return
  throw new BadRequest([{ pointer: '/body/maxPeers', message: `must be <= ${maxPeersPerRoom}` }])
}

function describe ({ name, peerCount: peers, maxPeers, data }: ListedRoom, url: string): LobbyRoom {
  return { name, peers, maxPeers, data, url }
}

function urlOf (
  server: WebSocketServer, { name }: ListedRoom, request: FastifyRequest, { publicUrl }: ParsedLobbyOptions
): string {
  return roomUrl(server, name, request, publicUrl)
}
