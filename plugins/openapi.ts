import { createRequire } from 'node:module'
import swagger from '@fastify/swagger'
import swaggerUi from '@fastify/swagger-ui'
import type { FastifyReply } from 'fastify'
import fp from 'fastify-plugin'

/** Name of the security scheme in the document. */
export const tokenScheme = 'adminToken'

const {
  version, license
} = createRequire(import.meta.url)('fastify-peer-server/package.json') as { version: string, license: string }

const description = `Administration of Godot's WebSocketServer over HTTP.

Names are Godot's in camelCase; error numbers and close codes are Godot's too. An error is \`application/problem+json\`
(RFC 9457) with a stable \`code\`; where Godot has an Error for it \`code\` is its name and \`godotError\` its number.`

const tags = [
  { name: 'server', description: 'State of the server; listening and stopping' },
  { name: 'peers', description: 'List and disconnect peers' },
  { name: 'packets', description: 'Packets from the server to its peers' },
  { name: 'bans', description: 'Addresses that may not connect' },
  { name: 'events', description: 'Live events' },
  { name: 'lobby', description: 'For players, without a token: find a room, or open one' },
  { name: 'socket', description: 'The WebSocket endpoint' },
  { name: 'health', description: 'For process managers, load balancers and monitoring' }
]

// Swagger UI loads only its own files, and sets inline styles. (The default policy of @fastify/swagger-ui makes
// browsers use https, which a service on a plain port does not have.)
const contentSecurityPolicy =
  "default-src 'self'; style-src-attr 'unsafe-inline'; img-src 'self' data:; object-src 'none'; base-uri 'none'; " +
  "frame-ancestors 'none'"

/**
 * Adds `app.swagger()`, the OpenAPI document at /openapi.json and Swagger UI at /docs. To be registered before the
 * routes. The document is serialised once, into bytes that all responses share.
 */
export default fp(async app => {
  let bytes: Buffer | undefined
  const sendDocument = async (reply: FastifyReply): Promise<FastifyReply> => {
    bytes ??= Buffer.from(JSON.stringify(app.swagger()))
    return await reply.type('application/json; charset=utf-8').send(bytes)
  }
  await app.register(swagger, {
    openapi: {
      openapi: '3.1.0',
      info: { title: 'Peer server', version, description, license: { name: license, identifier: license } },
      tags,
      components: {
        securitySchemes: {
          [tokenScheme]: { type: 'http', scheme: 'bearer', description: 'The ADMIN_TOKEN of the service' }
        }
      }
    },
    refResolver: { buildLocalReference: ({ $id }) => String($id) }
  })
  await app.register(swaggerUi, {
    routePrefix: '/docs',
    staticCSP: contentSecurityPolicy,
    uiConfig: { layout: 'BaseLayout', displayRequestDuration: true, tryItOutEnabled: true, validatorUrl: null },
    // Its own handler would serialise the document for every request.
    uiHooks: {
      preHandler: async ({ routeOptions }, reply) => {
        if (routeOptions.url === '/docs/json') return await sendDocument(reply)
      }
    }
  })
  app.get('/openapi.json', { schema: { hide: true } }, async (_request, reply) => await sendDocument(reply))
}, { name: 'peer-server-openapi', fastify: '^5.3.0' })
