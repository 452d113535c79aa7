/** The least that a handshake costs in a layer of Node: accepts, answers 101, echoes, closes, and checks nothing. */

import { createServer as createHttpServer } from 'node:http'
import { createServer } from 'node:net'
import type { Socket } from 'node:net'
import { upgradeResponse } from '../../src/protocol/websocket/upgrade.ts'
import { HandleConnection } from '../../src/transport/handle-connection.ts'
import { backlog, host, port, ready } from './serve.ts'

/** 'http', 'net' or 'handle'. */
const layer = process.argv[4]
const address = { port, host, backlog }
const KEY = /Sec-WebSocket-Key: (\S+)/
const CLOSE = Buffer.of(0x88, 2, 0x03, 0xe8)

/** The reply to one frame of the generator, of at most 125 bytes. */
function replyTo (frame: Uint8Array): Buffer {
  if ((frame[0] & 15) === 8) return CLOSE
  const size = frame[1] & 127
  const reply = Buffer.allocUnsafe(2 + size)
  reply[0] = frame[0]
  reply[1] = size
  for (let at = 0; at < size; at++) reply[2 + at] = frame[6 + at] ^ frame[2 + (at & 3)]
  return reply
}

function responseTo (request: string): Buffer {
  return upgradeResponse(KEY.exec(request)![1], '')
}

function echo (connection: { write (bytes: Uint8Array): unknown, destroy (): unknown }, frame: Uint8Array): void {
  const reply = replyTo(frame)
  connection.write(reply)
  if (reply === CLOSE) connection.destroy()
}

function onUpgraded (socket: Socket, response: Buffer): void {
  socket.on('error', () => {})
  socket.on('data', frame => { echo(socket, frame) })
  socket.write(response)
}

function onHandle (_error: number, handle: object): void {
  const connection = HandleConnection.ofHandle(handle)
  let isOpen = false
  connection.open({
    onData (bytes, length) {
      if (isOpen) return echo(connection, bytes)
      isOpen = true
      connection.write(responseTo(Buffer.from(bytes.buffer, bytes.byteOffset, length).toString('latin1')))
    },
    onClientEnd () { connection.end() },
    onGone () {}
  })
}

if (layer === 'http') {
  const server = createHttpServer().listen(address, ready)
  server.on('upgrade', ({ headers }, socket) => {
    onUpgraded(socket as Socket, upgradeResponse(headers['sec-websocket-key']!, ''))
  })
} else if (layer === 'net') {
  createServer({ noDelay: true }, socket => {
    socket.once('data', request => { onUpgraded(socket, responseTo(request.toString('latin1'))) })
  }).listen(address, ready)
} else {
  const server = createServer().listen(address, () => {
    Object.assign((server as unknown as { _handle: object })._handle, { onconnection: onHandle })
    ready()
  })
}
