import swagger from '@fastify/swagger'
import swaggerUi from '@fastify/swagger-ui'
import type { FastifyInstance, FastifyReply } from 'fastify'
import fp from 'fastify-plugin'
import { roles } from '../src/named-token.ts'
import { license, version } from '../src/package-info.ts'
import { servicePaths } from '../src/service-paths.ts'

/** Name of the security scheme in the document. */
export const tokenScheme = 'adminToken'

const description = `Administration of Godot's WebSocketServer over HTTP.

Names are Godot's in camelCase; error numbers and close codes are Godot's too. An error is \`application/problem+json\`
(RFC 9457) with a stable \`code\`; where Godot has an Error for it \`code\` is its name and \`godotError\` its number.

A token has a role: ${Object.entries(roles).map(([role, what]) => `\`${role}\` (${what})`).join(', ')}. Every
operation says which it requires.`

const tags = [
  { name: 'server', description: 'State of the server; listening and stopping' },
  { name: 'nodes', description: 'Nodes of a cluster' },
  { name: 'rooms', description: 'Worlds of the server: open, change and close rooms' },
  { name: 'peers', description: 'List and disconnect peers' },
  { name: 'packets', description: 'Packets from the server to its peers' },
  { name: 'bans', description: 'Addresses that may not connect' },
  { name: 'events', description: 'Live events' },
  { name: 'lobby', description: 'For players, without a token: find a room, or open one' },
  { name: 'socket', description: 'The WebSocket endpoint' },
  { name: 'health', description: 'For process managers, load balancers and monitoring' }
]

const aboutToken = 'ADMIN_TOKEN or one of ADMIN_TOKENS; its role must allow what the operation requires'

// Swagger UI loads only its own files, and sets inline styles. (The default policy of @fastify/swagger-ui makes
// browsers use https, which a service on a plain port does not have.)
const contentSecurityPolicy =
  "default-src 'self'; style-src-attr 'unsafe-inline'; img-src 'self' data:; object-src 'none'; base-uri 'none'; " +
  "frame-ancestors 'none'"

/** The root of the service, relative to /openapi.json and to the documents of Swagger UI: proxies may add a prefix. */
const ROOT = '.'
const ROOT_OF_UI = '..'

/**
 * Adds `app.swagger()`, the OpenAPI document at /openapi.json and Swagger UI at /docs. Register it before the routes.
 * `servers`: names of additional servers, which have tags of their own. The documents are serialised once, into bytes
 * that all responses share.
 */
export default fp<{ servers?: readonly string[] }>(async (app, { servers = [] }) => {
  const tagsOfMore = servers.flatMap(server => tags.filter(({ name }) => name !== 'health' && name !== 'socket')
    .map(({ name, description }) => ({ name: `${server}: ${name}`, description: `${description} (server ${server})` })))
  const documents = new Map<string, Buffer>()
  const sendDocument = async (reply: FastifyReply, url: keyof typeof formats): Promise<FastifyReply> => {
    const { type, write } = formats[url]
    const bytes = documents.get(url) ?? Buffer.from(write(app))
    documents.set(url, bytes)
    return await reply.type(type).send(bytes)
  }
  await app.register(swagger, {
    openapi: {
      openapi: '3.1.0',
      info: { title: 'Peer server', version, description, license: { name: license, identifier: license } },
      servers: serversAt(ROOT),
      tags: [...tags, ...tagsOfMore],
      // Routes that need a token say so themselves.
      security: [],
      components: {
        securitySchemes: {
          [tokenScheme]: { type: 'http', scheme: 'bearer', description: aboutToken }
        }
      }
    },
    // It would read relative servers as whole URLs.
    stripBasePath: false,
    refResolver: { buildLocalReference: ({ $id }) => String($id) }
  })
  await app.register(swaggerUi, {
    routePrefix: servicePaths.docs,
    staticCSP: contentSecurityPolicy,
    uiConfig: { layout: 'BaseLayout', displayRequestDuration: true, validatorUrl: null },
    uiHooks: {
      preHandler: async (request, reply) => {
        const { routeOptions: { url } } = request
        // Its own handlers would serialise the document for every request.
        if (url === JSON_OF_UI || url === YAML_OF_UI) return await sendDocument(reply, url)
        const place = moved(url, request.url)
        if (place !== undefined) return await reply.redirect(place, 308)
      }
    }
  })
  const { openapi } = servicePaths
  app.get(openapi, { schema: { hide: true } }, async (_request, reply) => await sendDocument(reply, openapi))
}, { name: 'peer-server-openapi', fastify: '^5.3.0' })

const JSON_OF_UI = `${servicePaths.docs}/json` as const
const YAML_OF_UI = `${servicePaths.docs}/yaml` as const
const json = 'application/json; charset=utf-8'

/** The documents by their paths. */
const formats = {
  [servicePaths.openapi]: { type: json, write: (app: FastifyInstance) => asJson(app, ROOT) },
  [JSON_OF_UI]: { type: json, write: (app: FastifyInstance) => asJson(app, ROOT_OF_UI) },
  [YAML_OF_UI]: { type: 'application/yaml; charset=utf-8', write: asYaml }
}

function asJson (app: FastifyInstance, root: string): string {
  return JSON.stringify({ ...app.swagger(), servers: serversAt(root) })
}

function asYaml (app: FastifyInstance): string {
  return app.swagger({ yaml: true }).replace(/^(servers:\n +- url: ).*$/m, `$1${ROOT_OF_UI}`)
}

function serversAt (url: string): Array<{ url: string, description: string }> {
  return [{ url, description: 'This service' }]
}

/** Where the page of Swagger UI is, relative to a path where it would name itself and its files without a prefix. */
function moved (route: string | undefined, url: string): string | undefined {
  if (route === `${servicePaths.docs}/static/index.html`) return '../'
  if (route !== servicePaths.docs && route !== `${servicePaths.docs}/`) return undefined
  const [path] = url.split('?', 1)
  if (!path.endsWith('/')) return `${servicePaths.docs.slice(1)}/`
  return url.endsWith('/') ? undefined : './'
}
