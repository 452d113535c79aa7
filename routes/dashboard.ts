import { createHash } from 'node:crypto'
import { existsSync, readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join, resolve } from 'node:path'
import fastifyStatic, { type FastifyStaticOptions } from '@fastify/static'
import type { FastifyPluginAsync } from 'fastify'

const { resolve: resolveModule } = createRequire(import.meta.url)
const packageFolder = dirname(resolveModule('fastify-peer-server/package.json'))
const webFolder = join(packageFolder, 'web')

/** The folders of the dashboard by URL, and which of their files are not served. */
const folders: Readonly<Record<string, { readonly root: string, readonly globIgnore: string[] }>> = {
  '/dashboard/': { root: webFolder, globIgnore: ['index.html'] },
  '/dashboard/client/': { root: clientFolder(), globIgnore: ['!(*.js)'] },
  '/dashboard/eventsource-parser/': { root: dirname(resolveModule('eventsource-parser')), globIgnore: ['!(index.js)'] }
}

const JAVASCRIPT = 'text/javascript; charset=utf-8'

/** Every file is a route of its own; caches ask whether it has changed. */
const staticOptions: Partial<FastifyStaticOptions> = {
  wildcard: false,
  index: false,
  cacheControl: false
}

/**
 * The dashboard at /dashboard: static files that use the REST API, and the names of the servers. They contain no other
 * data, so they need no token.
 */
export const dashboardRoutes: FastifyPluginAsync<{ servers: readonly string[] }> = async (app, { servers }) => {
  const headers = securityHeaders(readFileSync(join(webFolder, 'index.html'), 'utf8'))
  app.addHook('onRequest', async (_request, reply) => { reply.headers(headers) })
  // RFC 9239: application/javascript, which @fastify/static sends, is obsolete.
  app.addHook('onSend', async (_request, reply) => {
    if (String(reply.getHeader('content-type')).startsWith('application/javascript')) reply.type(JAVASCRIPT)
  })
  for (const [prefix, folder] of Object.entries(folders)) {
    await app.register(fastifyStatic, {
      ...staticOptions, ...folder, prefix, decorateReply: !app.hasReplyDecorator('sendFile')
    })
  }
  const hidden = { schema: { hide: true } }
  app.get('/dashboard', hidden, (_request, reply) => reply.sendFile('index.html', webFolder, { cacheControl: false }))
  app.get('/dashboard/servers.json', hidden, async () => servers)
  // URLs in the page are relative to /dashboard.
  app.get('/dashboard/', hidden, async (_request, reply) => await reply.redirect('../dashboard', 308))
}

/** Allows only the dashboard's own files and the import map of the page, and no frame around it. */
function securityHeaders (page: string): Record<string, string> {
  const [, importMap] = /<script type="importmap">(.*?)<\/script>/s.exec(page)!
  const hash = createHash('sha256').update(importMap).digest('base64')
  return {
    'content-security-policy': `default-src 'none'; script-src 'self' 'sha256-${hash}'; style-src 'self'; ` +
      "img-src 'self'; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; " +
      "require-trusted-types-for 'script'",
    'x-content-type-options': 'nosniff',
    'referrer-policy': 'no-referrer',
    'cross-origin-opener-policy': 'same-origin',
    'cross-origin-resource-policy': 'same-origin',
    'cache-control': 'no-cache'
  }
}

/** The compiled REST client: beside this file when it is compiled, too, else in the package's build. */
function clientFolder (): string {
  const candidates = [resolve(import.meta.dirname, '../src/client'), join(packageFolder, 'dist/src/client')]
  const folder = candidates.find(folder => existsSync(join(folder, 'client.js')))
  if (folder === undefined) throw new Error(`${candidates[1]} does not exist: run \`npm run build\` first`)
  return folder
}
