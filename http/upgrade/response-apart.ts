import { Socket } from 'node:net'
import type { Duplex } from 'node:stream'

const END_OF_HEAD = '\r\n\r\n'

/**
 * Makes a client in this process (app.injectWS) receive the response to its handshake in a separate chunk: it drops
 * whatever follows in the same one, and the first frames are written together with the response.
 */
export function responseApart (socket: Duplex): Duplex {
  if (socket instanceof Socket) return socket
  const { write } = socket
  socket.write = (first: Buffer, ...rest: any[]): boolean => {
    socket.write = write
    const end = first.indexOf(END_OF_HEAD) + END_OF_HEAD.length
    socket.write(first.subarray(0, end))
    return Reflect.apply(write, socket, [first.subarray(end), ...rest])
  }
  return socket
}
