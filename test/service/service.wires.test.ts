import t from 'tap'
import { connectRawWebSocket } from '../helper/sockets/raw-socket.ts'
import { startService } from '../helper/programs/service.ts'
import { Godot4Socket } from '../helper/godot/godot4-socket.ts'
import { until } from '../helper/until.ts'

t.test('WS4_PATH: Godot 3 and Godot 4 side by side, each with a REST API and a close frame at the end', async t => {
  const service = await startService(t, { WS4_PATH: '/ws4' })
  await service.logged(`Godot 4 multiplayer relay at ws://127.0.0.1:${service.port}/ws4`)
  const three = await connectRawWebSocket(t, service.port, '/ws')
  const [a, b] =
    [await Godot4Socket.connect(t, service.port, '/ws4'), await Godot4Socket.connect(t, service.port, '/ws4')]
  await a.event('api.peer_connected', b.game.id)
  a.game.sendBytes(Uint8Array.of(1), b.game.id)
  t.same(await b.event('api.peer_packet'), ['api.peer_packet', a.game.id, Buffer.of(1)])
  a.game.addNode('Main', { hit: { args: 0, mode: 'any_peer' } })
  b.game.addNode('Main', { hit: { args: 0, mode: 'any_peer' } })
  a.game.rpc('Main', 'hit', [])
  t.same(await b.event('hit'), ['hit', a.game.id, 'Main', []])
  t.match(await (await service.api('/server')).json(), { path: '/ws', wire: 'godot3', peers: { open: 1 } })
  t.match(await (await service.api('/godot4/server')).json(), { path: '/ws4', wire: 'godot4', peers: { open: 2 } })
  t.equal((await three.frame()).payload.length, 13, 'the id as Godot 3 has it')
  t.same([...a.game.refusals, ...b.game.refusals], [])
  const stopped = service.stop()
  await until(() => a.game.isClosed && b.game.isClosed)
  three.socket.destroy()
  t.equal(await stopped, 0)
})

t.test('WS_WIRE: the endpoint is for Godot 4', async t => {
  const service = await startService(t, { WS_WIRE: 'godot4' })
  const a = await Godot4Socket.connect(t, service.port, '/ws')
  await a.event('api.peer_connected', 1)
  t.match(await (await service.api('/server')).json(), { path: '/ws', wire: 'godot4' })
  t.equal(await service.stop(), 0)
  await a.event('api.server_disconnected')
})
