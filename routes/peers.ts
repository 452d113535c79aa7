import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import Type, { type Static } from 'typebox'
import { ref } from '../plugins/shared-schema.ts'
import { parseAddressRange } from '../src/address-range.ts'
import type { PeerEnd } from '../src/core/peer/peer-end.ts'
import type { WebSocketPeer } from '../src/core/peer/websocket-peer.ts'
import type { WebSocketServer } from '../src/core/server/websocket-server.ts'
import { decodeCursor, encodeCursor } from './cursor.ts'
import { inOrder, placeOf, type PeerOrder, sortNames } from './peer-order.ts'
import { badId, badRequest, CloseCode, CloseReason, describePeer, noPeer, Peer, PeerId } from './schemas.ts'

const tags = ['peers']
const params = Type.Object({ id: PeerId })
const bare = (description: string) => ({ type: 'null', description })

/** Which peers are meant; without a member, all. */
const Filter = {
  protocol: Type.Optional(Type.String({ description: 'Peers with this sub-protocol' })),
  address: Type.Optional(Type.Refine(Type.String({ description: 'Peers from this IP address or CIDR range, such as `192.0.2.0/24`' }),
    text => parseAddressRange(text) !== undefined, () => 'must be an IP address or a CIDR range'))
}

interface Filter { protocol?: string | undefined, address?: string | undefined }

/** The peers: who is there, and who has to go. */
export const peerRoutes: FastifyPluginAsyncTypebox<{ server: WebSocketServer }> = async (app, { server }) => {
  app.get('/peers', {
    schema: {
      operationId: 'peers',
      summary: 'List the peers',
      description: 'Peers by ascending id unless asked otherwise, a page at a time. A peer that is there for the whole walk is listed exactly once, whoever comes and goes meanwhile; but where the list is sorted by what grows, one that grows past the end of a page may be missed or come again.',
      tags,
      querystring: Type.Object({
        limit: Type.Optional(Type.Integer({ minimum: 1, maximum: 1000, description: 'Peers in a page, 100 unless given' })),
        cursor: Type.Optional(Type.String({ description: 'The `nextCursor` of the page before' })),
        sort: Type.Optional(Type.Enum(sortNames, { type: 'string', description: 'What the list is sorted by, `id` unless given; text by its characters' })),
        order: Type.Optional(Type.Enum(['asc', 'desc'], { type: 'string', description: 'Which way, `asc` unless given' })),
        ...Filter
      }, { additionalProperties: false }),
      response: {
        200: Type.Object({
          items: Type.Array(ref(Peer)),
          nextCursor: Type.Union([Type.String(), Type.Null()], { description: 'Leads to the next page; null on the last one' })
        }, { description: 'One page of peers' }),
        400: badRequest('A parameter is wrong', '/query/limit', 'must be <= 1000')
      }
    }
  }, async ({ query: { limit = 100, cursor, sort = 'id', order = 'asc', ...filter } }) => pageOf(server, { sort, order }, cursor, limit, filter))

  app.head('/peers/:id', {
    config: { swagger: { exposeHeadRoute: true } },
    schema: {
      summary: 'Whether a peer is there, by the status alone',
      tags,
      params,
      response: { 200: { type: 'null', description: 'It is there, also while it closes' }, 400: bare('No id of a peer'), 404: bare('No such peer') }
    }
  }, async ({ params }) => describePeer(server.getPeer(params.id)))

  app.get('/peers/:id', {
    schema: {
      operationId: 'getPeer',
      summary: 'One peer',
      tags,
      params,
      response: { 200: ref(Peer), 400: badId, 404: noPeer }
    }
  }, async ({ params }) => describePeer(server.getPeer(params.id)))

  app.get('/peers/:id/exists', {
    schema: {
      operationId: 'hasPeer',
      summary: 'Whether a peer is there',
      tags,
      params,
      response: { 200: Type.Object({ exists: Type.Boolean() }, { description: 'Whether it is there, also while it closes' }), 400: badId }
    }
  }, async ({ params }) => ({ exists: server.hasPeer(params.id) }))

  app.get('/peers/:id/address', {
    schema: {
      operationId: 'getPeerAddress',
      summary: 'Address of a peer',
      tags,
      params,
      response: { 200: Type.Object({ address: Peer.properties.address }, { description: 'Its address' }), 400: badId, 404: noPeer }
    }
  }, async ({ params }) => ({ address: server.getPeerAddress(params.id) }))

  app.get('/peers/:id/port', {
    schema: {
      operationId: 'getPeerPort',
      summary: 'Port of a peer',
      tags,
      params,
      response: { 200: Type.Object({ port: Peer.properties.port }, { description: 'Its port' }), 400: badId, 404: noPeer }
    }
  }, async ({ params }) => ({ port: server.getPeerPort(params.id) }))

  app.delete('/peers/:id', {
    schema: {
      operationId: 'disconnectPeer',
      summary: 'Disconnect a peer',
      description: 'Sends a close frame. The peer is there until it has answered, or `closeTimeout` is over. On a closing peer the first code stands.',
      tags,
      params,
      querystring: Type.Object({
        code: Type.Optional(CloseCode),
        reason: Type.Optional(CloseReason),
        wait: Type.Optional(Type.Number({ minimum: 0, maximum: 10, description: 'Seconds to wait for the end; without it the answer comes at once' }))
      }, { additionalProperties: false }),
      response: {
        200: Ended,
        202: Type.Object({ state: Type.Literal('closing') }, { description: 'It is closing' }),
        400: badRequest('A parameter is wrong', '/query/code', 'must be integer'),
        404: noPeer
      }
    }
  }, async ({ params, query: { code, reason, wait } }, reply) => {
    const peer = server.getPeer(params.id)
    server.disconnectPeer(params.id, code, reason)
    const end = wait === undefined ? undefined : await endWithin(peer, wait)
    return end === undefined ? await reply.code(202).send({ state: 'closing' }) : describeEnd(end)
  })

  app.post('/peers/disconnect', {
    schema: {
      operationId: 'disconnectPeers',
      summary: 'Disconnect many peers',
      description: 'Names the peers by exactly one of `ids`, `filter` and `all`, so that nobody disconnects everyone by mistake.',
      tags,
      body: Selection,
      response: {
        200: Type.Object({
          requested: Type.Integer({ minimum: 0, description: 'Peers that are closing now', examples: [2] }),
          notFound: Type.Array(PeerId, { description: 'The `ids` that are no peers', examples: [[]] })
        }, { description: 'They are closing' }),
        400: badRequest('The body is wrong, or names nobody', '/body', 'must have exactly one of ids, filter and all')
      }
    }
  }, async ({ body: { code, reason, ...selection } }) => {
    const { peers, notFound } = select(server, selection)
    for (const peer of peers) peer.close(code, reason)
    return { requested: peers.length, notFound }
  })
}

const Selection = Type.Refine(Type.Object({
  ids: Type.Optional(Type.Array(PeerId, { minItems: 1, maxItems: 10000, description: 'Just these' })),
  filter: Type.Optional(Type.Object(Filter, { minProperties: 1, additionalProperties: false, description: 'Those that fit' })),
  all: Type.Optional(Type.Literal(true, { description: 'All of them' })),
  excluded: Type.Optional(Type.Array(PeerId, { maxItems: 10000, description: 'But not these' })),
  code: Type.Optional(CloseCode),
  reason: Type.Optional(CloseReason)
}, {
  additionalProperties: false,
  examples: [{ filter: { protocol: 'chat' }, excluded: [1836495123], code: 4001, reason: 'maintenance' }]
}), ({ ids, filter, all }) => [ids, filter, all].filter(way => way !== undefined).length === 1, () => 'must have exactly one of ids, filter and all')

/** The peers that are meant, and the ids that are none. */
function select (server: WebSocketServer, { ids, filter, excluded }: Static<typeof Selection>): { peers: WebSocketPeer[], notFound: number[] } {
  const spared = new Set(excluded)
  if (ids === undefined) return { peers: [...filtered(server, filter ?? {})].filter(peer => !spared.has(peer.id)), notFound: [] }
  const wanted = [...new Set(ids)].filter(id => !spared.has(id))
  return {
    peers: wanted.filter(id => server.hasPeer(id)).map(id => server.getPeer(id)),
    notFound: wanted.filter(id => !server.hasPeer(id))
  }
}

const Ended = Type.Object({
  outcome: Type.Enum(['clean', 'timeout', 'reset'], { type: 'string', description: 'Clean: the client answered; timeout: it did not, in time; reset: the connection broke' }),
  code: Type.Integer({ description: 'The close code that stands', examples: [4001] }),
  seconds: Type.Number({ minimum: 0, description: 'From the close frame to the end', examples: [0.012] })
}, { description: 'It has ended, as far as the wait went' })

function describeEnd ({ outcome, code, seconds }: PeerEnd): Static<typeof Ended> {
  return { outcome, code, seconds }
}

/** How the peer ended, undefined when it has not within so many seconds. */
async function endWithin (peer: WebSocketPeer, seconds: number): Promise<PeerEnd | undefined> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<undefined>(resolve => { timer = setTimeout(() => { resolve(undefined) }, seconds * 1000) })
  const end = await Promise.race([peer.ended(), late])
  clearTimeout(timer)
  return end
}

/** The first `limit` peers behind the cursor that the filter lets through, and where to go on. */
function pageOf (server: WebSocketServer, by: PeerOrder, cursor: string | undefined, limit: number, filter: Filter): { items: Peer[], nextCursor: string | null } {
  const list = `${by.sort} ${by.order}`
  const after = decodeCursor(list, cursor)
  const isById = list === 'id asc'
  const items: WebSocketPeer[] = []
  for (const peer of isById ? filtered(server, filter, after?.id) : inOrder(filtered(server, filter), by, after)) {
    if (items.length === limit) return { items: items.map(describePeer), nextCursor: encodeCursor(list, placeOf(items[limit - 1], by)) }
    items.push(peer)
  }
  return { items: items.map(describePeer), nextCursor: null }
}

function * filtered (server: WebSocketServer, { protocol, address }: Filter, after = 0): IterableIterator<WebSocketPeer> {
  const range = address === undefined ? undefined : parseAddressRange(address)
  for (const peer of server.peers(after)) {
    if (protocol !== undefined && peer.protocol !== protocol) continue
    if (range?.has(peer.getConnectedHost()) ?? true) yield peer
  }
}
