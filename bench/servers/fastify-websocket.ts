import websocket from '@fastify/websocket'
import Fastify from 'fastify'
import { backlog, host, keys, mode, port, ready } from './serve.ts'

const OPEN = 1

const app = Fastify(keys === undefined ? {} : { https: keys } as object)
await app.register(websocket, { options: { perMessageDeflate: false } })
app.get('/', { websocket: true }, socket => {
  if (mode === 'echo') socket.on('message', (data, binary) => { socket.send(data, { binary }) })
  else {
    socket.on('message', (data, binary) => {
      for (const other of app.websocketServer.clients) {
        if (other !== socket && other.readyState === OPEN) other.send(data, { binary })
      }
    })
  }
})
await app.listen({ port, host, backlog })
ready()
