import Fastify from 'fastify'
import t, { type Test } from 'tap'
import firstRequest from '../../plugins/first-request.ts'
import peerServer from '../../plugins/peer-server.ts'
import { listen } from '../helper/app.ts'
import { stopTime } from '../helper/clock.ts'
import { nextTurn } from '../helper/frame-client.ts'
import { connectRaw, connectRawWebSocket, type RawSocket } from '../helper/raw-socket.ts'

const ask = 'GET / HTTP/1.1\r\nHost: localhost\r\n\r\n'

/** An app with a limit of 5 seconds and a stopped clock; the default of its HTTP server is a minute. */
async function openApp (t: Test) {
  const clock = stopTime(t)
  const app = Fastify({ forceCloseConnections: true })
  await app.register(firstRequest, { seconds: () => 5 })
  await app.register(peerServer, { pingInterval: 0 })
  app.get('/', async () => 'here')
  return { port: await listen(t, app), clock }
}

/** A connection that the server has accepted. */
async function connectAccepted (t: Test, port: number): Promise<RawSocket> {
  const raw = await connectRaw(t, port)
  // The server accepts it within these.
  for (let turn = 0; turn < 10; turn++) await nextTurn()
  return raw
}

for (const begin of ['', 'GET', ask.slice(0, -2)]) {
  t.test(`a client that only sends ${JSON.stringify(begin)} is cut, counted from its connection`, async t => {
    const { port, clock } = await openApp(t)
    const raw = await connectAccepted(t, port)
    clock.advance(3000)
    raw.send(begin)
    for (let turn = 0; turn < 10; turn++) await nextTurn()
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
  const { port, clock } = await openApp(t)
  const raw = await connectAccepted(t, port)
  raw.socket.resetAndDestroy()
  for (let turn = 0; turn < 10; turn++) await nextTurn()
  clock.advance(8000)
  const other = await connectRaw(t, port)
  other.send(ask)
  t.equal((await other.response()).body, 'here')
})
