import { createRequire } from 'node:module'
import { bench } from '../paths.ts'
import { host, keyFiles, mode, port, ready } from './serve.ts'

/** The used part of the uWebSockets.js API, which is only installed in bench/node_modules. */
interface Socket {
  send (message: ArrayBuffer, isBinary: boolean): void
  subscribe (topic: string): void
  publish (topic: string, message: ArrayBuffer, isBinary: boolean): void
}
interface Behaviour {
  compression: number
  maxBackpressure: number
  maxPayloadLength: number
  idleTimeout: number
  sendPingsAutomatically: boolean
  open (socket: Socket): void
  message (socket: Socket, message: ArrayBuffer, isBinary: boolean): void
}
interface App {
  ws (pattern: string, behaviour: Behaviour): App
  listen (host: string, port: number, onListening: (token: unknown) => void): void
}

const TOPIC = 'room'

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
app.ws('/*', {
  compression: uWS.DISABLED,
  maxBackpressure: 64 << 20,
  maxPayloadLength: 32 << 20,
  idleTimeout: 0,
  sendPingsAutomatically: false,
  open: socket => { if (mode === 'relay') socket.subscribe(TOPIC) },
  message: mode === 'echo'
    ? (socket, message, isBinary) => { socket.send(message, isBinary) }
    : (socket, message, isBinary) => { socket.publish(TOPIC, message, isBinary) }
}).listen(host, port, token => { if (token) ready() })
