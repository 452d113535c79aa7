import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { isolated } from '../../http/isolated.ts'
import { ref } from '../../http/document/shared-schema.ts'
import { GodotError } from '../../src/error.ts'
import { Type } from '../../src/typebox.ts'
import type { AdminParts } from '../nodes/admin-parts.ts'
import type { ClusterNodes } from '../nodes/cluster-nodes.ts'
import { pageQuery, pageSchema, scope } from '../page.ts'
import { QueryFilter } from './peer-filter.ts'
import { peerKeys } from './peer-list.ts'
import { badId, badLimit, describeDetails, noAnswer, noCluster, noPeer, Peer, PeerDetails, PeerId } from '../schemas.ts'

const tags = ['peers']
const params = Type.Object({ id: PeerId })
const bare = (description: string) => ({ type: 'null', description })

type Routes = FastifyPluginAsyncTypebox<AdminParts>

/** List peers. */
export const peerRoutes: Routes = async (app, options) => {
  for (const routes of [listRoute, peerRoute, valueRoutes]) await routes(app, options)
}

const listRoute: Routes = async (app, { peers }) => {
  app.get('/peers', isolated({
    schema: {
      operationId: 'peers',
      summary: 'List the peers',
      description:
        'Paginated, by ascending id unless sorted otherwise. A peer that stays connected throughout pagination is ' +
        'listed exactly once, even if other peers join or leave. When sorted by a value that changes, a peer whose ' +
        'value passes the end of a page may be missed or repeated.',
      tags,
      querystring: Type.Object({ ...pageQuery(peerKeys, 'Peers'), ...QueryFilter, scope }, {
        additionalProperties: false
      }),
      response: { 200: pageSchema(ref(Peer), 'One page of peers'), 400: badLimit }
    }
  }), async ({ query: { protocol, address, room, data, scope, ...query } }) =>
    await peers.page(query, { protocol, address, room, data }, scope))
}

const peerRoute: Routes = async (app, { nodes }) => {
  const describe = nodes.operation('peer',
    ({ id }: { id: number }) => describeDetails(nodes.localSession(id), nodes.nodeId))
  app.head('/peers/:id', isolated({
    config: { swagger: { exposeHeadRoute: true }, operationId: 'headPeer' },
    schema: {
      summary: 'Whether a peer exists, by status only',
      description: 'For clients that need no body. A closing peer exists until it is disconnected.',
      tags,
      params,
      response: {
        200: { type: 'null', description: 'It exists, or is closing' },
        400: bare('Not a peer id'),
        404: bare('No such peer'),
        503: bare('The node of the peer cannot be reached')
      }
    }
  }), async ({ params }) => await describe.ofPeer(params.id, params))

  app.get('/peers/:id', isolated({
    schema: {
      operationId: 'getPeer',
      summary: 'Get a peer',
      description:
        'Address, protocol, state, traffic and upgrade request. A closing peer exists until it is disconnected.',
      tags,
      params,
      response: { 200: ref(PeerDetails), 400: badId, 404: noPeer, 503: noAnswer }
    }
  }), async ({ params }) => await describe.ofPeer(params.id, params))
}

/** Routes for which Godot has a method. */
const valueRoutes: Routes = async (app, { nodes }) => {
  app.get('/peers/:id/exists', isolated({
    schema: {
      operationId: 'hasPeer',
      summary: 'Whether a peer exists',
      description: 'Like Godot\'s `has_peer`. A closing peer exists until it is disconnected.',
      tags,
      params,
      response: {
        200: Type.Object({ exists: Type.Boolean() }, { description: 'Whether it exists, open or closing' }),
        400: badId,
        503: noCluster
      }
    }
  }), async ({ params }) => ({ exists: exists(nodes, params.id) }))

  app.get('/peers/:id/address', isolated({
    schema: {
      operationId: 'getPeerAddress',
      summary: 'Address of a peer',
      description: 'Like Godot\'s `get_peer_address`. Behind a trusted proxy it is the address of the client.',
      tags,
      params,
      response: {
        200: Type.Object({ address: Peer.properties.address }, { description: 'The address' }),
        400: badId,
        404: noPeer,
        503: noCluster
      }
    }
  }), async ({ params }) => ({ address: nodes.peer(params.id).getConnectedHost() }))

  app.get('/peers/:id/port', isolated({
    schema: {
      operationId: 'getPeerPort',
      summary: 'Port of a peer',
      description: 'Like Godot\'s `get_peer_port`. Behind a proxy it is a port of the proxy.',
      tags,
      params,
      response: {
        200: Type.Object({ port: Peer.properties.port }, { description: 'The port' }),
        400: badId,
        404: noPeer,
        503: noCluster
      }
    }
  }), async ({ params }) => ({ port: nodes.peer(params.id).getConnectedPort() }))
}

function exists (nodes: ClusterNodes, id: number): boolean {
  try {
    nodes.peer(id)
    return true
  } catch (error) {
    if (error instanceof GodotError && error.code === 'ERR_DOES_NOT_EXIST') return false
    throw error
  }
}
