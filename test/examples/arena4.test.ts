import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import Fastify from 'fastify'
import t, { type Test } from 'tap'
import { root } from '../../scripts/root.ts'
import { Arena, surface } from '../../examples/arena4/arena.ts'
import peerServer, { Vector2 } from '../../index.ts'
import { scriptOf } from '../helper/godot/godot4-client.ts'
import { Godot4Socket } from '../helper/godot/godot4-socket.ts'
import { until } from '../helper/until.ts'

const read = (name: string): string => readFileSync(join(root, 'examples/arena4/godot', name), 'utf8')
const source = read('main.gd')

/** The `@rpc` functions of the Godot project: who may call them, and how many parameters they have. */
const script = scriptOf(source)

t.test('the client script has the functions that the server declares, with the same number of parameters', async t => {
  t.same(Object.fromEntries(Object.entries(script).map(([name, { args }]) =>
    [name, args])), Object.fromEntries(Object.entries(surface).map(([name, kinds]) => [name, kinds.length])))
  t.same(Object.keys(script).filter(name => script[name].mode === 'any_peer'), ['join', 'steer'])
})

t.test('the project is for Godot 4, and its scene has that script at /root/Main', async t => {
  t.match(read('project.godot'), /^config_version=5$/m)
  const [, scene] = /^run\/main_scene="res:\/\/(.*)"$/m.exec(read('project.godot'))!
  const [, script, id] = /^\[ext_resource type="Script" path="res:\/\/(.*)" id="(.*)"\]$/m.exec(read(scene))!
  t.equal(read(script), source)
  const [root] = read(scene).split(/^\[node /m).slice(1)
  t.match(root, /^name="Main" type="Node2D"\]$/m)
  t.match(root, `script = ExtResource("${id}")`)
  t.match(read(scene), /^\[gd_scene load_steps=2 format=3\]$/m)
  // An indentation of tabs alone, and no words of Godot 3.
  t.notMatch(source, /^ |^\t+ |\b(remote|puppet|master|onready|export|setget|yield) /m)
})

t.test('three matches of three simulated players at once: all sides of a match have the same final state', async t => {
  const app = Fastify()
  t.teardown(async () => { await app.close() })
  await app.register(peerServer, { path: '/ws4', gdMpApi: true, wire: 'godot4', rooms: true, closeTimeout: 0.2 })
  const arenas = new Map<string, Arena>()
  app.peerServer.on('room_opened', room => arenas.set(room.name, new Arena(room)))
  await app.listen({ port: 0 })
  const matches = { ice: ['Ann', 'Ben', 'Cat'], sand: ['Dan', 'Eve', 'Fay'], mud: ['Gil', 'Hal', 'Ida'] }
  await Promise.all(Object.entries(matches).map(async ([room, names]) => {
    const players = await Promise.all(names.map(name => enter(t, app.peerServer.port, room, name)))
    const arena = arenas.get(room)!
    await chaseTheCoin(arena, players)
    arena.stop()
    await Promise.all(players.map(async player => await player.event('over')))
    for (const { game } of players) sameState(t, game, arena)
    t.same([...arena.scores.values()].map(([name]) => name).sort(), names, room)
  }))
  t.equal(Object.values(app.peerServer.monitor.drops).reduce((sum, count) => sum + count) +
    app.peerServer.monitor.failures, 0)
})

t.test('everyone hears the end of the round when the server closes right after it', async t => {
  const app = Fastify()
  t.teardown(async () => { await app.close() })
  await app.register(peerServer, { path: '/ws4', gdMpApi: true, wire: 'godot4', closeTimeout: 60 })
  const arena = new Arena(app.peerServer.room('main'))
  await app.listen({ port: 0 })
  const names = Array.from({ length: 12 }, (_, at) => `P${at}`)
  const players = await Promise.all(names.map(name => enter(t, app.peerServer.port, 'main', name)))
  await until(() => arena.players.size === players.length)
  arena.stop()
  await app.close()
  await until(() => players.every(({ game }) => game.isClosed))
  for (const { game } of players) {
    t.equal(game.events.filter(([what]) => what === 'over').length, 1)
    t.same(game.refusals, [])
  }
})

async function enter (t: Test, port: number, room: string, name: string): Promise<Godot4Socket> {
  const player = await Godot4Socket.connect(t, port, room === 'main' ? '/ws4' : `/ws4/${room}`, [], game => {
    game.addNode('Main', script)
  })
  await player.event('api.peer_connected', 1)
  player.game.rpc('Main', 'join', [name], 1)
  return player
}

/** For most of a second after all players have joined. */
async function chaseTheCoin (arena: Arena, players: Godot4Socket[]): Promise<void> {
  await until(() => arena.players.size === players.length)
  const end = Date.now() + 800
  while (Date.now() < end) {
    for (const { game } of players) {
      game.rpc('Main', 'steer', [toward(arena.coin, arena.players.get(game.id)!.position)], 1)
    }
    await new Promise(resolve => setTimeout(resolve, 16))
  }
}

function sameState (t: Test, game: Godot4Socket['game'], arena: Arena): void {
  const known = (name: string): unknown => game.events.findLast(([what]) => what === name)?.[3]
  t.strictSame(known('coin'), [asSent(arena.coin)])
  t.strictSame(known('scores'), [arena.scores])
  const [tick, ids, positions] = known('state') as [number, Int32Array, { items: Vector2[] }]
  t.equal(tick, arena.tick)
  t.same([...ids], [...arena.players.keys()])
  t.strictSame([...positions.items], [...arena.players.values()].map(({ position }) => asSent(position)))
  t.same(game.refusals, [])
}

function toward (coin: Vector2, { x, y }: Vector2): Vector2 {
  return new Vector2(coin.x - x, coin.y - y)
}

/** A vector as it arrives: of 32-bit floats. */
function asSent ({ x, y }: Vector2): Vector2 {
  return new Vector2(Math.fround(x), Math.fround(y))
}
