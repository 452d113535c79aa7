import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import Type from 'typebox'
import { isolated } from '../http/isolated.ts'
import { parsePackets, type PacketBody, variantType } from '../http/packet-parser.ts'
import { HttpError, problem } from '../http/problem.ts'
import type { WebSocketServer } from '../src/core/server/websocket-server.ts'
import { GodotError } from '../src/error.ts'
import { badRequest, noPeer, Peer, PeerId, RoomName } from './schemas.ts'

const tags = ['packets']
const body = {
  content: {
    'application/octet-stream': {
      schema: Type.Unsafe<PacketBody>({ type: 'string', format: 'binary', description: 'A binary packet' })
    },
    'text/plain': {
      schema: Type.Unsafe<PacketBody>({ type: 'string', description: 'A text packet in UTF-8', examples: ['hello'] })
    },
    [variantType]: {
      schema: Type.Unsafe<PacketBody>({
        description:
          'A Variant as JSON. An object is a Dictionary, except one whose only member is named after a type, which ' +
          'is a value of that type: `{"Vector2": [1, 2]}`, `{"int": 7}`',
        examples: [{ score: { int: 7 }, position: { Vector2: [1.5, 2] } }]
      })
    }
  }
}
const noMember = problem('No such room, or no such peer in it',
  new GodotError('ERR_DOES_NOT_EXIST', 'no peer 1836495123'))
const closing = problem('The peer is closing', new GodotError('FAILED'))
const tooBig = problem('Larger than the output buffer; in multiplayer mode a header takes some bytes of it',
  new HttpError(413, 'Packet too large: at most 65526 bytes'))
const wrongType = problem('Unsupported content type', new HttpError(415,
  `Unsupported content type: expected application/octet-stream, text/plain in UTF-8, or ${variantType}`))
const full = problem('The output buffer of the peer is full', new GodotError('ERR_OUT_OF_MEMORY'))

type Routes = FastifyPluginAsyncTypebox<{ server: WebSocketServer }>

/** Packets from the server to its peers. In multiplayer mode they come from peer 1 and are binary. */
export const packetRoutes: Routes = async (app, options) => {
  parsePackets(app, options.server)
  for (const routes of [putPacket, broadcast, putRoomPacket]) await app.register(routes, options)
}

const putPacket: Routes = async (app, { server }) => {
  app.post('/peers/:id/packets', isolated({
    schema: {
      operationId: 'putPacket',
      summary: 'Send a packet to one peer',
      description: 'The content type tells whether it is binary, text, or a Variant that is encoded first.',
      tags,
      params: Type.Object({ id: PeerId }),
      body,
      response: {
        202: Type.Object({
          bytes: Type.Integer({ minimum: 0, description: 'Size of the packet in bytes', examples: [5] }),
          bufferedAmount: Peer.properties.bufferedAmount
        }, { description: 'Queued for sending' }),
        400: badRequest('Invalid id, text that is not UTF-8, or JSON that is not a Variant', '/body', 'must be UTF-8'),
        404: noPeer,
        409: closing,
        413: tooBig,
        415: wrongType,
        503: full
      }
    }
  }), async ({ params, body }, reply) => {
    const { bytes, isText } = body as PacketBody
    server.broadcast(params.id, bytes, isText)
    const bufferedAmount = server.getPeer(params.id).getCurrentOutboundBufferedAmount()
    return await reply.code(202).send({ bytes: bytes.length, bufferedAmount })
  })
}

const target = Type.Object({
  target: Type.Optional(Type.Integer({
    minimum: -2147483647,
    maximum: 2147483647,
    description: 'As in Godot: 0 all peers (default), an id that peer, -id all except that peer'
  }))
}, { additionalProperties: false })
// One for each route: describing failures changes it.
const manyResponses = () => ({
  202: Type.Object({
    recipients: Type.Integer({ minimum: 0, description: 'Number of recipients', examples: [3] })
  }, { description: 'Queued for sending' }),
  400: badRequest('Invalid target, text that is not UTF-8, or JSON that is not a Variant',
    '/query/target', 'must be integer'),
  404: noPeer,
  409: closing,
  413: tooBig,
  415: wrongType,
  503: full
})

const broadcast: Routes = async (app, { server }) => {
  app.post('/packets', isolated({
    schema: {
      operationId: 'broadcast',
      summary: 'Send a packet to many peers',
      description:
        'To all peers of all rooms, to one, or to all except one. The content type tells whether it is binary, text, ' +
        'or a Variant that is encoded first.',
      tags,
      querystring: target,
      body,
      response: manyResponses()
    }
  }), async ({ query: { target = 0 }, body }, reply) => {
    const { bytes, isText } = body as PacketBody
    return await reply.code(202).send({ recipients: server.broadcast(target, bytes, isText) })
  })
}

const putRoomPacket: Routes = async (app, { server }) => {
  app.post('/rooms/:room/packets', isolated({
    schema: {
      operationId: 'putRoomPacket',
      summary: 'Send a packet to the peers of a room',
      description: 'To all of them, to one, or to all except one.',
      tags,
      params: Type.Object({ room: RoomName }),
      querystring: target,
      body,
      response: { ...manyResponses(), 404: noMember }
    }
  }), async ({ params, query: { target = 0 }, body }, reply) => {
    const { bytes, isText } = body as PacketBody
    return await reply.code(202).send({ recipients: server.room(params.room).broadcast(target, bytes, isText) })
  })
}
