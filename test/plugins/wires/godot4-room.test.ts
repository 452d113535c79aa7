import { setImmediate as nextTurn } from 'node:timers/promises'
import Fastify from 'fastify'
import t from 'tap'
import type { Test } from 'tap'
import peerServer, { int, Vector2 } from '../../../index.ts'
import type { ServerOptions } from '../../../src/options/option-types.ts'
import { listen } from '../../helper/app.ts'
import { Random, seed } from '../../helper/random/random.ts'
import type { Godot4Client } from '../../helper/godot/godot4-client.ts'
import { Godot4Socket } from '../../helper/godot/godot4-socket.ts'
import { until } from '../../helper/until.ts'

const PLAYERS = 64
const surface = { hello: [String], move: [int, Vector2], score: [int] } as const
const script = {
  hello: { args: 1, mode: 'any_peer' },
  move: { args: 2, mode: 'any_peer' },
  score: { args: 1 }
} as const

/** Two steps: `riddle` is answered with a question; `let me in`, at once or in reply, is accepted. */
const authenticate: ServerOptions['authenticate'] = async (_, data) => {
  const word = Buffer.from(data).toString()
  await nextTurn()
  return word === 'riddle' ? Buffer.from('?') : word === 'let me in'
}

async function serve (t: Test, options: Partial<ServerOptions> = { authTimeout: 30, authenticate }) {
  const app = Fastify()
  await app.register(peerServer, { path: '/ws4', gdMpApi: true, wire: 'godot4', closeTimeout: 0.5, ...options })
  const port = await listen(t, app)
  const server = app.peerServer
  const ran: unknown[][] = []
  const arena = server.multiplayer.node('/root/Arena', surface)
    .method('any_peer', 'hello', (sender, name) => { ran.push(['hello', sender, name]) })
    .method('any_peer', 'move', (sender, tick, at) => { ran.push(['move', sender, tick, at]) })
  /** A player that sends a packet as soon as it has joined. */
  const enter = async (word: string): Promise<Godot4Socket> => {
    const player = await Godot4Socket.connect(t, port, '/ws4', [], game => {
      game.addNode('Arena', script)
      if (options.authenticate !== undefined) {
        game.onAuth = data => { if (data.toString() === '?') say(game, 'let me in') }
      }
    })
    await player.event(options.authenticate === undefined ? 'api.connected_to_server' : 'api.peer_authenticating')
    if (options.authenticate === undefined) return player
    if (word === 'riddle') player.game.sendAuth(Buffer.from(word))
    else say(player.game, word)
    return player
  }
  return { server, arena, ran, enter }
}

function say (game: Godot4Client, word: string): void {
  game.sendAuth(Buffer.from(word))
  game.completeAuth()
}

const sorted = (list: Iterable<number>): number[] => [...list].sort((one, other) => one - other)
const sendersOf = ({ game }: Godot4Socket, name: string): number[] =>
  game.events.filter(([what]) => what === name).map(([, sender]) => sender as number)
const countOf = (player: Godot4Socket, name: string): number => sendersOf(player, name).length

t.test(`${PLAYERS} strict Godot 4 clients over sockets: authentication, relay, calls among them and with the server; ` +
  'no client reports an error', async t => {
  const { server, arena, ran, enter } = await serve(t)
  const failed: number[] = []
  server.on('peer_authentication_failed', id => { failed.push(id) })
  const strangers = await Promise.all(['wrong', '', 'let me in!'].map(enter))
  const players = await Promise.all(Array.from({ length: PLAYERS }, async (_, at) =>
    await enter(at % 2 === 0 ? 'riddle' : 'let me in')))
  const ids = sorted(players.map(({ game }) => game.id))
  const others = ({ game }: Godot4Socket, times = 1): number[] =>
    sorted(ids.filter(id => id !== game.id).flatMap(id => new Array<number>(times).fill(id)))
  await until(() =>
    players.every(({ game }) => game.peers.size === PLAYERS) && strangers.every(({ game }) => game.isClosed))
  for (const player of players) t.same(sorted(player.game.peers), [1, ...others(player)])
  t.same(sorted(failed), sorted(strangers.map(({ game }) => game.id)))
  t.same(strangers.map(({ game }) => game.peers.size), [0, 0, 0])
  t.equal(server.monitor.limits['auth-refused'], 3)
  t.equal(server.peerCount, PLAYERS)

  for (const { game } of players) game.sendBytes(Buffer.from(String(game.id)))
  await until(() => players.every(player => countOf(player, 'api.peer_packet') === PLAYERS - 1))
  for (const player of players) t.same(sorted(sendersOf(player, 'api.peer_packet')), others(player))

  for (let round = 1; round <= 2; round++) {
    for (const { game } of players) game.rpc('Arena', 'move', [round, new Vector2(1, 2)])
    await until(() =>
      players.every(player => countOf(player, 'move') === round * (PLAYERS - 1)) && ran.length === round * PLAYERS)
  }
  for (const player of players) t.same(sorted(sendersOf(player, 'move')), others(player, 2))

  const [first, ...rest] = players
  for (const call of [() => arena.rpc('score', 1), () => arena.rpc('score', 2), () =>
    arena.rpcId(first.game.id, 'score', 3), () => arena.rpcId(-first.game.id, 'score', 4)]) call()
  await until(() => players.every(player => countOf(player, 'score') === 3))
  for (const { game } of players) {
    t.same(game.events.filter(([what]) => what === 'score')
      .map(([, , , values]) => values), game === first.game ? [[1], [2], [3]] : [[1], [2], [4]])
  }

  first.leave()
  await until(() => rest.every(({ game }) => !game.peers.has(first.game.id)))
  const late = await enter('let me in')
  await late.event('api.peer_connected', 1)
  arena.rpc('score', 5)
  await until(() => [...rest, late].every(({ game }) =>
    game.events.some(([what, , , values]) => what === 'score' && (values as number[])[0] === 5)))
  t.same(sorted(late.game.peers), [1, ...others(first)])

  t.same([...players, late].flatMap(({ game }) => game.refusals), [])
  t.same(Object.entries(server.monitor.drops).filter(([, count]) => count > 0), [])
  t.equal(server.monitor.failures, 0)
})

const sizes = [0, 1, 7, 112, 113, 118, 119, 1000, 4096, 16384, 65520]

for (const holdTime of [0, 2]) {
  t.test('every player gets every packet of the others once, whole and in order; a packet for one goes to that one ' +
    `(holdTime ${holdTime})`, async t => {
    const random = new Random(seed)
    const { server, enter } = await serve(t, { holdTime, outputBufferKb: 4096, outputMaxPackets: 65536 })
    server.on('peer_packet', () => { server.getPacket() })
    const players = await Promise.all(Array.from({ length: 12 }, async () => await enter('')))
    await until(() => players.every(({ game }) => game.peers.size === players.length))
    const due = new Map(players.map(({ game }) => [game.id, new Map<number, string[]>()]))
    /** Number and size, followed by bytes that are derived from both. */
    const packetOf = (number: number, size: number): Buffer => {
      const packet = Buffer.alloc(8 + size, number)
      packet.writeUInt32LE(number)
      packet.writeUInt32LE(size, 4)
      return packet
    }
    for (let number = 0; number < 400; number++) {
      const [{ game: sender }, size] = [random.pick(players), random.pick(sizes)]
      const others = [...due.keys()].filter(id => id !== sender.id)
      const to = random.pick([0, 0, -1, random.pick(others), -random.pick(others)])
      sender.sendBytes(packetOf(number, size), to)
      for (const id of others) {
        if (to === 0 || to === -1 || to === id || (to < 0 && to !== -id)) {
          due.get(id)!.set(sender.id, [...due.get(id)!.get(sender.id) ?? [], `${number}: ${size}`])
        }
      }
      if (number % 50 === 0) await new Promise(setImmediate)
    }
    const packetsOf = ({ game }: Godot4Socket): Array<[sender: number, packet: Buffer]> => game.events.filter((
      [what]) => what === 'api.peer_packet'
    ).map(([, sender, packet]) => [sender as number, packet as Buffer])
    await until(() =>
      players.every(player => packetsOf(player).length === [...due.get(player.game.id)!.values()].flat().length))
    for (const player of players) {
      const got = new Map<number, string[]>()
      for (const [sender, packet] of packetsOf(player)) {
        const [number, size] = [packet.readUInt32LE(), packet.readUInt32LE(4)]
        got.set(sender, [...got.get(sender) ?? [], packet.equals(packetOf(number, size))
          ? `${number}: ${size}`
          : 'damaged'])
      }
      t.same(got, due.get(player.game.id), `seed ${seed}`)
      t.same(player.game.refusals, [], `seed ${seed}`)
    }
  })
}
