import type { FastifyRequest } from 'fastify'
import { addressOf } from '../client-address.ts'
import { withoutTokens } from '../../src/core/admission/token.ts'
import { withShortStrings } from '../../src/core/server/log/short-strings.ts'

/** A request for the log, without the tokens in its query, and cut to a length fit for a log. */
export function withoutSecrets (request: FastifyRequest): Record<string, unknown> {
  const { method, url, host, raw: { socket } } = request
  return withShortStrings({
    method, url: withoutTokens(url), host, remoteAddress: addressOf(request), remotePort: socket?.remotePort
  })
}
