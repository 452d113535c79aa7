import type { Http2ServerRequest } from 'node:http2'
import type { FastifyInstance, FastifyReply, FastifyRequest, RouteShorthandOptions } from 'fastify'

/** The longest time of a timer, in milliseconds. */
const MAX_TIMEOUT = 0x7fffffff

/**
 * Route options of a handler that waits: neither `handlerTimeout` nor `connectionTimeout` nor `http2SessionTimeout` of
 * the host ends its response.
 */
export function mayWait ({ initialConfig }: FastifyInstance): RouteShorthandOptions {
  const { handlerTimeout = 0, http2SessionTimeout = 0 } = initialConfig as { [name: string]: number | undefined }
  return {
    preHandler: async (request, reply) => { liftIdleTimeout(request, reply, http2SessionTimeout) },
    ...(handlerTimeout === 0 ? {} : { handlerTimeout: MAX_TIMEOUT }) as object
  }
}

/**
 * Until the response is sent; Node sets the timeout of the next request, but not that of an HTTP/2 session. An injected
 * request has no real socket.
 */
function liftIdleTimeout ({ raw }: FastifyRequest, reply: FastifyReply, sessionTimeout: number): void {
  const { socket, stream } = raw as Partial<typeof raw> & { stream?: Http2ServerRequest['stream'] }
  const { session } = stream ?? {}
  if (session === undefined) {
    socket?.setTimeout?.(0)
  } else {
    session.setTimeout(0)
    reply.raw.once('close', () => { session.setTimeout(sessionTimeout) })
  }
}
