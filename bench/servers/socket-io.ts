import { createServer } from 'node:http'
import type { Server as HttpServer } from 'node:http'
import { createRequire } from 'node:module'
import { bench } from '../paths.ts'
import { backlog, host, mode, port, ready } from './serve.ts'

/** The part of Socket.IO that is used here; its own types are there only once bench/node_modules is. */
interface Socket {
  on (event: string, listener: (text: string) => void): void
  emit (event: string, text: string): void
  readonly broadcast: Socket
}
type Server = new (http: HttpServer, options: object) => { on (event: 'connection', listener: (socket: Socket) => void): void }

const { Server } = createRequire(`${bench}/package.json`)('socket.io') as { Server: Server }

const http = createServer()
const server = new Server(http, { transports: ['websocket'], pingInterval: 600_000, perMessageDeflate: false, serveClient: false })
server.on('connection', socket => {
  const others = mode === 'echo' ? socket : socket.broadcast
  socket.on('m', text => { others.emit('m', text) })
})
http.listen(port, host, backlog, ready)
