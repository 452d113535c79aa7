import type { FastifyInstance, FastifySchema } from 'fastify'
import type { AdminOptions } from '../../src/admin/admin-options.ts'
import { HttpError, problem } from '../problem.ts'

const noToken = problem('Missing or wrong token', new HttpError(401, 'missing authorization header'))
const ofJson = {
  413: problem('The body is larger than 1 MiB', new HttpError(413, 'Request body is too large')),
  415: problem('The body is not application/json', new HttpError(415, 'Unsupported Media Type'))
}

interface Described extends Pick<AdminOptions, 'auth'> {
  readonly security?: FastifySchema['security']
  /** Text in front of every operationId. */
  readonly operationIdPrefix?: string
}

/**
 * Adds to the OpenAPI description of every route of the scope its common error responses, its security requirement and
 * the prefix of its operationId.
 */
export function describeFailures (app: FastifyInstance, { auth, security, operationIdPrefix = '' }: Described): void {
  const done = new WeakSet<FastifySchema>()
  app.addHook('onRoute', ({ schema, method }) => {
    // The HEAD that Fastify adds to a GET has the same schema.
    if (schema?.response == null || done.has(schema)) return
    done.add(schema)
    const takesJson = schema.body !== undefined && !('content' in (schema.body as object))
    // In place: @fastify/swagger has seen the route already.
    const unauthorized = method === 'HEAD' ? { type: 'null', description: noToken.description } : noToken
    Object.assign(schema.response, auth === false ? {} : { 401: unauthorized }, takesJson ? ofJson : {})
    if (security !== undefined) schema.security = security
    if (schema.operationId !== undefined) schema.operationId = operationIdPrefix + schema.operationId
  })
}
