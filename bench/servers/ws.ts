import { createServer } from 'node:http'
import { createServer as createTlsServer } from 'node:https'
import { WebSocket, WebSocketServer } from 'ws'
import { backlog, host, keys, mode, port, ready } from './serve.ts'

const http = keys === undefined ? createServer() : createTlsServer(keys)
const server = new WebSocketServer({ server: http, perMessageDeflate: false })
server.on('connection', socket => {
  socket.on('error', () => {})
  if (mode === 'echo') socket.on('message', (data, binary) => { socket.send(data, { binary }) })
  else {
    socket.on('message', (data, binary) => {
      for (const other of server.clients) {
        if (other !== socket && other.readyState === WebSocket.OPEN) other.send(data, { binary })
      }
    })
  }
})
http.listen({ port, host, backlog }, ready)
