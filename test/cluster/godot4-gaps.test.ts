import t from 'tap'
import type { Test } from 'tap'
import { int } from '../../src/protocol/variant/variant-types.ts'
import type { Timings } from '../../src/cluster/membership/timings.ts'
import type { Godot4Client } from '../helper/godot/godot4-client.ts'
import { Godot4Player, pumpUntilIdle } from '../helper/godot/godot4-player.ts'
import { openMemoryCluster, patientTimings, settled } from '../helper/memory/memory-cluster.ts'
import { until } from '../helper/until.ts'

const script = { hello: { args: 1, mode: 'any_peer' }, score: { args: 1 } } as const
const round = { round: { kind: int, mode: 'on_change' }, time: { kind: int } } as const

const NOT_LOADED = 'announced path has no node'

/** A client whose server spawns balls. */
function withScene (game: Godot4Client): void {
  game.addNode('Arena', script)
  game.addNode('Arena/State', {})
  game.addSpawner('Arena/Balls', { scene: () => ({ State: 1 }) })
}

/**
 * A game in `main`, at home on the first node, with a player on each of two nodes: its server has a ball, and
 * synchronizers of the scene, inside the ball, and in a scene that the clients have not loaded.
 */
async function openGame (t: Test, timings: Timings) {
  const cluster = await openMemoryCluster(t, 2, { wire: 'godot4' }, timings)
  const [home, other] = cluster.nodes
  const { multiplayer } = home
  const heard: unknown[] = []
  const arena = multiplayer.node('/root/Arena', { hello: [String], score: [int] })
    .method('any_peer', 'hello', (_, word) => { heard.push(word) })
  for (const name of ['peer_connected', 'peer_disconnected'] as const) {
    multiplayer.on(name, id => { heard.push(`${name} ${id}`) })
  }
  const here = new Godot4Player(home, withScene)
  const there = new Godot4Player(other, withScene)
  const players = [here, there]
  const pump = async (): Promise<void> => {
    for (let round = 0; round < 4; round++) {
      await pumpUntilIdle(players)
      await settled()
    }
  }
  await until(async () => {
    await pump()
    return here.game.peers.has(there.game.id) && there.game.peers.has(here.game.id)
  })
  const ball = multiplayer.spawner('/root/Arena/Balls').spawn('Ball', { scene: 0 }, round, { round: 1, time: 1 })
  multiplayer.synchronizer('/root/Arena/State', round, { values: { round: 1, time: 1 } })
  ball.synchronizer('State', round, { values: { round: 1, time: 1 } })
  multiplayer.synchronizer('/root/Late/State', round, { values: { round: 1, time: 1 } })
  await pump()
  arena.rpc('score', 1)
  there.game.rpc('Arena', 'hello', ['one'], 1)
  await pump()
  arena.rpc('score', 2)
  there.game.rpc('Arena', 'hello', ['two'], 1)
  multiplayer.sync()
  await pump()
  /** What a player has seen since the last call: `spawned Ball`, `sync Arena/State`, `score 2`. */
  const seen = ({ game }: Godot4Player): string[] => game.events.splice(0)
    .filter(([what]) => !String(what).startsWith('api.'))
    .map(([what, name, , values]) => `${String(what)} ${String(what === 'score' ? values : name)}`)
  t.same(heard.splice(0).slice(-2), ['one', 'two'])
  for (const player of players) t.ok(seen(player).includes('sync Arena/Ball/State'))
  for (const { game } of players) t.same(game.refusals.splice(0), [NOT_LOADED])
  return { ...cluster, multiplayer, arena, heard, here, there, ball, pump, seen }
}

t.test('Godot 4: after a lost packet its sender calls by path id, and has the scene of the server', async t => {
  const { broker, buses, ...game } = await openGame(t, patientTimings)
  const { multiplayer, arena, heard, here, there, ball, pump, seen } = game
  const { id } = there.game
  multiplayer.once('peer_disconnected', () => { ball.despawn() })
  multiplayer.once('peer_connected', () => {
    multiplayer.spawner('/root/Arena/Balls').spawn('Ball2', { scene: 0 }, round, { round: 2, time: 2 })
  })
  broker.cut(buses[1])
  there.game.rpc('Arena', 'hello', ['lost'], 1)
  there.game.addNode('Late/State', {})
  await pump()
  broker.restore(buses[1])
  there.game.rpc('Arena', 'hello', ['three'], 1)
  await pump()
  t.same(heard.splice(0), [`peer_disconnected ${id}`, `peer_connected ${id}`, 'three'])
  t.same(seen(there), ['despawned Ball', 'delta Arena/State', 'spawned Ball2', 'delta Late/State'])
  t.same(seen(here), ['despawned Ball', 'spawned Ball2'])
  arena.rpc('score', 3)
  multiplayer.sync()
  there.game.rpc('Arena', 'hello', ['four'], 1)
  await pump()
  t.same(heard.splice(0), ['four'])
  t.same(seen(there), ['score 3', 'sync Arena/State', 'sync Ball2', 'delta Ball2', 'sync Late/State'])
  t.same(seen(here), ['score 3', 'sync Arena/State', 'sync Ball2', 'delta Ball2'])
  for (const { game } of [here, there]) t.same(game.refusals, [])
})

t.test('Godot 4: players of a node that was lost and is back call by path id, and have the scene', async t => {
  const { broker, buses, nodes: [home], ...game } = await openGame(t, { ...patientTimings, silence: 200 })
  const { multiplayer, arena, heard, here, there, ball, pump, seen } = game
  const { id } = there.game
  broker.cut(buses[1])
  await until(() => !home.hasPeer(id))
  ball.despawn()
  multiplayer.spawner('/root/Arena/Balls').spawn('Ball', { scene: 0 }, round, { round: 2, time: 2 })
  arena.rpc('score', 3)
  await pump()
  t.same(seen(there), [])
  broker.restore(buses[1])
  await until(() => home.hasPeer(id))
  await pump()
  t.same(heard.splice(0), [`peer_disconnected ${id}`, `peer_connected ${id}`])
  t.same(seen(there), ['despawned Ball', 'spawned Ball', 'delta Arena/State', 'delta Ball'])
  t.same(there.game.refusals.splice(0), [NOT_LOADED])
  there.game.rpc('Arena', 'hello', ['three'], 1)
  arena.rpc('score', 4)
  multiplayer.sync()
  await pump()
  t.same(heard.splice(0), ['three'])
  t.same(seen(there), ['score 4', 'sync Arena/State', 'sync Ball', 'delta Ball'])
  for (const { game } of [here, there]) t.same(game.refusals, [])
})

t.test('Godot 4: after a lost packet an application knows the paths announced before it was there', async t => {
  const { broker, buses, nodes: [home, other] } = await openMemoryCluster(t, 2, { wire: 'godot4' }, patientTimings)
  const player = new Godot4Player(other, withScene)
  await until(async () => {
    await pumpUntilIdle([player])
    return home.hasPeer(player.game.id)
  })
  for (const word of ['one', 'two']) {
    player.game.rpc('Arena', 'hello', [word], 1)
    await settled()
    await pumpUntilIdle([player])
  }
  broker.cut(buses[1])
  player.game.rpc('Arena', 'hello', ['lost'], 1)
  await settled()
  broker.restore(buses[1])
  player.game.rpc('Arena', 'hello', ['three'], 1)
  await settled()
  const heard: unknown[] = []
  home.multiplayer.node('/root/Arena', { hello: [String], score: [int] })
    .method('any_peer', 'hello', (_, word) => { heard.push(word) })
  player.game.rpc('Arena', 'hello', ['four'], 1)
  await settled()
  t.same(heard, ['four'])
})
