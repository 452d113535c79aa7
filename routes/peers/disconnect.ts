import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import Type, { type Static } from 'typebox'
import { isolated } from '../../http/isolated.ts'
import { mayWait } from '../../http/may-wait.ts'
import type { PeerEnd } from '../../src/core/peer/peer-end.ts'
import type { WebSocketPeer } from '../../src/core/peer/websocket-peer.ts'
import type { AdminParts } from '../nodes/admin-parts.ts'
import type { ClusterNodes } from '../nodes/cluster-nodes.ts'
import { partial } from '../page.ts'
import { BodyFilter, filtered } from './peer-filter.ts'
import { badRequest, CloseCode, CloseReason, noAnswer, noPeer, PeerId } from '../schemas.ts'

const tags = ['peers']

type Routes = FastifyPluginAsyncTypebox<AdminParts>

/** Disconnect peers. */
export const disconnectRoutes: Routes = async (app, options) => {
  for (const routes of [disconnectPeer, disconnectPeers]) await app.register(routes, options)
}

const Ended = Type.Object({
  outcome: Type.Enum(['clean', 'timeout', 'reset'], {
    type: 'string',
    description: 'clean: the client answered; timeout: it did not answer in time; reset: the connection broke'
  }),
  code: Type.Integer({ description: 'The close code', examples: [4001] }),
  seconds: Type.Number({ minimum: 0, description: 'From the close frame to the disconnect', examples: [0.012] })
}, { description: 'The peer disconnected within the wait' })

const disconnectPeer: Routes = async (app, { nodes }) => {
  app.delete('/peers/:id', isolated({
    ...mayWait(app),
    schema: {
      operationId: 'disconnectPeer',
      summary: 'Disconnect a peer',
      description:
        'Sends a close frame. The peer exists until it has answered or `closeTimeout` has passed. A closing peer ' +
        'keeps its first close code.',
      tags,
      params: Type.Object({ id: PeerId }),
      querystring: Type.Object({
        code: Type.Optional(CloseCode),
        reason: Type.Optional(CloseReason),
        wait: Type.Optional(Type.Number({
          minimum: 0,
          maximum: 10,
          description: 'Seconds to wait for the disconnect; without it the response comes immediately'
        }))
      }, { additionalProperties: false }),
      response: {
        200: Ended,
        202: Type.Object({ state: Type.Literal('closing') }, { description: 'The peer is closing' }),
        400: badRequest('Invalid parameter', '/query/code', 'must be integer'),
        404: noPeer,
        503: noAnswer
      }
    }
  }), async ({ params, query: { code, reason, wait } }, reply) => {
    const peer = nodes.peer(params.id)
    if (nodes.slotOf(params.id) === undefined) peer.close(code, reason)
    else await nodes.link!.api.disconnectPeer(params.id, code, reason)
    const end = wait === undefined ? undefined : await endWithin(peer, wait)
    return end === undefined ? await reply.code(202).send({ state: 'closing' }) : describeEnd(end)
  })
}

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

const Selection = Type.Refine(Type.Object({
  ids: Type.Optional(Type.Array(PeerId, { minItems: 1, maxItems: 10000, description: 'Just these' })),
  filter: Type.Optional(Type.Object(BodyFilter, {
    minProperties: 1,
    additionalProperties: false,
    description: 'Those that fit'
  })),
  all: Type.Optional(Type.Literal(true, { description: 'All of them' })),
  excluded: Type.Optional(Type.Array(PeerId, { maxItems: 10000, description: 'But not these' })),
  code: Type.Optional(CloseCode),
  reason: Type.Optional(CloseReason)
}, {
  additionalProperties: false,
  examples: [{ filter: { protocol: 'chat' }, excluded: [1836495123], code: 4001, reason: 'maintenance' }]
}), namesOnce, () => 'must have exactly one of ids, filter and all')

function namesOnce ({ ids, filter, all }: { ids?: unknown, filter?: unknown, all?: unknown }): boolean {
  return [ids, filter, all].filter(way => way !== undefined).length === 1
}

const disconnectPeers: Routes = async (app, { nodes }) => {
  const close = nodes.operation('disconnect', ({ code, reason, ...selection }: Closing) => {
    const { peers, notFound } = select(nodes, selection)
    for (const peer of peers) peer.close(code, reason)
    return { requested: peers.length, notFound }
  })
  app.post('/peers/disconnect', isolated({
    schema: {
      operationId: 'disconnectPeers',
      summary: 'Disconnect many peers',
      description:
        'Names the peers by exactly one of `ids`, `filter` and `all`, so that nobody disconnects everyone by mistake.',
      tags,
      body: Selection,
      response: {
        200: Type.Object({
          requested: Type.Integer({ minimum: 0, description: 'Peers that are closing now', examples: [2] }),
          notFound: Type.Array(PeerId, { description: 'The `ids` that are no peers', examples: [[]] }),
          ...partial
        }, { description: 'They are closing' }),
        400: badRequest('The body is wrong, or names nobody', '/body', 'must have exactly one of ids, filter and all')
      }
    }
  }), async ({ body: { ids, excluded, ...rest } }) => {
    const { results, partial } = await close.each(slot => {
      const spared = excluded === undefined ? {} : { excluded: nodes.idsOf(slot, excluded) }
      if (ids === undefined) return { ...rest, ...spared }
      const wanted = nodes.idsOf(slot, ids)
      return wanted.length === 0 ? undefined : { ...rest, ...spared, ids: wanted }
    })
    return {
      requested: results.reduce((sum, { requested }) => sum + requested, 0),
      notFound: [...results.flatMap(({ notFound }) => notFound), ...nodes.unknownOf(ids ?? [], excluded ?? [])],
      ...partial
    }
  })
}

type Closing = Static<typeof Selection>

/** The selected peers of this node, and the ids of none. */
function select (
  nodes: ClusterNodes, { ids, filter, excluded }: Closing
): { peers: WebSocketPeer[], notFound: number[] } {
  const spared = new Set(excluded)
  if (ids === undefined) {
    return {
      peers: [...filtered(nodes.server, filter ?? {})].filter(peer => !spared.has(peer.id)),
      notFound: []
    }
  }
  const wanted = [...new Set(ids)].filter(id => !spared.has(id))
  const peers = wanted.map(id => nodes.findLocal(id))
  return {
    peers: peers.filter(peer => peer !== undefined),
    notFound: wanted.filter((_id, at) => peers[at] === undefined)
  }
}
