import { once } from 'node:events'
import type { AddressInfo, Socket } from 'node:net'
import Fastify, { type FastifyInstance } from 'fastify'
import t, { type Test } from 'tap'
import firstRequest from '../../../plugins/first-request.ts'
import peerServer from '../../../plugins/peer-server.ts'
import { listen } from '../../helper/app.ts'
import { stopTime } from '../../helper/clock.ts'
import { connectRaw, connectRawWebSocket, type RawSocket } from '../../helper/sockets/raw-socket.ts'
import { until } from '../../helper/until.ts'

const ask = 'GET / HTTP/1.1\r\nHost: localhost\r\n\r\n'

/** An app with a limit of 5 seconds and a stopped clock; the default of its HTTP server is a minute. */
async function openApp (t: Test) {
  const clock = stopTime(t)
  const app = Fastify({ forceCloseConnections: true })
  await app.register(firstRequest, { seconds: () => 5 })
  await app.register(peerServer, { pingInterval: 0 })
  app.get('/', async () => 'here')
  return { app, port: await listen(t, app), clock }
}

/** A connection that the server has accepted, and the socket of the server. */
async function connectAccepted (t: Test, { server }: FastifyInstance): Promise<{ raw: RawSocket, socket: Socket }> {
  const accepted = once(server, 'connection') as Promise<[Socket]>
  const raw = await connectRaw(t, (server.address() as AddressInfo).port)
  const [socket] = await accepted
  return { raw, socket }
}

for (const begin of ['', 'GET', ask.slice(0, -2)]) {
  t.test(`a client that only sends ${JSON.stringify(begin)} is cut, counted from its connection`, async t => {
    const { app, clock } = await openApp(t)
    const { raw, socket } = await connectAccepted(t, app)
    clock.advance(3000)
    raw.send(begin)
    await until(() => socket.bytesRead === begin.length)
    clock.advance(1990)
    t.equal(raw.unread.length, 0)
    clock.advance(20)
    t.equal((await raw.head()).status, 408)
    await raw.end()
  })
}

t.test('clients that sent a request, and WebSockets, stay connected', async t => {
  const { port, clock } = await openApp(t)
  const [raw, peer] = [await connectRaw(t, port), await connectRawWebSocket(t, port)]
  raw.send(ask)
  t.equal((await raw.response()).body, 'here')
  clock.advance(8000)
  raw.send(ask)
  t.equal((await raw.response()).body, 'here')
  peer.sendFrame(9, 'still there?')
  t.match(await peer.frame(), { opcode: 10 })
})

t.test('a client that leaves without a request leaves nothing behind', async t => {
  const { app, port, clock } = await openApp(t)
  const { raw, socket } = await connectAccepted(t, app)
  raw.socket.resetAndDestroy()
  await until(() => socket.destroyed)
  clock.advance(8000)
  const other = await connectRaw(t, port)
  other.send(ask)
  t.equal((await other.response()).body, 'here')
})
