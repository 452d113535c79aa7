import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import Type, { type Static } from 'typebox'
import { isolated } from '../http/isolated.ts'
import { mayWait } from '../http/may-wait.ts'
import { ref } from '../http/shared-schema.ts'
import { parseAddressRange } from '../src/address-range.ts'
import type { PeerEnd } from '../src/core/peer/peer-end.ts'
import type { WebSocketPeer } from '../src/core/peer/websocket-peer.ts'
import type { WebSocketServer } from '../src/core/server/websocket-server.ts'
import { decodeCursor, encodeCursor } from './cursor.ts'
import { inOrder, positionOf, type PeerOrder, sortNames } from './peer-order.ts'
import { badId, badRequest, CloseCode, CloseReason, describePeer, noPeer, Peer, PeerId } from './schemas.ts'

const tags = ['peers']
const params = Type.Object({ id: PeerId })
const bare = (description: string) => ({ type: 'null', description })

/** Filter of peers; without any member, all peers. */
const Filter = {
  protocol: Type.Optional(Type.String({ description: 'Peers with this sub-protocol' })),
  address: Type.Optional(Type.Refine(Type.String({ description: 'Peers from this IP address or CIDR range, such as `192.0.2.0/24`' }),
    text => parseAddressRange(text) !== undefined, () => 'must be an IP address or a CIDR range'))
}

interface Filter { protocol?: string | undefined, address?: string | undefined }

/** List and disconnect peers. */
export const peerRoutes: FastifyPluginAsyncTypebox<{ server: WebSocketServer }> = async (app, { server }) => {
  app.get('/peers', isolated({
    schema: {
      operationId: 'peers',
      summary: 'List the peers',
      description: 'Paginated, by ascending id unless sorted otherwise. A peer that stays connected throughout pagination is listed exactly once, even if other peers join or leave. When sorted by a value that changes, a peer whose value passes the end of a page may be missed or repeated.',
      tags,
      querystring: Type.Object({
        limit: Type.Optional(Type.Integer({ minimum: 1, maximum: 1000, description: 'Peers per page, by default 100' })),
        cursor: Type.Optional(Type.String({ description: '`nextCursor` of the previous page' })),
        sort: Type.Optional(Type.Enum(sortNames, { type: 'string', description: 'Sort key, by default `id`; text sorts by code unit' })),
        order: Type.Optional(Type.Enum(['asc', 'desc'], { type: 'string', description: 'Sort order, by default `asc`' })),
        ...Filter
      }, { additionalProperties: false }),
      response: {
        200: Type.Object({
          items: Type.Array(ref(Peer)),
          nextCursor: Type.Union([Type.String(), Type.Null()], { description: 'Cursor of the next page; null on the last page' })
        }, { description: 'One page of peers' }),
        400: badRequest('Invalid parameter', '/query/limit', 'must be <= 1000')
      }
    }
  }), async ({ query: { limit = 100, cursor, sort = 'id', order = 'asc', ...filter } }) => pageOf(server, { sort, order }, cursor, limit, filter))

  app.head('/peers/:id', isolated({
    config: { swagger: { exposeHeadRoute: true } },
    schema: {
      summary: 'Whether a peer exists, by status only',
      tags,
      params,
      response: { 200: { type: 'null', description: 'It exists; a closing peer counts' }, 400: bare('Not a peer id'), 404: bare('No such peer') }
    }
  }), async ({ params }) => describePeer(server.getPeer(params.id)))

  app.get('/peers/:id', isolated({
    schema: {
      operationId: 'getPeer',
      summary: 'Get a peer',
      tags,
      params,
      response: { 200: ref(Peer), 400: badId, 404: noPeer }
    }
  }), async ({ params }) => describePeer(server.getPeer(params.id)))

  app.get('/peers/:id/exists', isolated({
    schema: {
      operationId: 'hasPeer',
      summary: 'Whether a peer exists',
      tags,
      params,
      response: { 200: Type.Object({ exists: Type.Boolean() }, { description: 'Whether it exists; a closing peer counts' }), 400: badId }
    }
  }), async ({ params }) => ({ exists: server.hasPeer(params.id) }))

  app.get('/peers/:id/address', isolated({
    schema: {
      operationId: 'getPeerAddress',
      summary: 'Address of a peer',
      tags,
      params,
      response: { 200: Type.Object({ address: Peer.properties.address }, { description: 'The address' }), 400: badId, 404: noPeer }
    }
  }), async ({ params }) => ({ address: server.getPeerAddress(params.id) }))

  app.get('/peers/:id/port', isolated({
    schema: {
      operationId: 'getPeerPort',
      summary: 'Port of a peer',
      tags,
      params,
      response: { 200: Type.Object({ port: Peer.properties.port }, { description: 'The port' }), 400: badId, 404: noPeer }
    }
  }), async ({ params }) => ({ port: server.getPeerPort(params.id) }))

  app.delete('/peers/:id', isolated({
    ...mayWait(app),
    schema: {
      operationId: 'disconnectPeer',
      summary: 'Disconnect a peer',
      description: 'Sends a close frame. The peer exists until it has answered or `closeTimeout` has passed. A closing peer keeps its first close code.',
      tags,
      params,
      querystring: Type.Object({
        code: Type.Optional(CloseCode),
        reason: Type.Optional(CloseReason),
        wait: Type.Optional(Type.Number({ minimum: 0, maximum: 10, description: 'Seconds to wait for the disconnect; without it the response comes immediately' }))
      }, { additionalProperties: false }),
      response: {
        200: Ended,
        202: Type.Object({ state: Type.Literal('closing') }, { description: 'The peer is closing' }),
        400: badRequest('Invalid parameter', '/query/code', 'must be integer'),
        404: noPeer
      }
    }
  }), async ({ params, query: { code, reason, wait } }, reply) => {
    const peer = server.getPeer(params.id)
    server.disconnectPeer(params.id, code, reason)
    const end = wait === undefined ? undefined : await endWithin(peer, wait)
    return end === undefined ? await reply.code(202).send({ state: 'closing' }) : describeEnd(end)
  })

  app.post('/peers/disconnect', isolated({
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
  }), async ({ body: { code, reason, ...selection } }) => {
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

/** The selected peers, and the ids of none. */
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
  outcome: Type.Enum(['clean', 'timeout', 'reset'], { type: 'string', description: 'clean: the client answered; timeout: it did not answer in time; reset: the connection broke' }),
  code: Type.Integer({ description: 'The close code', examples: [4001] }),
  seconds: Type.Number({ minimum: 0, description: 'From the close frame to the disconnect', examples: [0.012] })
}, { description: 'The peer disconnected within the wait' })

function describeEnd ({ outcome, code, seconds }: PeerEnd): Static<typeof Ended> {
  return { outcome, code, seconds }
}

/** How the peer ended, undefined if it has not within so many seconds. */
async function endWithin (peer: WebSocketPeer, seconds: number): Promise<PeerEnd | undefined> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<undefined>(resolve => { timer = setTimeout(() => { resolve(undefined) }, seconds * 1000) })
  const end = await Promise.race([peer.ended(), late])
  clearTimeout(timer)
  return end
}

/** The first `limit` peers after the cursor that match the filter, and the cursor of the next page. */
function pageOf (server: WebSocketServer, by: PeerOrder, cursor: string | undefined, limit: number, filter: Filter): { items: Peer[], nextCursor: string | null } {
  const list = `${by.sort} ${by.order}`
  const after = decodeCursor(list, cursor)
  const isById = list === 'id asc'
  const items: WebSocketPeer[] = []
  for (const peer of isById ? filtered(server, filter, after?.id) : inOrder(filtered(server, filter), by, after)) {
    if (items.length === limit) return { items: items.map(describePeer), nextCursor: encodeCursor(list, positionOf(items[limit - 1], by)) }
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
