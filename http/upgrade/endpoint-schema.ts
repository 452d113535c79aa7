import { GodotError } from '../../src/error.ts'
import { defaultOptions } from '../../src/options/defaults.ts'
import { namePattern } from '../../src/options/patterns.ts'
import { Type } from '../../src/typebox.ts'
import { problemContent } from '../problem.ts'
import { problemOfGodotError } from '../../src/transport/refusal.ts'

/** A refusal is the same with and without an HTTP server. */
function refusal (description: string, ...error: ConstructorParameters<typeof GodotError>) {
  return { description, content: problemContent(problemOfGodotError(new GodotError(...error))) }
}

/** The WebSocket endpoint in OpenAPI and AsyncAPI: 101 when the client is accepted, a problem when it is refused. */
export const endpointSchema = {
  operationId: 'connect',
  summary: 'Open a WebSocket',
  description: 'The WebSocket endpoint (RFC 6455). A client must request one of the configured subprotocols, or none ' +
    'when none is configured.',
  tags: ['socket'],
  headers: Type.Object({
    upgrade: Type.Optional(Type.String({ description: '`websocket`' })),
    'sec-websocket-version': Type.Optional(Type.String({ description: '`13`' })),
    'sec-websocket-key': Type.Optional(Type.String({ description: '16 random bytes in base64' })),
    'sec-websocket-protocol': Type.Optional(Type.String({ description: 'Requested subprotocols, best first' })),
    origin: Type.Optional(Type.String({
      description: 'Origin of the page (option `allowedOrigins`); set by browsers'
    })),
    authorization: Type.Optional(Type.String({ description: '`Bearer` and a token, for option `onHandshake`' }))
  }),
  response: {
    101: { description: 'Switching protocols: the connection is a WebSocket from now on', type: 'null' },
    400: refusal('Invalid upgrade request, or no common ' +
      'subprotocol', 'sub-protocol-mismatch', 'expected one of the subprotocols chat'),
    403: refusal('Origin, address or client not allowed', 'origin-refused',
      'option allowedOrigins does not allow https://evil.example'),
    404: refusal('No such room, and clients may not open rooms', 'room-not-found'),
    408: refusal('Handshake timeout', 'handshake-timeout'),
    426: refusal('Request without upgrade', 'upgrade-required'),
    429: refusal('Too many connections or joins from this address', 'address-limit',
      'more than 50 connections from one address; behind a proxy, set option trustProxy'),
    500: refusal('Option `onHandshake` threw an error', 'join-failed'),
    503: refusal('Not listening, refusing new connections, or full', 'refusing-connections')
  }
}

/** The schema for the server of this name, whose operationIds must be unique; `isRoom`: a room is in the path. */
export function endpointSchemaOf (name: string, isRoom: boolean = false): typeof endpointSchema {
  const schema = isRoom ? roomSchema : endpointSchema
  return name === defaultOptions.name ? schema : { ...schema, operationId: `${name}.${schema.operationId}` }
}

const roomSchema = {
  ...endpointSchema,
  operationId: 'connectToRoom',
  summary: 'Open a WebSocket in a room',
  description: `${endpointSchema.description} The client enters this room, which is opened if necessary.`,
  params: Type.Object({
    room: Type.String({ pattern: namePattern, description: 'Name of the room, case-sensitive' })
  }),
  response: {
    ...endpointSchema.response,
    400: refusal('Invalid upgrade request or room name, or no common subprotocol', 'invalid-room-name'),
    429: refusal('Too many connections, joins or opened rooms from this address', 'room-rate',
      'more than 60 rooms per minute from one address'),
    503: refusal(
      'Not listening, refusing new connections, or server full; room full or locked, or too many rooms',
      'room-full', 'room arena-7 has 8 peers'
    )
  }
}
