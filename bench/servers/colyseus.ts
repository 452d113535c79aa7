import { createRequire } from 'node:module'
import { bench } from '../paths.ts'
import { backlog, host, port, ready } from './serve.ts'

/** The used part of the Colyseus API, which is only installed in bench/node_modules. */
interface RoomApi {
  maxClients: number
  onMessageBytes (type: number, listener: (client: object, bytes: Uint8Array) => void): void
  broadcastBytes (type: number, bytes: Uint8Array, options: { except: object }): void
}
interface Core {
  Room: new () => RoomApi
  Server: new (options: object) => {
    define (name: string, room: new () => RoomApi): { filterBy (options: string[]): void }
    listen (port: number, host: string, backlog: number): Promise<void>
  }
}
interface Transports { readonly WebSocketTransport: new (options: object) => object }

const MESSAGE = 0

const require = createRequire(`${bench}/package.json`)
const { Room, Server } = require('@colyseus/core') as Core
const { WebSocketTransport } = require('@colyseus/ws-transport') as Transports

/** A room without state: it only passes bytes on, and they are neither parsed nor encoded again. */
class RelayRoom extends Room {
  onCreate (): void {
    this.onMessageBytes(MESSAGE, (client, bytes) => { this.broadcastBytes(MESSAGE, bytes, { except: client }) })
  }
}

const server = new Server({ greet: false, transport: new WebSocketTransport({ pingInterval: 0 }) })
server.define('relay', RelayRoom).filterBy(['room'])
await server.listen(port, host, backlog)
ready()
