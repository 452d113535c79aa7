import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { isolated } from '../../http/isolated.ts'
import { problem } from '../../http/problem.ts'
import { ref } from '../../http/document/shared-schema.ts'
import { internalsOf } from '../../src/core/server/internals.ts'
import { GodotError } from '../../src/error.ts'
import type { ClusterNode } from '../../src/cluster/membership/membership-host.ts'
import { namePattern, patternRule } from '../../src/options/patterns.ts'
import { Type, type Static } from '../../src/typebox.ts'
import { partial } from '../page.ts'
import { badRequest, CloseReason, count, noAnswer, PeerCounts } from '../schemas.ts'
import type { AdminParts } from './admin-parts.ts'
import type { ClusterNodes, NodeOperation } from './cluster-nodes.ts'

const tags = ['nodes']

const NodeId = Type.String({ pattern: namePattern, description: 'Id of the node' })
const params = Type.Object({ node: NodeId })

/** A node of the cluster. */
export const NodeEntry = Type.Object({
  id: Type.String({ description: 'Id of the node', examples: ['game-1'] }),
  slot: Type.Integer({
    minimum: 0,
    maximum: 1023,
    description: 'The upper 10 bits of the ids of its peers; 0 while it is not in the cluster',
    examples: [7]
  }),
  state: Type.Enum(['ready', 'draining', 'joining', 'unreachable'], {
    type: 'string',
    description: 'joining: it is not in the cluster yet, or no longer; unreachable: it did not respond within 2 s'
  }),
  since: Type.String({
    format: 'date-time',
    description: 'When it joined the cluster, or this node began to listen',
    examples: ['2025-01-31T12:00:00.000Z']
  }),
  peers: Type.Optional(PeerCounts),
  rooms: Type.Optional(count('Number of rooms that have their home there'))
}, { $id: 'PeerServer.Node', description: 'The node; `peers` and `rooms` are missing if it is unreachable' })

type NodeEntry = Static<typeof NodeEntry>

const noNode = problem('No such node', new GodotError('ERR_DOES_NOT_EXIST', 'node game-7 does not exist'))
const badNode = badRequest('Invalid node id', '/params/node', patternRule(namePattern))

type Routes = FastifyPluginAsyncTypebox<AdminParts & { describe: NodeOperation<object, NodeEntry> }>

/** The nodes of the cluster. */
export const nodeRoutes: FastifyPluginAsyncTypebox<AdminParts> = async (app, parts) => {
  const describe = parts.nodes.operation('node', () => describeHere(parts.nodes))
  for (const routes of [readRoutes, drainRoute]) await routes(app, { ...parts, describe })
}

const readRoutes: Routes = async (app, { nodes, describe }) => {
  app.get('/nodes', isolated({
    schema: {
      operationId: 'listNodes',
      summary: 'List the nodes of the cluster',
      description: 'Sorted by slot; empty without option `cluster`.',
      tags,
      response: { 200: Type.Object({ items: Type.Array(ref(NodeEntry)), ...partial }, { description: 'The nodes' }) }
    }
  }), async () => {
    if (nodes.link === undefined) return { items: [] }
    const { results, missing } = await describe.everywhere({})
    const unreachable = nodes.others().filter(({ id }) => missing.unreachable?.includes(id))
    return { items: [...results, ...unreachable.map(describeMissing)].sort((a, b) => a.slot - b.slot), ...missing }
  })

  app.get('/nodes/:node', isolated({
    schema: {
      operationId: 'getNode',
      summary: 'Get a node of the cluster',
      description: 'Its slot, its state, and how many peers and rooms it has.',
      tags,
      params,
      response: { 200: ref(NodeEntry), 400: badNode, 404: noNode }
    }
  }), async ({ params: { node } }) => {
    const found = nodes.find(node)
    try {
      return await describe.at(found?.slot, {})
    } catch (error) {
      if (found === undefined || !isUnreachable(error)) throw error
      return describeMissing(found)
    }
  })
}

const drainRoute: Routes = async (app, { nodes }) => {
  const drain = nodes.operation('drain', ({ reason = '' }: { reason?: string | undefined }) => {
    const { open, closing } = nodes.server.countPeers()
    nodes.link!.drain(reason).catch((err: unknown) => { nodes.log.error({ err }, 'node not drained') })
    return open + closing
  })
  app.post('/nodes/:node/drain', isolated({
    config: { role: 'admin' },
    schema: {
      operationId: 'drainNode',
      summary: 'Drain a node of the cluster',
      description:
        'The node accepts no clients from now on, its `/readyz` responds with 503, and its peers are closed with ' +
        '1001. It stays so until it is restarted, or stops and listens again.',
      tags,
      params,
      body: Type.Object({
        reason: Type.Optional(CloseReason)
      }, { additionalProperties: false, examples: [{ reason: 'maintenance' }] }),
      response: {
        202: Type.Object({
          state: Type.Literal('draining'),
          peers: Type.Integer({ minimum: 0, description: 'Peers that are being closed', examples: [4] })
        }, { description: 'The node is draining' }),
        400: badRequest('Invalid node id or body', '/body/reason', 'must be string'),
        404: noNode,
        503: noAnswer
      }
    }
  }), async ({ params: { node }, body: { reason } }, reply) => {
    const peers = await drain.at(nodes.find(node)?.slot, { reason })
    return await reply.code(202).send({ state: 'draining', peers })
  })
}

/** This node. */
function describeHere (nodes: ClusterNodes): NodeEntry {
  const { server } = nodes
  const { api: { nodeId: id, slot, isReady }, isDraining } = nodes.link!
  return {
    id,
    slot,
    state: !isReady ? 'joining' : isDraining ? 'draining' : 'ready',
    since: new Date(Date.now() - server.uptime * 1000).toISOString(),
    peers: server.countPeers(),
    rooms: internalsOf(server).rooms.homeCount
  }
}

function describeMissing ({ id, slot, startedAt }: ClusterNode): NodeEntry {
  return { id, slot, state: 'unreachable', since: new Date(startedAt).toISOString() }
}

function isUnreachable (error: unknown): boolean {
  return error instanceof GodotError && error.code === 'cluster-unavailable'
}
