import Fastify from 'fastify'
import peerServer from '../../index.ts'
import type { ServerOptions } from '../../index.ts'
import { backlog, host, mode, port, ready } from './serve.ts'

/** Options beside the usual, as JSON; with `port` the server has a listener of its own, and the app gets any free port. */
const given = JSON.parse(process.argv[4] ?? '{}') as Partial<ServerOptions>

const app = Fastify()
await app.register(peerServer, { path: '/', gdMpApi: mode === 'relay', ...given })
if (mode === 'echo') app.peerServer.on('packet', (id, bytes) => { app.peerServer.getPeer(id).putPacket(bytes) })
await app.listen({ port: given.port === undefined ? port : 0, host, backlog })
ready()
