import type { FastifyRequest } from 'fastify'
import { canonicalAddress } from '../src/address-range.ts'

/**
 * The client's address in canonical form: the one that a trusted proxy reports, or the socket's if that one is invalid;
 * '' without a network socket.
 */
export function addressOf (request: FastifyRequest): string {
  const { socket } = request.raw
  // Without a network socket (app.injectWS) `request.ip` throws.
  if (socket === undefined) return ''
  return canonicalAddress((request.ip as string | undefined) ?? '', socket.remoteAddress)
}
