import { createHash, timingSafeEqual } from 'node:crypto'
import bearerAuth from '@fastify/bearer-auth'
import type { FastifyInstance, FastifyRequest } from 'fastify'
import fp from 'fastify-plugin'
import { tokenFault } from '../src/token-fault.ts'

declare module 'fastify' {
  interface FastifyRequest {
    /** Name of the token that let the request in; null where none is asked for. */
    adminName: string | null
  }
}

/** An admin token with a name. */
export interface NamedToken {
  /** Name of its owner, in logs and audit events. */
  readonly name: string
  /** The token: at least 32 characters, not easily guessed. */
  readonly token: string
}

/** Authentication of administrators: by bearer token, or by the host app. */
export interface AdminAuthOptions {
  /** One token, or several with names. */
  readonly token?: string | readonly NamedToken[]
  /** `false`: the host app authenticates the scope itself, and no token is required. */
  readonly auth?: false
}

const DEFAULT_NAME = 'admin'

/** Asks every request to the scope for a bearer token (RFC 6750), and notes as `request.adminName` whose it is. */
export default fp<AdminAuthOptions>(async (app, { token, auth }) => {
  if (!app.hasRequestDecorator('adminName')) app.decorateRequest('adminName', null)
  if (auth === false) return
  const owners = namedTokens(token).map(({ name, token }) => ({ name, digest: digest(token) }))
  await askForToken(app, (given, request) => {
    const owner = owners.find(owner => timingSafeEqual(owner.digest, digest(given)))
    if (owner !== undefined) request.adminName = owner.name
    return owner !== undefined
  })
}, { name: 'peer-server-admin-auth', fastify: '5.x' })

/** Puts the check in front of every route of the scope; an error then takes the scope's own way to the client. */
async function askForToken (app: FastifyInstance, check: (token: string, request: FastifyRequest) => boolean): Promise<void> {
  await app.register(bearerAuth, {
    keys: new Set<string>(),
    auth: check,
    // Only RFC 6749 says how to compare the scheme: without regard to case.
    specCompliance: 'rfc6749',
    errorResponse: error => error as never,
    verifyErrorLogLevel: 'info'
  })
}

/** The tokens with their names; throws when there is none or one that is easily guessed. */
function namedTokens (token: AdminAuthOptions['token']): readonly NamedToken[] {
  const tokens = typeof token === 'string' ? [{ name: DEFAULT_NAME, token }] : token ?? []
  if (tokens.length === 0) throw new Error('adminRoutes: give a `token`, or `auth: false` if the host guards the scope itself')
  for (const { name, token } of tokens) checkToken(name, token)
  return tokens
}

function checkToken (name: string, token: string): void {
  if (typeof name !== 'string' || name === '') throw new Error('adminRoutes: every token needs a name')
  const fault = tokenFault(token)
  if (fault !== undefined) throw new Error(`adminRoutes: the token of ${name} ${fault}`)
}

/** All digests have the same length, so that a comparison tells nothing of the token's. */
function digest (token: string): Buffer {
  return createHash('sha256').update(token).digest()
}
