import type { FastifyRequest } from 'fastify'
import { GodotError } from '../src/error.ts'

/**
 * An onRequest hook for routes that are no endpoints: @fastify/websocket would complete the handshake and then close.
 */
export async function refuseUpgrade (request: FastifyRequest): Promise<void> {
  if (isUpgrade(request)) throw new GodotError('bad-handshake', 'This is not a WebSocket endpoint')
}

/** Whether a request asks for a WebSocket. */
export function isUpgrade ({ headers: { upgrade = '' }, ws }: FastifyRequest): boolean {
  return ws || /\bwebsocket\b/i.test(upgrade)
}
