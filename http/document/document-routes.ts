import type { FastifyInstance, FastifySchema } from 'fastify'
import type { AdminOptions } from '../../src/admin/admin-option-types.ts'
import type { Role } from '../../src/named-token.ts'
import { HttpError, unsupportedType } from '../http-error.ts'
import { problem } from '../problem.ts'
import { requiredRole } from './required-role.ts'

declare module 'fastify' {
  interface FastifyContextConfig {
    /** Of a HEAD route, whose schema has none: @fastify/swagger would change it. */
    operationId?: string
  }
}

const noToken = problem('Missing or wrong token', new HttpError(401, 'missing authorization header'))
const wrongRole = (required: Role) => problem('The role of the token does not allow this',
  new HttpError(403, `Role read does not allow this: expected ${required}`))
const ofJson = {
  413: problem('The body is larger than 1 MiB', new HttpError(413, 'Request body is too large')),
  415: problem('The body is not application/json', unsupportedType('application/json'))
}

type Requirement = Readonly<Record<string, readonly string[]>>

interface Documented extends Pick<AdminOptions, 'auth'> {
  readonly security?: readonly Requirement[] | undefined
  /** Name of the server, if one is given: tells the operationIds and tags of two servers in one document apart. */
  readonly server?: string | undefined
  /** Text in front of every operationId; by default the name of the server and `.`. */
  readonly operationIdPrefix?: string | undefined
}

/**
 * Adds to the OpenAPI description of every route of the scope its common error responses, its security requirement with
 * the role that it requires, and the prefix of its operationId and tags.
 */
export function documentRoutes (app: FastifyInstance, { auth, security, server, operationIdPrefix }: Documented): void {
  const idPrefix = operationIdPrefix ?? (server === undefined ? '' : `${server}.`)
  const tagPrefix = server === undefined ? '' : `${server}: `
  const done = new WeakSet<FastifySchema>()
  app.addHook('onRoute', ({ schema, method, config }) => {
    // The HEAD that Fastify adds to a GET has the same schema.
    if (schema?.response == null || done.has(schema)) return
    done.add(schema)
    // Fastify reads the body of a DELETE, too.
    const takesJson = method === 'DELETE' || (schema.body !== undefined && !('content' in (schema.body as object)))
    // In place: @fastify/swagger has seen the route already.
    const unauthorized = method === 'HEAD' ? { type: 'null', description: noToken.description } : noToken
    const role = requiredRole(method, config)
    Object.assign(schema.response,
      auth === false ? {} : { 401: unauthorized, ...(role === 'read' ? {} : { 403: wrongRole(role) }) },
      takesJson ? ofJson : {})
    if (security !== undefined) schema.security = security.map(requirement => withRole(requirement, role, auth))
    if (auth !== false) schema.description = `${schema.description ?? ''} Requires role \`${role}\`.`.trim()
    const operationId = schema.operationId ?? config?.operationId
    if (operationId !== undefined) schema.operationId = idPrefix + operationId
    if (tagPrefix !== '') schema.tags = schema.tags?.map(tag => tagPrefix + tag)
  })
}

/** The requirement with the role (OpenAPI 3.1: required roles of schemes that have no scopes). */
function withRole (requirement: Requirement, role: Role, auth: false | undefined): Record<string, string[]> {
  return Object.fromEntries(Object.entries(requirement).map(([scheme, scopes]) =>
    [scheme, scopes.length > 0 || auth === false ? [...scopes] : [role]]))
}
