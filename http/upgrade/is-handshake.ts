import type { IncomingMessage } from 'node:http'
import type { FastifyRequest } from 'fastify'
import { offersWebSocket } from '../../src/protocol/websocket/upgrade.ts'

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
