import { Socket } from 'node:net'
import type { Duplex } from 'node:stream'

/** Properties in which net.Socket keeps its option `onread`, not documented. */
interface ReadingSocket { _handle?: { useUserBuffer?: (buffer: Uint8Array) => void } | null, [key: symbol]: unknown }

const sample = new Socket({ onread: { buffer: new Uint8Array(1), callback: () => true } } as object)
const bufferKey = keyOf('kBuffer')
const callbackKey = keyOf('kBufferCb')

/**
 * Has a plain TCP socket read into `buffer` from now on, as with net.Socket's option `onread`, which is for new sockets
 * only; `callback` gets the length of each chunk, and pauses the socket by returning false. Returns false, and changes
 * nothing, for any other kind of socket, for one whose data others listen to, and where Node does without this.
 */
export function readInto (socket: Duplex, buffer: Uint8Array, callback: (length: number) => boolean): boolean {
  const { _handle: handle } = socket as unknown as ReadingSocket
  if (bufferKey === undefined || callbackKey === undefined || typeof handle?.useUserBuffer !== 'function') return false
  if (!isPlain(socket) || socket.listenerCount('data') + socket.listenerCount('readable') > 0) return false
  Object.assign(socket, { [bufferKey]: buffer, [callbackKey]: callback })
  handle.useUserBuffer(buffer)
  return true
}

/** Whether it is a net.Socket itself, not one built on top of it, and its client has not ended it. */
function isPlain (socket: Duplex): boolean {
  return Object.getPrototypeOf(socket) === Socket.prototype && !socket.destroyed && !socket.readableEnded
}

function keyOf (name: string): symbol | undefined {
  return Object.getOwnPropertySymbols(sample).find(({ description }) => description === name)
}
