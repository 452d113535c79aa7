import t from 'tap'
import { WebSocketServer } from '../../../../src/core/server/websocket-server.ts'
import { exact, variant } from '../../../../src/core/rpc/rpc-surface.ts'
import type { ClientNode } from '../../../../src/core/rpc/replication/client-node.ts'
import { Float, float, int, Vector2 } from '../../../../src/protocol/variant/variant-types.ts'
import type { Variant } from '../../../../src/protocol/variant/variant-types.ts'
import { FrameClient } from '../../../helper/memory/frame-client.ts'
import type { ClientEvent4, Godot4Client } from '../../../helper/godot/godot4-client.ts'
import { Godot4Player, pumpUntilIdle } from '../../../helper/godot/godot4-player.ts'
import { memoryMount } from '../../../helper/memory/memory-client.ts'
import { openMemoryServer } from '../../../helper/memory/memory-server.ts'
import { bytesOf, readVectors } from '../../../helper/random/variant-vectors.ts'
import { silentLogger } from '../../../helper/silent-logger.ts'

const bullet = { position: { kind: Vector2 }, hits: { kind: int, mode: 'on_change' } } as const
const SPAWNER = 'Main/Spawner'

async function open (drawId?: () => number): Promise<WebSocketServer> {
  return await openMemoryServer({ gdMpApi: true, wire: 'godot4' }, drawId)
}

/** Players of whom the first is the authority of Main/Spawner. */
async function join (server: WebSocketServer, count = 2): Promise<Godot4Player[]> {
  const players: Godot4Player[] = []
  for (let i = 0; i < count; i++) {
    players.push(new Godot4Player(server, game => { game.addSpawner(SPAWNER) }))
    await pumpUntilIdle(players)
  }
  for (const { game } of players) game.setAuthority(SPAWNER, players[0].game.id)
  return players
}

function scene ({ game }: Godot4Player): ClientEvent4[] {
  return game.events.splice(0).filter(([what]) => !String(what).startsWith('api.'))
}

/** Collects what a spawner and its nodes signal. */
function watch (spawner: ReturnType<typeof declare>): unknown[] {
  const seen: unknown[] = []
  spawner.on('spawned', node => {
    seen.push(['spawned', node.name, node.values])
    node.on('changed', (values, sender) => { seen.push(['changed', node.name, sender, values]) })
  })
  spawner.on('despawned', ({ name }) => { seen.push(['despawned', name]) })
  return seen
}

function declare ({ multiplayer }: WebSocketServer, { id }: Godot4Client, spawnLimit?: number) {
  return multiplayer.clientSpawner(`/root/${SPAWNER}`, bullet, { authority: id, spawnLimit })
}

interface Frame { conn: string, dir: string, hex?: string }
interface Step { step: string, frames: Frame[], result: { events: Record<string, unknown[][]> } }

t.test('signals in a recorded session what the real server of it signalled', async t => {
  const { replication: [, { ids, steps }] } = readVectors<{
    replication: Array<{ ids: Record<string, number>, steps: Step[] }>
  }>('godot4-rpc')
  const drawn = Object.values(ids)
  const server = await open(() => drawn.shift()!)
  const spawner = server.multiplayer.clientSpawner(`/root/${SPAWNER}`, {
    process_priority: { kind: int }, process_physics_priority: { kind: int, mode: 'on_change' }
  }, { authority: ids.A })
  const events: unknown[][] = []
  let last: ClientNode<any> | undefined
  spawner.on('spawned', node => {
    events.push(['spawned', node.name, node.get('process_priority')])
    last = node
  })
  spawner.on('despawned', ({ name }) => { events.push(['despawned', name]) })
  const clients = new Map<string, FrameClient>()
  for (const { step, frames, result } of steps) {
    const [, joining] = /^client (.) connects/.exec(step) ?? []
    if (joining !== undefined) clients.set(joining, new FrameClient(server))
    for (const { conn, dir, hex } of frames) {
      if (dir === 'client>server' && hex !== undefined) clients.get(conn)!.binary(bytesOf(hex))
    }
    for (const [name, client] of clients) {
      const sent = frames.filter(({ conn, dir, hex }) => conn === name && dir === 'server>client' && hex !== undefined)
      t.same((await client.frames()).map(({ payload }) => payload.toString('hex')), sent.map(({ hex }) => hex), step)
    }
    const { S = [] } = result.events
    t.same(events.splice(0), S.filter(([what]) => !String(what).startsWith('api.')), step)
  }
  t.same(last?.values, { process_priority: 9, process_physics_priority: 0 })
  t.same(last?.what, { custom: 6 })
  t.equal(Object.values(server.monitor.drops).reduce((sum, count) => sum + count), 0)
  await server.stop()
})

t.test('reads the nodes of a client and their synchronizers; other clients get them as before', async t => {
  const server = await open()
  const players = await join(server)
  const [owner] = players.map(({ game }) => game)
  const spawner = declare(server, owner)
  const seen = watch(spawner)
  owner.spawn(SPAWNER, { name: 'B1', what: { scene: 2 }, values: [new Vector2(1, 2), 0] })
  owner.syncSpawned('B1', [new Vector2(1, 2)])
  owner.syncSpawned('B1', [new Vector2(3, 4)])
  owner.syncSpawned('B1', [5], 1n)
  await pumpUntilIdle(players)
  const [node] = spawner.nodes
  t.strictSame(seen.splice(0), [
    ['spawned', 'B1', { position: new Vector2(1, 2), hits: 0 }],
    ['changed', 'B1', owner.id, { position: new Vector2(3, 4) }],
    ['changed', 'B1', owner.id, { hits: 5 }]
  ], 'equal values are not a change')
  t.same([node.path, node.what, node.peer], ['Main/B1', { scene: 2 }, owner.id])
  t.strictSame([node.get('position'), node.get('hits')], [new Vector2(3, 4), 5])
  owner.despawn('B1')
  owner.spawn(SPAWNER, { name: 'B1', what: { scene: 0 }, values: [new Vector2(), 1] })
  players.push(new Godot4Player(server, game => { game.addSpawner(SPAWNER) }))
  players[2].game.setAuthority(SPAWNER, owner.id)
  await pumpUntilIdle(players)
  t.same(seen.splice(0).map(event => (event as string[]).slice(0, 2)), [['despawned', 'B1'], ['spawned', 'B1']])
  t.same(scene(players[1]).map(([what]) => what), ['spawned', 'sync', 'sync', 'delta', 'despawned', 'spawned'])
  t.same(scene(players[2]).map(([what]) => what), ['spawned'])
  t.same(players.flatMap(({ game }) => game.refusals), [])
  t.equal(server.monitor.failures, 0)
  await server.stop()
})

t.test('what a client has spawned is removed with the client, and with the spawner', async t => {
  const server = await open()
  const players = await join(server)
  const [owner, other] = players.map(({ game }) => game)
  const spawner = declare(server, owner)
  const seen = watch(spawner)
  server.multiplayer.on('peer_disconnected', id => { seen.push(['left', id]) })
  for (const name of ['B1', 'B2']) owner.spawn(SPAWNER, { name, what: { scene: 0 }, values: [new Vector2(), 0] })
  await pumpUntilIdle(players)
  seen.length = 0
  players[0].leave()
  await pumpUntilIdle(players)
  t.same(seen.splice(0), [['despawned', 'B2'], ['despawned', 'B1'], ['left', owner.id]])
  t.equal(spawner.nodes.size, 0)
  t.notOk(other.nodes.includes('Main/B1'), 'as at the other clients')
  spawner.free()
  const next = declare(server, other)
  const heard = watch(next)
  for (const { game } of players) game.setAuthority(SPAWNER, other.id)
  other.spawn(SPAWNER, { name: 'B1', what: { scene: 0 }, values: [new Vector2(), 0] })
  await pumpUntilIdle(players)
  next.free()
  next.free()
  other.syncSpawned('B1', [new Vector2(1, 1)])
  other.despawn('B1')
  other.spawn(SPAWNER, { name: 'B3', what: { scene: 0 }, values: [new Vector2(), 0] })
  await pumpUntilIdle(players)
  t.same(heard.map(event => (event as string[]).slice(0, 2)), [['spawned', 'B1'], ['despawned', 'B1']])
  t.same(Object.values(server.monitor.drops).reduce((sum, count) => sum + count), 0)
  await server.stop()
})

t.test('a call in a listener of despawned, as a client leaves, reaches those that have not confirmed it', async t => {
  const server = await open()
  const main = server.multiplayer.node('/root/Main', { gone: [String] })
  const players = await join(server, 1)
  players[0].game.addNode('Main', { gone: { args: 1 } })
  main.rpc('gone', 'nothing yet')
  await pumpUntilIdle(players)
  players.push(...await join(server, 1))
  const [owner, other] = players.map(({ game }) => game)
  other.addNode('Main', { gone: { args: 1 } })
  owner.setAuthority(SPAWNER, owner.id)
  other.setAuthority(SPAWNER, owner.id)
  const spawner = declare(server, owner)
  spawner.on('despawned', ({ name }) => { main.rpc('gone', name) })
  owner.spawn(SPAWNER, { name: 'B1', what: { scene: 0 }, values: [new Vector2(), 0] })
  await pumpUntilIdle(players)
  players[0].leave()
  await pumpUntilIdle(players)
  t.same(other.events.filter(([what]) => what === 'gone'), [['gone', 1, 'Main', ['B1']]])
  t.same(other.refusals, [])
  await server.stop()
})

t.test('refuses what another client spawns, what is not as declared, and what exceeds the limit', async t => {
  const server = await open()
  const players = await join(server)
  const [owner, other] = players.map(({ game }) => game)
  const spawner = declare(server, owner, 2)
  server.multiplayer.spawner('/root/Main/Own').spawn('Taken', { scene: 0 })
  const { drops } = server.monitor
  const counts = async (): Promise<number[]> => {
    await pumpUntilIdle(players)
    return [drops['spawn-authority'], drops['spawn-invalid'], drops['spawn-limit'], drops['sync-values']]
  }
  const values = [new Vector2(), 0]
  other.setAuthority(SPAWNER, other.id)
  other.spawn(SPAWNER, { name: 'Forged', what: { scene: 0 }, values })
  t.same(await counts(), [1, 0, 0, 0])
  owner.spawn(SPAWNER, { name: 'NoSynchronizer', what: { scene: 0 } })
  owner.spawn(SPAWNER, { name: 'OneMissing', what: { scene: 0 }, values: [new Vector2()] })
  owner.spawn(SPAWNER, { name: 'OneMore', what: { scene: 0 }, values: [...values, 1] })
  owner.spawn(SPAWNER, { name: 'Kind', what: { scene: 0 }, values: ['0', 0] })
  for (const name of ['', 'a.b', 'a/b', '@a@2', 'Taken']) owner.spawn(SPAWNER, { name, what: { scene: 0 }, values })
  t.same(await counts(), [1, 9, 0, 0])
  for (const name of ['One', 'Two']) owner.spawn(SPAWNER, { name, what: { scene: 0 }, values })
  owner.spawn(SPAWNER, { name: 'Three', what: { scene: 0 }, values })
  t.same(await counts(), [1, 9, 1, 0])
  owner.despawn('Two')
  owner.spawn(SPAWNER, { name: 'One', what: { scene: 0 }, values })
  t.same(await counts(), [1, 10, 1, 0], 'a name in use')
  const known = [...spawner.nodes].map(({ name }) => name)
  t.same(known, ['One'])
  owner.sendPacket(Buffer.from('0400' + '01000000' + '0f000000' + '00000000' + '03000000' + '413100', 'hex'))
  t.same(await counts(), [1, 11, 1, 0], 'no synchronizer, by bytes')
  owner.sendPacket(Buffer.from('0400' + '01000000' + '0f000000' + 'ffffffff' + '03000000' + '413100', 'hex'))
  owner.sendPacket(Buffer.from('05ff', 'hex'))
  await counts()
  t.equal(drops['rpc-malformed'], 2)
  owner.sendPacket(Buffer.from('0400' + 'ee000000' + '0f000000' + '00000000' + '03000000' + '413100', 'hex'))
  owner.sendPacket(Buffer.from('05ffffffff', 'hex'))
  t.same(await counts(), [1, 11, 1, 0], 'other spawners do not concern the server')
  t.equal(drops['rpc-malformed'], 2)
  await server.stop()
})

t.test('logs what is wrong with a spawn and with values', async t => {
  const server = await open()
  const players = await join(server, 1)
  const [{ game }] = players
  const refused = t.capture(server.monitor as any, 'callRefused')
  server.multiplayer.clientSpawner(SPAWNER, bullet, { authority: game.id })
  const values = [new Vector2(), 0]
  game.spawn(SPAWNER, { name: 'A', what: { scene: 0 }, values })
  game.syncSpawned('A', [3])
  game.syncSpawned('A', [...values])
  game.syncSpawned('A', [2], 6n)
  for (const [name, given] of [['A', values], ['a/b', values], ['B', undefined], ['C', ['0', 0]], ['D', []]] as const) {
    game.spawn(SPAWNER, { name, what: { scene: 0 }, values: given as Variant[] | undefined })
  }
  game.sendPacket(bytesOf('0400' + '01000000' + '01000000' + '00000000' + '03000000' + '453100'))
  await pumpUntilIdle(players)
  t.same(refused().map(({ args: [reason, , { why }] }: any) => [reason, why]), [
    ['sync-values', 'property position: expected Vector2, got 3'],
    ['sync-values', 'more than 1 values'],
    ['sync-values', 'changed properties 0x6: expected bits of 1 on_change properties'],
    ['spawn-invalid', 'node Main/A is already spawned'],
    ['spawn-invalid', 'invalid name'],
    ['spawn-invalid', '0 synchronizers: expected 1'],
    ['spawn-invalid', 'property position: expected Vector2, got "0"'],
    ['spawn-invalid', '0 values: expected 2'],
    ['spawn-invalid', 'node id 1 is in use']
  ])
  await server.stop()
})

t.test('refuses ids that are in use, and values of another kind', async t => {
  const server = await open()
  const players = await join(server, 1)
  const [{ game }] = players
  const spawner = server.multiplayer.clientSpawner(SPAWNER, { hp: { kind: int } }, { authority: game.id })
  game.spawn(SPAWNER, { name: 'A', what: { scene: 0 }, values: [1] })
  const spawn = (node: string, synchronizer: string, name: string): void => {
    const ids = `01000000${node}000000` + '01000000' + '02000000' + `${synchronizer}000000`
    game.sendPacket(Buffer.from(`0400${ids}${Buffer.from(name).toString('hex')}00` + '0201', 'hex'))
  }
  spawn('01', '09', 'B')
  spawn('08', '02', 'C')
  spawn('08', '09', 'D')
  game.syncSpawned('A', ['x'])
  game.syncSpawned('A', [2], 1n)
  game.syncSpawned('A', [7])
  await pumpUntilIdle(players)
  t.same([...spawner.nodes].map(({ name, values }) => [name, values]), [['A', { hp: 7 }], ['D', { hp: 1 }]])
  t.same([server.monitor.drops['spawn-invalid'], server.monitor.drops['sync-values']], [2, 2])
  await server.stop()
})

t.test('whole reals are plain numbers, or keep their type by exactTypes or the kind exact', async t => {
  for (const [exactTypes, whole] of [[false, 5], [true, new Float(5)]] as const) {
    const server = await openMemoryServer({ gdMpApi: true, wire: 'godot4', exactTypes })
    const players = await join(server, 1)
    const [{ game }] = players
    const kinds = { any: { kind: variant }, same: { kind: exact }, list: { kind: Array } } as const
    const spawner = server.multiplayer.clientSpawner(SPAWNER, kinds, { authority: game.id })
    const real = new Float(5)
    game.spawn(SPAWNER, { name: 'B', what: { custom: [real, 5, 0.5] }, values: [real, real, [real, 5]] })
    await pumpUntilIdle(players)
    const [node] = spawner.nodes
    t.strictSame(node.what, { custom: [whole, 5, 0.5] })
    t.strictSame(node.values, { any: whole, same: real, list: [whole, 5] })
    await server.stop()
  }
})

t.test('the properties may depend on what is spawned', async t => {
  const server = await open()
  const players = await join(server, 1)
  const [{ game }] = players
  const tank = { hp: { kind: int } } as const
  const plane = { speed: { kind: float, spawn: false } } as const
  const spawner = server.multiplayer.clientSpawner(SPAWNER, what => {
    if ('custom' in what) return tank
    if (what.scene === 0) return plane
    throw new Error('of the application')
  }, { authority: game.id })
  game.spawn(SPAWNER, { name: 'A', what: { custom: ['x', 1] }, values: [3] })
  game.spawn(SPAWNER, { name: 'B', what: { scene: 0 }, values: [] })
  game.spawn(SPAWNER, { name: 'C', what: { scene: 1 }, values: [1] })
  game.syncSpawned('B', [1.5])
  await pumpUntilIdle(players)
  const [one, two] = spawner.nodes
  const hp: number | bigint | undefined = one.get('hp')
  const speed: number | Float | undefined = two.get('speed')
  t.same([one.name, one.what, one.values, hp], ['A', { custom: ['x', 1] }, { hp: 3 }, 3])
  t.same([two.name, two.what, two.values, speed], ['B', { scene: 0 }, { speed: 1.5 }, 1.5])
  // @ts-expect-error no such property
  t.equal(one.get('nope'), undefined)
  t.same([server.monitor.drops['spawn-invalid'], server.monitor.failures], [1, 1])
  await server.stop()
})

t.test('what is inside a node of a client is removed with it, as is what clients have in a server node', async t => {
  const server = await open()
  const { multiplayer } = server
  const players = [new Godot4Player(server, game => {
    game.addSpawner('Main/Ships', { scene: () => ({ Guns: game.id }) })
  })]
  await pumpUntilIdle(players)
  const [{ game }] = players
  const authority = game.id
  const ship = multiplayer.spawner('/root/Main/Ships').spawn('Ship', { scene: 0 })
  const gone: string[] = []
  const guns = multiplayer.clientSpawner(`${ship.path}/Guns`, {}, { authority, spawnPath: '.' })
  guns.on('despawned', ({ name }) => { gone.push(name) })
  guns.on('spawned', ({ path }) => {
    const shells = multiplayer.clientSpawner(`${path}/Shells`, {}, { authority })
    shells.on('despawned', ({ name }) => { gone.push(name) })
    multiplayer.synchronizer(`${path}/Aim`, { angle: { kind: float } }, { authority })
  })
  await pumpUntilIdle(players)
  const addShells = (): void => {
    game.addSpawner('Main/Ship/Guns/Gun/Shells', { spawnPath: 'Main/Ship/Guns/Gun' })
    game.setAuthority('Main/Ship/Guns/Gun/Shells', game.id)
  }
  for (let round = 0; round < 2; round++) {
    addShells()
    game.spawn('Main/Ship/Guns', { name: 'Gun', what: { scene: 0 } })
    game.spawn('Main/Ship/Guns/Gun/Shells', { name: 'Shell', what: { scene: 0 } })
    await pumpUntilIdle(players)
    if (round === 0) game.despawn('Gun')
    else ship.despawn()
    await pumpUntilIdle(players)
    t.same(gone.splice(0), ['Shell', 'Gun'])
  }
  t.doesNotThrow(() => multiplayer.clientSpawner(`${ship.path}/Guns`, {}, { authority }), 'its path is free')
  t.doesNotThrow(() => multiplayer.synchronizer('Main/Ship/Guns/Gun/Aim', {}, { authority }))
  t.same([server.monitor.drops['spawn-invalid'], server.monitor.failures], [0, 0])
  await server.stop()
})

t.test('what a listener of despawned declares again stays', async t => {
  const server = await open()
  const { multiplayer } = server
  const players = [new Godot4Player(server, game => {
    game.addSpawner('Main/Ships', { scene: () => ({ Guns: game.id, Sparks: 1 }) })
  })]
  await pumpUntilIdle(players)
  const [{ game }] = players
  const declare = () => {
    const ships = multiplayer.spawner('/root/Main/Ships')
    const ship = ships.spawn('Ship', { scene: 0 })
    const guns = multiplayer.clientSpawner(`${ship.path}/Guns`, {}, { authority: game.id })
    return { ships, ship, guns }
  }
  const main = multiplayer.node('/root/Main')
  const endings = [
    ({ ship }: ReturnType<typeof declare>) => { ship.despawn() },
    () => { main.free() }
  ]
  for (const end of endings) {
    const first = declare()
    await pumpUntilIdle(players)
    game.spawn('Main/Ship/Guns', { name: 'Gun', what: { scene: 0 } })
    await pumpUntilIdle(players)
    let second = first
    first.guns.once('despawned', () => {
      second = declare()
      multiplayer.spawner('/root/Main/Ship/Sparks').spawn('Spark', { scene: 0 })
      multiplayer.synchronizer('/root/Main/Ship/Aim', { angle: { kind: float } }, { authority: game.id })
    })
    end(first)
    t.not(second, first)
    t.same([...second.ships.nodes].map(({ path }) => path), ['Main/Ship'])
    t.equal(multiplayer.spawner('/root/Main/Ships'), second.ships, 'there is still this spawner')
    t.throws(() => declare(), { code: 'ERR_ALREADY_IN_USE' })
    t.throws(() => multiplayer.clientSpawner('Main/Ship/Guns', {}, { authority: game.id }), {
      code: 'ERR_ALREADY_IN_USE'
    })
    t.throws(() => multiplayer.synchronizer('Main/Ship/Aim', {}, { authority: game.id }), {
      code: 'ERR_ALREADY_IN_USE'
    })
    t.equal([...multiplayer.spawner('/root/Main/Ship/Sparks').nodes].length, 1)
    await pumpUntilIdle(players)
    t.ok(game.nodes.includes('Main/Ship/Guns'))
    second.ship.despawn()
    await pumpUntilIdle(players)
  }
  t.same(game.refusals, [])
  await server.stop()
})

t.test('a node that a listener of despawned declares again while the previous one is freed can be called', async t => {
  const server = await open()
  const { multiplayer } = server
  const players = [new Godot4Player(server, game => {
    game.addSpawner(SPAWNER)
    game.addNode('Main', { start: { args: 0 } })
  })]
  await pumpUntilIdle(players)
  const [player] = players
  player.game.setAuthority(SPAWNER, player.game.id)
  let main = multiplayer.node('/root/Main', ['start'])
  const spawner = multiplayer.clientSpawner(`/root/${SPAWNER}`, {}, { authority: player.game.id })
  spawner.on('despawned', () => { main = multiplayer.node('/root/Main', ['start']) })
  player.game.spawn(SPAWNER, { name: 'Bullet', what: { scene: 0 } })
  await pumpUntilIdle(players)
  main.free()
  t.doesNotThrow(() => { main.rpc('start') })
  await server.stop()
})

t.test('what the server has in a node of a client is removed with it, and before it', async t => {
  const server = await open()
  const { multiplayer } = server
  const withSparks = (game: Godot4Client): void => {
    game.addSpawner(SPAWNER, { scene: () => ({ Sparks: 1 }) })
    game.addSpawner('Main/Flags', { spawnPath: 'Main/Ship' })
  }
  const players = [new Godot4Player(server, withSparks), new Godot4Player(server, withSparks)]
  await pumpUntilIdle(players)
  const [owner, other] = players.map(({ game }) => game)
  for (const game of [owner, other]) game.setAuthority(SPAWNER, owner.id)
  const flags = multiplayer.spawner('/root/Main/Flags', undefined, { spawnPath: '../Ship' })
  multiplayer.clientSpawner(SPAWNER, {}, { authority: owner.id })
  for (let round = 0; round < 2; round++) {
    owner.spawn(SPAWNER, { name: 'Ship', what: { scene: 0 } })
    await pumpUntilIdle(players)
    const sparks = multiplayer.spawner('Main/Ship/Sparks', undefined, { spawnPath: '.' })
    sparks.spawn('Spark', { scene: 0 })
    flags.spawn('Flag', { scene: 0 })
    await pumpUntilIdle(players)
    t.same([...sparks.nodes, ...flags.nodes].map(({ path }) => path), ['Main/Ship/Sparks/Spark', 'Main/Ship/Flag'])
    owner.despawn('Ship')
    await pumpUntilIdle(players)
    t.same([...sparks.nodes, ...flags.nodes], [])
    t.throws(() => sparks.spawn('Spark', { scene: 0 }), { code: 'ERR_DOES_NOT_EXIST' })
    t.same(scene(players[1]).map(([what, name]) => `${String(what)} ${String(name)}`), [
      'spawned Ship', 'spawned Spark', 'spawned Flag', 'despawned Flag', 'despawned Spark', 'despawned Ship'
    ])
    t.notOk(other.nodes.some(path => path.startsWith('Main/Ship')))
  }
  const late = new Godot4Player(server, game => { game.addSpawner(SPAWNER) })
  players.push(late)
  await pumpUntilIdle(players)
  t.same([...other.refusals, ...late.game.refusals], [])
  t.equal(server.monitor.failures, 0)
  await server.stop()
})

t.test('rejects invalid arguments', async t => {
  const server = await open()
  const { multiplayer } = server
  const spawner = multiplayer.clientSpawner('/root/Main/A', bullet, { authority: 7 })
  t.equal(spawner.getMultiplayerAuthority(), 7)
  t.throws(() => multiplayer.clientSpawner('Main/A', bullet, { authority: 7 }), { code: 'ERR_ALREADY_IN_USE' })
  t.throws(() => multiplayer.spawner('Main/A'), { code: 'ERR_ALREADY_IN_USE' })
  multiplayer.spawner('Main/B')
  t.throws(() => multiplayer.clientSpawner('Main/B', bullet, { authority: 7 }), { code: 'ERR_ALREADY_IN_USE' })
  t.throws(() => multiplayer.clientSpawner('/Main', bullet, { authority: 7 }), { code: 'ERR_INVALID_PARAMETER' })
  for (const authority of [1, 0, -7, 1.5, NaN]) {
    t.throws(() => multiplayer.clientSpawner('Main/C', bullet, { authority }), {
      code: 'ERR_INVALID_PARAMETER', message: `invalid authority ${authority}: expected the id of a client`
    })
  }
  t.throws(() => multiplayer.clientSpawner('Main/C', bullet, { authority: 7, spawnLimit: 0 }), {
    code: 'ERR_INVALID_PARAMETER', message: 'invalid spawnLimit 0: expected a positive integer'
  })
  t.throws(() => spawner.on('nope' as never, () => {}), {
    code: 'ERR_INVALID_PARAMETER', message: 'unknown signal nope: expected spawned, despawned'
  })
  const many = Object.fromEntries(Array.from({ length: 65 }, (_, at) => [`p${at}`, { kind: int, mode: 'on_change' }]))
  t.throws(() => multiplayer.clientSpawner('Main/C', many as never, { authority: 7 }), {
    code: 'ERR_INVALID_PARAMETER', message: /65 on_change properties/
  })
  await server.stop()
  const old = new WebSocketServer({ gdMpApi: true }, memoryMount)
  t.throws(() => old.multiplayer.clientSpawner('Main/A', bullet, { authority: 7 }), {
    code: 'ERR_INVALID_PARAMETER', message: 'Godot 3 has no spawners'
  })
})

t.test('a listener that throws is logged', async t => {
  const server = await open()
  const players = await join(server, 1)
  const [{ game }] = players
  const spawner = declare(server, game)
  spawner.on('spawned', node => {
    node.on('changed', () => { throw new Error('x') })
    throw new Error('y')
  })
  game.spawn(SPAWNER, { name: 'B', what: { scene: 0 }, values: [new Vector2(), 0] })
  game.syncSpawned('B', [new Vector2(1, 1)])
  await pumpUntilIdle(players)
  t.equal(server.monitor.failures, 2)
  await server.stop()
})

t.test('a spawn under an id that stands for no path is dropped', async t => {
  const server = await open()
  const [player] = await join(server, 1)
  const spawner = declare(server, player.game)
  player.game.sendPacket(bytesOf('040063000000010000000000000002000000' + '4100'))
  await pumpUntilIdle([player])
  t.equal(server.monitor.drops['rpc-unknown-path'], 1)
  t.equal(spawner.nodes.size, 0)
  await server.stop()
})

t.test('reads synchronizers in nodes of clients, however many nodes there have been', async t => {
  const server = await open()
  const [player] = await join(server, 1)
  const { game } = player
  declare(server, game)
  // A client may announce four paths of this length.
  const below = 'Aim'.padEnd(60_000, '_')
  for (const name of Array.from({ length: 10 }, (_, at) => `N${at}`)) {
    game.spawn(SPAWNER, { name, what: { scene: 0 }, values: [new Vector2(), 0] })
    await pumpUntilIdle([player])
    const aim = server.multiplayer.synchronizer(`/root/Main/${name}/${below}`, { angle: { kind: int } }, {
      authority: game.id
    })
    game.addNode(aim.path, {})
    for (let tick = 0; tick < 2; tick++) {
      game.sync(aim.path, [3])
      await pumpUntilIdle([player])
    }
    t.equal(aim.get('angle'), 3)
    game.despawn(name)
    await pumpUntilIdle([player])
  }
  await server.stop()
})

t.test('refuses long names, which V8 hashes by their length alone', async t => {
  const server = await open()
  const [player] = await join(server, 1)
  const spawner = declare(server, player.game)
  for (const length of [1024, 1025, 60_000]) {
    player.game.spawn(SPAWNER, { name: 'N'.repeat(length), what: { scene: 0 }, values: [new Vector2(), 0] })
  }
  await pumpUntilIdle([player])
  t.same([...spawner.nodes].map(({ name }) => name.length), [1024])
  t.equal(server.monitor.drops['spawn-invalid'], 2)
  t.throws(() => server.multiplayer.spawner('Main/Own').spawn('N'.repeat(1025), { scene: 0 }), {
    code: 'ERR_INVALID_PARAMETER'
  })
  await server.stop()
})

t.test('what fails for many nodes of a client is one burst, whatever their names', async t => {
  const records: any[] = []
  const log = { ...silentLogger, error: (details: object, message?: string) => { records.push({ details, message }) } }
  const server = await openMemoryServer({ gdMpApi: true, wire: 'godot4', log })
  const players = await join(server, 1)
  const [{ game }] = players
  const spawner = server.multiplayer.clientSpawner(SPAWNER, what => {
    if ('custom' in what) throw new Error('of the application')
    return bullet
  }, { authority: game.id })
  spawner.on('spawned', node => { node.on('changed', () => { throw new Error('x') }) })
  for (let i = 0; i < 5; i++) {
    const name = `B${i}${'x'.repeat(1000)}`
    game.spawn(SPAWNER, { name, what: { scene: 0 }, values: [new Vector2(), 0] })
    game.syncSpawned(name, [new Vector2(1, 1)])
    game.spawn(SPAWNER, { name: `C${i}`, what: { custom: 'y'.repeat(10_000 + i) }, values: [] })
    await pumpUntilIdle(players)
  }
  await server.stop()
  t.equal(server.monitor.failures, 10)
  const node = SPAWNER
  t.match(records, [
    { message: 'remote method failed', details: { node, signal: 'changed', spawned: /^Main\/B0x+\.\.\./ } },
    { message: 'remote method failed', details: { node, signal: undefined, spawned: /^\{ custom: 'y+\.\.\./ } },
    { message: 'remote method failed repeatedly', details: { node, signal: 'changed', hits: 4, spawned: undefined } },
    { message: 'remote method failed repeatedly', details: { node, hits: 4, spawned: undefined } }
  ])
  t.ok(records.every(({ details: { spawned = '' } }) => spawned.length < 300))
})

for (const how of ['moves its client to another room', 'frees the spawner'] as const) {
  t.test(`a node leaves no trace if the function that chooses its properties ${how}`, async t => {
    const server = await openMemoryServer({ gdMpApi: true, wire: 'godot4', rooms: true })
    const players = await join(server)
    const [owner] = players.map(({ game }) => game)
    const [main, other] = [server.room('main'), server.openRoom('other')]
    const seen: string[] = []
    const leave = (): typeof bullet => {
      if (how === 'frees the spawner') first.free()
      else server.getPeer(owner.id).moveTo(other)
      return bullet
    }
    const first = server.multiplayer.clientSpawner(`/root/${SPAWNER}`, leave, { authority: owner.id })
    first.on('spawned', ({ name }) => { seen.push(`first ${name}`) })
    owner.spawn(SPAWNER, { name: 'B1', what: { scene: 0 }, values: [new Vector2(1, 2), 0] })
    await pumpUntilIdle(players)
    t.same([seen, first.nodes.size], [[], 0])
    first.free()

    if (how !== 'frees the spawner') server.getPeer(owner.id).moveTo(main)
    await pumpUntilIdle(players)
    const again = declare(server, owner)
    owner.despawn('B1')
    owner.spawn(SPAWNER, { name: 'B1', what: { scene: 0 }, values: [new Vector2(3, 4), 0] })
    await pumpUntilIdle(players)
    t.same([Array.from(again.nodes, ({ name }) => name), server.monitor.drops['spawn-invalid']], [['B1'], 0])
    await server.stop()
  })
}
