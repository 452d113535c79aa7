import type { FastifyInstance, FastifySchema } from 'fastify'
import type { AdminAuthOptions } from './admin-auth.ts'
import { HttpError, problem } from './problem.ts'

const noToken = problem('No token, or a wrong one', new HttpError(401, 'missing authorization header'))
const ofJson = {
  413: problem('The body is over 1 MiB', new HttpError(413, 'Request body is too large')),
  415: problem('The body is not application/json', new HttpError(415, 'Unsupported Media Type'))
}

interface Described extends AdminAuthOptions { readonly security?: FastifySchema['security'], readonly server?: string }

/** Adds to the OpenAPI description of each route of the scope what every route of its kind may answer, what is needed to enter, and which server it is of. */
export function describeFailures (app: FastifyInstance, { auth, security, server }: Described): void {
  const done = new WeakSet<FastifySchema>()
  app.addHook('onRoute', ({ schema, method }) => {
    // The HEAD that Fastify adds to a GET has the same schema.
    if (schema?.response == null || done.has(schema)) return
    done.add(schema)
    const takesJson = schema.body !== undefined && !('content' in (schema.body as object))
    // In place: @fastify/swagger has seen the route already.
    Object.assign(schema.response, auth === false ? {} : { 401: method === 'HEAD' ? { type: 'null', description: noToken.description } : noToken }, takesJson ? ofJson : {})
    if (security !== undefined) schema.security = security
    if (server !== undefined && schema.operationId !== undefined) schema.operationId = `${server}.${schema.operationId}`
  })
}
