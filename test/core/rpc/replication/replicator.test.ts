import t from 'tap'
import { WebSocketServer } from '../../../../src/core/server/websocket-server.ts'
import { float, int, Vector2 } from '../../../../src/protocol/variant/variant-types.ts'
import { FrameClient } from '../../../helper/memory/frame-client.ts'
import type { Godot4Client } from '../../../helper/godot/godot4-client.ts'
import { Godot4Player, pumpUntilIdle } from '../../../helper/godot/godot4-player.ts'
import { memoryMount } from '../../../helper/memory/memory-client.ts'
import { bytesOf, readVectors } from '../../../helper/random/variant-vectors.ts'
import { openMemoryServer } from '../../../helper/memory/memory-server.ts'

interface Frame { conn: string, dir: string, opcode?: number, hex?: string }
const { replication: [recorded] } = readVectors<{
  replication: Array<{ ids: Record<string, number>, steps: Array<{ step: string, frames: Frame[] }> }>
}>('godot4-rpc')

async function open (drawId?: () => number): Promise<WebSocketServer> {
  const server = await openMemoryServer({ gdMpApi: true, wire: 'godot4', closeTimeout: 0.05 }, drawId)
  return server
}

/** Omits the time of a sync, which counts Godot's frames. */
const timeless = (hex: string): string => hex.startsWith('06') ? `06....${hex.slice(6)}` : hex

t.test('reproduces the recorded session frame by frame with this server as the spawning process', async t => {
  const ids = Object.values(recorded.ids)
  const server = await open(() => ids.shift()!)
  const { multiplayer } = server
  const spawner = multiplayer.spawner('/root/Main/Spawner')
  let spawned: any
  const acts: Record<string, () => void> = {
    'S: spawn(5), then process_priority = 7': () => {
      spawned = spawner.spawn('X5', { custom: 5 }, {
        process_priority: { kind: int },
        process_physics_priority: {
          kind: int,
          mode: 'on_change'
        }
      }, { process_priority: 0, process_physics_priority: 0 })
      spawned.set('process_priority', 7)
      multiplayer.sync()
    },
    'S: process_physics_priority = 11': () => {
      spawned.set('process_physics_priority', 11)
      multiplayer.sync()
    },
    'S: queue_free() of the spawned node': () => { spawned.despawn() }
  }
  const clients = new Map<string, FrameClient>()
  let replayed = 0
  for (const { step, frames } of recorded.steps) {
    t.equal(step.startsWith('S: '), step in acts, `${step}: known`)
    const [, joining] = /^client (.) connects/.exec(step) ?? []
    if (joining !== undefined) clients.set(joining, new FrameClient(server))
    acts[step]?.()
    for (const { conn, dir, hex } of frames) {
      if (dir !== 'client>server' || hex === undefined) continue
      clients.get(conn)!.binary(bytesOf(hex))
      replayed++
    }
    if (joining === 'B') multiplayer.sync()
    for (const [name, client] of clients) {
      const sent = frames.filter(({ conn, dir, hex }) => conn === name && dir === 'server>client' && hex !== undefined)
        .map(({ hex }) => timeless(hex!))
      replayed += sent.length
      const got = (await client.frames()).map(({ payload }) => timeless(payload.toString('hex')))
      // Godot repeats its syncs for as long as a step lasts.
      t.same([...new Set(got)].sort(), [...new Set(sent)].sort(), `${step}: ${name}`)
      const kinds = (list: string[]): string[] => list.filter(hex => /^(01|04|05)/.test(hex))
      t.same(kinds(got), kinds(sent), `${step}: ${name}, in order`)
    }
  }
  t.same([recorded.steps.length, replayed], [5, 21])
  t.equal(Object.values(server.monitor.drops).reduce((sum, count) => sum + count), 0)
  await server.stop()
})

const ball = {
  position: { kind: Vector2 },
  health: { kind: float, mode: 'on_change' },
  skin: { kind: String, mode: 'never' },
  score: { kind: int, spawn: false, mode: 'on_change' }
} as const

function withSpawner (game: Godot4Client): void {
  game.addNode('Main/Spawner', {})
}

t.test('spawns, moves and despawns nodes in strict clients, including those that join later', async t => {
  const server = await open()
  const { multiplayer } = server
  const spawner = multiplayer.spawner('/root/Main/Spawner')
  const players = [new Godot4Player(server, withSpawner), new Godot4Player(server, withSpawner)]
  await pumpUntilIdle(players)
  const one = spawner.spawn('One', { scene: 3 }, ball, {
    position: new Vector2(1, 2),
    health: 100,
    skin: 'red',
    score: 0
  })
  spawner.spawn('Bare', { custom: { kind: 'rock' } as never })
  multiplayer.sync()
  one.set('position', new Vector2(3, 4))
  multiplayer.sync()
  one.set('health', 99.5)
  one.set('score', 7)
  t.equal(one.get('score'), 7)
  multiplayer.sync()
  await pumpUntilIdle(players)
  for (const { game } of players) {
    t.strictSame(game.events.splice(2).filter(([what]) => what !== 'api.peer_connected'), [
      ['spawned', 'One', 3, [new Vector2(1, 2), 100, 'red']],
      ['spawned', 'Bare', new Map([['kind', 'rock']]), []],
      ['sync', 'One', undefined, [new Vector2(1, 2)]],
      ['delta', 'One', 3n, [100, 0]],
      ['sync', 'One', undefined, [new Vector2(3, 4)]],
      ['sync', 'One', undefined, [new Vector2(3, 4)]],
      ['delta', 'One', 3n, [99.5, 7]]
    ])
  }
  const late = new Godot4Player(server, withSpawner)
  players.push(late)
  await pumpUntilIdle(players)
  t.strictSame(late.game.events.filter(([what]) => !String(what).startsWith('api.')), [
    ['spawned', 'One', 3, [new Vector2(3, 4), 99.5, 'red']],
    ['spawned', 'Bare', new Map([['kind', 'rock']]), []],
    ['delta', 'One', 3n, [99.5, 7]]
  ])
  t.same([...spawner.nodes].map(({ name }) => name), ['One', 'Bare'])
  one.despawn()
  one.despawn()
  spawner.spawn('One', { scene: 0 })
  multiplayer.sync()
  await pumpUntilIdle(players)
  for (const { game } of players) {
    t.same(game.events.slice(-2).map(([what, name]) => [what, name]), [['despawned', 'One'], ['spawned', 'One']])
    t.same(game.refusals, [])
  }
  await server.stop()
})

t.test('sends many nodes in packets of the size that Godot uses', async t => {
  const server = await open()
  const player = new Godot4Player(server, withSpawner)
  const spawner = server.multiplayer.spawner('Main/Spawner')
  await pumpUntilIdle([player])
  for (let i = 0; i < 200; i++) {
    spawner.spawn(`N${i}`, { scene: 0 }, { position: { kind: Vector2 } }, { position: new Vector2(i, 0) })
  }
  await pumpUntilIdle([player])
  const [{ packetsOut, bytesOut }] = [...server.peers()].map(({ packetsOut, bytesOut }) => ({ packetsOut, bytesOut }))
  server.multiplayer.sync()
  const [peer] = server.peers()
  const [packets, bytes] = [peer.packetsOut - packetsOut, peer.bytesOut - bytesOut]
  t.equal(packets, Math.ceil(200 / Math.floor(1347 / 20)))
  t.equal(bytes, 200 * 20 + packets * 3)
  await server.stop()
})

t.test('values of many nodes are sent in packets that fit a small output buffer', async t => {
  const server = await openMemoryServer({ gdMpApi: true, wire: 'godot4', outputBufferKb: 1 })
  const { multiplayer } = server
  const spawner = multiplayer.spawner('/root/Main/Spawner')
  const one = new Godot4Player(server, withSpawner)
  await pumpUntilIdle([one])
  const nodes = ['a', 'b', 'c', 'd'].map(name => spawner.spawn(name, { scene: 0 }, {
    place: { kind: String, spawn: false },
    title: { kind: String, spawn: false, mode: 'on_change' }
  }, { place: name.repeat(400), title: name.repeat(400) }))
  await pumpUntilIdle([one])
  for (const node of nodes) node.set('title', node.name.repeat(401))
  multiplayer.sync()
  await pumpUntilIdle([one])
  const late = new Godot4Player(server, withSpawner)
  await pumpUntilIdle([one, late])
  const heard = ({ game }: Godot4Player, kind: string): unknown[] =>
    game.events.filter(([what]) => what === kind).map(([, name, , [text]]: any) => `${name} ${text.length}`)
  t.same(heard(one, 'sync'), ['a 400', 'b 400', 'c 400', 'd 400'])
  for (const player of [one, late]) t.same(heard(player, 'delta'), ['a 401', 'b 401', 'c 401', 'd 401'])
  t.equal(server.monitor.failures, 0)
  await server.stop()
})

t.test('throws when a value too large for a packet is set, not when a peer joins', async t => {
  const server = await open()
  const spawner = server.multiplayer.spawner('/root/Main/Spawner')
  const large = 'x'.repeat(65600)
  t.throws(() => spawner.spawn('a', { custom: large }), { code: 'ERR_OUT_OF_MEMORY' })
  t.throws(() => spawner.spawn('a', { scene: 0 }, { title: { kind: String } }, { title: large }), {
    code: 'ERR_OUT_OF_MEMORY'
  })
  const node = spawner.spawn('a', { scene: 0 }, {
    title: {
      kind: String,
      mode: 'on_change'
    },
    note: { kind: String, mode: 'never', spawn: false }
  }, { title: 'x', note: '' })
  for (const name of ['title', 'note'] as const) {
    t.throws(() => { node.set(name, large) }, { code: 'ERR_OUT_OF_MEMORY' })
  }
  node.set('title', 'x'.repeat(30000))
  const player = new Godot4Player(server, withSpawner)
  await pumpUntilIdle([player])
  t.equal(player.game.events.filter(([what]) => what === 'spawned').length, 1)
  t.same([...spawner.nodes].map(({ name }) => name), ['a'])
  await server.stop()
  server.setBuffers(1, 64, 1, 64)
  await server.listen()
  const next = new Godot4Player(server, withSpawner)
  await pumpUntilIdle([next])
  t.same([...next.game.peers], [1])
  t.equal(server.monitor.failures, 1)
  await server.stop()
})

t.test('throws for what cannot be spawned or sent, and sends nothing', async t => {
  const server = await open()
  const client = new FrameClient(server)
  await client.frames()
  const { multiplayer } = server
  const spawner = multiplayer.spawner('/root/Main/Spawner')
  t.equal(multiplayer.spawner('Main/Spawner'), spawner)
  t.throws(() => spawner.spawn(5 as never, { scene: 0 }), { code: 'ERR_INVALID_PARAMETER' })
  for (const name of ['', 'a/b', 'a.b', 'a:b', 'a@b', 'a"b', 'a%b', 'a\0b']) {
    t.throws(() => spawner.spawn(name, { scene: 0 }), { code: 'ERR_INVALID_PARAMETER' }, name)
  }
  for (const scene of [-1, 255, 1.5, NaN]) {
    t.throws(() => spawner.spawn('a', { scene }), { code: 'ERR_INVALID_PARAMETER' })
  }
  t.throws(() => spawner.spawn('a', { scene: 0 }, ball, {} as never), { code: 'ERR_INVALID_PARAMETER' })
  t.throws(() => spawner.spawn('a', { custom: (() => {}) as never }), { code: 'ERR_INVALID_PARAMETER' })
  t.throws(() => spawner.spawn('a', { scene: 0 }, Object.fromEntries(Array.from({ length: 65 }, (_, at) => [`p${at}`, {
    kind: int,
    mode: 'on_change' as const
  }])), Object.fromEntries(Array.from({ length: 65 }, (_, at) => [`p${at}`, 0]))), { code: 'ERR_INVALID_PARAMETER' })
  t.throws(() => multiplayer.spawner('/Main'), { code: 'ERR_INVALID_PARAMETER' })
  t.same(await client.frames(), [])
  const node = spawner.spawn('a', { scene: 0 }, { x: { kind: Vector2 } }, { x: new Vector2() })
  t.throws(() => spawner.spawn('a', { scene: 0 }), { code: 'ERR_ALREADY_IN_USE' })
  t.throws(() => { node.set('x', (() => {}) as never) }, { code: 'ERR_INVALID_PARAMETER' })
  t.throws(() => { node.set('y' as never, 1 as never) }, { code: 'ERR_INVALID_PARAMETER' })
  t.strictSame(node.get('x'), new Vector2())
  t.doesNotThrow(() => { multiplayer.sync() })
  await server.stop()
  const old = new WebSocketServer({ gdMpApi: true }, memoryMount)
  t.throws(() => old.multiplayer.spawner('/root/Main'), { code: 'ERR_INVALID_PARAMETER', message: /Godot 3/ })
})

t.test('a client that moves to another room loses the nodes of the old one, and gets those of the new one', async t => {
  const server = await openMemoryServer({ gdMpApi: true, wire: 'godot4', rooms: true })
  const scenes = ['a', 'b'].map(name => {
    const { multiplayer } = server.openRoom(name)
    const state = multiplayer.synchronizer('/root/Main/State', { room: { kind: String } }, { values: { room: name } })
    return { multiplayer, state, spawner: multiplayer.spawner('/root/Main/Spawner') }
  })
  const replication = { room: { kind: String } }
  const nodes = scenes.map(({ spawner }, at) => spawner.spawn('Ball', { scene: at }, replication, { room: 'ab'[at] }))
  scenes[0].spawner.spawn('Wave', { scene: 2 })
  scenes[0].multiplayer.spawner('/root/Main/Wave/Spawner').spawn('Orc', { scene: 3 })
  const below = (_: unknown, name: string): Record<string, number> => name === 'Wave' ? { Spawner: 1 } : {}
  const enter = (): Godot4Player => new Godot4Player(server, game => {
    game.addSpawner('Main/Spawner', { scene: below })
    game.addNode('Main/State', {})
  })
  const [player, staying] = [enter(), enter()]
  await pumpUntilIdle([player, staying])
  // A room ends with its last member.
  server.getPeer(staying.game.id).moveTo(server.room('a'))
  const { game } = player
  const move = async (room: string): Promise<void> => {
    server.getPeer(game.id).moveTo(server.room(room))
    await pumpUntilIdle([player, staying])
    game.events.length = 0
  }
  const synced = async (at: number): Promise<unknown[]> => {
    scenes[at].multiplayer.sync()
    await pumpUntilIdle([player, staying])
    return game.events.splice(0).map(([what, name, , values]) => [what, name, values])
  }
  const syncsOf = (room: string): unknown[] => [['sync', 'Ball', [room]], ['sync', 'Main/State', [room]]].sort()

  await move('a')
  t.same(game.nodes.slice(2).sort(), ['Main/Ball', 'Main/Wave', 'Main/Wave/Orc', 'Main/Wave/Spawner'])
  for (let i = 0; i < 40; i++) t.same((await synced(0)).sort(), syncsOf('a'))
  await move('b')
  t.same(game.nodes.slice(2), ['Main/Ball'])
  t.same(nodes.map(node => node.isVisibleTo(game.id)), [false, true])
  t.same((await synced(1)).sort(), syncsOf('b'), 'a sync is later than those of the old room')
  nodes[0].despawn()
  t.same((await synced(1)).sort(), syncsOf('b'), 'what happens in the old room does not concern it')
  await move('a')
  t.same(game.nodes.slice(2).sort(), ['Main/Wave', 'Main/Wave/Orc', 'Main/Wave/Spawner'])
  t.same(await synced(0), [['sync', 'Main/State', ['a']]])
  t.same([...game.refusals, ...staying.game.refusals], [])
  await server.stop()
})

for (const lobby of ['a mere relay', 'a room that calls, but never syncs']) {
  t.test(`a client from ${lobby} does not reset the time of the room that it moves to`, async t => {
    const server = await openMemoryServer({ gdMpApi: true, wire: 'godot4', rooms: true })
    const { multiplayer } = server.openRoom('match')
    const state = multiplayer.synchronizer('/root/Main/State', { on: { kind: Boolean } }, { values: { on: true } })
    const players = [1, 2].map(() => new Godot4Player(server, game => {
      game.addNode('Main/State', {})
      game.addNode('Lobby', { hello: { args: 0 } })
    }))
    await pumpUntilIdle(players)
    if (lobby !== 'a mere relay') server.multiplayer.node('/root/Lobby', ['hello']).rpc('hello')
    await pumpUntilIdle(players)
    const [staying, moving] = players.map(({ game }) => game)
    const syncs = async (): Promise<number> => {
      await pumpUntilIdle(players)
      return staying.events.splice(0).filter(([what]) => what === 'sync').length
    }
    server.getPeer(staying.id).moveTo(server.room('match'))
    await pumpUntilIdle(players)
    state.publicVisibility = false
    for (let tick = 0; tick < 29_999; tick++) multiplayer.sync()
    state.publicVisibility = true
    multiplayer.sync()
    t.equal(await syncs(), 1)
    state.publicVisibility = false
    for (let tick = 0; tick < 10_000; tick++) multiplayer.sync()
    server.getPeer(moving.id).moveTo(server.room('match'))
    state.publicVisibility = true
    multiplayer.sync()
    t.equal(await syncs(), 1, 'the client ignores an earlier time')
    t.same(staying.refusals, [])
    await server.stop()
  })
}
