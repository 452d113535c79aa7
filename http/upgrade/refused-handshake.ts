import type { FastifyReply, FastifyRequest } from 'fastify'
import { GodotError } from '../../src/error.ts'
import { isHandshake } from './is-handshake.ts'

/** An onRequest hook for routes that are not endpoints: refuses WebSocket handshakes, and ignores other offers. */
export async function refuseUpgrade (request: FastifyRequest, reply: FastifyReply): Promise<void> {
  if (isHandshake(request)) throw refusedHandshake(reply, 'This is not a WebSocket endpoint')
}

/** The error of a refused handshake, which closes the connection: its client sends no other request. */
export function refusedHandshake (reply: FastifyReply, message: string): GodotError {
  reply.header('connection', 'close')
  return new GodotError('bad-handshake', message)
}
