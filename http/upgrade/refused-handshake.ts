import type { IncomingMessage } from 'node:http'
import type { FastifyReply, FastifyRequest } from 'fastify'
import { GodotError } from '../../src/error.ts'
import { offersWebSocket } from '../../src/protocol/websocket/upgrade.ts'

/** An onRequest hook for routes that are not endpoints: refuses WebSocket handshakes, and ignores other offers. */
export async function refuseUpgrade (request: FastifyRequest, reply: FastifyReply): Promise<void> {
  if (isHandshake(request)) throw refusedHandshake(reply, 'This is not a WebSocket endpoint')
}

/** The error of a refused handshake, which closes the connection: its client sends no other request. */
export function refusedHandshake (reply: FastifyReply, message: string): GodotError {
  reply.header('connection', 'close')
  return new GodotError('bad-handshake', message)
}

/**
 * Whether a request is a WebSocket handshake. An offer of any other kind, for example of a proxy that sends
 * `Upgrade: websocket` with every request, is an ordinary request (RFC 9110 section 7.8), unless @fastify/websocket of
 * the host has taken its connection (`ws`).
 */
export function isHandshake (request: FastifyRequest): boolean {
  return request.ws || requestsWebSocket(request)
}

/** Whether a request is a WebSocket handshake by its method and headers. */
export function requestsWebSocket ({ method, headers }: Pick<IncomingMessage, 'method' | 'headers'>): boolean {
  return method === 'GET' && headers['sec-websocket-key'] !== undefined && offersWebSocket(headers)
}
