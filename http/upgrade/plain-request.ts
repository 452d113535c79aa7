import http from 'node:http'
import type { IncomingMessage, Server } from 'node:http'
import type { Duplex } from 'node:stream'
import { afterResponses } from './after-responses.ts'

/** Attaches Node's HTTP parser to a socket: its own listener for new connections, not documented. */
const { _connectionListener: attachParser } = http as unknown as {
  _connectionListener: (this: Server, socket: Duplex) => void
}

/**
 * Returns an upgrade request that no listener handles to the HTTP server, which then responds as if it had no listeners
 * for upgrades: `withoutListeners` calls back while it has none. `head`: bytes after the request. For versions of Node
 * without `shouldUpgradeCallback`, where a listener makes every offer of another protocol an upgrade.
 */
export function handleAsRequest (
  server: Server,
  withoutListeners: (callback: () => void) => void,
  request: IncomingMessage,
  socket: Duplex,
  head: Buffer
): void {
  afterResponses(socket, () => {
    attachParser.call(server, socket)
    withoutListeners(() => { socket.emit('data', headOf(request)) })
    if (head.length > 0) socket.unshift(head)
  })
}

/** The head of a request as it came, never longer. */
function headOf ({ method, url, httpVersion, rawHeaders }: IncomingMessage): Buffer {
  let text = `${method} ${url} HTTP/${httpVersion}\r\n`
  for (let at = 0; at < rawHeaders.length; at += 2) text += `${rawHeaders[at]}:${rawHeaders[at + 1]}\r\n`
  return Buffer.from(`${text}\r\n`, 'latin1')
}
