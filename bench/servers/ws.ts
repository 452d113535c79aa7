import { WebSocket, WebSocketServer } from 'ws'
import { backlog, host, mode, port, ready } from './serve.ts'

const server = new WebSocketServer({ port, host, backlog, perMessageDeflate: false }, ready)
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
