import type { FastifyInstance, FastifyRequest, RouteShorthandOptions } from 'fastify'

/** The longest time of a timer, in milliseconds. */
const MAX_TIMEOUT = 0x7fffffff

/**
 * Route options of a handler that waits: neither `handlerTimeout` nor `connectionTimeout` of the host ends its
 * response.
 */
export function mayWait ({ initialConfig }: FastifyInstance): RouteShorthandOptions {
  const { handlerTimeout = 0 } = initialConfig as { handlerTimeout?: number }
  return { preHandler: liftIdleTimeout, ...(handlerTimeout === 0 ? {} : { handlerTimeout: MAX_TIMEOUT }) as object }
}

/** Until the response is sent; Node sets the timeout of the next request. An injected request has no real socket. */
async function liftIdleTimeout ({ raw: { socket } }: FastifyRequest): Promise<void> {
  (socket as Partial<FastifyRequest['socket']> | undefined)?.setTimeout?.(0)
}
