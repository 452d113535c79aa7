import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import Type from 'typebox'
import { isolated } from '../http/isolated.ts'
import { ref } from '../http/shared-schema.ts'
import type { WebSocketPeer } from '../src/core/peer/websocket-peer.ts'
import type { WebSocketServer } from '../src/core/server/websocket-server.ts'
import { decodeCursor, encodeCursor } from './cursor.ts'
import { Filter, filtered } from './peer-filter.ts'
import { inOrder, positionOf, type PeerOrder, sortNames } from './peer-order.ts'
import { badId, badRequest, describePeer, noPeer, Peer, PeerId } from './schemas.ts'

const tags = ['peers']
const params = Type.Object({ id: PeerId })
const bare = (description: string) => ({ type: 'null', description })

type Routes = FastifyPluginAsyncTypebox<{ server: WebSocketServer }>

/** List peers. */
export const peerRoutes: Routes = async (app, options) => {
  for (const routes of [listRoute, peerRoute, valueRoutes]) await app.register(routes, options)
}

const listRoute: Routes = async (app, { server }) => {
  app.get('/peers', isolated({
    schema: {
      operationId: 'peers',
      summary: 'List the peers',
      description:
        'Paginated, by ascending id unless sorted otherwise. A peer that stays connected throughout pagination is ' +
        'listed exactly once, even if other peers join or leave. When sorted by a value that changes, a peer whose ' +
        'value passes the end of a page may be missed or repeated.',
      tags,
      querystring: Type.Object({
        limit: Type.Optional(Type.Integer({
          minimum: 1,
          maximum: 1000,
          description: 'Peers per page, by default 100'
        })),
        cursor: Type.Optional(Type.String({ description: '`nextCursor` of the previous page' })),
        sort: Type.Optional(Type.Enum(sortNames, {
          type: 'string',
          description: 'Sort key, by default `id`; text sorts by code unit'
        })),
        order: Type.Optional(Type.Enum(['asc', 'desc'], {
          type: 'string',
          description: 'Sort order, by default `asc`'
        })),
        ...Filter
      }, { additionalProperties: false }),
      response: {
        200: Type.Object({
          items: Type.Array(ref(Peer)),
          nextCursor: Type.Union([Type.String(), Type.Null()], {
            description: 'Cursor of the next page; null on the last page'
          })
        }, { description: 'One page of peers' }),
        400: badRequest('Invalid parameter', '/query/limit', 'must be <= 1000')
      }
    }
  }), async ({ query: { limit = 100, cursor, sort = 'id', order = 'asc', ...filter } }) =>
    pageOf(server, { sort, order }, cursor, limit, filter))
}

const peerRoute: Routes = async (app, { server }) => {
  app.head('/peers/:id', isolated({
    config: { swagger: { exposeHeadRoute: true } },
    schema: {
      summary: 'Whether a peer exists, by status only',
      description: 'For clients that need no body. A closing peer exists until it is disconnected.',
      tags,
      params,
      response: {
        200: { type: 'null', description: 'It exists; a closing peer counts' },
        400: bare('Not a peer id'),
        404: bare('No such peer')
      }
    }
  }), async ({ params }) => describePeer(server.getPeer(params.id)))

  app.get('/peers/:id', isolated({
    schema: {
      operationId: 'getPeer',
      summary: 'Get a peer',
      description: 'Address, protocol, state and traffic of one peer. A closing peer exists until it is disconnected.',
      tags,
      params,
      response: { 200: ref(Peer), 400: badId, 404: noPeer }
    }
  }), async ({ params }) => describePeer(server.getPeer(params.id)))
}

/** Routes of what Godot has a method for. */
const valueRoutes: Routes = async (app, { server }) => {
  app.get('/peers/:id/exists', isolated({
    schema: {
      operationId: 'hasPeer',
      summary: 'Whether a peer exists',
      description: 'As `has_peer` of Godot. A closing peer exists until it is disconnected.',
      tags,
      params,
      response: {
        200: Type.Object({ exists: Type.Boolean() }, { description: 'Whether it exists; a closing peer counts' }),
        400: badId
      }
    }
  }), async ({ params }) => ({ exists: server.hasPeer(params.id) }))

  app.get('/peers/:id/address', isolated({
    schema: {
      operationId: 'getPeerAddress',
      summary: 'Address of a peer',
      description: 'As `get_peer_address` of Godot. Behind a trusted proxy it is the address of the client.',
      tags,
      params,
      response: {
        200: Type.Object({ address: Peer.properties.address }, { description: 'The address' }),
        400: badId,
        404: noPeer
      }
    }
  }), async ({ params }) => ({ address: server.getPeerAddress(params.id) }))

  app.get('/peers/:id/port', isolated({
    schema: {
      operationId: 'getPeerPort',
      summary: 'Port of a peer',
      description: 'As `get_peer_port` of Godot. Behind a proxy it is a port of the proxy.',
      tags,
      params,
      response: {
        200: Type.Object({ port: Peer.properties.port }, { description: 'The port' }),
        400: badId,
        404: noPeer
      }
    }
  }), async ({ params }) => ({ port: server.getPeerPort(params.id) }))
}

/** The first `limit` peers after the cursor that match the filter, and the cursor of the next page. */
function pageOf (
  server: WebSocketServer,
  by: PeerOrder,
  cursor: string | undefined,
  limit: number,
  filter: Filter
): { items: Peer[], nextCursor: string | null } {
  const list = `${by.sort} ${by.order}`
  const after = decodeCursor(list, cursor)
  const isById = list === 'id asc'
  const items: WebSocketPeer[] = []
  for (const peer of isById ? filtered(server, filter, after?.id) : inOrder(filtered(server, filter), by, after)) {
    if (items.length === limit) {
      return {
        items: items.map(describePeer),
        nextCursor: encodeCursor(list, positionOf(items[limit - 1], by))
      }
    }
    items.push(peer)
  }
  return { items: items.map(describePeer), nextCursor: null }
}
