import Fastify from 'fastify'
import peerServer from '../../index.ts'
import type { ServerOptions } from '../../index.ts'
import { backlog, host, keys, mode, port, ready } from './serve.ts'

/** Additional options as JSON. With `port` the server has its own listener, and the app uses any free port. */
const extraOptions = JSON.parse(process.argv[4] ?? '{}') as Partial<ServerOptions>

const ownKeys = keys === undefined || extraOptions.port === undefined
  ? {}
  : { privateKey: keys.key, sslCertificate: keys.cert }

const app = Fastify(keys === undefined ? {} : { https: keys } as object)
// The servers that it is compared with send no pings.
const options = { path: '/', gdMpApi: mode !== 'echo', pingInterval: 0, ...ownKeys, ...extraOptions }
await app.register(peerServer, options)
if (mode === 'echo') app.peerServer.on('packet', (id, bytes) => { app.peerServer.getPeer(id).putPacket(bytes) })
await app.listen({ port: extraOptions.port === undefined ? port : 0, host, backlog })
ready()
