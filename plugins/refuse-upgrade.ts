import type { FastifyRequest } from 'fastify'
import { GodotError } from '../src/error.ts'

/** An onRequest hook for routes that are no sockets: @fastify/websocket would answer an upgrade with 101 and then hang up. */
export async function refuseUpgrade (request: FastifyRequest): Promise<void> {
  const asksForSocket = /\bwebsocket\b/i.test(request.headers.upgrade ?? '')
  if (asksForSocket || request.ws) throw new GodotError('bad-handshake', 'This is no WebSocket endpoint')
}
