import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import Type from 'typebox'
import { parsePackets, type PacketBody, variantType } from '../plugins/packet-parser.ts'
import { HttpError, problem } from '../plugins/problem.ts'
import type { WebSocketServer } from '../src/core/server/websocket-server.ts'
import { GodotError } from '../src/error.ts'
import { badRequest, noPeer, Peer, PeerId } from './schemas.ts'

const tags = ['packets']
const body = {
  content: {
    'application/octet-stream': { schema: Type.Unsafe<PacketBody>({ type: 'string', format: 'binary', description: 'A binary packet' }) },
    'text/plain': { schema: Type.Unsafe<PacketBody>({ type: 'string', description: 'A text packet in UTF-8', examples: ['hello'] }) },
    [variantType]: { schema: Type.Unsafe<PacketBody>({ description: 'A Variant in JSON. An object is a Dictionary, but one whose only member has the name of a type is of that type: `{"Vector2": [1, 2]}`, `{"int": 7}`', examples: [{ score: { int: 7 }, position: { Vector2: [1.5, 2] } }] }) }
  }
}
const closing = problem('The peer is closing', new GodotError('FAILED'))
const tooBig = problem('Larger than the outbound buffer takes; in multiplayer mode some bytes of it are the head', new HttpError(413, 'A packet has up to 65526 bytes here'))
const wrongType = problem('None of the types above', new HttpError(415, `A packet is application/octet-stream, text/plain in UTF-8 or ${variantType}`))
const full = problem('The outbound buffer of the peer is full', new GodotError('ERR_OUT_OF_MEMORY'))

/** Packets from the server to its peers. In multiplayer mode they come from peer 1, and are binary. */
export const packetRoutes: FastifyPluginAsyncTypebox<{ server: WebSocketServer }> = async (app, { server }) => {
  parsePackets(app, server)

  app.post('/peers/:id/packets', {
    schema: {
      operationId: 'putPacket',
      summary: 'Send a packet to one peer',
      tags,
      params: Type.Object({ id: PeerId }),
      body,
      response: {
        202: Type.Object({
          bytes: Type.Integer({ minimum: 0, description: 'Bytes of the packet', examples: [5] }),
          bufferedAmount: Peer.properties.bufferedAmount
        }, { description: 'It is on its way' }),
        400: badRequest('The id is none of a peer, the text no UTF-8, or the JSON no Variant', '/body', 'must be UTF-8'),
        404: noPeer,
        409: closing,
        413: tooBig,
        415: wrongType,
        503: full
      }
    }
  }, async ({ params, body }, reply) => {
    const { bytes, isText } = body as PacketBody
    server.broadcast(params.id, bytes, isText)
    const bufferedAmount = server.getPeer(params.id).getCurrentOutboundBufferedAmount()
    return await reply.code(202).send({ bytes: bytes.length, bufferedAmount })
  })

  app.post('/packets', {
    schema: {
      operationId: 'broadcast',
      summary: 'Send a packet to many peers',
      tags,
      querystring: Type.Object({
        target: Type.Optional(Type.Integer({ minimum: -2147483647, maximum: 2147483647, description: 'As in Godot: 0 all, an id that peer, -id all but that one; 0 unless given' }))
      }, { additionalProperties: false }),
      body,
      response: {
        202: Type.Object({ recipients: Type.Integer({ minimum: 0, description: 'Peers it goes to', examples: [3] }) }, { description: 'It is on its way' }),
        400: badRequest('The target is none, the text no UTF-8, or the JSON no Variant', '/query/target', 'must be integer'),
        404: noPeer,
        409: closing,
        413: tooBig,
        415: wrongType,
        503: full
      }
    }
  }, async ({ query: { target = 0 }, body }, reply) => {
    const { bytes, isText } = body as PacketBody
    return await reply.code(202).send({ recipients: server.broadcast(target, bytes, isText) })
  })
}
