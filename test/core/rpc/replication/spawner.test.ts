import t from 'tap'
import type { SpawnedNode } from '../../../../src/core/rpc/replication/spawned-node.ts'
import type { WebSocketServer } from '../../../../src/core/server/websocket-server.ts'
import { float, int, Vector2 } from '../../../../src/protocol/variant/variant-types.ts'
import type { ClientEvent4, Godot4Client } from '../../../helper/godot/godot4-client.ts'
import { Godot4Player, pumpUntilIdle } from '../../../helper/godot/godot4-player.ts'
import { openMemoryServer } from '../../../helper/memory/memory-server.ts'

async function open (): Promise<WebSocketServer> {
  return await openMemoryServer({ gdMpApi: true, wire: 'godot4' })
}

/** Waves with a spawner of enemies and a synchronizer of their own, and players with an input. */
function withScene (game: Godot4Client): void {
  game.addNode('Main/Players', {})
  game.addSpawner('Main/Waves', { scene: () => ({ Enemies: 1, State: 1 }) })
  game.addSpawner('Main/PlayerSpawner', {
    spawnPath: 'Main/Players', scene: (_, name) => ({ Input: Number(name) })
  })
}

function scene ({ game }: Godot4Player): ClientEvent4[] {
  return game.events.splice(0).filter(([what]) => !String(what).startsWith('api.'))
}

function names (player: Godot4Player): string[] {
  return scene(player).map(([what, name]) => `${String(what)} ${String(name)}`)
}

t.test('late joiners get nodes in the order of their spawn, over all spawners', async t => {
  const server = await open()
  const { multiplayer } = server
  const players = [new Godot4Player(server, withScene)]
  await pumpUntilIdle(players)
  const waves = multiplayer.spawner('/root/Main/Waves')
  const wave = waves.spawn('Wave1', { scene: 0 })
  t.equal(wave.path, 'Main/Wave1')
  const enemies = multiplayer.spawner(`${wave.path}/Enemies`)
  enemies.spawn('Orc', { scene: 0 })
  waves.spawn('Wave2', { scene: 0 })
  enemies.spawn('Elf', { scene: 0 })
  players.push(new Godot4Player(server, withScene))
  await pumpUntilIdle(players)
  const order = ['spawned Wave1', 'spawned Orc', 'spawned Wave2', 'spawned Elf']
  t.same(players.map(names), [order, order])
  t.ok(players[1].game.nodes.includes('Main/Wave1/Orc'))
  t.same(players.flatMap(({ game }) => game.refusals), [])
  await server.stop()
})

t.test('what is inside a node is removed before it, and forgotten: at clients, at late joiners and here', async t => {
  const server = await open()
  const { multiplayer } = server
  const players = [new Godot4Player(server, withScene), new Godot4Player(server, withScene)]
  await pumpUntilIdle(players)
  const waves = multiplayer.spawner('/root/Main/Waves')
  for (let round = 0; round < 2; round++) {
    const wave = waves.spawn('Wave', { scene: 0 })
    const enemies = multiplayer.spawner(`${wave.path}/Enemies`)
    const orc = enemies.spawn('Orc', { scene: 0 }, { hp: { kind: int } }, { hp: 3 })
    enemies.spawn('Elf', { scene: 0 })
    const state = wave.synchronizer('State', { left: { kind: int } }, { values: { left: 2 } })
    await pumpUntilIdle(players)
    multiplayer.sync()
    await pumpUntilIdle(players)
    for (const player of players) {
      t.same(names(player), ['spawned Wave', 'spawned Orc', 'spawned Elf', 'sync Orc', 'sync Main/Wave/State'])
    }
    wave.despawn()
    wave.despawn()
    orc.despawn()
    t.same([...waves.nodes, ...enemies.nodes], [])
    t.notOk(state.isVisibleTo(players[0].game.id))
    multiplayer.sync()
    await pumpUntilIdle(players)
    for (const player of players) t.same(names(player), ['despawned Elf', 'despawned Orc', 'despawned Wave'])
  }
  const late = new Godot4Player(server, withScene)
  players.push(late)
  await pumpUntilIdle(players)
  t.same(names(late), [])
  t.same(players.flatMap(({ game }) => game.refusals), [])
  t.equal(server.monitor.drops['rpc-unasked-confirm'], 0)
  await server.stop()
})

t.test('what is inside a hidden node is hidden as well', async t => {
  const server = await open()
  const { multiplayer } = server
  const player = new Godot4Player(server, withScene)
  await pumpUntilIdle([player])
  const wave = multiplayer.spawner('/root/Main/Waves').spawn('Wave', { scene: 0 }, {}, {}, { publicVisibility: false })
  const orc = multiplayer.spawner(`${wave.path}/Enemies`).spawn('Orc', { scene: 0 })
  const { id } = player.game
  await pumpUntilIdle([player])
  t.same([names(player), orc.isVisibleTo(id)], [[], false])
  for (let round = 0; round < 2; round++) {
    wave.setVisibleTo(id, true)
    await pumpUntilIdle([player])
    t.same(names(player), ['spawned Wave', 'spawned Orc'])
    wave.setVisibleTo(id, false)
    await pumpUntilIdle([player])
    t.same(names(player), ['despawned Orc', 'despawned Wave'])
  }
  t.same(player.game.refusals, [])
  await server.stop()
})

t.test('a spawner is removed with the node that it is in, wherever it places nodes', async t => {
  const server = await open()
  const { multiplayer } = server
  const player = new Godot4Player(server, withScene)
  await pumpUntilIdle([player])
  const waves = multiplayer.spawner('/root/Main/Waves')
  const wave = waves.spawn('Wave', { scene: 0 })
  const path = `${wave.path}/Enemies`
  const enemies = multiplayer.spawner(path, undefined, { spawnPath: '../Alive' })
  enemies.interest(() => false)
  t.equal(multiplayer.spawner(path, undefined, { spawnPath: '/root/Main/Wave/Alive' }), enemies)
  t.throws(() => multiplayer.spawner(path, undefined, { spawnPath: '..' }), {
    code: 'ERR_ALREADY_IN_USE', message: 'spawner Main/Wave/Enemies already exists with the spawn path Main/Wave/Alive'
  })
  wave.despawn()
  t.throws(() => enemies.spawn('Orc', { scene: 0 }), {
    code: 'ERR_DOES_NOT_EXIST', message: 'spawner Main/Wave/Enemies was removed with the node that it is in'
  })
  waves.spawn('Wave', { scene: 0 })
  const orc = multiplayer.spawner(path).spawn('Orc', { scene: 0 })
  t.equal(orc.path, 'Main/Wave/Orc')
  await pumpUntilIdle([player])
  t.same(names(player), ['spawned Wave', 'despawned Wave', 'spawned Wave', 'spawned Orc'], 'without a former rule')
  wave.despawn()
  t.ok(multiplayer.spawner(path).spawn('Elf', { scene: 0 }), 'that of the node that is there')
  for (const node of waves.nodes) node.despawn()
  t.doesNotThrow(() => multiplayer.clientSpawner(path, {}, { authority: player.game.id }), 'its path is free')
  await server.stop()
})

t.test('the input of each player is a synchronizer of that player below a node of the server', async t => {
  const server = await open()
  const { multiplayer } = server
  const spawner = multiplayer.spawner('/root/Main/PlayerSpawner', undefined, { spawnPath: '../Players' })
  const heard: unknown[] = []
  multiplayer.on('peer_connected', id => {
    const node = spawner.spawn(String(id), { scene: 0 }, { position: { kind: Vector2 } }, { position: new Vector2() })
    node.synchronizer('Input', { direction: { kind: Vector2 } }, { authority: id })
      .on('changed', ({ direction }, sender) => { heard.push([node.name, sender, direction]) })
  })
  const players = [new Godot4Player(server, withScene), new Godot4Player(server, withScene)]
  await pumpUntilIdle(players)
  for (let tick = 0; tick < 2; tick++) {
    for (const { game } of players) game.sync(`Main/Players/${game.id}/Input`, [new Vector2(tick, 1)])
    await pumpUntilIdle(players)
  }
  const [one, two] = players.map(({ game }) => game.id)
  t.strictSame(heard, [[String(one), one, new Vector2(1, 1)], [String(two), two, new Vector2(1, 1)]])
  t.same(players.flatMap(({ game }) => game.refusals), [])
  const [node] = spawner.nodes
  node.despawn()
  const again = spawner.spawn(String(one), { scene: 0 })
  t.doesNotThrow(() => again.synchronizer('Input', {}, { authority: one }), 'those of clients are freed with the node')
  await server.stop()
})

t.test('a spawner with @rpc functions is announced with their list, in any order before the first spawn', async t => {
  const server = await open()
  const { multiplayer } = server
  const surface = { flash: [int], stop: [] } as const
  const script = { flash: { args: 1 }, stop: { args: 0 } }
  const player = new Godot4Player(server, game => {
    for (const path of ['Main/A', 'Main/B', 'Main/C']) game.addNode(path, script)
  })
  await pumpUntilIdle([player])
  multiplayer.spawner('/root/Main/A', surface).spawn('a', { scene: 0 })
  t.equal(multiplayer.spawner('Main/A', surface), multiplayer.spawner('Main/A'))
  multiplayer.spawner('Main/B')
  multiplayer.node('/root/Main/B', surface)
  multiplayer.spawner('Main/B').spawn('b', { scene: 0 })
  multiplayer.spawner('Main/C', ['flash', 'stop']).spawn('c', { scene: 0 })
  multiplayer.node('/root/Main/A').rpc('flash', 7)
  await pumpUntilIdle([player])
  t.same(player.game.events.filter(([what]) => what === 'flash').map(([, , , values]) => values), [[7]])
  t.same(names(player).filter(line => line.startsWith('spawned')), ['spawned a', 'spawned b', 'spawned c'])
  t.same(player.game.refusals, [])
  t.equal(server.monitor.drops['rpc-method-list'], 0)
  await server.stop()
})

t.test('the node of a surface that was given to a spawner is removed with the spawner', async t => {
  const server = await open()
  const { multiplayer } = server
  const waves = multiplayer.spawner('/root/Main/Waves')
  const path = 'Main/Wave/Enemies'
  const shared = multiplayer.node('Main/Wave/Shared', ['flash'])
  for (const surface of [['flash'], ['flash', 'stop'], { stop: [int] }]) {
    const wave = waves.spawn('Wave', { scene: 0 })
    multiplayer.spawner(path, surface).spawn('Orc', { scene: 0 })
    multiplayer.spawner('Main/Wave/Shared', ['flash'])
    t.equal(multiplayer.spawner(path, surface), multiplayer.spawner(path))
    const node = multiplayer.node(path)
    wave.despawn()
    t.throws(() => { node.rpc('flash') }, { code: 'ERR_DOES_NOT_EXIST' })
  }
  t.equal(multiplayer.node('Main/Wave/Shared'), shared, 'not one that the application has registered')
  await server.stop()
})

t.test('a spawner that is refused leaves no node behind that a later one would not remove', async t => {
  const server = await open()
  const { multiplayer } = server
  const path = '/root/Main/Wave/Enemies'
  const [one, other] = [{ flash: [int] }, { stop: [int] }] as const
  const waves = multiplayer.spawner('/root/Main/Waves')
  const wave = waves.spawn('Wave', { scene: 0 })
  t.throws(() => multiplayer.spawner(path, one, { spawnPath: '..//' }), { code: 'ERR_INVALID_PARAMETER' })
  multiplayer.spawner(path)
  t.throws(() => multiplayer.spawner(path, one, { spawnPath: '../Other' }), { code: 'ERR_ALREADY_IN_USE' })
  multiplayer.spawner(path, one)
  wave.despawn()
  waves.spawn('Wave', { scene: 0 })
  multiplayer.spawner(path, other)
  await server.stop()
})

t.test('the surface of a spawner that was announced without it comes too late', async t => {
  const server = await open()
  const { multiplayer } = server
  const player = new Godot4Player(server, game => { game.addNode('Main/A', { flash: { args: 1 } }) })
  await pumpUntilIdle([player])
  const spawner = multiplayer.spawner('/root/Main/A')
  spawner.spawn('a', { scene: 0 })
  const late = {
    code: 'ERR_ALREADY_IN_USE',
    message: 'Main/A was announced to clients without these methods: give them to spawner(path, surface), or call ' +
      'node(path, surface) before anything is spawned'
  }
  t.throws(() => multiplayer.node('/root/Main/A', { flash: [int] }), late)
  t.throws(() => multiplayer.spawner('/root/Main/A', { flash: [int] }), late)
  t.doesNotThrow(() => multiplayer.node('/root/Main/A'))
  await server.stop()
})

t.test('values are required, and checked against their kinds', async t => {
  const server = await open()
  const spawner = server.multiplayer.spawner('Main/A')
  const properties = { speed: { kind: float }, name: { kind: String } } as const
  // @ts-expect-error the values are missing
  t.throws(() => spawner.spawn('a', { scene: 0 }, properties), {
    code: 'ERR_INVALID_PARAMETER', message: 'property speed: expected float, got undefined'
  })
  t.throws(() => spawner.spawn('a', { scene: 0 }, properties, { speed: 1, name: 7 as never }), {
    code: 'ERR_INVALID_PARAMETER', message: 'property name: expected String, got 7'
  })
  const node = spawner.spawn('a', { scene: 0 }, properties, { speed: 1, name: 'x' })
  t.throws(() => { node.set('speed', undefined as never) }, { code: 'ERR_INVALID_PARAMETER' })
  t.throws(() => { node.set('name', null as never) }, { message: 'property name: expected String, got null' })
  t.same([node.get('speed'), node.get('name')], [1, 'x'])
  t.throws(() => server.multiplayer.spawner('Main/B', undefined, { spawnPath: '../a:b' }), {
    code: 'ERR_INVALID_PARAMETER'
  })
  await server.stop()
})

t.test('paths of spawned nodes follow from the spawn path', async t => {
  const server = await open()
  const { multiplayer } = server
  const path = (spawner: string, spawnPath?: string): string =>
    multiplayer.spawner(spawner, undefined, spawnPath === undefined ? {} : { spawnPath }).spawn('x', { scene: 0 }).path
  t.equal(path('/root/Main/A'), 'Main/x')
  t.equal(path('/root/B'), 'x')
  t.equal(path('/root/Main/C', '../Players'), 'Main/Players/x')
  t.equal(path('/root/Main/D', '/root/World/Items'), 'World/Items/x')
  t.equal(path('/root/Main/E', '.'), 'Main/E/x')
  await server.stop()
})

t.test('a node that a spawner in one node places in another is visible where both are', async t => {
  const server = await open()
  const { multiplayer } = server
  const player = new Godot4Player(server, game => {
    game.addSpawner('Main/Spawner', { scene: (_, name): Record<string, number> => name === 'Shop' ? { Items: 1 } : {} })
  })
  await pumpUntilIdle([player])
  const { game } = player
  const spawner = multiplayer.spawner('/root/Main/Spawner')
  const spawn = (name: string): SpawnedNode<any> =>
    spawner.spawn(name, { scene: 0 }, {}, {}, { publicVisibility: false })
  const withShop = (): ReturnType<typeof multiplayer.spawner> => {
    game.addSpawner('Main/Shop/Items', { spawnPath: 'Main/Player' })
    return multiplayer.spawner('/root/Main/Shop/Items', undefined, { spawnPath: '../../Player' })
  }
  const shop = spawn('Shop')
  let owner = spawn('Player')
  const items = withShop()
  t.equal(items.spawn('Sword', { scene: 0 }).path, 'Main/Player/Sword')
  owner.setVisibleTo(game.id, true)
  await pumpUntilIdle([player])
  t.same(names(player), ['spawned Player'], 'its spawner is missing')
  shop.setVisibleTo(game.id, true)
  await pumpUntilIdle([player])
  t.same(names(player), ['spawned Shop', 'spawned Sword'])
  owner.setVisibleTo(game.id, false)
  await pumpUntilIdle([player])
  t.same(names(player), ['despawned Sword', 'despawned Player'])
  owner.setVisibleTo(game.id, true)
  await pumpUntilIdle([player])
  t.same(names(player), ['spawned Player', 'spawned Sword'])
  owner.despawn()
  await pumpUntilIdle([player])
  t.same([names(player), [...items.nodes]], [['despawned Sword', 'despawned Player'], []])
  owner = spawn('Player')
  owner.setVisibleTo(game.id, true)
  items.spawn('Sword', { scene: 0 })
  shop.despawn()
  await pumpUntilIdle([player])
  t.same(names(player), ['spawned Player', 'spawned Sword', 'despawned Sword', 'despawned Shop'])
  spawn('Shop')
  t.same([[...items.nodes], [...withShop().nodes]], [[], []])
  t.same(game.refusals, [])
  await server.stop()
})

t.test('a path has one spawned node, of whichever spawner or client', async t => {
  const server = await open()
  const { multiplayer } = server
  const player = new Godot4Player(server, game => {
    for (const path of ['Main/A', 'Main/B', 'Main/C']) game.addSpawner(path)
  })
  await pumpUntilIdle([player])
  const { game } = player
  game.setAuthority('Main/C', game.id)
  const [one, other] = ['Main/A', 'Main/B'].map(path => multiplayer.spawner(path))
  const ball = one.spawn('Ball', { scene: 0 })
  const inUse = { code: 'ERR_ALREADY_IN_USE', message: 'node Main/Ball is already spawned' }
  for (const spawner of [one, other]) t.throws(() => spawner.spawn('Ball', { scene: 0 }), inUse)
  ball.despawn()
  const next = other.spawn('Ball', { scene: 0 })
  const client = multiplayer.clientSpawner('Main/C', {}, { authority: game.id })
  client.on('despawned', ({ name }) => { one.spawn(name, { scene: 0 }) })
  game.spawn('Main/C', { name: 'Gun', what: { scene: 0 } })
  await pumpUntilIdle([player])
  t.throws(() => one.spawn('Gun', { scene: 0 }), { code: 'ERR_ALREADY_IN_USE' }, 'a node of a client')
  game.despawn('Gun')
  await pumpUntilIdle([player])
  next.despawn()
  t.same([...one.nodes, ...other.nodes].map(({ path }) => path), ['Main/Gun'])
  await pumpUntilIdle([player])
  t.same(names(player), ['spawned Ball', 'despawned Ball', 'spawned Ball', 'spawned Gun', 'despawned Ball'])
  t.same(game.refusals, [])
  t.equal(server.monitor.failures, 0)
  await server.stop()
})

t.test('interest: a rule of the spawner, checked at intervals', async t => {
  const server = await open()
  const { multiplayer } = server
  const players = [new Godot4Player(server, withScene), new Godot4Player(server, withScene)]
  await pumpUntilIdle(players)
  const spawner = multiplayer.spawner('/root/Main/Waves')
  spawner.spawn('Before', { scene: 0 })
  let asked = 0
  const [one] = players.map(({ game }) => game.id)
  spawner.interest((id, { name }) => {
    asked++
    return id === one || name === 'For all'
  })
  multiplayer.sync()
  await pumpUntilIdle(players)
  t.same(players.map(names), [['spawned Before'], ['spawned Before', 'despawned Before']])
  spawner.spawn('For one', { scene: 0 })
  spawner.spawn('For all', { scene: 0 })
  await pumpUntilIdle(players)
  t.same(players.map(names), [['spawned For one', 'spawned For all'], ['spawned For all']])
  spawner.interest(() => { asked++; return true }, 3600_000)
  multiplayer.sync()
  asked = 0
  multiplayer.sync()
  multiplayer.sync()
  t.equal(asked, 0, 'not before the interval is over')
  await pumpUntilIdle(players)
  t.same(players.map(names), [[], ['spawned Before', 'spawned For one']])
  t.throws(() => { spawner.interest(() => true, -1) }, { code: 'ERR_INVALID_PARAMETER' })
  t.same(players.flatMap(({ game }) => game.refusals), [])
  await server.stop()
})

t.test('reads synchronizers of respawned nodes, however many there have been', async t => {
  const server = await open()
  const { multiplayer } = server
  const names = ['Own', ...Array.from({ length: 10 }, (_, at) => `N${at}`)]
  // A client may announce four paths of this length.
  const below = 'Input'.padEnd(60_000, '_')
  const player = new Godot4Player(server, game => {
    game.addSpawner('Main/Spawner', { scene: () => ({ [below]: player.game.id }) })
  })
  await pumpUntilIdle([player])
  const spawner = multiplayer.spawner('/root/Main/Spawner')
  for (const name of [...names, ...names.map(() => names[0])]) {
    const node = spawner.spawn(name, { scene: 0 })
    const input = node.synchronizer(below, { shots: { kind: int } }, { authority: player.game.id })
    await pumpUntilIdle([player])
    for (let tick = 0; tick < 2; tick++) {
      player.game.sync(input.path, [3])
      await pumpUntilIdle([player])
    }
    t.equal(input.get('shots'), 3)
    node.despawn()
  }
  t.equal(server.monitor.drops['rpc-too-many-paths'], 0)
  await server.stop()
})

t.test('values for a node that was despawned do not reach the next one of its name', async t => {
  const server = await open()
  const player = new Godot4Player(server, game => {
    game.addSpawner('Main/Spawner', { scene: () => ({ Input: player.game.id }) })
  })
  await pumpUntilIdle([player])
  const spawner = server.multiplayer.spawner('/root/Main/Spawner')
  const spawn = () => spawner.spawn('P', { scene: 0 }, {})
    .synchronizer('Input', { shots: { kind: int } }, { authority: player.game.id })
  spawn()
  await pumpUntilIdle([player])
  player.game.sync('Main/P/Input', [3])
  await pumpUntilIdle([player])
  for (const node of spawner.nodes) node.despawn()
  const next = spawn()
  player.game.sync('Main/P/Input', [3])
  await pumpUntilIdle([player])
  t.equal(next.get('shots'), undefined)
  for (let tick = 0; tick < 2; tick++) {
    player.game.sync('Main/P/Input', [4])
    await pumpUntilIdle([player])
  }
  t.equal(next.get('shots'), 4)
  await server.stop()
})

t.test('values for a node in the previous room of a client do not reach the one of its name in the next', async t => {
  const server = await openMemoryServer({ gdMpApi: true, wire: 'godot4', rooms: true })
  const next = server.openRoom('next')
  const player = new Godot4Player(server, game => {
    game.addSpawner('Main/Spawner', { scene: () => ({ Input: player.game.id }) })
  })
  await pumpUntilIdle([player])
  const { game } = player
  const [, input] = [server.room('main'), next].map(({ multiplayer }) =>
    multiplayer.spawner('/root/Main/Spawner').spawn('P', { scene: 0 }, {})
      .synchronizer('Input', { shots: { kind: int } }, { authority: game.id }))
  await pumpUntilIdle([player])
  for (let tick = 0; tick < 2; tick++) {
    game.sync('Main/P/Input', [3])
    await pumpUntilIdle([player])
  }
  server.getPeer(game.id).moveTo(next)
  game.sync('Main/P/Input', [4])
  await pumpUntilIdle([player])
  t.equal(input.get('shots'), undefined)
  for (let tick = 0; tick < 2; tick++) {
    game.sync('Main/P/Input', [5])
    await pumpUntilIdle([player])
  }
  t.equal(input.get('shots'), 5)
  t.same(game.refusals, [])
  await server.stop()
})

t.test('a node that was despawned gets no synchronizers, which would be in the next one of its name', async t => {
  const server = await open()
  const spawner = server.multiplayer.spawner('/root/Main/Spawner')
  const node = spawner.spawn('P', { scene: 0 })
  node.despawn()
  const gone = { code: 'ERR_DOES_NOT_EXIST', message: 'node Main/P was despawned' }
  t.throws(() => node.synchronizer('Input', {}, { authority: 5 }), gone)
  const next = spawner.spawn('P', { scene: 0 })
  t.throws(() => node.synchronizer('Input', {}, { authority: 5 }), gone)
  node.despawn()
  node.setVisibleTo(5, false)
  node.publicVisibility = false
  t.same([...spawner.nodes], [next])
  t.ok(next.publicVisibility)
  next.synchronizer('Input', {}, { authority: 5 })
  await server.stop()
})
