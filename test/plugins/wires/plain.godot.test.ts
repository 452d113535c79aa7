import type { AddressInfo } from 'node:net'
import Fastify from 'fastify'
import t from 'tap'
import peerServer from '../../../index.ts'
import { closeCode } from '../../../src/protocol/websocket/close-code.ts'
import { startGodot } from '../../helper/godot/godot.ts'
import { nextSignal } from '../../helper/next-signal.ts'
import { skipWithout } from '../../helper/programs/skip-without.ts'

t.test('a Godot client in plain mode exchanges packets with a mounted app', skipWithout('godot3-server'), async t => {
  const app = Fastify()
  t.teardown(() => app.close())
  await app.register(peerServer, { protocols: ['chat'] })
  app.peerServer.on('data_received', id => {
    const peer = app.peerServer.getPeer(id)
    const bytes = peer.getPacket()
    peer.setWriteMode(peer.wasStringPacket() ? 0 : 1)
    peer.putPacket(bytes)
  })
  await app.listen({ port: 0, host: '127.0.0.1' })
  const url = `ws://127.0.0.1:${(app.server.address() as AddressInfo).port}/ws`
  const game = await startGodot(t, 'plain_client')

  await t.test('selects the first subprotocol that both support', async t => {
    t.equal(await game.run('connect', { url, protocols: ['talk', 'chat'] }), 0)
    t.equal((await game.event('connection_established')).protocol, 'chat')
  })

  for (const [what, bytes, text] of [
    ['text', Buffer.from('grüße 😀'), true],
    ['binary', Buffer.of(0, 255, 128, 10), false],
    ['the largest packet the default buffers hold', Buffer.alloc(65535, 'x'), false]
  ] as const) {
    await t.test(`echoes ${what}`, async t => {
      t.equal(await game.run('put_packet', { bytes, text }), 0)
      const echo = await game.event('packet')
      t.ok(echo.bytes.equals(bytes))
      t.equal(echo.text, text)
    })
  }

  await t.test('a packet that fills the buffer of a Godot client is lost there (docs/godot3.md)', async t => {
    const other = await startGodot(t, 'plain_client')
    const joined = nextSignal(app.peerServer, 'client_connected')
    await other.run('connect', { url, protocols: ['chat'] })
    await other.event('connection_established')
    const peer = app.peerServer.getPeer((await joined)[0])
    for (const size of [65535, 65536, 1]) peer.putPacket(Buffer.alloc(size))
    for (const size of [65535, 1]) t.equal((await other.event('packet')).bytes.length, size)
  })

  await t.test('a close by the client is clean and has its code and reason', async t => {
    const signals: unknown[][] = []
    app.peerServer.on('client_close_request', (id, code, reason) =>
      signals.push(['client_close_request', code, reason]))
    const left = new Promise<void>(resolve => app.peerServer.on('client_disconnected', (id, clean) => {
      signals.push(['client_disconnected', clean])
      resolve()
    }))
    await game.run('close', { code: 4000, reason: 'bye' })
    await game.event('connection_closed')
    await left
    t.same(signals, [['client_close_request', 4000, 'bye'], ['client_disconnected', true]])
  })

  await t.test('reports every close code that the server itself sends', async t => {
    const { RESTART, NO_STATUS, ABNORMAL, ...sent } = closeCode
    for (const code of Object.values(sent)) {
      const joined = nextSignal(app.peerServer, 'client_connected')
      await game.run('connect', { url, protocols: ['chat'] })
      const [id] = await joined
      await game.event('connection_established')
      app.peerServer.disconnectPeer(id, code, 'over')
      t.match(await game.event('server_close_request'), { code, reason: 'over' })
      await game.event('connection_closed')
    }
  })

  t.same(game.errors, [])

  await t.test('refuses a client of another subprotocol', async t => {
    await game.run('connect', { url, protocols: ['talk'] })
    await game.event('connection_error')
    t.equal(app.peerServer.peerCount, 0)
    t.match(await game.errorLines(1), [/Invalid protocol or status code/])
  })
})
