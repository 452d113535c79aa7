import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { isolated } from '../http/isolated.ts'
import type { EventFeed } from '../src/admin/event-feed.ts'
import { HISTORY_SECONDS, sumOfSamples } from '../src/admin/traffic-history.ts'
import { Type } from '../src/typebox.ts'
import type { AdminParts } from './nodes/admin-parts.ts'
import { partial, scope } from './page.ts'
import { badRequest } from './schemas.ts'

const samples = (description: string, examples: number[]) =>
  Type.Array(Type.Number({ minimum: 0 }), { maxItems: HISTORY_SECONDS, description, examples: [examples] })

/** Traffic of the last ten minutes. */
export const historyRoutes: FastifyPluginAsyncTypebox<AdminParts & { feed: EventFeed }> = async (app, parts) => {
  const { nodes, feed } = parts
  const read = nodes.operation('history', () => feed.trafficHistory)
  app.get('/server/history', isolated({
    schema: {
      operationId: 'getHistory',
      summary: 'Get the traffic of the last ten minutes',
      description:
        'One number for each second, the latest last; in a cluster the sum over all nodes. Empty if no events are ' +
        'kept (option `eventHistory`).',
      tags: ['server'],
      querystring: Type.Object({ scope }, { additionalProperties: false }),
      response: {
        200: Type.Object({
          interval: Type.Literal(1, { description: 'Seconds from one sample to the next' }),
          at: Type.String({
            format: 'date-time',
            description: 'When the latest sample was taken',
            examples: ['2025-01-31T12:00:00.000Z']
          }),
          peers: samples('Open peers', [7, 7, 8]),
          packetsIn: samples('Packets received per second', [70, 71.5, 80]),
          packetsOut: samples('Packets sent per second', [490, 500.5, 560]),
          bytesIn: samples('Payload bytes received per second', [2100, 2145, 2400]),
          bytesOut: samples('Payload bytes sent per second', [14700, 15015, 16800]),
          ...partial
        }, { description: 'The samples' }),
        400: badRequest('Invalid parameter', '/query/scope', 'must be one of local, cluster')
      }
    }
  }), async ({ query: { scope } }) => {
    const { results, missing } = await read.everywhere({}, scope)
    const { at, ...columns } = sumOfSamples(results)
    return { interval: 1 as const, at: new Date(at).toISOString(), ...columns, ...missing }
  })
}
