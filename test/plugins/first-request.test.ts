import Fastify from 'fastify'
import t, { type Test } from 'tap'
import firstRequest from '../../plugins/first-request.ts'
import peerServer from '../../plugins/peer-server.ts'
import { connectRaw, connectRawWebSocket } from '../helper/raw-socket.ts'

const ask = 'GET / HTTP/1.1\r\nHost: localhost\r\n\r\n'

/** An app with handshakeTimeout 0.5; the default of its HTTP server is a minute. */
async function openApp (t: Test) {
  const app = Fastify({ forceCloseConnections: true })
  t.teardown(async () => { await app.close() })
  await app.register(firstRequest, { seconds: () => 0.5 })
  await app.register(peerServer)
  app.get('/', async () => 'here')
  await app.listen({ port: 0, host: '127.0.0.1' })
  return app.peerServer
}

/** Waits for the time that is under test. */
async function pass (milliseconds: number): Promise<void> {
  await new Promise(resolve => setTimeout(resolve, milliseconds))
}

for (const begin of ['', 'GET', ask.slice(0, -2)]) {
  t.test(`a client that only sends ${JSON.stringify(begin)} is cut, counted from its connection`, async t => {
    const { port } = await openApp(t)
    const began = performance.now()
    const raw = await connectRaw(t, port)
    await pass(300)
    raw.send(begin)
    t.equal((await raw.head()).status, 408)
    await raw.end()
    const seconds = (performance.now() - began) / 1000
    t.ok(seconds > 0.45 && seconds < 2, `${seconds} s`)
  })
}

t.test('clients that sent a request, and WebSockets, stay connected', async t => {
  const { port } = await openApp(t)
  const [raw, peer] = [await connectRaw(t, port), await connectRawWebSocket(t, port)]
  raw.send(ask)
  t.equal((await raw.response()).body, 'here')
  await pass(800)
  raw.send(ask)
  t.equal((await raw.response()).body, 'here')
  peer.sendFrame(9, 'still there?')
  t.match(await peer.frame(), { opcode: 10 })
})

t.test('a client that leaves without a request leaves nothing behind', async t => {
  const { port } = await openApp(t)
  const raw = await connectRaw(t, port)
  raw.socket.resetAndDestroy()
  await pass(700)
  const other = await connectRaw(t, port)
  other.send(ask)
  t.equal((await other.response()).body, 'here')
})
