import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { forwardedPrefix } from '../../http/forwarded-prefix.ts'
import { isolated } from '../../http/isolated.ts'
import { problem } from '../../http/problem.ts'
import { ref } from '../../http/document/shared-schema.ts'
import { GodotError, roomExists } from '../../src/error.ts'
import { namePattern, patternRule } from '../../src/options/patterns.ts'
import { Type } from '../../src/typebox.ts'
import type { AdminParts } from '../nodes/admin-parts.ts'
import { pageQuery, pageSchema, partial, scope } from '../page.ts'
import { RoomPeerFilter } from '../peers/peer-filter.ts'
import { peerKeys } from '../peers/peer-list.ts'
import { pageOfRooms, roomKeys } from './room-list.ts'
import { describeRoom, noRoom, RoomEntry, RoomBody } from './room-schemas.ts'
import { badLimit, badRequest, CloseCode, CloseReason, noAnswer, noCluster, Peer, RoomName } from '../schemas.ts'

const tags = ['rooms']
const params = Type.Object({ room: RoomName })
const badRoom = badRequest('Invalid room name', '/params/room', patternRule(namePattern))
const badBody = badRequest('Invalid room name or body', '/body/maxPeers', 'must be >= 0')

type Routes = FastifyPluginAsyncTypebox<AdminParts>

/** The rooms of the server. */
export const roomRoutes: Routes = async (app, options) => {
  for (const routes of [collectionRoutes, roomRoute, changeRoutes, membersRoute]) await routes(app, options)
}

const collectionRoutes: Routes = async (app, { nodes }) => {
  app.get('/rooms', isolated({
    schema: {
      operationId: 'listRooms',
      summary: 'List the rooms',
      description:
        'Paginated, by ascending name unless sorted otherwise. A room that is open throughout pagination is listed ' +
        'exactly once, even if others are opened or closed. When sorted by `peers`, a room whose number passes the ' +
        'end of a page may be missed or repeated.',
      tags,
      querystring: Type.Object({
        ...pageQuery(roomKeys, 'Rooms'),
        listed: Type.Optional(Type.Boolean({ description: 'Rooms that the lobby shows, or those that it does not' })),
        q: Type.Optional(Type.String({ maxLength: 64, description: 'Rooms whose name contains this text' })),
        scope
      }, { additionalProperties: false }),
      response: { 200: pageSchema(ref(RoomEntry), 'One page of rooms'), 400: badLimit }
    }
  }), async ({ query }) => pageOfRooms(nodes, query))

  app.post('/rooms', isolated({
    schema: {
      operationId: 'openRoom',
      summary: 'Open a room',
      description: 'It waits for its first peer. Without a name it gets a join code of five letters and digits.',
      tags,
      body: Type.Object({ name: Type.Optional(RoomName), ...RoomBody }, {
        additionalProperties: false,
        examples: [{ name: 'arena-7', maxPeers: 8, data: { map: 'desert' } }]
      }),
      response: {
        201: { ...ref(RoomEntry), headers: { location: Type.String({ description: 'Path of the room' }) } },
        400: badRequest('Invalid body', '/body/maxPeers', 'must be >= 0'),
        409: problem('A room of this name already exists, or the server has no rooms (option `rooms`)',
          roomExists('arena-7')),
        503: problem('There are `maxRooms` rooms, or the cluster cannot be reached',
          new GodotError('too-many-rooms', 'there are 10000 rooms'))
      }
    }
  }), async (request, reply) => {
    const { originalUrl, body: { name, ...settings } } = request
    const room = await nodes.openRoom(name, settings)
    const collection = forwardedPrefix(request) + originalUrl.split('?', 1)[0].replace(/\/$/, '')
    reply.code(201).header('location', `${collection}/${room.name}`)
    return describeRoom(room)
  })
}

const roomRoute: Routes = async (app, { nodes }) => {
  app.get('/rooms/:room', isolated({
    schema: {
      operationId: 'getRoom',
      summary: 'Get a room',
      description: 'Settings and number of peers of a room.',
      tags,
      params,
      response: { 200: ref(RoomEntry), 400: badRoom, 404: noRoom, 503: noCluster }
    }
  }), async ({ params }) => describeRoom(nodes.room(params.room)))
}

const changeRoutes: Routes = async (app, { nodes }) => {
  app.patch('/rooms/:room', isolated({
    schema: {
      operationId: 'updateRoom',
      summary: 'Change settings of a room',
      description: 'Peers that are in it are not affected.',
      tags,
      params,
      body: Type.Object(RoomBody, { additionalProperties: false, examples: [{ locked: true }] }),
      response: { 200: ref(RoomEntry), 400: badBody, 404: noRoom, 503: noAnswer }
    }
  }), async ({ params, body }) => ({ ...describeRoom(await nodes.changeRoom(params.room, body)), ...body }))

  app.delete('/rooms/:room', isolated({
    schema: {
      operationId: 'closeRoom',
      summary: 'Close a room',
      description:
        'Closes its peers. The room is gone when they have answered, or after `closeTimeout`; `main` only loses its ' +
        'peers. A closing room keeps its first close code.',
      tags,
      params,
      querystring: Type.Object({
        code: Type.Optional(CloseCode),
        reason: Type.Optional(CloseReason)
      }, { additionalProperties: false }),
      response: {
        202: Type.Object({
          state: Type.Literal('closing'),
          peers: Type.Integer({ minimum: 0, description: 'Peers that are being closed', examples: [4] }),
          ...partial
        }, { description: 'The room is closing' }),
        400: badRequest('Invalid parameter', '/query/code', 'must be integer'),
        404: noRoom,
        503: noAnswer
      }
    }
  }), async ({ params, query: { code, reason } }, reply) =>
    await reply.code(202).send({ state: 'closing', ...await nodes.closeRoom(params.room, code, reason) }))
}

const membersRoute: Routes = async (app, { nodes, peers }) => {
  app.get('/rooms/:room/peers', isolated({
    schema: {
      operationId: 'listRoomPeers',
      summary: 'List the peers of a room',
      description: 'Paginated and sorted like all peers.',
      tags,
      params,
      querystring: Type.Object({ ...pageQuery(peerKeys, 'Peers'), ...RoomPeerFilter, scope }, {
        additionalProperties: false
      }),
      response: { 200: pageSchema(ref(Peer), 'One page of peers'), 400: badLimit, 404: noRoom, 503: noCluster }
    }
  }), async ({ params, query: { protocol, address, scope, ...query } }) => {
    const { name: room } = nodes.room(params.room)
    return await peers.page(query, { protocol, address, room }, scope)
  })
}
