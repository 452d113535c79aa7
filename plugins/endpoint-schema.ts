import Type from 'typebox'
import { GodotError } from '../src/error.ts'
import { defaultOptions } from '../src/options.ts'
import { problem } from './problem.ts'

/** How a socket endpoint shows in OpenAPI and AsyncAPI: an upgrade when it goes well, an HTTP answer when it does not. */
export const endpointSchema = {
  operationId: 'connect',
  summary: 'Open a WebSocket',
  description: 'The WebSocket endpoint (RFC 6455). With sub-protocols configured a client must ask for one of them, without it must ask for none.',
  tags: ['socket'],
  headers: Type.Object({
    upgrade: Type.Optional(Type.String({ description: '`websocket`' })),
    'sec-websocket-version': Type.Optional(Type.String({ description: '`13`' })),
    'sec-websocket-key': Type.Optional(Type.String({ description: '16 random bytes in base64' })),
    'sec-websocket-protocol': Type.Optional(Type.String({ description: 'Sub-protocols, best first' })),
    origin: Type.Optional(Type.String({ description: 'Where a page comes from (option `allowedOrigins`); browsers set it' })),
    authorization: Type.Optional(Type.String({ description: '`Bearer` and a token, for the application\'s `onHandshake`' }))
  }),
  response: {
    101: { description: 'Switching protocols: the connection is a WebSocket from here on', type: 'null' },
    400: problem('Not a WebSocket handshake, or no sub-protocol in common', new GodotError('sub-protocol-mismatch', 'this server has the sub-protocols chat')),
    403: problem('The page\'s origin, the address or the client is not allowed', new GodotError('origin-refused')),
    408: problem('The handshake took too long', new GodotError('handshake-timeout')),
    426: problem('A request without upgrade', new GodotError('upgrade-required')),
    429: problem('Too many connections or joins from this address', new GodotError('address-limit')),
    500: problem('The application\'s `onHandshake` failed', new GodotError('join-failed')),
    503: problem('Not listening, or refusing new connections', new GodotError('refusing-connections'))
  }
}

/** The same for the server of this name: an operationId must be one of a kind. */
export function endpointSchemaOf (name: string): typeof endpointSchema {
  return name === defaultOptions.name ? endpointSchema : { ...endpointSchema, operationId: `${name}.${endpointSchema.operationId}` }
}
