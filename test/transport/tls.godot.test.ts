import t from 'tap'
import { WebSocketServer } from '../../src/core/server/websocket-server.ts'
import { startGodot } from '../helper/godot/godot.ts'
import { keyFile, leafKeys } from '../helper/sockets/keys.ts'
import { openEchoServer } from '../helper/sockets/modes.ts'
import { skipWithout } from '../helper/programs/skip-without.ts'
import { nextSignal } from '../helper/next-signal.ts'

for (const [what, trust] of [
  ['that trusts the root', { certificate: keyFile('root.pem') }],
  ['that verifies nothing', { verify: false }]
] as const) {
  t.test(`a Godot client ${what} communicates over wss`, skipWithout('godot3-server'), async t => {
    const server = await openEchoServer(t, 'own', leafKeys)
    const game = await startGodot(t, 'plain_client')
    t.equal(await game.run('connect', { url: `wss://localhost:${server.port}/any`, ...trust }), 0)
    await game.event('connection_established')
    const bytes = Buffer.alloc(60_000, 'x')
    t.equal(await game.run('put_packet', { bytes }), 0)
    t.ok((await game.event('packet')).bytes.equals(bytes))
    const disconnected = nextSignal(server, 'client_disconnected')
    await game.run('close', { code: 1000, reason: 'bye' })
    t.same((await disconnected)[1], true)
  })
}

t.test('a Godot client that does not trust the root disconnects', skipWithout('godot3-server'), async t => {
  const server = await openEchoServer(t, 'own', leafKeys)
  const game = await startGodot(t, 'plain_client')
  t.equal(await game.run('connect', { url: `wss://localhost:${server.port}/` }), 0)
  await game.event('connection_error')
  t.equal(server.peerCount, 0)
})

t.test('Godot clients play over wss on the server\'s own port', skipWithout('godot3-server'), async t => {
  const server = new WebSocketServer({ ...leafKeys, gdMpApi: true, closeTimeout: 0.3 })
  t.teardown(async () => { await server.stop() })
  await server.listen(0)
  const games = await Promise.all([startGodot(t, 'multiplayer_client'), startGodot(t, 'multiplayer_client')])
  for (const game of games) {
    await game.run('connect', { url: `wss://localhost:${server.port}/`, certificate: keyFile('root.pem') })
    await game.event('connection_succeeded')
  }
  await games[0].event('peer_connected', ({ id }) => id !== 1)
  t.equal(server.peerCount, 2)
})
