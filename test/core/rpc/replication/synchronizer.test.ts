import t from 'tap'
import { arrayOf, exact, variant } from '../../../../src/core/rpc/rpc-surface.ts'
import { WebSocketServer } from '../../../../src/core/server/websocket-server.ts'
import { MethodList } from '../../../../src/protocol/multiplayer/method-list.ts'
import { encodeSyncs } from '../../../../src/protocol/multiplayer/replication4-packet.ts'
import { encodeSimplifyPath4 } from '../../../../src/protocol/multiplayer/rpc4-packet.ts'
import { PATH_BASED } from '../../../../src/protocol/multiplayer/scene-packet.ts'
import { variant4 } from '../../../../src/protocol/variant/variant4.ts'
import { float, int, Vector2 } from '../../../../src/protocol/variant/variant-types.ts'
import type { ClientEvent4, Godot4Client } from '../../../helper/godot/godot4-client.ts'
import { Godot4Player, pumpUntilIdle } from '../../../helper/godot/godot4-player.ts'
import { memoryMount } from '../../../helper/memory/memory-client.ts'
import { openMemoryServer } from '../../../helper/memory/memory-server.ts'

const input = { direction: { kind: Vector2 }, shots: { kind: int, mode: 'on_change' } } as const
const state = { round: { kind: int, mode: 'on_change' }, time: { kind: float } } as const

async function open (options = {}): Promise<WebSocketServer> {
  return await openMemoryServer({ gdMpApi: true, wire: 'godot4', ...options })
}

/** A client whose input is the synchronizer Main/Input. */
function withInput (game: Godot4Client): void {
  game.addNode('Main/Input', {})
}

function scene ({ game }: Godot4Player): ClientEvent4[] {
  return game.events.splice(0).filter(([what]) => !String(what).startsWith('api.'))
}

t.test('reads the synchronizer of a client, with values as declared', async t => {
  const server = await open()
  const players = [new Godot4Player(server, withInput), new Godot4Player(server, withInput)]
  await pumpUntilIdle(players)
  const [owner, other] = players.map(({ game }) => game)
  for (const game of [owner, other]) game.setAuthority('Main/Input', owner.id)
  const synchronizer = server.multiplayer.synchronizer('/root/Main/Input', input, { authority: owner.id })
  t.equal(synchronizer.get('direction'), undefined)
  const changes: unknown[] = []
  synchronizer.on('changed', (values, sender) => { changes.push([sender, values]) })
  owner.sync('Main/Input', [new Vector2(1, 0)])
  await pumpUntilIdle(players)
  t.same(changes, [], 'the path has to be confirmed first')
  owner.sync('Main/Input', [new Vector2(1, 0)])
  owner.sync('Main/Input', [new Vector2(1, 0)])
  owner.sync('Main/Input', [5], 1n)
  owner.sync('Main/Input', [new Vector2(0, 1)])
  await pumpUntilIdle(players)
  t.strictSame(changes, [
    [owner.id, { direction: new Vector2(1, 0) }],
    [owner.id, { shots: 5 }],
    [owner.id, { direction: new Vector2(0, 1) }]
  ], 'equal values are not a change')
  t.strictSame(synchronizer.values, { direction: new Vector2(0, 1), shots: 5 })
  t.strictSame(synchronizer.get('direction')?.y, 1)
  t.equal(scene(players[1]).length, 4, 'other clients get them as before')
  t.same([...owner.refusals, ...other.refusals], [])
  t.equal(server.monitor.failures, 0)
  await server.stop()
})

t.test('a value of kind exact keeps its types', async t => {
  const server = await open()
  const player = new Godot4Player(server, withInput)
  await pumpUntilIdle([player])
  const { game } = player
  game.setAuthority('Main/Input', game.id)
  const replication = { state: { kind: exact }, any: { kind: variant }, list: { kind: arrayOf(exact) } } as const
  const synchronizer = server.multiplayer.synchronizer('/root/Main/Input', replication, { authority: game.id })
  const state = new Map([['speed', float(5)]])
  for (let i = 0; i < 2; i++) {
    game.sync('Main/Input', [state, state, [float(5)]])
    await pumpUntilIdle([player])
  }
  t.strictSame(synchronizer.values, { state, any: new Map([['speed', 5]]), list: [float(5)] })
  await server.stop()
})

t.test('refuses values of others, of other kinds and of another number, and counts them', async t => {
  const server = await open()
  const players = [new Godot4Player(server, withInput), new Godot4Player(server, withInput)]
  await pumpUntilIdle(players)
  const [owner, other] = players.map(({ game }) => game)
  const synchronizer = server.multiplayer.synchronizer('Main/Input', input, { authority: owner.id })
  let changes = 0
  synchronizer.on('changed', () => { changes++ })
  for (const game of [owner, other]) game.sync('Main/Input', [new Vector2(1, 0)])
  await pumpUntilIdle(players)
  other.sync('Main/Input', [new Vector2(9, 9)])
  owner.sync('Main/Input', ['x'])
  owner.sync('Main/Input', [])
  owner.sync('Main/Input', [new Vector2(1, 0), 2])
  owner.sync('Main/Input', [2], 2n)
  owner.sync('Main/Input', [2], 0n)
  owner.sync('Main/Input', [2.5], 1n)
  owner.sendPacket(Buffer.from('0600000100008005000000ff', 'hex'))
  await pumpUntilIdle(players)
  const { drops } = server.monitor
  t.same([drops['sync-authority'], drops['sync-values'], drops['rpc-malformed'], changes], [1, 6, 1, 0])
  owner.sendPacket(Buffer.from('060000ffff008001000000ff', 'hex'))
  owner.sendPacket(Buffer.from('0600000100000001000000ff', 'hex'))
  await pumpUntilIdle(players)
  t.same([drops['sync-values'], drops['rpc-malformed']], [6, 1], 'other synchronizers do not concern the server')
  synchronizer.free()
  synchronizer.free()
  owner.sync('Main/Input', [new Vector2(1, 0)])
  await pumpUntilIdle(players)
  t.same([changes, drops['sync-values']], [0, 6])
  await server.stop()
})

t.test('values of a synchronizer that is twice in a packet are malformed, also under two ids of its path', async t => {
  const server = await open()
  const player = new Godot4Player(server, withInput)
  await pumpUntilIdle([player])
  const { game } = player
  const synchronizer = server.multiplayer.synchronizer('Main/Input', { on: { kind: Boolean } }, { authority: game.id })
  const changes: unknown[] = []
  synchronizer.on('changed', ({ on }) => { changes.push(on) })
  for (const id of [1, 2]) game.sendPacket(encodeSimplifyPath4(variant4, new MethodList([]).md5, id, 'Main/Input'))
  const send = (...ids: number[]): void => {
    const syncs = ids.map((id, at) => ({ id: PATH_BASED + id, values: Uint8Array.of(at % 2 === 0 ? 0x81 : 1) }))
    for (const packet of encodeSyncs(1, syncs)) game.sendPacket(packet)
  }
  send(1)
  send(1, 1, 1, 1)
  send(1, 2, 1, 2)
  await pumpUntilIdle([player])
  t.same([changes, synchronizer.get('on'), server.monitor.drops['rpc-malformed']], [[true], true, 2])
  await server.stop()
})

t.test('refused values are reported once per packet and reason', async t => {
  const server = await open()
  const player = new Godot4Player(server)
  await pumpUntilIdle([player])
  const { game } = player
  const paths = Array.from({ length: 10 }, (_, at) => `Main/S${at}`)
  for (const [at, path] of paths.entries()) {
    server.multiplayer.synchronizer(path, state, { authority: at < 5 ? game.id : game.id + 1 })
    game.sendPacket(encodeSimplifyPath4(variant4, new MethodList([]).md5, at, path))
  }
  for (let i = 0; i < 2; i++) {
    const syncs = paths.map((_, at) => ({ id: PATH_BASED + at, values: new Uint8Array() }))
    for (const packet of encodeSyncs(1, syncs)) game.sendPacket(packet)
  }
  await pumpUntilIdle([player])
  const { drops } = server.monitor
  t.same([drops['sync-authority'], drops['sync-values']], [2, 2])
  await server.stop()
})

t.test('the authority may change, between clients and to the server', async t => {
  const server = await open()
  const players = [new Godot4Player(server, withInput), new Godot4Player(server, withInput)]
  await pumpUntilIdle(players)
  const [one, two] = players.map(({ game }) => game)
  const node = server.multiplayer.node('/root/Main')
  node.setMultiplayerAuthority(one.id)
  t.same([node.getMultiplayerAuthority(), node.isMultiplayerAuthority()], [one.id, false])
  const synchronizer = node.synchronizer('Input', input)
  t.equal(synchronizer.path, 'Main/Input')
  t.equal(synchronizer.getMultiplayerAuthority(), one.id)
  t.throws(() => { synchronizer.set('shots', 1) }, { code: 'ERR_UNAUTHORIZED' })
  t.throws(() => { synchronizer.setMultiplayerAuthority(1) }, { code: 'ERR_INVALID_PARAMETER', message: /direction/ })
  t.equal(synchronizer.getMultiplayerAuthority(), one.id)
  synchronizer.setMultiplayerAuthority(two.id)
  two.sync('Main/Input', [new Vector2(1, 0)])
  await pumpUntilIdle(players)
  two.sync('Main/Input', [new Vector2(1, 0)])
  two.sync('Main/Input', [7], 1n)
  await pumpUntilIdle(players)
  t.strictSame(synchronizer.values, { direction: new Vector2(1, 0), shots: 7 })
  for (const player of players) {
    player.game.setAuthority('Main/Input', 1)
    scene(player)
    player.game.refusals.length = 0
  }
  synchronizer.setMultiplayerAuthority(1)
  synchronizer.set('shots', 8)
  await pumpUntilIdle(players)
  server.multiplayer.sync()
  await pumpUntilIdle(players)
  for (const player of players) {
    t.strictSame(scene(player), [
      ['delta', 'Main/Input', 1n, [8]],
      ['sync', 'Main/Input', undefined, [new Vector2(1, 0)]],
      ['delta', 'Main/Input', 1n, [8]]
    ])
    t.same(player.game.refusals, [])
  }
  for (const id of [0, -1, 1.5, NaN]) {
    t.throws(() => { synchronizer.setMultiplayerAuthority(id) }, { code: 'ERR_INVALID_PARAMETER' })
  }
  synchronizer.setMultiplayerAuthority(one.id)
  server.multiplayer.sync()
  await pumpUntilIdle(players)
  t.same(players.map(scene), [[], []])
  await server.stop()
})

t.test('has the authority that a node above it is given', async t => {
  const server = await open()
  const { multiplayer } = server
  const player = new Godot4Player(server, game => { game.addNode('Main/Player/Input', {}) })
  await pumpUntilIdle([player])
  const { game } = player
  const main = multiplayer.node('/root/Main', [])
  const node = multiplayer.node('/root/Main/Player', [])
  const input = node.synchronizer('Input', { shots: { kind: int } }, { values: { shots: 0 } })
  const other = multiplayer.synchronizer('Main/Player2/Input', {}, { authority: 7 })
  const authorities = (): number[] => [main, node, input, other].map(one => one.getMultiplayerAuthority())
  main.setMultiplayerAuthority(8, false)
  t.same(authorities(), [8, 1, 1, 7])
  node.setMultiplayerAuthority(game.id)
  t.same(authorities(), [8, game.id, game.id, 7])
  game.setAuthority('Main/Player/Input', game.id)
  for (let tick = 0; tick < 2; tick++) {
    game.sync('Main/Player/Input', [3])
    await pumpUntilIdle([player])
  }
  t.equal(input.get('shots'), 3)
  t.equal(server.monitor.drops['sync-authority'], 0)
  const silent = node.synchronizer('Aim', { angle: { kind: int } })
  t.equal(silent.getMultiplayerAuthority(), game.id)
  t.throws(() => { main.setNetworkMaster(1) }, {
    code: 'ERR_INVALID_PARAMETER', message: 'property angle: expected int, got undefined'
  })
  t.same(authorities(), [8, game.id, game.id, 7], 'nothing is changed then')
  silent.free()
  main.setNetworkMaster(1)
  t.same(authorities(), [1, 1, 1, 1])
  await server.stop()
})

t.test('a client cannot keep the server from taking over: values that it could not send are dropped', async t => {
  const server = await open()
  const { multiplayer } = server
  const node = multiplayer.node('/root/Main', [])
  const player = new Godot4Player(server, game => { for (const name of ['A', 'B']) game.addNode(`Main/${name}`, {}) })
  await pumpUntilIdle([player])
  const { game } = player
  node.setMultiplayerAuthority(game.id)
  const first = node.synchronizer('A', { shots: { kind: int } })
  const texts = node.synchronizer('B', {
    text: { kind: String }, more: { kind: String, mode: 'on_change' }, pool: { kind: arrayOf(float), mode: 'on_change' }
  })
  const send = async (...sync: Parameters<Godot4Client['sync']>): Promise<void> => {
    game.sync(...sync)
    await pumpUntilIdle([player])
  }
  for (let tick = 0; tick < 2; tick++) {
    await send('Main/A', [1])
    await send('Main/B', ['x'.repeat(30_000)])
  }
  await send('Main/B', ['y', []], 3n)
  await send('Main/B', ['y'.repeat(40_000)], 1n)
  t.equal(server.monitor.drops['sync-values'], 1)
  // An int is sent on as a real, which has 12 bytes for these 8.
  await send('Main/B', [Array.from({ length: 4000 }, () => 123456789)], 2n)
  t.equal(server.monitor.drops['sync-values'], 2)
  t.strictSame(texts.values, { text: 'x'.repeat(30_000), more: 'y', pool: [] })
  await send('Main/B', ['z'.repeat(30_000)], 1n)
  for (const path of game.nodes) game.setAuthority(path, 1)
  node.setMultiplayerAuthority(1)
  t.same([node, first, texts].map(one => one.getMultiplayerAuthority()), [1, 1, 1])
  await pumpUntilIdle([player])
  scene(player)
  texts.set('text', '')
  multiplayer.sync()
  await pumpUntilIdle([player])
  t.strictSame(scene(player).map(([what, path, changed]) => [what, path, changed]), [
    ['sync', 'Main/A', undefined], ['sync', 'Main/B', undefined], ['delta', 'Main/B', 3n]
  ])
  await server.stop()
})

t.test('a value that cannot be sent changes nothing', async t => {
  const server = await open({ outputBufferKb: 1 })
  const { multiplayer } = server
  const player = new Godot4Player(server, game => { game.addNode('Main/State', {}) })
  await pumpUntilIdle([player])
  const synchronizer = multiplayer.synchronizer('Main/State', { text: { kind: String }, hp: { kind: int } }, {
    values: { text: 'x', hp: 1 }
  })
  t.throws(() => { synchronizer.set('text', 'x'.repeat(1024)) }, { code: 'ERR_OUT_OF_MEMORY' })
  t.throws(() => { synchronizer.set('hp', 'x' as never) }, { code: 'ERR_INVALID_PARAMETER' })
  t.strictSame(synchronizer.values, { text: 'x', hp: 1 })
  await server.stop()
})

t.test('get returns what clients get', async t => {
  const server = await open()
  const { multiplayer } = server
  const kinds = { hp: { kind: int }, speed: { kind: float }, bag: { kind: Map }, any: { kind: variant } } as const
  const bag = { gold: 1 } as never
  const synchronizer = multiplayer.synchronizer('Main/State', kinds, {
    values: { hp: 1.5, speed: 2, bag, any: float(1) }
  })
  t.strictSame(synchronizer.values, { hp: 1, speed: 2, bag: new Map([['gold', 1]]), any: float(1) })
  synchronizer.set('hp', -2.5)
  t.equal(synchronizer.get('hp'), -2)
  synchronizer.set('hp', -2.25)
  t.equal(synchronizer.get('hp'), -2, 'equal bytes')
  const ball = multiplayer.spawner('Main/Spawner').spawn('Ball', { scene: 0 }, { hp: { kind: int } }, { hp: 1.5 })
  t.equal(ball.get('hp'), 1)
  await server.stop()
})

t.test('a node that was freed changes nothing of the next one at its path', async t => {
  const server = await open()
  const { multiplayer } = server
  const old = multiplayer.node('/root/Main/Player', ['hit'])
  old.free()
  const gone = { code: 'ERR_DOES_NOT_EXIST', message: 'node Main/Player was freed' }
  const node = multiplayer.node('/root/Main/Player', ['hit'])
  const gun = multiplayer.node('/root/Main/Player/Gun', ['fire'])
  const input = node.synchronizer('Input', {}, { authority: 7 })
  t.throws(() => { old.setMultiplayerAuthority(8) }, gone)
  t.throws(() => { old.setNetworkMaster(8, false) }, gone)
  t.throws(() => old.synchronizer('Aim', {}), gone)
  t.throws(() => { old.rpc('hit') }, gone)
  old.free()
  t.same([old, node, gun, input].map(one => one.getMultiplayerAuthority()), [1, 1, 1, 7])
  node.synchronizer('Aim', {}, { authority: 7 })
  await server.stop()
})

t.test('what is below a node is removed with it', async t => {
  const server = await open()
  const { multiplayer } = server
  const outside = multiplayer.synchronizer('Main/Player2/Input', {}, { authority: 7 })
  for (let round = 0; round < 2; round++) {
    const node = multiplayer.node('/root/Main/Player', [])
    const state = node.synchronizer('State', { hp: { kind: int } }, { values: { hp: 1 } })
    node.synchronizer('Input', {}, { authority: 7 })
    multiplayer.clientSpawner('Main/Player/Bullets', {}, { authority: 7 })
    const items = multiplayer.spawner('Main/Player/Items')
    items.spawn('Sword', { scene: 0 })
    const player = new Godot4Player(server, game => { game.addNode('Main/Player/State', {}) })
    await pumpUntilIdle([player])
    t.ok(state.isVisibleTo(player.game.id))
    node.free()
    node.free()
    t.same([...items.nodes], [])
    t.notOk(state.isVisibleTo(player.game.id))
    player.leave()
  }
  t.throws(() => multiplayer.synchronizer(outside.path, {}, { authority: 7 }), { code: 'ERR_ALREADY_IN_USE' })
  await server.stop()
})

t.test('a freed synchronizer sends nothing, for any authority', async t => {
  const server = await open()
  const { multiplayer } = server
  const node = multiplayer.spawner('/root/Main/Spawner').spawn('Player', { scene: 0 })
  const options = { authority: 5 } as const
  const [inside, outside] = [node.synchronizer('Input', {}, options), multiplayer.synchronizer('Aim', {}, options)]
  node.despawn()
  outside.free()
  for (const synchronizer of [inside, outside]) {
    synchronizer.setMultiplayerAuthority(1)
    t.equal(synchronizer.getMultiplayerAuthority(), 1)
  }
  const player = new Godot4Player(server)
  await pumpUntilIdle([player])
  multiplayer.sync()
  await pumpUntilIdle([player])
  t.same(player.game.refusals, [], 'their paths are not announced')
  t.same([inside, outside].map(synchronizer => synchronizer.isVisibleTo(player.game.id)), [false, false])
  await server.stop()
})

t.test('sends the values of a synchronizer that is in the scene, once its path is confirmed', async t => {
  const server = await open()
  const { multiplayer } = server
  const synchronizer = multiplayer.synchronizer('/root/Main/State', state, { values: { round: 1, time: 0 } })
  const players = [new Godot4Player(server, game => { game.addNode('Main/State', {}) }), new Godot4Player(server)]
  multiplayer.sync()
  await pumpUntilIdle(players)
  synchronizer.set('round', 2)
  synchronizer.set('time', 3)
  multiplayer.sync()
  multiplayer.sync()
  await pumpUntilIdle(players)
  t.strictSame(scene(players[0]), [
    ['delta', 'Main/State', 1n, [1]],
    ['sync', 'Main/State', undefined, [3]],
    ['delta', 'Main/State', 1n, [2]],
    ['sync', 'Main/State', undefined, [3]]
  ])
  t.same(players[0].game.refusals, [])
  t.same(scene(players[1]), [], 'a client without the node gets nothing')
  t.same(players[1].game.refusals.splice(0), ['announced path has no node'])
  players[1].game.addNode('Main/State', {})
  synchronizer.publicVisibility = false
  for (const { game } of players) synchronizer.setVisibleTo(game.id, true)
  t.ok(synchronizer.isVisibleTo(players[1].game.id))
  await pumpUntilIdle(players)
  multiplayer.sync()
  await pumpUntilIdle(players)
  t.strictSame(players.map(scene), [[
    ['delta', 'Main/State', 1n, [2]], ['sync', 'Main/State', undefined, [3]]
  ], [
    ['delta', 'Main/State', 1n, [2]], ['sync', 'Main/State', undefined, [3]]
  ]], 'under another id at the second client')
  synchronizer.setVisibleTo(players[0].game.id, false)
  synchronizer.set('round', 3)
  multiplayer.sync()
  await pumpUntilIdle(players)
  t.same(players.map(player => scene(player).map(([what]) => what)), [[], ['sync', 'delta']])
  t.same(players.flatMap(({ game }) => game.refusals), [])
  await server.stop()
})

t.test('a path that gets another id while its confirmation is on its way is announced again', async t => {
  const server = await open({ rooms: true })
  const match = server.openRoom('match')
  match.multiplayer.synchronizer('/root/Main/State', state, { values: { round: 1, time: 0.5 } })
  const players = [1, 2].map(() => new Godot4Player(server, game => {
    game.addNode('Main', { hi: { args: 0 } })
    game.addNode('Main/State', {})
  }))
  await pumpUntilIdle(players)
  const [first, second] = players
  server.getPeer(first.game.id).moveTo(match)
  // The second one knows an id of its old room that the path has in the new one.
  server.multiplayer.node('/root/Main', ['hi']).rpcId(second.game.id, 'hi')
  await pumpUntilIdle([second])
  server.getPeer(second.game.id).moveTo(match)
  await pumpUntilIdle(players)
  match.multiplayer.sync()
  await pumpUntilIdle(players)
  for (const { game } of players) {
    t.strictSame(game.events.filter(([what]) => what === 'sync'), [['sync', 'Main/State', undefined, [0.5]]])
    t.same(game.refusals, [])
  }
  t.equal(server.monitor.drops['rpc-unasked-confirm'], 0)
  await server.stop()
})

t.test('a client that moves away and back before it can answer gets the values', async t => {
  const server = await open({ rooms: true })
  const rooms = ['a', 'b'].map(name => server.openRoom(name, { emptyTimeout: 3600 }))
  for (const { multiplayer } of rooms) {
    multiplayer.synchronizer('/root/Main/State', state, { values: { round: 1, time: 0.5 } })
  }
  const player = new Godot4Player(server, game => { game.addNode('Main/State', {}) })
  await pumpUntilIdle([player])
  const [a, b] = rooms
  for (const room of [a, b, a]) server.getPeer(player.game.id).moveTo(room)
  await pumpUntilIdle([player])
  a.multiplayer.sync()
  await pumpUntilIdle([player])
  t.same(player.game.events.filter(([what]) => what === 'sync'), [['sync', 'Main/State', undefined, [0.5]]])
  t.same(player.game.refusals, [])
  await server.stop()
})

t.test('the ids on the wire are those of the paths', async t => {
  const server = await open()
  const { multiplayer } = server
  multiplayer.synchronizer('Main/State', { time: { kind: int } }, { values: { time: 5 } })
  const player = new Godot4Player(server, game => { game.addNode('Main/State', {}) })
  await pumpUntilIdle([player])
  const seen: string[] = []
  const receive = player.game.receive.bind(player.game)
  player.game.receive = message => {
    seen.push(message.toString('hex'))
    receive(message)
  }
  multiplayer.sync()
  await pumpUntilIdle([player])
  t.match(seen[0], /^06....01000080020000000205$/)
  await server.stop()
})

t.test('an equal value of mode on_change is not sent', async t => {
  const server = await open()
  const { multiplayer } = server
  const synchronizer = multiplayer.synchronizer('Main/Board', { cells: { kind: Array, mode: 'on_change' } }, {
    values: { cells: [1, [2, 3]] }
  })
  const player = new Godot4Player(server, game => { game.addNode('Main/Board', {}) })
  await pumpUntilIdle([player])
  multiplayer.sync()
  await pumpUntilIdle([player])
  scene(player)
  synchronizer.set('cells', [1, [2, 3]])
  multiplayer.sync()
  await pumpUntilIdle([player])
  t.same(scene(player), [])
  synchronizer.set('cells', [1, [2, 4]])
  multiplayer.sync()
  await pumpUntilIdle([player])
  t.strictSame(scene(player), [['delta', 'Main/Board', 1n, [[1, [2, 4]]]]])
  await server.stop()
})

t.test('rejects invalid arguments', async t => {
  const server = await open()
  const { multiplayer } = server
  const options = { values: { round: 1, time: 0 } }
  multiplayer.synchronizer('/root/Main/State', state, options)
  t.throws(() => multiplayer.synchronizer('Main/State', state, options), { code: 'ERR_ALREADY_IN_USE' })
  t.throws(() => multiplayer.synchronizer('/Main', state, options), { code: 'ERR_INVALID_PARAMETER' })
  t.throws(() => multiplayer.synchronizer('Main/A', state, {} as never), {
    code: 'ERR_INVALID_PARAMETER', message: 'property round: expected int, got undefined'
  })
  t.throws(() => multiplayer.synchronizer('Main/A', state, { values: { round: 1, time: '1' as never } }), {
    code: 'ERR_INVALID_PARAMETER', message: 'property time: expected float, got "1"'
  })
  t.throws(() => multiplayer.synchronizer('Main/A', state, options).on('nope' as never, () => {}), {
    code: 'ERR_INVALID_PARAMETER', message: 'unknown signal nope: expected changed'
  })
  await server.stop()
  const old = new WebSocketServer({ gdMpApi: true }, memoryMount)
  t.throws(() => old.multiplayer.synchronizer('Main/A', state, options), {
    code: 'ERR_INVALID_PARAMETER', message: 'Godot 3 has no synchronizers'
  })
})

t.test('a listener of changed that throws is logged', async t => {
  const server = await open()
  const player = new Godot4Player(server, withInput)
  await pumpUntilIdle([player])
  const { id } = player.game
  server.multiplayer.synchronizer('Main/Input', input, { authority: id }).on('changed', () => { throw new Error('x') })
  player.game.sync('Main/Input', [new Vector2()])
  await pumpUntilIdle([player])
  player.game.sync('Main/Input', [new Vector2()])
  await pumpUntilIdle([player])
  t.equal(server.monitor.failures, 1)
  await server.stop()
})

t.test('the path of a synchronizer in a node is checked, whether the server spawned the node or not', async t => {
  const server = await open()
  const { multiplayer } = server
  const spawned = multiplayer.spawner('/root/Main/Spawner').spawn('Player', { scene: 0 })
  for (const node of [spawned, multiplayer.node('/root/Main/State', [])]) {
    for (const path of ['', '/Input', './Input', '../Input', 'Input/', 'Input:aim']) {
      const message = `invalid node path "${node.path}/${path}": expected e.g. /root/Main/Pawn`
      t.throws(() => node.synchronizer(path, {}, { authority: 7 }), { code: 'ERR_INVALID_PARAMETER', message }, path)
    }
    t.equal(node.synchronizer('Input', {}, { authority: 7 }).path, `${node.path}/Input`)
  }
  await server.stop()
})
