import Fastify from 'fastify'
import t, { type Test } from 'tap'
import { WebSocket } from 'ws'
import peerServer, { adminRoutes, type WebSocketServer } from '../../../index.ts'
import type { ServerOptions } from '../../../src/options/option-types.ts'
import {
  sendUpgradeRequest, responseFault, Godot4Socket, headersOf, upgradeRequestOf
} from '../../helper/godot/godot4-socket.ts'
import { listen } from '../../helper/app.ts'
import { until } from '../../helper/until.ts'
import { connectRawWebSocket } from '../../helper/sockets/raw-socket.ts'
import { clientCodecs } from '../../helper/godot/client-codecs.ts'

const servers = [
  { name: 'godot3', path: '/ws', gdMpApi: true, wire: 'godot3' },
  { name: 'godot4', path: '/ws4', gdMpApi: true, wire: 'godot4', protocols: ['game', 'chat'] },
  { name: 'plain', path: '/echo' }
] as const

/** One app with a server of each kind, each with a REST API under its name. */
async function serve (t: Test, options: Partial<ServerOptions> = {}) {
  const app = Fastify()
  for (const { name, ...rest } of servers) {
    await app.register(peerServer, {
      name,
      ...structuredClone(rest) as Partial<ServerOptions>,
      ...(name === 'godot4' ? options : {}),
      closeTimeout: 60
    })
    await app.register(adminRoutes, { server: name, prefix: `/api/${name}`, auth: false })
  }
  const port = await listen(t, app)
  return { app, port, godot4: app.getDecorator<WebSocketServer>('godot4') }
}

const protocols = ['chat', 'other']

t.test('Godot 3, Godot 4 and plain WebSocket servers in one app are isolated from each other', async t => {
  const { app, port, godot4 } = await serve(t)
  const [a, b] = [
    await Godot4Socket.connect(t, port, '/ws4', protocols),
    await Godot4Socket.connect(t, port, '/ws4?token=x', protocols)
  ]
  const three = new WebSocket(`ws://127.0.0.1:${port}/ws`)
  const heard: string[] = []
  three.on('message', (data: Buffer) => { heard.push(clientCodecs.godot3.describe(data, heard.length === 0)) })
  const plain = new WebSocket(`ws://127.0.0.1:${port}/echo`)
  for (const socket of [three, plain]) await new Promise(resolve => socket.once('open', resolve))
  await a.event('api.peer_connected', b.game.id)
  await b.event('api.peer_connected', a.game.id)

  const state = async (name: string) => (await app.inject(`/api/${name}/server`)).json()
  t.match(await state('godot4'), {
    path: '/ws4',
    gdMpApi: true,
    protocols: ['game', 'chat'],
    peers: { open: 2, pending: 0 }
  })
  t.match(await state('godot3'), { path: '/ws', peers: { open: 1, pending: 0 } })
  t.match(await state('plain'), { path: '/echo', gdMpApi: false, peers: { open: 1, pending: 0 } })

  a.game.sendBytes(Buffer.from('hi'))
  t.same((await b.event('api.peer_packet'))[2], Buffer.from('hi'))
  t.equal((await app.inject({
    method: 'POST',
    url: '/api/godot4/packets?target=0',
    headers: { 'content-type': 'text/plain' },
    payload: 'from above'
  })).statusCode, 202)
  for (const { game } of [a, b]) {
    await until(() => game.events.some(([what, sender]) => what === 'api.peer_packet' && sender === 1))
    t.same(game.events.at(-1), ['api.peer_packet', 1, Buffer.from('from above')])
  }
  t.match((await app.inject(`/api/godot4/peers/${a.game.id}`)).json(), {
    id: a.game.id,
    protocol: 'chat',
    state: 'open'
  })

  b.leave()
  await a.event('api.peer_disconnected', b.game.id)
  t.equal((await app.inject({
    method: 'DELETE',
    url: `/api/godot4/peers/${a.game.id}?code=4002&reason=kick&wait=10`
  })).json().outcome, 'clean')
  await a.event('api.server_disconnected')
  t.same([...a.game.refusals, ...b.game.refusals], [])
  t.equal(godot4.peerCount, 0)
  t.match(heard, [/^id /, 'add 1'], 'no peer of the others')
  t.equal(heard.length, 2)
  for (const socket of [three, plain]) socket.terminate()
})

t.test('all servers of an app stop in parallel; a client that does not respond delays only itself', async t => {
  const { app, port } = await serve(t)
  const deaf = [await connectRawWebSocket(t, port, '/ws'), await connectRawWebSocket(t, port, '/ws4', {
    'Sec-WebSocket-Protocol': 'chat'
  }), await connectRawWebSocket(t, port, '/echo')]
  const closing = app.close()
  for (const raw of deaf) {
    let frame = await raw.frame()
    while (frame.opcode !== 8) {
      // The ping before a close frame.
      if (frame.opcode === 9) raw.sendFrame(10, frame.payload)
      frame = await raw.frame()
    }
    t.equal(frame.payload.readUInt16BE(0), 1001)
  }
  t.same(servers.map(({ name }) =>
    app.getDecorator<WebSocketServer>(name).peerCount), [1, 1, 1], 'all got a close frame before any was cut')
  for (const { socket } of deaf) socket.destroy()
  await closing
})

t.test('the handshake suits Godot 4; a client with other subprotocols is refused', async t => {
  const { port } = await serve(t)
  await t.rejects(Godot4Socket.connect(t, port, '/ws4', ['gamma']), { message: 'status 400' })
  await t.rejects(Godot4Socket.connect(t, port, '/ws4'), { message: 'status 400' })
  const request = upgradeRequestOf('/ws4', port, protocols)
    .replace('\r\n\r\n', '\r\nX-Token: abc\r\nOrigin: http://127.0.0.1:' + port + '\r\n\r\n')
  const { answer, rest, socket } = await sendUpgradeRequest(t, port, request)
  t.equal(responseFault(answer, request), undefined)
  t.same([...headersOf(answer).keys()].sort(), [
    'connection', 'sec-websocket-accept', 'sec-websocket-protocol', 'upgrade'
  ])
  let unread = rest
  socket.on('data', (chunk: Buffer) => { unread = Buffer.concat([unread, chunk]) })
  await until(() => unread.length > 0)
  t.equal(unread.subarray(0, 2).toString('hex'), '8204', 'followed by the id')
})

t.test('authenticates over a socket, with the relay off', async t => {
  const {
    port, godot4
  } = await serve(t, { serverRelay: false, authenticate: async (_, data) => Buffer.from(data).toString() === 'pw' })
  const clients = []
  for (const password of ['pw', 'pw', 'wrong']) {
    const client = await Godot4Socket.connect(t, port, '/ws4', protocols, game => { game.onAuth = () => {} })
    await client.event('api.peer_authenticating', 1)
    client.game.sendAuth(Buffer.from(password))
    client.game.completeAuth()
    clients.push(client)
  }
  const [a, b, stranger] = clients
  await Promise.all([
    a.event('api.peer_connected', 1), b.event('api.peer_connected', 1), stranger.event('api.server_disconnected')
  ])
  t.equal(godot4.peerCount, 2)
  t.same([...a.game.peers, ...b.game.peers], [1, 1])
  t.same(clients.flatMap(({ game }) => game.refusals), [])
})
