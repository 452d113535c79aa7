import t from 'tap'
import type { RemoteNode } from '../../../../src/core/rpc/remote-node.ts'
import { int, Vector2 } from '../../../../src/protocol/variant/variant-types.ts'
import { WebSocketServer } from '../../../../src/core/server/websocket-server.ts'
import type { ServerOptions } from '../../../../src/options/option-types.ts'
import { Random, seed } from '../../../helper/random/random.ts'
import type { Godot4Client } from '../../../helper/godot/godot4-client.ts'
import { Godot4Player, pumpUntilIdle } from '../../../helper/godot/godot4-player.ts'
import { putDataTo } from '../../../helper/internals.ts'
import { openGodot4Server } from '../../../helper/memory/memory-server.ts'

const surface = { hello: [String], move: [int, Vector2], score: [int] } as const
const script = {
  hello: { args: 1, mode: 'any_peer' },
  move: { args: 2, mode: 'any_peer' },
  score: { args: 1 }
} as const

async function serve (options: Partial<ServerOptions> = {}, drawId?: () => number) {
  const server = await openGodot4Server(options, drawId)
  const ran: unknown[][] = []
  const arena = server.multiplayer.node('/root/Arena', surface)
    .method('any_peer', 'hello', (sender, name) => { ran.push(['hello', sender, name]) })
    .method('any_peer', 'move', (sender, tick, at) => { ran.push(['move', sender, tick, at]) })
  return { server, arena, ran }
}

const sorted = (list: number[]): number[] => list.toSorted((one, other) => one - other)

function withArena (game: Godot4Client): void {
  game.addNode('Arena', script)
}

t.test('clients join, send and leave in random order: strict clients refuse nothing and see all members', async t => {
  const random = new Random(seed)
  const edges = [2, 2147483647, 3, 2147483646]
  const authenticate: ServerOptions['authenticate'] = (_, data) => data[0] === 1
  const { server, arena } = await serve({ authenticate }, () => edges.shift() ?? 4 + random.below(1e9))
  const inside = new Set<Godot4Player>()
  const everybody: Godot4Player[] = []
  const enter = (): void => {
    const isWelcome = !random.oneIn(4)
    const player = new Godot4Player(server, game => {
      withArena(game)
      game.onAuth = () => {}
      setImmediate(() => {
        game.sendAuth(Uint8Array.of(Number(isWelcome)))
        game.completeAuth()
      })
    })
    everybody.push(player)
    if (isWelcome) inside.add(player)
  }
  const targetOf = ({ game }: Godot4Player): number =>
    random.pick([0, -1, 1, -game.id, ...game.peers, ...[...game.peers].map(id => -id)])
  const acts: Array<(player: Godot4Player) => void> = [
    enter,
    player => { if (inside.delete(player)) player.leave() },
    player => { if (inside.delete(player)) server.disconnectPeer(player.game.id) },
    ...new Array(4).fill((player: Godot4Player) => { player.game.sendBytes(Uint8Array.of(7), targetOf(player)) }),
    ...new Array(4).fill((player: Godot4Player) => {
      player.game.rpc('Arena', 'move', [1, new Vector2(1, 2)], targetOf(player))
    }),
    () => { arena.rpc('score', 1) },
    player => { arena.rpcId(random.oneIn(2) ? player.game.id : -player.game.id, 'score', 2) }
  ]
  for (let i = 0; i < 12; i++) enter()
  for (let round = 0; round < 400; round++) {
    if (round % 4 === 0) await pumpUntilIdle(everybody)
    const there = [...inside].filter(({ game }) => game.peers.has(1))
    if (there.length > 1) random.pick(acts)(random.pick(there))
    else enter()
  }
  await pumpUntilIdle(everybody)
  const ids = [...inside].map(({ game }) => game.id)
  t.same([...server.peers()].map(({ id }) => id), sorted(ids), `seed ${seed}`)
  for (const { game } of inside) {
    t.same(sorted([...game.peers]), sorted([1, ...ids.filter(id => id !== game.id)]), `seed ${seed}`)
  }
  t.same(everybody.flatMap(({ game }) => game.refusals), [], `seed ${seed}`)
  // A path was confirmed to one that had just left, or it was still called.
  t.same(Object.entries(server.monitor.drops)
    .filter(([reason, count]) => count > 0 && reason !== 'unknown-target'), [], `seed ${seed}`)
  t.equal(server.monitor.failures, 0)
  await server.stop()
})

t.test('once all have confirmed, a call of the server is a few bytes, encoded once', async t => {
  const { server, arena } = await serve()
  const players = Array.from({ length: 20 }, () => new Godot4Player(server, withArena))
  await pumpUntilIdle(players)
  arena.rpc('score', 1)
  await pumpUntilIdle(players)
  const before = [...server.peers()].map(({ packetsOut, bytesOut }) => [packetsOut, bytesOut])
  arena.rpc('score', 1)
  t.same([...server.peers()].map(({ packetsOut, bytesOut }, at) =>
    [packetsOut - before[at][0], bytesOut - before[at][1]]), before.map(() => [1, 6]))
  await pumpUntilIdle(players)
  t.same(players.flatMap(({ game }) => game.refusals), [])
  await server.stop()
})

t.test('a client whose script has other methods is called by its own list and never runs a wrong method', async t => {
  const { server, arena, ran } = await serve()
  const older = { hello: script.hello, zoom: { args: 0 } } as const
  const [same, other] = [new Godot4Player(server, withArena), new Godot4Player(server, game => {
    game.addNode('Arena', older)
  })]
  await pumpUntilIdle([same, other])
  // Its list is known here, of another node.
  server.multiplayer.node('/root/Old', { hello: [String], zoom: [] })
  other.game.rpc('Arena', 'hello', ['old'], 1)
  await pumpUntilIdle([same, other])
  t.same(ran.splice(0), [['hello', other.game.id, 'old']])
  t.same(other.game.refusals.splice(0), ['method lists differ'])
  t.equal(server.monitor.drops['rpc-method-list'], 1)

  arena.rpc('score', 7)
  arena.rpcId(other.game.id, 'score', 8)
  await pumpUntilIdle([same, other])
  t.same(same.game.events.at(-1), ['score', 1, 'Arena', [7]])
  t.notOk(other.game.events.some(([what]) => what === 'score' || what === 'zoom'))

  const unknown = new Godot4Player(server, game => { game.addNode('Arena', { only: script.hello }) })
  await pumpUntilIdle([unknown])
  unknown.game.rpc('Arena', 'only', ['x'], 1)
  await pumpUntilIdle([unknown])
  t.same(ran, [])
  t.equal(server.monitor.drops['rpc-method-list'], 3, 'announced, and called')
  // It confirms with "differs" what the server announces, where it did not say so first.
  const silent = new Godot4Player(server, game => { game.addNode('Arena', older) })
  await pumpUntilIdle([silent])
  arena.rpc('score', 9)
  await pumpUntilIdle([silent, same])
  t.equal(server.monitor.drops['rpc-method-list'], 4)
  arena.rpc('score', 10)
  await pumpUntilIdle([silent, same])
  t.same(same.game.events.at(-1), ['score', 1, 'Arena', [10]])
  await server.stop()
})

t.test('a scene is replaced by one with a node at the same path: each call runs the right method, in either ' +
  'order of the change', async t => {
  const { server, arena, ran } = await serve()
  const lobby = { chat: { args: 1, mode: 'any_peer' }, start: { args: 0 } } as const
  const [early, late] = [new Godot4Player(server, withArena), new Godot4Player(server, withArena)]
  await pumpUntilIdle([early, late])
  for (const { game } of [early, late]) game.rpc('Arena', 'hello', ['x'], 1)
  await pumpUntilIdle([early, late])
  early.game.addNode('Arena', lobby)
  early.game.rpc('Arena', 'chat', ['too early'], 1)
  await pumpUntilIdle([early, late])
  t.same(early.game.refusals.splice(0), ['method lists differ'])
  arena.rpc('score', 1)
  await pumpUntilIdle([early, late])
  t.same(late.game.events.at(-1), ['score', 1, 'Arena', [1]])
  t.notOk(early.game.events.some(([what]) => what === 'score' || what === 'start'))

  arena.free()
  const next = server.multiplayer.node('/root/Arena', { chat: [String], start: [] })
    .method('any_peer', 'chat', (sender, text) => { ran.push(['chat', sender, text]) })
  ran.length = 0
  late.game.rpc('Arena', 'hello', ['too late'], 1)
  early.game.rpc('Arena', 'chat', ['in time'], 1)
  await pumpUntilIdle([early, late])
  t.same(ran, [['chat', early.game.id, 'in time']])
  next.rpc('start')
  await pumpUntilIdle([early, late])
  t.same(early.game.events.at(-1), ['start', 1, 'Arena', []])
  t.same(late.game.refusals.splice(0, 1), ['method lists differ'])

  late.game.addNode('Arena', lobby)
  late.game.rpc('Arena', 'chat', ['here too'], 1)
  await pumpUntilIdle([early, late])
  next.rpc('start')
  await pumpUntilIdle([early, late])
  for (const { game } of [early, late]) t.same(game.events.at(-1), ['start', 1, 'Arena', []])
  t.same(ran.at(-1), ['chat', late.game.id, 'here too'])
  await server.stop()
})

t.test('calls by the list of a freed node do not reach the next one, by id or by path', async t => {
  const server = await openGodot4Server()
  const ran: string[] = []
  const add = (...names: string[]): RemoteNode => {
    const node = server.multiplayer.node('/root/Main', names)
    return node.method('any_peer', 'join', () => { ran.push(names.join()) })
  }
  const old = { join: { args: 0, mode: 'any_peer' }, moved: { args: 0 } } as const
  const [byId, byPath] = [0, 0].map(() => new Godot4Player(server, game => { game.addNode('Main', old) }))
  await pumpUntilIdle([byId, byPath])
  const first = add('join', 'moved')
  byId.game.rpc('Main', 'join', [], 1)
  await pumpUntilIdle([byId, byPath])
  // It continues with full paths until it reads the confirmation.
  byPath.game.rpc('Main', 'join', [], 1)
  t.same(ran.splice(0), ['join,moved', 'join,moved'])
  first.free()
  const next = add('join', 'leave')
  for (const { game } of [byId, byPath]) game.rpc('Main', 'join', [], 1)
  t.same(ran, [])
  t.equal(server.monitor.drops['rpc-method-list'], 2)
  next.free()
  add('join', 'moved')
  for (const { game } of [byId, byPath]) game.rpc('Main', 'join', [], 1)
  t.same(ran, ['join,moved', 'join,moved'], 'a node with the same list may be called')
  await server.stop()
})

t.test('a player whose list differed is not called by the next node until it announces that node\'s list', async t => {
  const server = await openGodot4Server()
  const mode = 'any_peer'
  const player = new Godot4Player(server, game => { game.addNode('Main', { a: { args: 0, mode }, z: { args: 0 } }) })
  await pumpUntilIdle([player])
  const events = (): unknown[] => player.game.events.splice(0).map(([what]) => what)
  const first = server.multiplayer.node('/root/Main', ['join', 'moved'])
  player.game.rpc('Main', 'a', [], 1)
  await pumpUntilIdle([player])
  events()
  first.rpc('moved')
  first.free()
  const next = server.multiplayer.node('/root/Main', ['join', 'leave'])
  next.rpc('leave')
  await pumpUntilIdle([player])
  t.same(events(), [])
  player.game.addNode('Main', { join: { args: 0, mode }, leave: { args: 0 } })
  player.game.rpc('Main', 'join', [], 1)
  await pumpUntilIdle([player])
  next.rpc('leave')
  await pumpUntilIdle([player])
  t.same(events(), ['leave'])
  await server.stop()
})

t.test('features that Godot 4 lacks, and missing options, are rejected with a clear error', async t => {
  const { server, arena } = await serve()
  const player = new Godot4Player(server, withArena)
  await pumpUntilIdle([player])
  const untold = server.multiplayer.node('/root/Untold')
  t.throws(() => arena.rset('score' as never, 1 as never), { code: 'ERR_INVALID_PARAMETER', message: /rset/ })
  t.throws(() => untold.property('any_peer', 'x', () => {}), { code: 'ERR_INVALID_PARAMETER', message: /rset/ })
  t.throws(() => untold.rpc('hello', 'x'), { code: 'ERR_UNCONFIGURED', message: /@rpc/ })
  t.throws(() => server.multiplayer.node('/root/Named', ['hello']).rpc('nothing'), { code: 'ERR_INVALID_PARAMETER' })
  t.throws(() => putDataTo(server, 0, new Uint8Array(0)), { code: 'ERR_INVALID_DATA' })
  t.throws(() => server.multiplayer.sendBytes(new Uint8Array(0)), { code: 'ERR_INVALID_DATA' })
  t.throws(() => arena.rpc('hello', 'x'.repeat(65536)), { code: 'ERR_OUT_OF_MEMORY' })
  t.throws(() => server.sendAuth(player.game.id, Uint8Array.of(1)), { code: 'ERR_UNCONFIGURED' })
  t.throws(() => new WebSocketServer({ authenticate: () => true }), { code: 'ERR_INVALID_PARAMETER' })
  const plain = { wire: 'godot4', authenticate: () => true } as const
  t.throws(() => new WebSocketServer(plain), { code: 'ERR_INVALID_PARAMETER', message: /plain mode/ })
  await pumpUntilIdle([player])
  t.same(player.game.refusals, [])
  await server.stop()
})

t.test('a server with authenticate does not listen in plain mode', async t => {
  const server = await openGodot4Server({ authenticate: () => false })
  await server.stop()
  await t.rejects(server.listen(undefined, [], false), { code: 'ERR_INVALID_PARAMETER', message: /plain mode/ })
  t.notOk(server.isListening())
  await server.listen()
  t.ok(server.options.gdMpApi)
  await server.stop()
})

t.test('an empty byte array as the only argument arrives', async t => {
  const server = await openGodot4Server()
  const node = server.multiplayer.node('/root/Main', { take: [Uint8Array] })
  const player = new Godot4Player(server, game => { game.addNode('Main', { take: { args: 1 } }) })
  await pumpUntilIdle([player])
  for (const bytes of [new Uint8Array(0), Uint8Array.of(1, 2)]) node.rpc('take', bytes)
  await pumpUntilIdle([player])
  t.same(player.game.events.slice(-2).map(([, , , values]) => values), [[new Uint8Array(0)], [Uint8Array.of(1, 2)]])
  t.same(player.game.refusals, [])
  await server.stop()
})
