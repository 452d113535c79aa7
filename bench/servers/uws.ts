import { createRequire } from 'node:module'
import { bench } from '../paths.ts'
import { host, idsMessage, keyFiles, mode, port, ready } from './serve.ts'

/** The used part of the uWebSockets.js API, which is only installed in bench/node_modules. */
interface Socket {
  send (message: ArrayBuffer | Uint8Array, isBinary: boolean): void
  subscribe (topic: string): void
  publish (topic: string, message: ArrayBuffer | Uint8Array, isBinary: boolean): void
  getUserData (): UserData
}
/** Of members of rooms. */
interface UserData { readonly room: string, readonly id: number }
interface Request {
  getHeader (name: string): string
  getUrl (): string
  getQuery (): string
}
interface Response {
  upgrade (data: UserData, key: string, protocols: string, extensions: string, context: object): void
}
interface Behaviour {
  compression: number
  maxBackpressure: number
  maxPayloadLength: number
  idleTimeout: number
  sendPingsAutomatically: boolean
  upgrade?: (response: Response, request: Request, context: object) => void
  open? (socket: Socket): void
  message (socket: Socket, message: ArrayBuffer, isBinary: boolean): void
  close? (socket: Socket): void
}
interface App {
  ws (pattern: string, behaviour: Behaviour): App
  publish (topic: string, message: Uint8Array, isBinary: boolean): void
  listen (host: string, port: number, onListening: (token: unknown) => void): void
}

const require = createRequire(`${bench}/package.json`)
const uWS = require('@trufflesuite/uws-js-unofficial') as {
  App: () => App
  SSLApp: (keys: { key_file_name: string, cert_file_name: string }) => App
  DISABLED: number
}
const isNative = Object.keys(require.cache).some(file => file.includes('uws_') && file.endsWith('.node'))
if (!isNative) throw new Error('the native addon of uWebSockets.js does not support this version of Node')

const app = keyFiles === undefined
  ? uWS.App()
  : uWS.SSLApp({ key_file_name: keyFiles.key, cert_file_name: keyFiles.cert })
/** Ids of the members by room. */
const members = new Map<string, Set<number>>()
let lastId = 0

const echo: Pick<Behaviour, 'message'> = {
  message: (socket, message, isBinary) => { socket.send(message, isBinary) }
}
/** The topic of a room is its URL. */
const relay: Partial<Behaviour> & typeof echo = {
  upgrade: (response, request, context) => {
    const [key, protocols, extensions] = ['key', 'protocol', 'extensions']
      .map(name => request.getHeader(`sec-websocket-${name}`))
    const room = `${request.getUrl()}?${request.getQuery()}`
    response.upgrade({ room, id: ++lastId }, key, protocols, extensions, context)
  },
  open: socket => { socket.subscribe(socket.getUserData().room) },
  message: (socket, message, isBinary) => { socket.publish(socket.getUserData().room, message, isBinary) }
}
const announce: typeof relay = {
  ...relay,
  open: socket => {
    const { room, id } = socket.getUserData()
    const ids = members.get(room) ?? new Set()
    members.set(room, ids)
    socket.send(idsMessage(ids), true)
    app.publish(room, idsMessage([id]), true)
    socket.subscribe(room)
    ids.add(id)
  },
  close: socket => {
    const { room, id } = socket.getUserData()
    members.get(room)?.delete(id)
    app.publish(room, idsMessage([-id]), true)
  }
}

app.ws('/*', {
  compression: uWS.DISABLED,
  maxBackpressure: 64 << 20,
  maxPayloadLength: 32 << 20,
  idleTimeout: 0,
  sendPingsAutomatically: false,
  ...{ echo, relay, announce }[mode]
}).listen(host, port, token => { if (token) ready() })
