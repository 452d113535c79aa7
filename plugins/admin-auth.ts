import { createHash, timingSafeEqual } from 'node:crypto'
import type { IncomingMessage } from 'node:http'
import bearerAuth from '@fastify/bearer-auth'
import type { FastifyInstance, FastifyRequest } from 'fastify'
import fp from 'fastify-plugin'
import { addressOf } from '../http/client-address.ts'
import { HttpError } from '../http/http-error.ts'
import { requiredRole } from '../http/document/required-role.ts'
import type { AdminOptions } from '../src/admin/admin-option-types.ts'
import { namedTokens } from '../src/admin/admin-options.ts'
import { allows } from '../src/admin/roles.ts'
import { TokenGuard } from '../src/admin/token-guard.ts'
import type { Role } from '../src/named-token.ts'

declare module 'fastify' {
  interface FastifyRequest {
    /**
     * Name of the token that authorized the request, in scopes of `adminRoutes` and `metrics`; null where no token is
     * required, undefined elsewhere.
     */
    adminName: string | null | undefined
  }
}

/** Which requests are accepted: those with a token, or all where the host guards the scope itself. */
export type AdminAuthOptions = Pick<AdminOptions, 'token' | 'auth'>

/** Called with the address of a client that sent a wrong token. */
interface Watched { readonly onWrongToken?: (address: string) => void }

/** The role of the token of each request that has a valid one. */
const authorized = new WeakMap<FastifyRequest, Role>()

/** Whether a request has a valid token; its `adminName` may be the host's own. */
export function hasValidToken (request: FastifyRequest): boolean {
  return authorized.has(request)
}

/** One for all scopes of an HTTP server. */
const guards = new WeakMap<object, TokenGuard>()

/**
 * Requires a bearer token (RFC 6750) with a sufficient role for every request to the scope, and sets
 * `request.adminName` to the name of its owner. Responses are delayed more with every wrong token of an address.
 */
export default fp<AdminAuthOptions & Watched>(async (app, { token, auth, onWrongToken }) => {
  if (!app.hasRequestDecorator('adminName')) app.decorateRequest('adminName', null)
  if (auth === false) return
  const owners = namedTokens(token).map(({ name, token, role = 'admin' }) => ({ name, role, digest: digest(token) }))
  const guard = guards.get(app.server) ?? new TokenGuard()
  guards.set(app.server, guard)
  const pauses = new Pauses()
  app.addHook('preClose', async () => { pauses.close() })
  await requireToken(app, async (given, request) => {
    const owner = owners.find(owner => timingSafeEqual(owner.digest, digest(given)))
    if (owner === undefined) {
      const address = addressOf(request)
      onWrongToken?.(address)
      await pauses.wait(guard.failed(address), request.raw)
      throw new HttpError(401, 'wrong token')
    }
    request.adminName = owner.name
    authorized.set(request, owner.role)
    return true
  })
  app.addHook('onRequest', async request => {
    const required = requiredRole(request.routeOptions.method, request.routeOptions.config)
    const role = authorized.get(request)
    if (role === undefined || allows(role, required)) return
    throw new HttpError(403, `Role ${role} does not allow this: expected ${required}`)
  })
}, { name: 'peer-server-admin-auth', fastify: '^5.3.0' })

/** Requests that wait for their response. */
class Pauses {
  readonly #ends = new Set<() => void>()
  #isClosed = false

  /** Resolves after this many milliseconds, or as soon as the client leaves or the app closes. */
  async wait (milliseconds: number, request: IncomingMessage): Promise<void> {
    if (milliseconds === 0 || this.#isClosed || request.destroyed) return
    let end = (): void => {}
    const ended = new Promise<void>(resolve => { end = resolve })
    const timer = setTimeout(end, milliseconds)
    request.once('close', end)
    this.#ends.add(end)
    await ended
    clearTimeout(timer)
    this.#ends.delete(end)
  }

  /** The app closes. */
  close (): void {
    this.#isClosed = true
    for (const end of this.#ends) end()
  }
}

/** Checks the token before every route of the scope; errors go through the scope's error handler. */
async function requireToken (
  app: FastifyInstance,
  check: (token: string, request: FastifyRequest) => Promise<boolean>
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
