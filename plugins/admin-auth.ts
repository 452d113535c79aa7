import { createHash, timingSafeEqual } from 'node:crypto'
import bearerAuth from '@fastify/bearer-auth'
import type { FastifyInstance, FastifyRequest } from 'fastify'
import fp from 'fastify-plugin'
import { type AdminOptions, namedTokens } from '../src/admin/admin-options.ts'

declare module 'fastify' {
  interface FastifyRequest {
    /** Name of the token that authorized the request; null where no token is required. */
    adminName: string | null
  }
}

/** Who may enter: requests with a token, or all requests where the host guards the scope itself. */
export type AdminAuthOptions = Pick<AdminOptions, 'token' | 'auth'>

/**
 * Requires a bearer token (RFC 6750) for every request to the scope, and sets `request.adminName` to the name of its
 * owner.
 */
export default fp<AdminAuthOptions>(async (app, { token, auth }) => {
  if (!app.hasRequestDecorator('adminName')) app.decorateRequest('adminName', null)
  if (auth === false) return
  const owners = namedTokens(token).map(({ name, token }) => ({ name, digest: digest(token) }))
  await requireToken(app, (given, request) => {
    const owner = owners.find(owner => timingSafeEqual(owner.digest, digest(given)))
    if (owner !== undefined) request.adminName = owner.name
    return owner !== undefined
  })
}, { name: 'peer-server-admin-auth', fastify: '^5.3.0' })

/** Checks the token before every route of the scope; errors go through the scope's error handler. */
async function requireToken (
  app: FastifyInstance,
  check: (token: string, request: FastifyRequest) => boolean
): Promise<void> {
  await app.register(bearerAuth, {
    keys: new Set<string>(),
    auth: check,
    // Only RFC 6749 says how to compare the scheme: case-insensitively.
    specCompliance: 'rfc6749',
    errorResponse: error => error as never,
    verifyErrorLogLevel: 'debug'
  })
}

/** All digests have the same length, so a comparison reveals nothing about the length of the token. */
function digest (token: string): Buffer {
  return createHash('sha256').update(token).digest()
}
