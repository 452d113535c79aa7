import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { isolated } from '../http/isolated.ts'
import { parsePackets, type PacketBody, unsupportedPacket, variantType } from '../http/packet-parser.ts'
import { HttpError } from '../http/http-error.ts'
import { problem } from '../http/problem.ts'
import { MAX_PEER_ID } from '../src/core/admission/peer-ids.ts'
import { GodotError, noSuchPeer } from '../src/error.ts'
import { Schema, Type } from '../src/typebox.ts'
import type { AdminParts } from './nodes/admin-parts.ts'
import { ClusterPackets, idsOf, selectsAtMostOnce } from './nodes/cluster-packets.ts'
import { partial } from './page.ts'
import { QueryFilter } from './peers/peer-filter.ts'
import { badRequest, noPeer, Peer, PeerId, RoomName } from './schemas.ts'

const tags = ['packets']
const body = {
  content: {
    // First, as Swagger UI begins with it.
    'text/plain': {
      schema: Type.Unsafe<PacketBody>({ type: 'string', description: 'A text packet in UTF-8', examples: ['hello'] })
    },
    'application/octet-stream': {
      schema: Type.Unsafe<PacketBody>({ type: 'string', format: 'binary', description: 'A binary packet' })
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
const noMember = problem('No such room, or no such peer in it', noSuchPeer(1836495123))
const closing = problem('The peer is closing', new GodotError('FAILED'))
const tooBig = problem('Larger than the output buffer; in multiplayer mode a header takes some bytes of it',
  new HttpError(413, 'Packet too large: at most 65525 bytes'))
const wrongType = problem('Unsupported content type', unsupportedPacket())
const full = problem('The output buffer of the peer is full, or its node cannot be reached',
  new GodotError('ERR_OUT_OF_MEMORY'))

type Routes = FastifyPluginAsyncTypebox<{ sender: ClusterPackets }>

/** Packets from the server to its peers. In multiplayer mode they come from peer 1 and are binary. */
export const packetRoutes: FastifyPluginAsyncTypebox<AdminParts> = async (app, { nodes }) => {
  parsePackets(app, nodes.server)
  const sender = new ClusterPackets(nodes)
  for (const routes of [putPacket, broadcast, putRoomPacket]) await routes(app, { sender })
}

const raw = Type.Optional(Type.Boolean({
  description:
    'For clients of Godot 3 in multiplayer mode: send the bytes as they are. By default the clients deliver the ' +
    'packet as `network_peer_packet`: a command byte is prepended for this'
}))
const ID_LIST = /^[1-9]\d{0,9}(,[1-9]\d{0,9}){0,999}$/
const NOT_IDS = 'must be a comma-separated list of at most 1000 ids of peers'
const isIdList = (text: string): boolean =>
  ID_LIST.test(text) && idsOf(text).every(id => Schema.Check(PeerId, id))

const putPacket: Routes = async (app, { sender }) => {
  app.post('/peers/:id/packets', isolated({
    schema: {
      operationId: 'putPacket',
      summary: 'Send a packet to one peer',
      description: 'The content type says whether it is binary, text, or a Variant that is encoded first.',
      tags,
      params: Type.Object({ id: PeerId }),
      querystring: Type.Object({ raw }, { additionalProperties: false }),
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
  }), async ({ params, query: { raw = false }, body }, reply) => {
    const packet = body as PacketBody
    const bufferedAmount = await sender.toPeer({ id: params.id, raw }, packet)
    return await reply.code(202).send({ bytes: packet.bytes.length, bufferedAmount })
  })
}

const targets = {
  target: Type.Optional(Type.Integer({
    minimum: -MAX_PEER_ID,
    maximum: MAX_PEER_ID,
    description: 'As in Godot: 0 all peers (default), an id that peer, -id all except that peer'
  })),
  excluded: Type.Optional(Type.Refine(Type.String({
    description: 'Ids of peers that do not get the packet, comma-separated, at most a thousand; only with target 0'
  }), isIdList, () => NOT_IDS)),
  raw
}

const query = Type.Refine(Type.Object(targets, { additionalProperties: false }), selectsAtMostOnce,
  () => 'must have target 0 with excluded')
const selecting = Type.Refine(Type.Object({
  ...targets,
  ids: Type.Optional(Type.Refine(Type.String({
    description: 'Ids of the peers that get the packet, comma-separated, at most a thousand; only with target 0'
  }), isIdList, () => NOT_IDS)),
  ...QueryFilter
}, { additionalProperties: false }), selectsAtMostOnce,
() => 'must have target 0 with ids, excluded or a filter, and not both ids and a filter')

// One for each route: `documentRoutes` changes it.
const manyResponses = () => ({
  202: Type.Object({
    recipients: Type.Integer({ minimum: 0, description: 'Number of recipients', examples: [3] }),
    ...partial
  }, { description: 'Queued for sending' }),
  400: badRequest('Invalid target, text that is not UTF-8, or JSON that is not a Variant',
    '/query/target', 'must be integer'),
  404: noPeer,
  409: closing,
  413: tooBig,
  415: wrongType,
  503: full
})

const broadcast: Routes = async (app, { sender }) => {
  app.post('/packets', isolated({
    schema: {
      operationId: 'broadcast',
      summary: 'Send a packet to many peers',
      description:
        'To all peers of all rooms, to one, to all except some, or to those that are listed or match a filter. The ' +
        'content type says whether it is binary, text, or a Variant that is encoded first.',
      tags,
      querystring: selecting,
      body,
      response: manyResponses()
    }
  }), async ({ query, body }, reply) =>
    await reply.code(202).send(await sender.send(undefined, query, body as PacketBody)))
}

const putRoomPacket: Routes = async (app, { sender }) => {
  app.post('/rooms/:room/packets', isolated({
    schema: {
      operationId: 'putRoomPacket',
      summary: 'Send a packet to the peers of a room',
      description: 'To all of them, to one, or to all except some.',
      tags,
      params: Type.Object({ room: RoomName }),
      querystring: query,
      body,
      response: { ...manyResponses(), 404: noMember }
    }
  }), async ({ params, query, body }, reply) =>
    await reply.code(202).send(await sender.send(params.room, query, body as PacketBody)))
}
