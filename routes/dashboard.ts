import { createHash } from 'node:crypto'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { extname, join, resolve } from 'node:path'
import type { FastifyPluginAsync, FastifyReply, FastifyRequest } from 'fastify'

const types: Record<string, string> = {
  '.html': 'text/html; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.svg': 'image/svg+xml'
}

/** Nothing but its own files, no script or style in the page itself, no frame around it. */
const headers = {
  'content-security-policy': "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'",
  'x-content-type-options': 'nosniff',
  'referrer-policy': 'no-referrer',
  'cross-origin-opener-policy': 'same-origin',
  'cross-origin-resource-policy': 'same-origin',
  'cache-control': 'no-cache'
}

interface Page { readonly body: Buffer, readonly type: string, readonly etag: string }

/** The dashboard at /dashboard: a page that holds no data but the names of the servers, and asks the REST API for everything. */
export const dashboardRoutes: FastifyPluginAsync<{ servers: readonly string[] }> = async (app, { servers }) => {
  const folder = webFolder()
  for (const file of readdirSync(folder)) {
    const page = readPage(join(folder, file), text => text.replace('name="servers" content=""', `name="servers" content="${servers.join(' ')}"`))
    const url = file === 'index.html' ? '/dashboard' : `/dashboard/${file}`
    app.get(url, { schema: { hide: true } }, async (request, reply) => await answer(page, request, reply))
  }
  // The page names its files as a neighbour of itself.
  app.get('/dashboard/', { schema: { hide: true } }, async (_request, reply) => await reply.redirect('../dashboard', 308))
}

/** The folder is beside the source, and one level up from what is built of it. */
function webFolder (): string {
  const folders = ['../web', '../../web'].map(path => resolve(import.meta.dirname, path))
  return folders.find(existsSync) as string
}

function readPage (file: string, fill: (text: string) => string): Page {
  const body = Buffer.from(fill(readFileSync(file, 'utf8')))
  return { body, type: types[extname(file)], etag: `"${createHash('sha256').update(body).digest('base64url').slice(0, 22)}"` }
}

async function answer ({ body, type, etag }: Page, request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply> {
  reply.headers({ ...headers, etag })
  if (request.headers['if-none-match'] === etag) return await reply.code(304).send()
  return await reply.type(type).send(body)
}
