import type { FastifyPluginAsync, FastifyRequest } from 'fastify'
import { describedState, describeLocations, describeSockets } from '../http/document/asyncapi-document.ts'
import type { Location } from '../http/document/asyncapi-document.ts'
import type { NamedServer } from '../src/core/server/websocket-server.ts'
import { forwardedPrefix } from '../http/forwarded-prefix.ts'
import { isolated } from '../http/isolated.ts'
import { ownScope } from '../http/own-scope.ts'
import { defaultOptions } from '../src/options/defaults.ts'
import { checkedOptions, serverNames } from '../src/options/part-options.ts'
import { servicePaths } from '../src/service-paths.ts'
import { Type } from '../src/typebox.ts'
import { serverOf } from './server-of.ts'

/** Options of `asyncapi`. */
export interface AsyncapiOptions {
  /** Names of the servers to describe: their options `name`; default: `peerServer`. */
  readonly servers?: readonly string[]
}

const Options = Type.Object({ servers: serverNames }, { additionalProperties: false })

/** Plugin `asyncapi` of the package, which imports this file when it is registered. */
const asyncapi: FastifyPluginAsync<AsyncapiOptions> = async (app, given) => {
  const { servers: names = [defaultOptions.name] }: AsyncapiOptions = checkedOptions('asyncapi', Options, given)
  const servers = names.map(name => ({ name, server: serverOf(app, name, 'asyncapi') }))
  ownScope(app)
  let state: string | undefined
  let text = ''
  const currentText = (): string => {
    const now = JSON.stringify(servers.map(describedState))
    if (now !== state) text = JSON.stringify(describeSockets(servers))
    state = now
    return text
  }
  app.get(servicePaths.asyncapi, isolated({ schema: { hide: true } }), async (request, reply) => {
    // Only this member depends on the request.
    const locations = JSON.stringify(describeLocations(servers.map(one => locate(one, request))))
    return await reply.type('application/json; charset=utf-8').send(`{"servers":${locations},${currentText().slice(1)}`)
  })
}

export default asyncapi

function locate ({ name, server: { mode, port, tls } }: NamedServer, request: FastifyRequest): Location {
  const { host, hostname, protocol } = request
  if (mode === 'mounted') return { name, host, prefix: forwardedPrefix(request), isTls: protocol === 'https' }
  return { name, host: `${hostname}:${port}`, prefix: '', isTls: tls }
}
