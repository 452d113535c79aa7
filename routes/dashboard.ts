import { createHash } from 'node:crypto'
import { existsSync, readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join, resolve } from 'node:path'
import fastifyStatic, { type FastifyStaticOptions } from '@fastify/static'
import type { FastifyInstance, FastifyPluginAsync, FastifyReply, FastifyRequest } from 'fastify'
import fp from 'fastify-plugin'
import { isolated } from '../http/isolated.ts'
import { ownScope } from '../http/own-scope.ts'
import type { WebSocketServer } from '../src/core/server/websocket-server.ts'
import { defaultOptions } from '../src/options/defaults.ts'
import { checkedOptions, serverNames } from '../src/options/part-options.ts'
import { packageFolder } from '../src/package-info.ts'
import { servicePaths } from '../src/service-paths.ts'
import { Type } from '../src/typebox.ts'
import { serverOf } from './server-of.ts'

const { resolve: resolveModule } = createRequire(import.meta.url)
const webFolder = join(packageFolder, 'web')

/** The folders of the dashboard by their URL below the page, and which of their files are not served. */
const folders: Readonly<Record<string, { readonly root: string, readonly globIgnore: string[] }>> = {
  '/': { root: webFolder, globIgnore: ['index.html'] },
  '/client/': { root: clientFolder(), globIgnore: ['!(*.js)'] },
  '/eventsource-parser/': { root: dirname(resolveModule('eventsource-parser')), globIgnore: ['!(index.js)'] }
}

const JAVASCRIPT = 'text/javascript; charset=utf-8'

/** Every file is a route of its own; caches ask whether it has changed. */
const staticOptions: Partial<FastifyStaticOptions> = {
  wildcard: false,
  index: false,
  cacheControl: false
}

/** Where the page expects the REST API, relative to the folder that it is in. */
const apiMeta = '<meta name="api" content="api/v1">'

/** The link of the page to the host's Swagger UI. */
const docsLink = `<a href="${servicePaths.docs.slice(1)}">API reference</a>`

/** Options of `dashboard`. */
export interface DashboardOptions {
  /** Names of the servers to show, the first initially: their options `name`; default: `peerServer`. */
  readonly servers?: readonly string[]
  /**
   * URL path of `adminRoutes` of the first server, relative to the folder of the page; those of other servers are
   * below it, at their names. Default: `api/v1`.
   */
  readonly api?: string
}

const Options = Type.Object(
  { servers: serverNames, api: Type.Optional(Type.String()) }, { additionalProperties: false }
)

/** Plugin `dashboard` of the package, which imports this file when it is registered. */
const dashboard: FastifyPluginAsync<DashboardOptions & { prefix?: string }> = async (app, given) => {
  const { servers = [defaultOptions.name], api }: DashboardOptions = checkedOptions('dashboard', Options, given)
  const { prefix = '' } = given
  const shown = servers.map(name => serverOf(app, name, 'dashboard'))
  const file = readFileSync(join(webFolder, 'index.html'), 'utf8')
  let page = api === undefined ? file : file.replace(apiMeta, apiMeta.replace('api/v1', () => escapeAttribute(api)))
  ownScope(app)
  const headersFor = securityHeaders(page)
  app.addHook('onRequest', async ({ hostname }, reply) => { reply.headers(headersFor(ownPorts(shown, hostname))) })
  // RFC 9239: application/javascript, which @fastify/static sends, is obsolete.
  app.addHook('onSend', async (_request, reply) => {
    if (String(reply.getHeader('content-type')).startsWith('application/javascript')) reply.type(JAVASCRIPT)
  })
  // Swagger UI may be registered later.
  app.addHook('onReady', async () => { if (!hasPage(app, servicePaths.docs)) page = page.replace(docsLink, '') })
  const path = servicePaths.dashboard
  for (const [url, folder] of Object.entries(folders)) {
    await app.register(fastifyStatic, {
      ...staticOptions, ...folder, prefix: path + url, decorateReply: !app.hasReplyDecorator('sendFile')
    })
  }
  app.get(`${path}/servers.json`, isolated(hidden), async () => servers)
  // The root of a scope, as its second path, with a slash, depends on the options of the host's router.
  await app.register(fp(async scope => {
    scope.get('/', isolated(hidden), async (request, reply) => {
      const [slashes] = /\/*$/.exec(request.url.split('?', 1)[0])!
      if (slashes === '') return await sendPage(request, reply, page)
      // URLs in the page are relative to /dashboard.
      return await reply.redirect(`${slashes.replaceAll('/', '../')}${path.slice(1)}`, 308)
    })
  }, { name: 'peer-server-dashboard-page', encapsulate: true }), { prefix: path })
  if (prefix.replaceAll('/', '') !== '' && !hasPage(app)) redirectToDashboard(app)
}

export default dashboard

const hidden = { schema: { hide: true } }

/** Whether the host has a page at this path of the scope; default: at its root. */
function hasPage (app: FastifyInstance, path: string = ''): boolean {
  const url = app.prefix.replace(/\/+$/, '') + path
  return [url, `${url}/`].some(url => app.hasRoute({ method: 'GET', url }))
}

/** Adds a redirect from the root of the scope to its dashboard. */
export function redirectToDashboard (app: FastifyInstance): void {
  app.get('/', isolated(hidden), async ({ url }, reply) => {
    // Relative, as proxies may add a prefix.
    const [, folder] = /([^/]*)$/.exec(url.split('?', 1)[0])!
    return await reply.redirect((folder === '' ? '.' : `./${folder}`) + servicePaths.dashboard)
  })
}

async function sendPage (request: FastifyRequest, reply: FastifyReply, page: string): Promise<FastifyReply> {
  const etag = `"${createHash('sha256').update(page).digest('base64url')}"`
  reply.header('etag', etag).type('text/html; charset=utf-8')
  return request.headers['if-none-match'] === etag ? await reply.code(304).send() : await reply.send(page)
}

function escapeAttribute (text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('"', '&quot;').replaceAll('<', '&lt;')
}

/**
 * Allows only the dashboard's own files and the import map of the page, connections to its own host and to `origins`,
 * and no frame around it.
 */
function securityHeaders (page: string): (origins: readonly string[]) => Record<string, string> {
  const [, importMap] = /<script type="importmap">(.*?)<\/script>/s.exec(page)!
  const hash = createHash('sha256').update(importMap).digest('base64')
  return origins => ({
    'content-security-policy': `default-src 'none'; script-src 'self' 'sha256-${hash}'; style-src 'self'; ` +
      `img-src 'self'; connect-src ${["'self'", ...origins].join(' ')}; base-uri 'none'; form-action 'none'; ` +
      "frame-ancestors 'none'; require-trusted-types-for 'script'",
    'x-content-type-options': 'nosniff',
    'referrer-policy': 'no-referrer',
    'cross-origin-opener-policy': 'same-origin',
    'cross-origin-resource-policy': 'same-origin',
    'cache-control': 'no-cache'
  })
}

/** A host name or an IPv4 address; others cannot be part of the policy. */
const policyHost = /^[a-z0-9.-]+$/i

/** Values of `bindIp` for all addresses of the machine. */
const anyAddress = new Set(['*', '0.0.0.0', '::'])

/** Where the test client of the page connects to servers that listen on ports of their own. */
function ownPorts (servers: readonly WebSocketServer[], hostname: string): string[] {
  return servers.filter(server => server.isListening() && server.mode === 'own')
    .map(({ bindIp, port, tls }) => {
      const host = anyAddress.has(bindIp) ? hostname : bindIp
      return { scheme: tls ? 'wss' : 'ws', host, port }
    })
    .filter(({ host }) => policyHost.test(host))
    .map(({ scheme, host, port }) => `${scheme}://${host}:${port}`)
}

/** The compiled REST client: beside this file when it is compiled, too, else in the package's build. */
function clientFolder (): string {
  const candidates = [resolve(import.meta.dirname, '../src/client'), join(packageFolder, 'dist/src/client')]
  const folder = candidates.find(folder => existsSync(join(folder, 'client.js')))
  if (folder === undefined) throw new Error(`${candidates[1]} does not exist: run \`npm run build\` first`)
  return folder
}
