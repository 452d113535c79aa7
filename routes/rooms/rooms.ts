import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import Type from 'typebox'
import { isolated } from '../../http/isolated.ts'
import { problem } from '../../http/problem.ts'
import { ref } from '../../http/document/shared-schema.ts'
import { roomNamePattern } from '../../src/core/room/room-name.ts'
import type { WebSocketServer } from '../../src/core/server/websocket-server.ts'
import { GodotError } from '../../src/error.ts'
import { pageQuery, pageSchema } from '../page.ts'
import { RoomFilter } from '../peers/peer-filter.ts'
import { pageOfPeers, peerKeys } from '../peers/peer-list.ts'
import { pageOfRooms, roomKeys } from './room-list.ts'
import { describeRoom, noRoom, RoomEntry, RoomSettings } from './room-schemas.ts'
import { badLimit, badRequest, CloseCode, CloseReason, Peer, RoomName } from '../schemas.ts'

const tags = ['rooms']
const params = Type.Object({ room: RoomName })
const badRoom = badRequest('Invalid room name', '/params/room', `must match pattern "${roomNamePattern}"`)
const badBody = badRequest('Invalid room name or body', '/body/maxPeers', 'must be >= 0')

type Routes = FastifyPluginAsyncTypebox<{ server: WebSocketServer }>

/** The rooms of the server. */
export const roomRoutes: Routes = async (app, options) => {
  for (const routes of [collectionRoutes, roomRoute, changeRoutes, membersRoute]) await app.register(routes, options)
}

const collectionRoutes: Routes = async (app, { server }) => {
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
        q: Type.Optional(Type.String({ maxLength: 64, description: 'Rooms whose name contains this text' }))
      }, { additionalProperties: false }),
      response: { 200: pageSchema(ref(RoomEntry), 'One page of rooms'), 400: badLimit }
    }
  }), async ({ query }) => pageOfRooms(server, query))

  app.post('/rooms', isolated({
    schema: {
      operationId: 'openRoom',
      summary: 'Open a room',
      description: 'It waits for its first peer. Without a name it gets a join code of five letters and digits.',
      tags,
      body: Type.Object({ name: Type.Optional(RoomName), ...RoomSettings }, {
        additionalProperties: false,
        examples: [{ name: 'arena-7', maxPeers: 8, data: { map: 'desert' } }]
      }),
      response: {
        201: { ...ref(RoomEntry), headers: { location: Type.String({ description: 'Path of the room' }) } },
        400: badRequest('Invalid body', '/body/maxPeers', 'must be >= 0'),
        409: problem('A room of this name exists, or the server has no rooms (option `rooms`)',
          new GodotError('ERR_ALREADY_EXISTS', 'a room "arena-7" exists')),
        503: problem('There are `maxRooms` rooms', new GodotError('too-many-rooms', 'there are 10000 rooms'))
      }
    }
  }), async ({ url, body: { name, ...settings } }, reply) => {
    const room = server.openRoom(name, settings)
    const collection = url.split('?', 1)[0].replace(/\/$/, '')
    return await reply.code(201).header('location', `${collection}/${room.name}`).send(describeRoom(room))
  })
}

const roomRoute: Routes = async (app, { server }) => {
  app.get('/rooms/:room', isolated({
    schema: {
      operationId: 'getRoom',
      summary: 'Get a room',
      description: 'Its settings, and the number of its peers.',
      tags,
      params,
      response: { 200: ref(RoomEntry), 400: badRoom, 404: noRoom }
    }
  }), async ({ params }) => describeRoom(server.room(params.room)))
}

const changeRoutes: Routes = async (app, { server }) => {
  app.patch('/rooms/:room', isolated({
    schema: {
      operationId: 'updateRoom',
      summary: 'Change settings of a room',
      description: 'Peers that are in it stay.',
      tags,
      params,
      body: Type.Object(RoomSettings, { additionalProperties: false, examples: [{ locked: true }] }),
      response: { 200: ref(RoomEntry), 400: badBody, 404: noRoom }
    }
  }), async ({ params, body }) => {
    const room = server.room(params.room)
    room.change(body)
    return describeRoom(room)
  })

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
          peers: Type.Integer({ minimum: 0, description: 'Peers that are being closed', examples: [4] })
        }, { description: 'The room is closing' }),
        400: badRequest('Invalid parameter', '/query/code', 'must be integer'),
        404: noRoom
      }
    }
  }), async ({ params, query: { code, reason } }, reply) => {
    const room = server.room(params.room)
    const { peerCount: peers } = room
    room.close(code, reason)
    return await reply.code(202).send({ state: 'closing', peers })
  })
}

const membersRoute: Routes = async (app, { server }) => {
  app.get('/rooms/:room/peers', isolated({
    schema: {
      operationId: 'listRoomPeers',
      summary: 'List the peers of a room',
      description: 'Paginated and sorted like all peers.',
      tags,
      params,
      querystring: Type.Object({ ...pageQuery(peerKeys, 'Peers'), ...RoomFilter }, { additionalProperties: false }),
      response: { 200: pageSchema(ref(Peer), 'One page of peers'), 400: badLimit, 404: noRoom }
    }
  }), async ({ params, query }) => {
    const { name } = server.room(params.room)
    return pageOfPeers(server, { ...query, room: name })
  })
}
