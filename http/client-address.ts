import type { FastifyRequest } from 'fastify'
import { canonicalAddress } from '../src/address-range.ts'

/**
 * The client's address in canonical form: the one that a trusted proxy tells, or the socket's if that is no address; ''
 * without a network socket.
 */
export function addressOf (request: FastifyRequest): string {
  const { socket } = request.raw
  // Without one (app.injectWS), `request.ip` throws.
  if (socket === undefined) return ''
  return canonicalAddress((request.ip as string | undefined) ?? '', socket.remoteAddress)
}
