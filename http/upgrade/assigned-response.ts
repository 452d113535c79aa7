import type { ServerResponse } from 'node:http'
import type { Duplex } from 'node:stream'

/**
 * The response that is being sent on a connection of an HTTP server, undefined if there is none. Node keeps it as
 * `_httpMessage`, which is not documented; a Node without it never has one.
 */
export function assignedResponse (socket: Duplex): ServerResponse | undefined {
  return (socket as { _httpMessage?: ServerResponse | null })._httpMessage ?? undefined
}
