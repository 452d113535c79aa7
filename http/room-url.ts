import type { FastifyRequest } from 'fastify'
import { internalsOf } from '../src/core/server/internals.ts'
import type { WebSocketServer } from '../src/core/server/websocket-server.ts'
import { forwardedPrefix } from './forwarded-prefix.ts'

/**
 * URL of a room for a client's `connect_to_url`: begins with `publicUrl`, by default with the address that the request
 * was sent to.
 */
export function roomUrl (
  server: WebSocketServer, room: string, request: FastifyRequest, publicUrl: string = baseUrl(server, request)
): string {
  return `${publicUrl}${internalsOf(server).listening.path.replace(/\/$/, '')}/${room}`
}

function baseUrl ({ mode, port, tls }: WebSocketServer, request: FastifyRequest): string {
  const { host, hostname, protocol } = request
  if (mode === 'mounted') return `${protocol === 'https' ? 'wss' : 'ws'}://${host}${forwardedPrefix(request)}`
  return `${tls ? 'wss' : 'ws'}://${hostname}:${port}`
}
