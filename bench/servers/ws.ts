import { createServer } from 'node:http'
import { createServer as createTlsServer } from 'node:https'
import { WebSocket, WebSocketServer } from 'ws'
import { backlog, host, idsMessage, keys, mode, port, ready } from './serve.ts'

const http = keys === undefined ? createServer() : createTlsServer(keys)
const server = new WebSocketServer({ server: http, perMessageDeflate: false })
/** Members and their ids by URL. */
const rooms = new Map<string, Map<WebSocket, number>>()
let lastId = 0

server.on('connection', (socket, { url = '/' }) => {
  socket.on('error', () => {})
  if (mode === 'echo') socket.on('message', (data, binary) => { socket.send(data, { binary }) })
  else join(socket, url)
})
http.listen({ port, host, backlog }, ready)

function join (socket: WebSocket, url: string): void {
  const room = rooms.get(url) ?? new Map<WebSocket, number>()
  rooms.set(url, room)
  const id = ++lastId
  if (mode === 'announce') {
    socket.send(idsMessage(room.values()))
    sendToOthers(idsMessage([id]), true)
  }
  room.set(socket, id)
  socket.on('message', sendToOthers)
  socket.on('close', () => {
    room.delete(socket)
    if (mode === 'announce') sendToOthers(idsMessage([-id]), true)
  })

  function sendToOthers (data: WebSocket.RawData, binary: boolean): void {
    for (const other of room.keys()) {
      if (other !== socket && other.readyState === WebSocket.OPEN) other.send(data, { binary })
    }
  }
}
