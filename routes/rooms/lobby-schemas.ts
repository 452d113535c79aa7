import { problem } from '../../http/problem.ts'
import { ref } from '../../http/document/shared-schema.ts'
import { GodotError } from '../../src/error.ts'
import { MAX_LIMIT } from '../../src/options/maximums.ts'
import { Type, type Static } from '../../src/typebox.ts'
import { pageQuery, pageSchema } from '../page.ts'
import { roomKeys } from './room-list.ts'
import { roomData, RoomEntry, RoomBody } from './room-schemas.ts'
import { badLimit, badRequest, RoomName } from '../schemas.ts'

const tags = ['lobby']
const example = { map: 'desert', mode: 'coop' }

const Name = { ...RoomName, examples: ['K7QX2'] }
const Url = Type.String({
  description: 'URL for the client\'s `connect_to_url`', examples: ['wss://game.example/ws/K7QX2']
})
const { peers, maxPeers, data } = RoomEntry.properties

/** A room in the lobby. */
export const LobbyRoom = Type.Object({
  name: Name, peers, maxPeers, data, url: Url
}, { $id: 'PeerServer.LobbyRoom', description: 'A room that anybody may join' })

export type LobbyRoom = Static<typeof LobbyRoom>

const tooOften = problem('Too many requests, or too many rooms opened, from this address; `Retry-After` says for how ' +
  'long', new GodotError('lobby-rate', 'more than 60 requests per 1 minute'))
const unavailable = problem('The server is not listening, refuses new connections or is full; or there are too many ' +
  'rooms', new GodotError('too-many-rooms', 'there are 10000 rooms'))

const banned = problem('The address is banned', new GodotError('banned'))

const { limit, cursor } = pageQuery(roomKeys, 'Rooms')

/** The schema of the route that lists rooms. Each lobby has its own, as `documentRoutes` changes it. */
export function listSchema () {
  return {
    operationId: 'lobbyRooms',
    summary: 'List the rooms that anybody may join',
    description: 'Rooms that are listed, not locked and not full, newest first. A room that is shown throughout ' +
      'pagination is listed exactly once, even if others are opened or closed.',
    tags,
    querystring: Type.Object({ limit, cursor }, { additionalProperties: false }),
    response: {
      200: pageSchema(ref(LobbyRoom), 'One page of rooms'),
      400: badLimit,
      403: banned,
      429: tooOften
    }
  }
}

/** The schema of the route that opens a room. */
export function openSchema () {
  return {
    operationId: 'openLobbyRoom',
    summary: 'Open a room',
    description: 'The room has a join code of five letters and digits as its name, and ends when nobody joins within ' +
      'a minute.',
    tags,
    body: Type.Object({
      maxPeers: Type.Optional(Type.Integer({
        minimum: 1,
        maximum: MAX_LIMIT,
        description: 'Maximum number of peers, at most and by default that of the server'
      })),
      listed: RoomBody.listed,
      data: RoomBody.data
    }, { additionalProperties: false, examples: [{ maxPeers: 4, data: example }] }),
    response: {
      201: Type.Object({ name: Name, url: Url }, { description: 'The room' }),
      400: badRequest('Invalid body', '/body/maxPeers', 'must be >= 1'),
      403: problem('The lobby does not open rooms (option `create`), or the address is banned',
        new GodotError('lobby-create')),
      429: tooOften,
      503: unavailable
    }
  }
}

/** The schema of the route that finds a room. */
export function matchSchema () {
  return {
    operationId: 'matchRoom',
    summary: 'Find a room to play in',
    description: 'Picks the fullest listed, unlocked room with a free seat whose `data` matches; otherwise opens one ' +
      'with this `data`. A seat is kept for ten seconds from ' +
      'other requests of this kind, but not from clients that know the name of the room: a client that is refused ' +
      'with `room-full` should request another one.',
    tags,
    body: Type.Object({
      data: roomData('Members that the `data` of the room must have, with equal values; default {}: any room')
    }, { additionalProperties: false, examples: [{ data: example }] }),
    response: {
      200: Type.Object({
        name: Name, url: Url, created: Type.Boolean({ description: 'Whether the room was opened for this request' })
      }, { description: 'The room' }),
      400: badRequest('Invalid body', '/body/data', 'must be object'),
      403: banned,
      404: problem('No room matches, and the lobby does not open rooms (option `create`)',
        new GodotError('lobby-no-match')),
      429: tooOften,
      503: unavailable
    }
  }
}
