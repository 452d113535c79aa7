import type { FastifyRequest } from 'fastify'
import { addressOf } from '../client-address.ts'
import { withoutTokens } from '../../src/core/admission/token.ts'

/** A request for the log, without the tokens in its query. */
export function withoutSecrets (request: FastifyRequest): Record<string, unknown> {
  const { method, url, host, raw: { socket } } = request
  return { method, url: withoutTokens(url), host, remoteAddress: addressOf(request), remotePort: socket?.remotePort }
}
