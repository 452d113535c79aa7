import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import Fastify from 'fastify'
import t, { type Test } from 'tap'
import { root } from '../../scripts/root.ts'
import { enemy, input, Match, player, state, surface } from '../../examples/match4/match.ts'
import peerServer, { Vector2, type Replication } from '../../index.ts'
import { scriptOf, type Godot4Client } from '../helper/godot/godot4-client.ts'
import { Godot4Socket } from '../helper/godot/godot4-socket.ts'
import { until } from '../helper/until.ts'

const folder = join(root, 'examples/match4/godot')
const read = (name: string): string => readFileSync(join(folder, name), 'utf8')

/** The `@rpc` functions of the Godot project. */
const script = scriptOf(read('main.gd'))

/** What `start` adds to the scene. */
function loadMatch (game: Godot4Client): void {
  for (const path of ['', '/Time', '/Players', '/Waves', '/State']) game.addNode(`Main/Match${path}`, {})
  game.addSpawner('Main/Match/PlayerSpawner', {
    spawnPath: 'Main/Match/Players', scene: (_, name) => ({ Synchronizer: 1, Input: Number(name) })
  })
  game.addSpawner('Main/Match/WaveSpawner', {
    spawnPath: 'Main/Match/Waves',
    scene: (_, name) => {
      const wave = `Main/Match/Waves/${name}`
      game.addSpawner(`${wave}/Spawner`, { spawnPath: `${wave}/Enemies`, scene: () => ({ Synchronizer: 1 }) })
      return { Enemies: 1, Spawner: 1 }
    }
  })
}

t.test('the client script has the functions that the server declares', async t => {
  t.same(Object.fromEntries(Object.entries(script).map(([name, { args }]) => [name, args])),
    Object.fromEntries(Object.entries(surface).map(([name, kinds]) => [name, kinds.length])))
  t.same(Object.keys(script).filter(name => script[name].mode === 'any_peer'), ['enter', 'loaded'])
})

t.test('the scenes have the nodes and replication configs that the server declares', async t => {
  const modes = { never: 0, always: 1, on_change: 2 }
  const config = (replication: Replication): string[][] => Object.entries(replication)
    .map(([name, { mode = 'always' }]) => [name, String(modes[mode])])
  const inScene = (scene: string, id: string): string[][] => {
    const [, body] = read(scene).split(`[sub_resource type="SceneReplicationConfig" id="${id}"]`)
    return [...body.split('\n[')[0].matchAll(/path = NodePath\("\.:(\w+)"\)\n.*\n.*replication_mode = (\d)/g)]
      .map(([, name, mode]) => [name, mode])
  }
  t.same(inScene('match.tscn', 'State'), config(state))
  t.same(inScene('player.tscn', 'Position'), config(player))
  t.same(inScene('player.tscn', 'Input'), config(input))
  t.same(inScene('enemy.tscn', 'Enemy'), config(enemy))
  for (const [scene, path] of [['match.tscn', '../Players'], ['match.tscn', '../Waves'], ['wave.tscn', '../Enemies']]) {
    t.match(read(scene), `spawn_path = NodePath("${path}")`)
  }
  const files = readdirSync(folder)
  for (const file of files.filter(name => /\.(tscn|godot|gd)$/.test(name))) {
    for (const [, used] of read(file).matchAll(/"res:\/\/([\w.]+)"/g)) t.ok(files.includes(used), `${file}: ${used}`)
  }
  const scripts = files.filter(name => name.endsWith('.gd'))
  t.ok(scripts.length > 0)
  for (const file of scripts) {
    t.notMatch(read(file), /^ |^\t+ |\b(remote|puppet|master|onready|export|setget) /m, file)
  }
})

t.test('a match of three players: a lobby, scenes that are loaded late, and an end that everyone hears', async t => {
  const app = Fastify()
  t.teardown(async () => { await app.close() })
  await app.register(peerServer, { path: '/ws4', gdMpApi: true, wire: 'godot4', rooms: true, closeTimeout: 5 })
  let match!: Match
  app.peerServer.on('room_opened', room => { match = new Match(room, { seats: 3, seconds: 60 }) })
  await app.listen({ port: 0 })
  const players: Godot4Socket[] = []
  for (const name of ['Ann', 'Ben', 'Cat']) players.push(await enter(t, app.peerServer.port, name))
  await Promise.all(players.map(async player => await player.event('start')))
  const [ann, ben, cat] = players
  await load(ann)
  await load(ben)
  await ann.event('spawned', 'Enemy5')
  t.same(spawned(cat), [], 'who has not loaded the scene gets nothing')
  const before = match.fighters.get(ann.game.id)!.node.get('position')
  const direction = new Vector2(before.x < 500 ? 1 : -1, 0)
  await until(() => {
    ann.game.sync(`Main/Match/Players/${ann.game.id}/Input`, [direction], undefined, [1])
    return match.fighters.get(ann.game.id)!.node.get('position').x !== before.x
  })
  await load(cat)
  await cat.event('spawned', 'Enemy5')
  const order = [...players.map(({ game }) => String(game.id)), 'Wave1', ...[1, 2, 3, 4, 5].map(n => `Enemy${n}`)]
  for (const player of players) t.same(spawned(player).slice(0, 9), order, 'all get everything in the order of spawn')
  await Promise.all(players.map(async player => await player.event('delta', 'Main/Match/State')))
  await hunt(match, ann)
  await Promise.all(players.map(async player => await player.event('spawned', 'Wave2')))
  for (const player of players) {
    const { events } = player.game
    const at = (what: string, name: string): number => events.findIndex(([one, two]) => one === what && two === name)
    t.ok(at('despawned', 'Wave1') < at('spawned', 'Wave2'))
  }
  await match.end()
  for (const { game } of players) {
    t.same(game.events.filter(([what]) => what === 'over').map(([, , , values]) => values), [['Ann']])
    t.same(game.refusals, [])
  }
  t.same(drops(app.peerServer), 0)
})

async function enter (t: Test, port: number, name: string): Promise<Godot4Socket> {
  const player = await Godot4Socket.connect(t, port, '/ws4/ice', [], game => { game.addNode('Main', script) })
  await player.event('api.peer_connected', 1)
  player.game.rpc('Main', 'enter', [name], 1)
  return player
}

async function load ({ game }: Godot4Socket): Promise<void> {
  loadMatch(game)
  game.rpc('Main', 'loaded', [], 1)
}

function spawned ({ game }: Godot4Socket): unknown[] {
  return game.events.filter(([what]) => what === 'spawned').map(([, name]) => name)
}

/** Moves enemies next to a player until the wave is over: a match would take longer than a test should. */
async function hunt (match: Match, { game }: Godot4Socket): Promise<void> {
  game.sync(`Main/Match/Players/${game.id}/Input`, [new Vector2()], undefined, [1])
  await until(() => {
    const at = match.fighters.get(game.id)!.node.get('position')
    for (const node of match.enemies) node.set('position', at)
    return match.wave > 1
  })
}

function drops ({ monitor }: { readonly monitor: { readonly drops: object, readonly failures: number } }): number {
  return Object.values(monitor.drops).reduce((sum, count) => sum + count, monitor.failures)
}
