import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { isolated } from '../../http/isolated.ts'
import { addressesCountedWith } from '../../src/core/admission/address-key.ts'
import { Type, type Static } from '../../src/typebox.ts'
import type { AdminParts } from '../nodes/admin-parts.ts'
import { partial } from '../page.ts'
import { BanTerms } from '../schemas.ts'
import { badSelection, NotFound, runOnSelected, select, selectionSchema, sumOf } from './selection.ts'

const Banning = selectionSchema(BanTerms, [{ ids: [1836495123], seconds: 3600, reason: 'rude' }])

/** Ban the addresses of peers. */
export const banPeersRoute: FastifyPluginAsyncTypebox<AdminParts> = async (app, { server, nodes }) => {
  const ban = nodes.operation('ban-peers', ({ seconds, reason, ...selection }: Static<typeof Banning>) => {
    const { peers, notFound } = select(nodes, selection)
    const addresses = new Set(peers.map(peer => addressesCountedWith(peer.getConnectedHost())))
    server.banAll(addresses, { seconds, reason })
    return { peers: peers.length, banned: addresses.size, notFound }
  })
  app.post('/peers/ban', isolated({
    schema: {
      operationId: 'banPeers',
      summary: 'Ban the addresses of peers',
      description:
        'Bans the address of each selected peer, of IPv6 its network of 64 bits, as limits count them. This closes ' +
        'all peers with these addresses, also those that were not selected. Selects peers as `disconnectPeers` does.',
      tags: ['bans'],
      body: Banning,
      response: {
        200: Type.Object({
          peers: Type.Integer({ minimum: 0, description: 'Peers that were selected', examples: [3] }),
          banned: Type.Integer({
            minimum: 0,
            description: 'Addresses or networks that are banned; in a cluster each counts once per node with peers ' +
              'from it',
            examples: [2]
          }),
          notFound: NotFound,
          ...partial
        }, { description: 'They are banned' }),
        400: badSelection
      }
    }
  }), async ({ body }) => {
    const { results, ...rest } = await runOnSelected(nodes, ban, body)
    return {
      peers: sumOf(results, 'peers'), banned: sumOf(results, 'banned'), ...await nodes.shared(), ...rest
    }
  })
}
