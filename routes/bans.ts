import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { isolated } from '../http/isolated.ts'
import { problem } from '../http/problem.ts'
import { ref } from '../http/document/shared-schema.ts'
import { describeBan } from '../src/admin/describe-ban.ts'
import { GodotError } from '../src/error.ts'
import { Type } from '../src/typebox.ts'
import type { AdminParts } from './nodes/admin-parts.ts'
import { Meta, partial } from './page.ts'
import { addressRange, badRequest, BanTerms, invalidRange } from './schemas.ts'

const tags = ['bans']

const Range = addressRange('An IP address, or a range such as `192.0.2.0/24`')

/** A ban. */
export const BanEntry = Type.Object({
  address: Type.String({ description: 'The address or range, in canonical form', examples: ['192.0.2.0/24'] }),
  reason: Type.String({ description: 'Reason sent to its clients', examples: ['rude'] }),
  since: Type.String({
    format: 'date-time',
    description: 'When it was created',
    examples: ['2025-01-31T12:00:00.000Z']
  }),
  until: Type.Union([Type.String({ format: 'date-time' }), Type.Null()], {
    description: 'When the ban expires; null: never',
    examples: ['2025-01-31T13:00:00.000Z']
  }),
  ...partial
}, { $id: 'PeerServer.Ban', description: 'An address or range whose clients may not connect' })

/** Addresses that may not connect. */
export const banRoutes: FastifyPluginAsyncTypebox<AdminParts> = async (app, { server, nodes }) => {
  app.get('/bans', isolated({
    schema: {
      operationId: 'bans',
      summary: 'List the bans',
      description: 'Current bans, oldest first.',
      tags,
      response: { 200: Type.Object({ items: Type.Array(ref(BanEntry)), meta: Meta }, { description: 'The bans' }) }
    }
  }), async () => {
    const items = server.bans().map(describeBan)
    return { items, meta: { count: items.length } }
  })

  app.post('/bans', isolated({
    schema: {
      operationId: 'ban',
      summary: 'Ban an address or a range',
      description:
        'New handshakes from it are refused with 403, and its peers are closed with 1008. A ban of the same range is ' +
        'replaced.',
      tags,
      body: Type.Object({
        address: Range,
        ...BanTerms
      }, { additionalProperties: false, examples: [{ address: '192.0.2.0/24', seconds: 3600, reason: 'rude' }] }),
      response: {
        201: ref(BanEntry),
        400: badRequest('Invalid body', '/body/address', invalidRange)
      }
    }
  }), async ({ body: { address, ...terms } }, reply) => {
    const ban = describeBan(server.ban(address, terms))
    return await reply.code(201).send({ ...ban, ...await nodes.shared() })
  })

  app.delete('/bans/:address', isolated({
    schema: {
      operationId: 'unban',
      summary: 'Lift a ban',
      description: 'Its clients may connect again. The range must be one that is banned, not a part of it.',
      tags,
      params: Type.Object({ address: Range }),
      response: {
        200: Type.Object(partial, { description: 'The ban was lifted, but some nodes may not know yet' }),
        204: { type: 'null', description: 'The ban was lifted' },
        400: badRequest('Not an address or range', '/params/address', invalidRange),
        404: problem('No such ban', new GodotError('ERR_DOES_NOT_EXIST', 'address 192.0.2.0/24 is not banned'))
      }
    }
  }), async ({ params }, reply) => {
    server.unban(params.address)
    const missing = await nodes.shared()
    return await (missing.partial ? reply.code(200).send(missing) : reply.code(204).send(null))
  })
}
