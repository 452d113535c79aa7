import type { FastifyInstance, RouteShorthandOptions } from 'fastify'
import { toDocumentDialect } from './document/document-dialect.ts'

/** Options of a route that plugins of the host must not change. */
interface Isolation {
  /** Read by @fastify/swagger in place of the host's own `transform`. */
  readonly config: { readonly swaggerTransform: typeof toDocumentDialect }
  /** Read by @fastify/response-validation, which cannot resolve the names of shared schemas. */
  readonly responseValidation: false
}

/** Route options with which plugins of the host that read or wrap routes leave the route as it is. */
export function isolated<Options extends RouteShorthandOptions> (options: Options): Options & Isolation {
  return { ...options, responseValidation: false, config: { ...options.config, swaggerTransform: toDocumentDialect } }
}

/**
 * Serialises what handlers of the scope return, so that neither a serializer of the host (`setReplySerializer`) nor its
 * `preSerialization` hooks get it.
 */
export function serializeResponses (app: FastifyInstance): void {
  app.addHook('onRoute', route => {
    const { handler } = route
    route.handler = async function (request, reply) {
      const value: unknown = await handler.call(this, request, reply)
      if (value === undefined || value === reply || typeof value === 'string' || Buffer.isBuffer(value)) return value
      reply.type('application/json; charset=utf-8')
      return JSON.stringify(value)
    }
  })
}
