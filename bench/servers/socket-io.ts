import { createServer } from 'node:http'
import type { Server as HttpServer } from 'node:http'
import { createRequire } from 'node:module'
import { bench } from '../paths.ts'
import { backlog, host, mode, port, ready } from './serve.ts'

/** The used part of the Socket.IO API, which is only installed in bench/node_modules. */
interface Socket {
  on (event: string, listener: (text: string) => void): void
  emit (event: string, text: string): void
  readonly broadcast: Socket
}
type Server = new (http: HttpServer, options: object) => {
  on (event: 'connection', listener: (socket: Socket) => void): void
}

const { Server } = createRequire(`${bench}/package.json`)('socket.io') as { Server: Server }

const http = createServer()
const options = { transports: ['websocket'], pingInterval: 600_000, perMessageDeflate: false, serveClient: false }
const server = new Server(http, options)
server.on('connection', socket => {
  const others = mode === 'echo' ? socket : socket.broadcast
  socket.on('m', text => { others.emit('m', text) })
})
http.listen(port, host, backlog, ready)
