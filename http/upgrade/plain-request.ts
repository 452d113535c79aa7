import http from 'node:http'
import type { IncomingMessage, Server } from 'node:http'
import type { Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import { assignedResponse } from './assigned-response.ts'

/** Attaches Node's HTTP parser to a socket: its own listener for new connections, not documented. */
const { _connectionListener: attachParser } = http as unknown as {
  _connectionListener: (this: Server, socket: Duplex) => void
}

/**
 * Returns an upgrade request that no listener handles to the HTTP server, which then responds as if it had no listeners
 * for upgrades: `withoutListeners` calls back while it has none. `head`: bytes behind the request. For versions of Node
 * without `shouldUpgradeCallback`, where a listener makes every offer of another protocol an upgrade.
 */
export function handleAsRequest (
  server: Server,
  withoutListeners: (callback: () => void) => void,
  request: IncomingMessage,
  socket: Duplex,
  head: Buffer
): void {
  socket.on('error', destroy)
  afterResponses(socket, () => {
    // As Node does when a client ends its direction; it has told this to nobody.
    if (socket.readableEnded) socket.end()
    if (socket.readableEnded || socket.destroyed) return
    // Ends the time limit for this request to arrive.
    (socket as Socket).setTimeout(0)
    socket.off('error', destroy)
    attachParser.call(server, socket)
    withoutListeners(() => { socket.emit('data', headOf(request)) })
    if (head.length > 0) socket.unshift(head)
  })
}

function destroy (this: Duplex): void {
  this.destroy()
}

/** Calls back once the responses to earlier requests of the connection are sent. */
function afterResponses (socket: Duplex, callback: () => void): void {
  const response = assignedResponse(socket)
  // Not within the event of the parser that has just ended.
  if (response === undefined || socket.destroyed) process.nextTick(callback)
  else response.once('close', () => { afterResponses(socket, callback) })
}

/** The head of a request as it came, never longer. */
function headOf ({ method, url, httpVersion, rawHeaders }: IncomingMessage): Buffer {
  let text = `${method} ${url} HTTP/${httpVersion}\r\n`
  for (let at = 0; at < rawHeaders.length; at += 2) text += `${rawHeaders[at]}:${rawHeaders[at + 1]}\r\n`
  return Buffer.from(`${text}\r\n`, 'latin1')
}
