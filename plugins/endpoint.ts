import type { IncomingMessage } from 'node:http'
import type { FastifyInstance, FastifyReply, FastifyRequest, RouteShorthandOptions } from 'fastify'
import fp from 'fastify-plugin'
import { endpointPaths } from '../http/upgrade/endpoint-paths.ts'
import type { EndpointPath } from '../http/upgrade/endpoint-paths.ts'
import { isolated } from '../http/isolated.ts'
import { traceIdOf } from '../http/upgrade/trace-id.ts'
import { addressOf } from '../http/client-address.ts'
import type { UpgradeRequest } from '../src/core/admission/upgrade-request.ts'
import { roomInQuery } from '../src/core/room/room-name.ts'
import { GodotError } from '../src/error.ts'
import { upgradeOf } from '../http/upgrade/http-upgrade.ts'
import { endProbe } from '../http/upgrade/route-probe.ts'
import { switchProtocols } from '../http/upgrade/switch-protocols.ts'
import { wrongRequestLine } from '../src/protocol/websocket/request-head.ts'
import { offersWebSocket } from '../src/protocol/websocket/upgrade.ts'
import { sendRefusal } from '../src/transport/refusal.ts'
import { internalsOf } from '../src/core/server/internals.ts'
import type { WebSocketServer } from '../src/core/server/websocket-server.ts'
import { endpointSchemaOf } from '../http/upgrade/endpoint-schema.ts'
import { sendProblem } from '../http/problem.ts'
import { maskTokens } from '../http/log/mask-tokens.ts'

/** How requests to the endpoint are logged. */
export type Logging = Pick<RouteShorthandOptions, 'logLevel' | 'logSerializers'>

/**
 * Adds the routes of the WebSocket endpoint: upgrade requests that pass the host's hooks end in a handshake of the
 * server.
 */
export async function addEndpoint (
  app: FastifyInstance, server: WebSocketServer, name: string, logging: Logging
): Promise<void> {
  for (const path of endpointPaths(server)) {
    await app.register(fp(async scope => { addRoute(scope, server, name, path, logging) }, {
      name: 'peer-server-endpoint', encapsulate: true
    }))
  }
}

function addRoute (
  scope: FastifyInstance, server: WebSocketServer, name: string, { url, isRoom }: EndpointPath, logging: Logging
): void {
  const handler = (request: FastifyRequest, reply: FastifyReply): void => { respond(server, isRoom, request, reply) }
  // The last of these hooks: @fastify/websocket of the host has handlers do the handshake of `ws`.
  scope.addHook('onRoute', route => { route.handler = handler })
  scope.get(url, isolated({
    schema: endpointSchemaOf(name, isRoom),
    // The schema only documents; the host's compilers may speak another schema language.
    validatorCompiler: () => () => true,
    serializerCompiler: () => JSON.stringify,
    errorHandler: sendProblem,
    ...(logging.logLevel === undefined ? {} : { logLevel: logging.logLevel }),
    ...(logging.logSerializers === undefined ? {} : { logSerializers: logging.logSerializers }),
    // Called as soon as the router has found this route, before any hook.
    childLoggerFactory: function (logger, bindings, options, request) {
      endProbe(request)
      upgradeOf(request)?.claim(internalsOf(server).registry)
      return scope.childLoggerFactory.call(this, logger, bindings, maskTokens(options, logger), request)
    }
  }), handler)
}

/** Responds outside of Fastify, in the same bytes as a listener of the server's own. */
function respond (server: WebSocketServer, isRoom: boolean, request: FastifyRequest, reply: FastifyReply): void {
  const upgrade = upgradeOf(request.raw)
  if (upgrade === undefined) {
    reply.hijack()
    return sendRefusal(reply.raw, refusalOf(server, request.raw))
  }
  upgrade.respondWith(reply.raw)
  if (server.mode !== 'mounted') {
    reply.hijack()
    return upgrade.reject(new GodotError('not-listening'))
  }
  const { room = '' } = request.params as { room?: string }
  // The span ends before the callback.
  const traceId = traceIdOf(request)
  switchProtocols(reply, responseHeaders => {
    const requested = isRoom && room !== '' ? room : roomInQuery(request.raw.url!)
    upgrade.process(requestOf(request, requested, traceId, responseHeaders))
  })
}

/** Why an ordinary request is refused. Upgrades are such requests while the app closes, and unless of HTTP/1.1. */
function refusalOf (server: WebSocketServer, { headers, httpVersion }: IncomingMessage): GodotError {
  if (!offersWebSocket(headers)) return new GodotError('upgrade-required')
  if (httpVersion !== '1.1') return wrongRequestLine()
  return new GodotError(server.isListening() ? 'upgrade-required' : 'not-listening')
}

function requestOf (
  request: FastifyRequest, room: string, traceId: string | undefined, responseHeaders: string
): UpgradeRequest {
  const { headers, url, socket } = request.raw
  // A client in this process (app.injectWS) has no network socket.
  const isLocal = socket === undefined
  return {
    headers,
    url: url!,
    host: isLocal ? headers.host : request.host,
    room,
    address: isLocal ? '' : addressOf(request),
    // Once the client has reset the connection, it has no port.
    port: isLocal ? 0 : socket.remotePort ?? 0,
    responseHeaders,
    traceId
  }
}
