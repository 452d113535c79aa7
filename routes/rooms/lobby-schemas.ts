import Type, { type Static } from 'typebox'
import { problem } from '../../http/problem.ts'
import { ref } from '../../http/document/shared-schema.ts'
import { roomNamePattern } from '../../src/core/room/room-name.ts'
import { MAX_DATA, RoomOptions } from '../../src/core/room/room-options.ts'
import { GodotError } from '../../src/error.ts'
import { badRequest } from '../schemas.ts'

const tags = ['lobby']
const example = { map: 'desert', mode: 'coop' }

const Name = Type.String({ pattern: roomNamePattern, description: 'Name of the room', examples: ['K7QX2'] })
const Url = Type.String({
  description: 'URL for the client\'s `connect_to_url`', examples: ['wss://game.example/ws/K7QX2']
})
const DataObject = Type.Record(Type.String(), Type.Unknown())

function data (description: string) {
  return Type.Optional(Type.Refine(
    { ...DataObject, description, examples: [example] }, fits, () => `must be at most ${MAX_DATA} bytes of JSON`
  ))
}

function fits (data: object): boolean {
  try {
    return Buffer.byteLength(JSON.stringify(data)) <= MAX_DATA
  } catch {
    // Nested too deep for the stack.
    return false
  }
}

/** A room in the lobby. */
export const LobbyRoom = Type.Object({
  name: Name,
  peers: Type.Integer({ minimum: 0, description: 'Number of its peers', examples: [3] }),
  maxPeers: Type.Integer({ minimum: 0, description: 'Maximum number of peers; 0: no limit', examples: [8] }),
  data: { ...DataObject, description: 'What is known about it', examples: [example] },
  url: Url
}, { $id: 'PeerServer.LobbyRoom', description: 'A room that anybody may join' })

export type LobbyRoom = Static<typeof LobbyRoom>

const tooOften = problem('Too many requests, or too many rooms opened, from this address; `Retry-After` says for how ' +
  'long', new GodotError('lobby-rate', 'over 60 requests per 1 minute'))
const unavailable = problem('The server is not listening, refuses new connections or is full; or there are too many ' +
  'rooms', new GodotError('too-many-rooms', 'there are 10000 rooms'))

export const listSchema = {
  operationId: 'lobbyRooms',
  summary: 'List the rooms that anybody may join',
  description: 'Rooms that are listed, not locked and not full, newest first. A room that is shown throughout ' +
    'pagination is listed exactly once, even if others are opened or closed.',
  tags,
  querystring: Type.Object({
    limit: Type.Optional(Type.Integer({ minimum: 1, maximum: 1000, description: 'Rooms per page, by default 100' })),
    cursor: Type.Optional(Type.String({ description: '`nextCursor` of the previous page' }))
  }, { additionalProperties: false }),
  response: {
    200: Type.Object({
      items: Type.Array(ref(LobbyRoom)),
      nextCursor: Type.Union([Type.String(), Type.Null()], {
        description: 'Cursor of the next page; null on the last page'
      })
    }, { description: 'One page of rooms' }),
    400: badRequest('Invalid parameter', '/query/limit', 'must be <= 1000'),
    429: tooOften
  }
}

/** The schema of the route that opens a room; `maxPeersPerRoom` is the limit of the server, 0 for none. */
export function openSchema (maxPeersPerRoom: number) {
  const limit = maxPeersPerRoom === 0 ? {} : { maximum: maxPeersPerRoom }
  return {
    operationId: 'openLobbyRoom',
    summary: 'Open a room',
    description: 'The room has a join code of five letters and digits as its name, and ends when nobody joins within ' +
      'a minute.',
    tags,
    body: Type.Object({
      maxPeers: Type.Optional(Type.Integer({
        minimum: 1, maximum: 1 << 24, ...limit, description: 'Maximum number of peers, by default that of the server'
      })),
      listed: Type.Optional(Type.Boolean({ ...RoomOptions.properties.listed })),
      data: data('What the lobby shows about it: at most 4096 bytes of JSON; default {}')
    }, { additionalProperties: false, examples: [{ maxPeers: 4, data: example }] }),
    response: {
      201: Type.Object({ name: Name, url: Url }, { description: 'The room' }),
      400: badRequest('Invalid body', '/body/maxPeers', 'must be >= 1'),
      403: problem('The lobby opens no rooms (option `create`)', new GodotError('lobby-create')),
      429: tooOften,
      503: unavailable
    }
  }
}

export const matchSchema = {
  operationId: 'matchRoom',
  summary: 'Find a room to play in',
  description: 'Chooses, of the rooms that are listed, not locked and not full and whose `data` has these members, ' +
    'the one with the most peers; opens one with this `data` if there is none. A seat is kept for ten seconds from ' +
    'other requests of this kind, but not from clients that know the name of the room: a client that is refused ' +
    'with `room-full` asks again.',
  tags,
  body: Type.Object({
    data: data('Members that the `data` of the room must have, with equal values; default {}: any room')
  }, { additionalProperties: false, examples: [{ data: example }] }),
  response: {
    200: Type.Object({
      name: Name, url: Url, created: Type.Boolean({ description: 'Whether the room was opened for this request' })
    }, { description: 'The room' }),
    400: badRequest('Invalid body', '/body/data', 'must be object'),
    404: problem('No room matches, and the lobby opens none (option `create`)', new GodotError('lobby-no-match')),
    429: tooOften,
    503: unavailable
  }
}
