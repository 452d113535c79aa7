import type { Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import { assignedResponse } from './assigned-response.ts'

/**
 * Calls back once the responses to earlier requests of a connection are sent, unless it has ended by then. Node no
 * longer watches a connection that has sent an upgrade request: its errors, and the backlog of those responses, are
 * handled here until then.
 */
export function afterResponses (socket: Duplex, callback: () => void): void {
  const onDrain = (): void => { assignedResponse(socket)?.emit('drain') }
  socket.on('error', destroy).on('drain', onDrain)
  whenSent(socket, () => {
    socket.off('drain', onDrain)
    // As Node does when a client ends its direction; here it has not reported that.
    if (socket.readableEnded) socket.end()
    if (socket.readableEnded || !socket.writable) return
    // Ends the time limit for this request to arrive.
    (socket as Socket).setTimeout(0)
    socket.off('error', destroy)
    callback()
  })
}

function whenSent (socket: Duplex, callback: () => void): void {
  const response = assignedResponse(socket)
  // Not within the event of the parser that has just ended.
  if (response === undefined || socket.destroyed) process.nextTick(callback)
  else response.once('close', () => { whenSent(socket, callback) })
}

function destroy (this: Duplex): void {
  this.destroy()
}
