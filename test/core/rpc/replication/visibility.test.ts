import t from 'tap'
import type { WebSocketServer } from '../../../../src/core/server/websocket-server.ts'
import { int, Vector2 } from '../../../../src/protocol/variant/variant-types.ts'
import type { ClientEvent4, Godot4Client } from '../../../helper/godot/godot4-client.ts'
import { Godot4Player, pumpUntilIdle } from '../../../helper/godot/godot4-player.ts'
import { openMemoryServer } from '../../../helper/memory/memory-server.ts'
import { nextTurn } from '../../../helper/memory/frame-client.ts'

const ball = { position: { kind: Vector2 }, health: { kind: int, mode: 'on_change' } } as const
const values = { position: new Vector2(1, 2), health: 3 }

async function open (): Promise<WebSocketServer> {
  return await openMemoryServer({ gdMpApi: true, wire: 'godot4' })
}

function withSpawner (game: Godot4Client): void {
  game.addNode('Main/Spawner', {})
}

/** What happened in the scene, and is not about peers, since the last call. */
function scene ({ game }: Godot4Player): ClientEvent4[] {
  return game.events.splice(0).filter(([what]) => !String(what).startsWith('api.'))
}

function names (player: Godot4Player): string[] {
  return scene(player).map(([what, name]) => `${String(what)} ${String(name)}`)
}

t.test('a callback hides the node by 0, an empty text or NaN, and shows it by any other number or object', async t => {
  const server = await open()
  const player = new Godot4Player(server, withSpawner)
  await pumpUntilIdle([player])
  const spawner = server.multiplayer.spawner('/root/Main/Spawner')
  const answers = [0, '', NaN, 1, {}]
  for (const [at, answer] of answers.entries()) {
    spawner.spawn(`Filter${at}`, { scene: 0 }, {}, {}, { visibility: () => answer as never })
  }
  for (const [at, answer] of answers.entries()) {
    spawner.interest((_, { name }) => (name.startsWith('Filter') ? true : answer) as never)
    spawner.spawn(`Interest${at}`, { scene: 0 })
  }
  await pumpUntilIdle([player])
  t.same(names(player), ['spawned Filter3', 'spawned Filter4', 'spawned Interest3', 'spawned Interest4'])
  server.multiplayer.sync()
  await pumpUntilIdle([player])
  t.same(names(player), ['spawned Interest0', 'spawned Interest1', 'spawned Interest2'], 'by the last rule')
  t.same(player.game.refusals, [])
  await server.stop()
})

t.test('a node that a visibility filter despawns appears nowhere', async t => {
  const server = await open()
  const spawner = server.multiplayer.spawner('/root/Main/Spawner')
  let isDoomed = false
  const node = spawner.spawn('Ball', { scene: 0 }, ball, values, {
    visibility: () => {
      if (isDoomed) node.despawn()
      return true
    }
  })
  const early = new Godot4Player(server, withSpawner)
  await pumpUntilIdle([early])
  isDoomed = true
  const late = new Godot4Player(server, withSpawner)
  await pumpUntilIdle([early, late])
  t.same([...spawner.nodes], [])
  t.same(names(early).at(-1), 'despawned Ball')
  t.same(names(late), [])
  await server.stop()
})

t.test('a filter may move the peer that it is asked about to another room, or close it', async t => {
  const server = await openMemoryServer({ gdMpApi: true, wire: 'godot4', rooms: true })
  const { multiplayer } = server
  const spawner = multiplayer.spawner('/root/Main/Spawner')
  const players = [1, 2, 3].map(() => new Godot4Player(server, withSpawner))
  await pumpUntilIdle(players)
  const [mover, closed, other] = players.map(({ game }) => game.id)
  const room = server.openRoom('hall')
  let isAsked = false
  const node = spawner.spawn('Ball', { scene: 0 }, ball, values, {
    visibility: id => {
      if (isAsked && id === mover) server.getPeer(id).moveTo(room)
      if (isAsked && id === closed) server.disconnectPeer(id)
      return isAsked
    }
  })
  isAsked = true
  multiplayer.sync()
  await pumpUntilIdle(players)
  t.same([mover, closed, other].map(id => node.isVisibleTo(id)), [false, false, true])
  t.same(names(players[0]), [])
  t.equal(names(players[2])[0], 'spawned Ball')
  t.equal(server.monitor.failures, 0)
  await server.stop()
})

t.test('a filter of what a node holds may move the peer, or despawn the node, as the node appears', async t => {
  const server = await openMemoryServer({ gdMpApi: true, wire: 'godot4', rooms: true })
  const { multiplayer } = server
  const spawner = multiplayer.spawner('/root/Main/Spawner')
  const players = [1, 2, 3].map(() => new Godot4Player(server, game => {
    withSpawner(game)
    game.addSpawner('Main/Spawner', { scene: () => ({ Spawner: 1 }) })
  }))
  await pumpUntilIdle(players)
  const [mover, other, last] = players.map(({ game }) => game.id)
  const room = server.openRoom('hall')
  let isShown = false
  const node = spawner.spawn('Ball', { scene: 0 }, ball, values, { visibility: () => isShown })
  node.set('health', 4)
  const hits = multiplayer.spawner('/root/Main/Ball/Spawner')
  hits.spawn('Hit', { scene: 0 }, {}, {}, {
    visibility: id => {
      if (id === mover && server.getPeer(id).room !== room) server.getPeer(id).moveTo(room)
      if (id === last) node.despawn()
      return true
    }
  })
  isShown = true
  multiplayer.sync()
  await pumpUntilIdle(players)
  t.same(names(players[0]), ['spawned Ball', 'despawned Ball'])
  t.same(names(players[1]), ['spawned Ball', 'spawned Hit', 'delta Ball', 'despawned Hit', 'despawned Ball'])
  t.same(names(players[2]), ['spawned Ball', 'despawned Ball'])
  t.notOk(node.isVisibleTo(other))
  t.same(players.flatMap(({ game }) => game.refusals), [])
  t.equal(server.monitor.failures, 0)
  await server.stop()
})

t.test('a hidden node appears at the peers that may see it, and disappears again', async t => {
  const server = await open()
  const { multiplayer } = server
  const players = [new Godot4Player(server, withSpawner), new Godot4Player(server, withSpawner)]
  await pumpUntilIdle(players)
  const [one, two] = players
  const node = multiplayer.spawner('/root/Main/Spawner').spawn('Ball', { scene: 0 }, ball, values, {
    publicVisibility: false
  })
  multiplayer.sync()
  await pumpUntilIdle(players)
  t.same(players.map(names), [[], []])
  node.setVisibleTo(one.game.id, true)
  t.same([node.isVisibleTo(one.game.id), node.isVisibleTo(two.game.id)], [true, false])
  t.throws(() => { node.setVisibleTo(String(two.game.id) as never, true) }, { code: 'ERR_INVALID_PARAMETER' })
  node.set('health', 4)
  multiplayer.sync()
  await pumpUntilIdle(players)
  t.strictSame(scene(one), [
    ['spawned', 'Ball', 0, [new Vector2(1, 2), 3]],
    ['delta', 'Ball', 1n, [3]],
    ['sync', 'Ball', undefined, [new Vector2(1, 2)]],
    ['delta', 'Ball', 1n, [4]]
  ])
  t.same(scene(two), [])
  node.publicVisibility = true
  node.setVisibleTo(one.game.id, false)
  multiplayer.sync()
  await pumpUntilIdle(players)
  t.same(names(one), ['sync Ball'], 'public: as in Godot, single peers cannot be excluded')
  t.same(names(two), ['spawned Ball', 'delta Ball', 'sync Ball'])
  node.publicVisibility = false
  node.setVisibleTo(two.game.id, true)
  await pumpUntilIdle(players)
  t.same(names(one), ['despawned Ball'])
  t.same(names(two), ['despawned Ball', 'spawned Ball', 'delta Ball'])
  node.despawn()
  multiplayer.sync()
  await pumpUntilIdle(players)
  t.same(players.map(names), [[], ['despawned Ball']])
  t.same(players.flatMap(({ game }) => game.refusals), [])
  await server.stop()
})

t.test('a callback decides at every sync, when a peer joins and when a node is spawned', async t => {
  const server = await open()
  const { multiplayer } = server
  const near = new Set<number>()
  const players = [new Godot4Player(server, withSpawner)]
  await pumpUntilIdle(players)
  const spawner = multiplayer.spawner('/root/Main/Spawner')
  near.add(players[0].game.id)
  spawner.spawn('Near', { scene: 0 }, {}, {}, { visibility: id => near.has(id) })
  spawner.spawn('Odd', { scene: 0 }, {}, {}, { visibility: () => { throw new Error('of the application') } })
  players.push(new Godot4Player(server, withSpawner))
  await pumpUntilIdle(players)
  t.same(players.map(names), [['spawned Near'], []])
  near.clear()
  near.add(players[1].game.id)
  multiplayer.sync()
  await pumpUntilIdle(players)
  t.same(players.map(names), [['despawned Near'], ['spawned Near']])
  t.ok(server.monitor.failures >= 3, 'a filter that throws hides')
  t.same(players.flatMap(({ game }) => game.refusals), [])
  await server.stop()
})

t.test('lobby, then match: a client that loads its scene later gets the nodes when it says so, and all later ones',
  async t => {
    const server = await open()
    const { multiplayer } = server
    const ready = new Set<number>()
    const lobby = multiplayer.node('/root/Lobby', { loaded: [] })
    lobby.method('any_peer', 'loaded', id => { ready.add(id) })
    const spawner = multiplayer.spawner('/root/Main/Spawner')
    spawner.spawn('First', { scene: 0 }, ball, values, { visibility: id => ready.has(id) })
    const player = new Godot4Player(server, game => {
      game.addNode('Lobby', { loaded: { args: 0, mode: 'any_peer' } })
    })
    await pumpUntilIdle([player])
    multiplayer.sync()
    await pumpUntilIdle([player])
    t.same(scene(player), [])
    withSpawner(player.game)
    player.game.rpc('Lobby', 'loaded', [], 1)
    await pumpUntilIdle([player])
    multiplayer.sync()
    await pumpUntilIdle([player])
    t.same(names(player), ['spawned First', 'delta First', 'sync First'])
    spawner.spawn('Second', { scene: 0 })
    await pumpUntilIdle([player])
    t.same(names(player), ['spawned Second'])
    t.same(player.game.refusals, [])
    await server.stop()
  })

t.test('a path that a client has refused is announced again', async t => {
  const server = await open()
  const { multiplayer } = server
  const spawner = multiplayer.spawner('/root/Main/Spawner')
  const early = spawner.spawn('Early', { scene: 0 })
  const player = new Godot4Player(server)
  await pumpUntilIdle([player])
  t.same(player.game.refusals.splice(0), ['announced path has no node', 'path id not announced by this sender'])
  withSpawner(player.game)
  spawner.spawn('Late', { scene: 0 })
  spawner.spawn('Later', { scene: 0 })
  await pumpUntilIdle([player])
  t.same(names(player), ['spawned Late', 'spawned Later'])
  spawner.spawn('Last', { scene: 0 })
  await pumpUntilIdle([player])
  t.same(names(player), ['spawned Last'], 'by the id that was confirmed')
  t.same(player.game.refusals, [])
  early.publicVisibility = false
  early.publicVisibility = true
  await pumpUntilIdle([player])
  t.same(names(player), ['spawned Early'])
  t.same(player.game.refusals, ['not a known spawn'], 'it never had the node')
  t.equal(server.monitor.drops['rpc-unasked-confirm'], 0)
  await server.stop()
})

t.test('announcements on their way cause no error: each has an id of its own', async t => {
  const server = await open()
  const spawner = server.multiplayer.spawner('/root/Main/Spawner')
  const player = new Godot4Player(server, withSpawner)
  for (let i = 0; i < 100; i++) {
    spawner.spawn(`N${i}`, { scene: 0 })
    await nextTurn()
  }
  await pumpUntilIdle([player])
  t.equal(names(player).length, 100)
  t.same([...new Set(player.game.refusals)], ['path id announced twice'], 'beyond 64 ids the last one is used again')
  t.equal(player.game.refusals.length, 35)
  t.equal(server.monitor.drops['rpc-unasked-confirm'], 0)
  await server.stop()
})

t.test('remote calls to a node whose path was announced again go by path', async t => {
  const server = await open()
  const { multiplayer } = server
  const surface = { flash: [int] } as const
  const spawner = multiplayer.spawner('/root/Main/Spawner', surface)
  spawner.spawn('Early', { scene: 0 })
  const player = new Godot4Player(server)
  await pumpUntilIdle([player])
  player.game.addNode('Main/Spawner', { flash: { args: 1 } })
  player.game.refusals.length = 0
  spawner.spawn('Late', { scene: 0 })
  multiplayer.node('/root/Main/Spawner', surface).rpc('flash', 7)
  await pumpUntilIdle([player])
  multiplayer.node('/root/Main/Spawner', surface).rpc('flash', 8)
  await pumpUntilIdle([player])
  t.strictSame(player.game.events.filter(([what]) => what === 'flash').map(([, , , values]) => values), [[7], [8]])
  t.same(player.game.refusals, [])
  await server.stop()
})

t.test('forgets peers that leave', async t => {
  const server = await open()
  const spawner = server.multiplayer.spawner('/root/Main/Spawner')
  const players = [new Godot4Player(server, withSpawner), new Godot4Player(server, withSpawner)]
  await pumpUntilIdle(players)
  const node = spawner.spawn('Ball', { scene: 0 }, ball, values, { publicVisibility: false })
  for (const { game } of players) node.setVisibleTo(game.id, true)
  players[0].leave()
  await pumpUntilIdle(players)
  t.notOk(node.isVisibleTo(players[0].game.id))
  node.set('health', 9)
  server.multiplayer.sync()
  node.despawn()
  await pumpUntilIdle(players)
  t.same(names(players[1]), ['spawned Ball', 'delta Ball', 'sync Ball', 'delta Ball', 'despawned Ball'])
  await server.stop()
})
