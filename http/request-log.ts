import type { FastifyRequest } from 'fastify'
import { withoutTokens } from '../src/core/admission/token.ts'

/** A request for the log, without the tokens in its query. */
export function withoutSecrets ({ method, url, host, ip, raw }: FastifyRequest): Record<string, unknown> {
  return { method, url: withoutTokens(url), host, remoteAddress: ip, remotePort: raw.socket?.remotePort }
}
