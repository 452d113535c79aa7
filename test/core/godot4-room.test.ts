import t from 'tap'
import { int, Vector2 } from '../../src/protocol/variant-types.ts'
import { WebSocketServer } from '../../src/core/websocket-server.ts'
import type { ServerOptions } from '../../src/options.ts'
import type { Godot4Client } from '../helper/godot4-client.ts'
import { Godot4Player, settle } from '../helper/godot4-player.ts'
import { memoryMount } from '../helper/memory-client.ts'

const PLAYERS = 64
const TOKEN = 'let me in'
const surface = { hello: [String], move: [int, Vector2], score: [int] } as const
const script = { hello: { args: 1, mode: 'any_peer' }, move: { args: 2, mode: 'any_peer' }, score: { args: 1 } } as const

async function serve (options: Partial<ServerOptions> = {}) {
  const server = new WebSocketServer({ gdMpApi: true, wire: 'godot4', closeTimeout: 0.1, ...options }, memoryMount)
  await server.listen()
  const ran: unknown[][] = []
  const arena = server.multiplayer.node('/root/Arena', surface)
    .method('any_peer', 'hello', (sender, name) => { ran.push(['hello', sender, name]) })
    .method('any_peer', 'move', (sender, tick, at) => { ran.push(['move', sender, tick, at]) })
  return { server, arena, ran }
}

function withArena (game: Godot4Client): void {
  game.addNode('Arena', script)
}

/** A player that proves itself by `token`; some say that they are done at once, some when they are answered. */
function proving (token: string, atOnce: boolean) {
  return (game: Godot4Client): void => {
    withArena(game)
    game.onAuth = () => { game.completeAuth() }
    setImmediate(() => {
      game.sendAuth(Buffer.from(token))
      if (atOnce) game.completeAuth()
    })
  }
}

/** What each player was told of by a name, as senders. */
const sendersOf = ({ game }: Godot4Player, name: string): unknown[] => game.events.filter(([what]) => what === name).map(([, sender]) => sender)
const sorted = (list: unknown[]): number[] => (list as number[]).toSorted((one, other) => one - other)

t.test(`${PLAYERS} strict Godot 4 clients: authentication, relay, calls among them and with the server; not one has anything to complain of`, async t => {
  const authenticate: ServerOptions['authenticate'] = async (_, data) => {
    const token = Buffer.from(data).toString()
    await new Promise(resolve => setImmediate(resolve))
    return token === TOKEN ? Buffer.from('welcome') : token === 'at once'
  }
  const { server, arena, ran } = await serve({ authenticate })
  server.on('peer_authentication_failed', id => { ran.push(['failed', id]) })
  // Who is answered with bytes completes; then the application lets it in.
  const welcome = setInterval(() => { for (const { game } of players) if (game.id > 0 && !game.peers.has(1)) try { server.completeAuth(game.id) } catch {} }, 1)
  const players = Array.from({ length: PLAYERS }, (_, at) => new Godot4Player(server, proving(at % 2 === 0 ? TOKEN : 'at once', at % 2 === 1)))
  const strangers = Array.from({ length: 3 }, () => new Godot4Player(server, proving('wrong', true)))
  while (server.peerCount < PLAYERS || strangers.some(({ closedWith }) => closedWith === undefined)) await settle([...players, ...strangers])
  clearInterval(welcome)
  await settle(players)
  const ids = sorted(players.map(({ game }) => game.id))
  const others = (player: Godot4Player): number[] => ids.filter(id => id !== player.game.id)

  t.same(strangers.map(({ closedWith, game }) => [closedWith, [...game.peers]]), [[1000, []], [1000, []], [1000, []]])
  t.equal(ran.splice(0).length, 3)
  t.equal(server.limits['auth-refused'], 3)
  for (const player of players) t.same(sorted([...player.game.peers]), [1, ...others(player)])

  for (const { game } of players) game.sendBytes(Buffer.from(String(game.id)))
  await settle(players)
  for (const player of players) t.same(sorted(sendersOf(player, 'api.peer_packet')), others(player), 'everybody hears everybody else')

  for (let round = 0; round < 2; round++) {
    for (const { game } of players) game.rpc('Arena', 'move', [round, new Vector2(1, 2)])
    await settle(players)
  }
  for (const player of players) t.same(sorted(sendersOf(player, 'move')), sorted([...others(player), ...others(player)]))
  t.equal(ran.filter(([what]) => what === 'move').length, 2 * PLAYERS)

  arena.rpc('score', 1)
  arena.rpc('score', 2)
  arena.rpcId(ids[0], 'score', 3)
  arena.rpcId(-ids[0], 'score', 4)
  await settle(players)
  for (const { game } of players) t.same(game.events.filter(([what]) => what === 'score').map(([, , , values]) => values), game.id === ids[0] ? [[1], [2], [3]] : [[1], [2], [4]])

  players[0].leave()
  await settle(players)
  const late = new Godot4Player(server, proving('at once', true))
  while (!late.game.peers.has(1)) await settle([...players, late])
  arena.rpc('score', 5)
  await settle([...players, late])
  for (const { game } of [...players.slice(1), late]) t.same([...game.peers].includes(players[0].game.id), false)
  t.same(late.game.events.at(-1), ['score', 1, 'Arena', [5]])

  t.same([...players, late].flatMap(({ game }) => game.refusals), [])
  t.same(Object.entries(server.drops).filter(([, count]) => count > 0), [])
  t.equal(server.failures, 0)
  await server.stop()
})

t.test('once all have confirmed, a call of the server is a few bytes, encoded once', async t => {
  const { server, arena } = await serve()
  const players = Array.from({ length: 20 }, () => new Godot4Player(server, withArena))
  await settle(players)
  arena.rpc('score', 1)
  await settle(players)
  const before = [...server.peers()].map(({ packetsOut, bytesOut }) => [packetsOut, bytesOut])
  arena.rpc('score', 1)
  t.same([...server.peers()].map(({ packetsOut, bytesOut }, at) => [packetsOut - before[at][0], bytesOut - before[at][1]]), before.map(() => [1, 6]))
  await settle(players)
  t.same(players.flatMap(({ game }) => game.refusals), [])
  await server.stop()
})

t.test('a client whose script has other methods is heard by its own list, told so, and never runs a wrong method', async t => {
  const { server, arena, ran } = await serve()
  const older = { hello: script.hello, zoom: { args: 0 } } as const
  const [same, other] = [new Godot4Player(server, withArena), new Godot4Player(server, game => { game.addNode('Arena', older) })]
  await settle([same, other])
  // Its list is known here, of another node.
  server.multiplayer.node('/root/Old', { hello: [String], zoom: [] })
  other.game.rpc('Arena', 'hello', ['old'], 1)
  await settle([same, other])
  t.same(ran.splice(0), [['hello', other.game.id, 'old']])
  t.same(other.game.refusals.splice(0), ['method lists differ'])
  t.equal(server.drops['rpc-method-list'], 1)

  arena.rpc('score', 7)
  arena.rpcId(other.game.id, 'score', 8)
  await settle([same, other])
  t.same(same.game.events.at(-1), ['score', 1, 'Arena', [7]])
  t.notOk(other.game.events.some(([what]) => what === 'score' || what === 'zoom'))

  const unknown = new Godot4Player(server, game => { game.addNode('Arena', { only: script.hello }) })
  await settle([unknown])
  unknown.game.rpc('Arena', 'only', ['x'], 1)
  await settle([unknown])
  t.same(ran, [])
  t.equal(server.drops['rpc-method-list'], 3, 'announced, and called')
  // It confirms with "differs" what the server announces, where it did not say so first.
  const silent = new Godot4Player(server, game => { game.addNode('Arena', older) })
  await settle([silent])
  arena.rpc('score', 9)
  await settle([silent, same])
  t.equal(server.drops['rpc-method-list'], 4)
  arena.rpc('score', 10)
  await settle([silent, same])
  t.same(same.game.events.at(-1), ['score', 1, 'Arena', [10]])
  await server.stop()
})

t.test('a scene that is changed for another with a node at the same path: each call runs what it means, in either order of the change', async t => {
  const { server, arena, ran } = await serve()
  const lobby = { chat: { args: 1, mode: 'any_peer' }, start: { args: 0 } } as const
  const [early, late] = [new Godot4Player(server, withArena), new Godot4Player(server, withArena)]
  await settle([early, late])
  for (const { game } of [early, late]) game.rpc('Arena', 'hello', ['x'], 1)
  await settle([early, late])
  early.game.addNode('Arena', lobby)
  early.game.rpc('Arena', 'chat', ['too early'], 1)
  await settle([early, late])
  t.same(early.game.refusals.splice(0), ['method lists differ'])
  arena.rpc('score', 1)
  await settle([early, late])
  t.same(late.game.events.at(-1), ['score', 1, 'Arena', [1]])
  t.notOk(early.game.events.some(([what]) => what === 'score' || what === 'start'))

  arena.free()
  const next = server.multiplayer.node('/root/Arena', { chat: [String], start: [] })
    .method('any_peer', 'chat', (sender, text) => { ran.push(['chat', sender, text]) })
  ran.length = 0
  late.game.rpc('Arena', 'hello', ['too late'], 1)
  early.game.rpc('Arena', 'chat', ['in time'], 1)
  await settle([early, late])
  t.same(ran, [['chat', early.game.id, 'in time']])
  next.rpc('start')
  await settle([early, late])
  t.same(early.game.events.at(-1), ['start', 1, 'Arena', []])
  t.same(late.game.refusals.splice(0, 1), ['method lists differ'])

  late.game.addNode('Arena', lobby)
  late.game.rpc('Arena', 'chat', ['here too'], 1)
  await settle([early, late])
  next.rpc('start')
  await settle([early, late])
  for (const { game } of [early, late]) t.same(game.events.at(-1), ['start', 1, 'Arena', []])
  t.same(ran.at(-1), ['chat', late.game.id, 'here too'])
  await server.stop()
})

t.test('what Godot 4 does not know, or needs to be told, is refused with a clear word', async t => {
  const { server, arena } = await serve()
  const player = new Godot4Player(server, withArena)
  await settle([player])
  const untold = server.multiplayer.node('/root/Untold')
  t.throws(() => arena.rset('score' as never, 1 as never), { code: 'ERR_INVALID_PARAMETER', message: /rset/ })
  t.throws(() => untold.property('any_peer', 'x', () => {}), { code: 'ERR_INVALID_PARAMETER', message: /rset/ })
  t.throws(() => untold.rpc('hello', 'x'), { code: 'ERR_UNCONFIGURED', message: /@rpc/ })
  t.throws(() => server.multiplayer.node('/root/Named', ['hello']).rpc('nothing'), { code: 'ERR_INVALID_PARAMETER' })
  t.throws(() => server.putTo(0, new Uint8Array(0)), { code: 'ERR_INVALID_DATA' })
  t.throws(() => server.multiplayer.sendBytes(new Uint8Array(0)), { code: 'ERR_INVALID_DATA' })
  t.throws(() => arena.rpc('hello', 'x'.repeat(65536)), { code: 'ERR_OUT_OF_MEMORY' })
  t.throws(() => server.sendAuth(player.game.id, Uint8Array.of(1)), { code: 'ERR_UNCONFIGURED' })
  t.throws(() => new WebSocketServer({ authenticate: () => true }), { code: 'ERR_INVALID_PARAMETER' })
  await settle([player])
  t.same(player.game.refusals, [])
  await server.stop()
})

t.test('an empty byte array as the only argument arrives', async t => {
  const server = new WebSocketServer({ gdMpApi: true, wire: 'godot4' }, memoryMount)
  await server.listen()
  const node = server.multiplayer.node('/root/Main', { take: [Uint8Array] })
  const player = new Godot4Player(server, game => { game.addNode('Main', { take: { args: 1 } }) })
  await settle([player])
  for (const bytes of [new Uint8Array(0), Uint8Array.of(1, 2)]) node.rpc('take', bytes)
  await settle([player])
  t.same(player.game.events.slice(-2).map(([, , , values]) => values), [[new Uint8Array(0)], [Uint8Array.of(1, 2)]])
  t.same(player.game.refusals, [])
  await server.stop()
})
