import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { isolated } from '../../http/isolated.ts'
import { mayWait } from '../../http/may-wait.ts'
import type { PeerEnd } from '../../src/core/peer/peer-end.ts'
import { within } from '../../src/core/within.ts'
import { Type, type Static } from '../../src/typebox.ts'
import type { AdminParts } from '../nodes/admin-parts.ts'
import { partial } from '../page.ts'
import { badRequest, CloseCode, CloseReason, noAnswer, noPeer, PeerId } from '../schemas.ts'
import { badSelection, NotFound, runOnSelected, select, selectionSchema, sumOf } from './selection.ts'

const tags = ['peers']

type Routes = FastifyPluginAsyncTypebox<AdminParts>

/** Disconnect peers. */
export const disconnectRoutes: Routes = async (app, options) => {
  for (const routes of [disconnectPeer, disconnectPeers]) await routes(app, options)
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
        'keeps its first close code. Also closes an authenticating client of this node.',
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
    const peer = await nodes.disconnectPeer(params.id, code, reason)
    const end = wait === undefined ? undefined : await within(wait * 1000, peer.ended())
    return end === undefined ? await reply.code(202).send({ state: 'closing' }) : describeEnd(end)
  })
}

function describeEnd ({ outcome, code, seconds }: PeerEnd): Static<typeof Ended> {
  return { outcome, code, seconds }
}

const Closing = selectionSchema({
  code: Type.Optional(CloseCode),
  reason: Type.Optional(CloseReason)
}, [{ filter: { protocol: 'chat' }, excluded: [1836495123], code: 4001, reason: 'maintenance' }])

const disconnectPeers: Routes = async (app, { nodes }) => {
  const close = nodes.operation('disconnect', ({ code, reason, ...selection }: Static<typeof Closing>) => {
    const { peers, notFound } = select(nodes, selection)
    for (const peer of peers) peer.close(code, reason)
    return { requested: peers.length, notFound }
  })
  app.post('/peers/disconnect', isolated({
    schema: {
      operationId: 'disconnectPeers',
      summary: 'Disconnect many peers',
      description:
        'Selects the peers by exactly one of `ids`, `filter` and `all`, so that nobody disconnects all peers by ' +
        'mistake.',
      tags,
      body: Closing,
      response: {
        200: Type.Object({
          requested: Type.Integer({ minimum: 0, description: 'Peers that are closing now', examples: [2] }),
          notFound: NotFound,
          ...partial
        }, { description: 'They are closing' }),
        400: badSelection
      }
    }
  }), async ({ body }) => {
    const { results, ...rest } = await runOnSelected(nodes, close, body)
    return { requested: sumOf(results, 'requested'), ...rest }
  })
}
