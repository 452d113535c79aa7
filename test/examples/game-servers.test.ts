import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { root } from '../../scripts/root.ts'
import { freePort } from '../helper/free-port.ts'
import { scriptOf } from '../helper/godot/godot4-client.ts'
import { Godot4Socket } from '../helper/godot/godot4-socket.ts'
import { startExample } from '../helper/programs/running-program.ts'
import { asCall, RelaySocket } from '../helper/sockets/relay-socket.ts'

/** A player of an example for Godot 4, in the main room of its server. */
async function enter (t: Test, example: string, port: number): Promise<Godot4Socket> {
  const script = scriptOf(readFileSync(join(root, 'examples', example, 'godot/main.gd'), 'utf8'))
  const player = await Godot4Socket.connect(t, port, '/ws4/ice', [], game => { game.addNode('Main', script) })
  await player.event('api.peer_connected', 1)
  return player
}

t.test('arena: the server plays until Ctrl-C, and its players hear the end', async t => {
  const port = await freePort()
  const server = startExample(t, 'arena', port)
  await server.until(/listening at/)
  const player = await RelaySocket.connect(t, `ws://127.0.0.1:${port}/ws/ice`, {}, asCall)
  player.call('join', 'Ann')
  await player.until(/^1: scores .*"Ann"/)
  await server.kill('SIGINT')
  await player.until('1: over []')
  t.same(await server.exited, [0, null])
})

t.test('arena4: the server plays until Ctrl-C, and its players hear the end', async t => {
  const port = await freePort()
  const server = startExample(t, 'arena4', port)
  await server.until(/listening at/)
  const player = await enter(t, 'arena4', port)
  player.game.rpc('Main', 'join', ['Ann'], 1)
  await player.event('scores')
  await server.kill('SIGINT')
  await player.event('over')
  t.same(player.game.refusals, [])
  t.same(await server.exited, [0, null])
})

for (const example of ['arena', 'arena4']) {
  t.test(`${example}: the server ends after the given time`, async t => {
    const server = startExample(t, example, await freePort(), 1)
    t.same(await server.exited, [0, null])
    t.match(server.lines.join(), 'listening at')
  })
}

t.test('match4: a match has the given number of players, and ends after the given time', async t => {
  const port = await freePort()
  const server = startExample(t, 'match4', port, 1, 1)
  await server.until(/listening at/)
  const player = await enter(t, 'match4', port)
  player.game.rpc('Main', 'enter', ['Ann'], 1)
  await player.event('start')
  await player.event('over')
  t.same(player.game.refusals, [])
  await server.kill('SIGINT')
  t.same(await server.exited, [0, null])
})
