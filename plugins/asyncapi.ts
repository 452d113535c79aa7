import type { FastifyRequest } from 'fastify'
import fp from 'fastify-plugin'
import type { WebSocketServer } from '../src/core/server/websocket-server.ts'
import { describeLocations, describeSockets } from '../http/document/asyncapi-document.ts'
import type { Location, NamedServer } from '../http/document/asyncapi-document.ts'
import { forwardedPrefix } from '../http/forwarded-prefix.ts'

/**
 * Adds the AsyncAPI document of the servers with these names at /asyncapi.json. It describes them as they are now, and
 * is serialised again only when one of them has changed.
 */
export default fp<{ servers: readonly string[] }>(async (app, { servers: names }) => {
  const servers = names.map(name => ({ name, server: app.getDecorator<WebSocketServer>(name) }))
  let state: string | undefined
  let text = ''
  const currentText = (): string => {
    const now = JSON.stringify(servers.map(({ server }) => [server.options, server.mode]))
    if (now !== state) text = JSON.stringify(describeSockets(servers))
    state = now
    return text
  }
  app.get('/asyncapi.json', { schema: { hide: true } }, async (request, reply) => {
    // Only this member depends on the request.
    const locations = JSON.stringify(describeLocations(servers.map(one => locate(one, request))))
    return await reply.type('application/json; charset=utf-8').send(`{"servers":${locations},${currentText().slice(1)}`)
  })
}, { name: 'peer-server-asyncapi', fastify: '^5.3.0' })

function locate ({ name, server: { mode, port, tls } }: NamedServer, request: FastifyRequest): Location {
  const { host, hostname, protocol } = request
  if (mode === 'mounted') return { name, host, prefix: forwardedPrefix(request), isTls: protocol === 'https' }
  return { name, host: `${hostname}:${port}`, prefix: '', isTls: tls }
}
