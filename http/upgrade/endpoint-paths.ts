import type { WebSocketServer } from '../../src/core/server/websocket-server.ts'
import { internalsOf } from '../../src/core/server/internals.ts'

/** A route of an endpoint; `isRoom`: its last segment is the name of a room. */
export interface EndpointPath { readonly url: string, readonly isRoom: boolean }

/** The routes of a server's endpoint: its path, and with option `rooms` one for the rooms below it. */
export function endpointPaths (server: WebSocketServer): EndpointPath[] {
  const { path } = server.options
  const main = { url: path, isRoom: false }
  if (internalsOf(server).settings.rooms === undefined) return [main]
  return [main, { url: `${path.replace(/\/$/, '')}/:room`, isRoom: true }]
}
