import type { FastifyRequest } from 'fastify'
import { GodotError } from '../../src/error.ts'
import { offersWebSocket } from '../../src/protocol/websocket/upgrade.ts'

/** An onRequest hook for routes that are no endpoints: refuses WebSocket handshakes, and ignores other offers. */
export async function refuseUpgrade (request: FastifyRequest): Promise<void> {
  if (isHandshake(request)) throw new GodotError('bad-handshake', 'This is not a WebSocket endpoint')
}

/**
 * Whether a request is a WebSocket handshake. An offer of any other kind, for example of a proxy that sends
 * `Upgrade: websocket` with every request, is an ordinary request (RFC 9110 section 7.8), unless @fastify/websocket of
 * the host has taken its connection (`ws`).
 */
export function isHandshake ({ method, headers, ws }: FastifyRequest): boolean {
  return ws || (method === 'GET' && headers['sec-websocket-key'] !== undefined && offersWebSocket(headers))
}
