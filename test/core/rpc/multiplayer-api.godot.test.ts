import t, { type Test } from 'tap'
import type { RemoteNode } from '../../../src/core/rpc/remote-node.ts'
import { optional } from '../../../src/core/rpc/rpc-surface.ts'
import { int, PoolVector2Array, Vector2 } from '../../../src/protocol/variant/variant-types.ts'
import type { Variant } from '../../../src/protocol/variant/variant-types.ts'
import { WebSocketServer } from '../../../src/core/server/websocket-server.ts'
import { startGodot, type GodotClient } from '../../helper/godot/godot.ts'
import { skipWithout } from '../../helper/programs/skip-without.ts'
import { withTimeout } from '../../helper/with-timeout.ts'
import { internalsOf } from '../../../src/core/server/internals.ts'

const modes = ['remote', 'remotesync', 'master', 'mastersync', 'puppet', 'puppetsync'] as const

/** A server with the script of test/godot/multiplayer_client.gd on its node Main. */
class Game {
  readonly server: WebSocketServer
  readonly main: RemoteNode
  #told: unknown[][] = []

  constructor (serverRelay: boolean) {
    this.server = new WebSocketServer({ gdMpApi: true, bindIp: '127.0.0.1', serverRelay })
    this.main = this.server.multiplayer.node('/root/Main')
  }

  static async start (t: Test, { serverRelay = true } = {}): Promise<Game> {
    const game = new Game(serverRelay)
    await game.server.listen(0)
    t.teardown(async () => { await game.server.stop() })
    for (const mode of modes) {
      game.main.method(mode, `on_${mode}`, (...given) => game.#told.push([mode, ...given]))
      game.main.property(mode, `${mode}_value`, (...given) => game.#told.push([`${mode}_value`, ...given]))
    }
    return game
  }

  /** Calls and sets received here since the last time, including all that this player sent before. */
  async told (player: Player): Promise<unknown[][]> {
    const passed = new Promise(resolve => this.server.multiplayer.once('network_peer_packet', resolve))
    await player.godot.run('send_bytes', { bytes: Buffer.of(0), target: 1 })
    await withTimeout(() => 'the bytes of a player', passed)
    return this.#told.splice(0)
  }
}

/** A real Godot process that has joined. */
class Player {
  readonly godot: GodotClient
  readonly id: number
  #seen = 0

  constructor (godot: GodotClient, id: number) {
    this.godot = godot
    this.id = id
  }

  static async join (t: Test, { server }: Game): Promise<Player> {
    const godot = await startGodot(t, 'multiplayer_client')
    await godot.run('connect', { url: `ws://127.0.0.1:${server.port}/` })
    await godot.event('connected_to_server')
    return new Player(godot, (await godot.run('state')).id)
  }

  /** Calls and sets received there since the last time, as `sender name arguments`. */
  async told ({ server }: Game): Promise<string[]> {
    server.multiplayer.sendBytes(Uint8Array.of(0), this.id)
    await this.godot.event('network_peer_packet', ({ source }) => source === 1)
    const all = this.godot.eventsOf('rpc', 'rset')
      .map(({ source, method, property, args, value }) => `${source} ${method ?? property} ${args ?? value}`)
    const fresh = all.slice(this.#seen)
    this.#seen = all.length
    return fresh
  }

  async rpc (method: string, args: string[] = [], target = 0): Promise<void> {
    await this.godot.run('rpc', { method, args, target })
  }

  async rset (property: string, value: string, target = 0): Promise<void> {
    await this.godot.run('rset', { property, value, target })
  }
}

/** Values of many types, as Godot prints them. */
const values: Array<[Variant, string]> = [
  [null, 'null'],
  [-5, '-5'],
  [2 ** 40, '1099511627776'],
  [0.1, '0.1'],
  ['Grüße 🎮', '"Grüße 🎮"'],
  [new Vector2(1.5, -2), 'Vector2( 1.5, -2 )'],
  [[1, [true]], '[ 1, [ true ] ]'],
  [Uint8Array.of(1, 2, 3), 'PoolByteArray( 1, 2, 3 )'],
  [new PoolVector2Array([new Vector2(1, 2)]), 'PoolVector2Array( 1, 2 )']
]

t.test('real players and the server call each other', skipWithout('godot3-server'), async t => {
  const game = await Game.start(t)
  const { server, main } = game
  const ann = await Player.join(t, game)
  const ben = await Player.join(t, game)
  await ann.godot.event('network_peer_connected', ({ id }) => id === ben.id)

  await t.test('players call the server, or all peers including it', async t => {
    await ann.rpc('on_remote', ['1', '"two"', 'Vector2( 3, 4 )'], 1)
    await ann.rpc('on_remote', ['true'])
    await ann.rpc('on_remotesync', ['null'], -ben.id)
    await ann.rpc('on_remote', ['"for ben"'], ben.id)
    await ann.rpc('on_master', ['[ 1, 0.5 ]'])
    await ann.rpc('on_mastersync')
    await ann.rset('remote_value', '42')
    await ann.rset('master_value', '"of the server"', 1)
    t.strictSame(await game.told(ann), [
      ['remote', ann.id, 1, 'two', new Vector2(3, 4)],
      ['remote', ann.id, true],
      ['remotesync', ann.id, null],
      ['master', ann.id, [1, 0.5]],
      ['mastersync', ann.id],
      ['remote_value', ann.id, 42],
      ['master_value', ann.id, 'of the server']
    ])
    t.same(await ben.told(game), ['on_remote true', 'on_remote "for ben"', 'remote_value 42'].map(line =>
      `${ann.id} ${line}`))
    t.same(await ann.told(game), ['on_remotesync null', 'on_mastersync '].map(line =>
      `${ann.id} ${line}`), 'sync also ran at the caller')
  })

  await t.test('a player calls by id once the server has confirmed the path', async t => {
    const { packetsIn } = server.getPeer(ann.id)
    await ann.rpc('on_remote', ['1'])
    await game.told(ann)
    t.equal(server.getPeer(ann.id).packetsIn - packetsIn, 2, 'one packet for all, and one with the bytes')
    t.same(await ben.told(game), [`${ann.id} on_remote 1`])
  })

  await t.test('the server calls players: all, one, all but one', async t => {
    const before = server.getPeer(ben.id).packetsOut
    main.rpc('on_remote', 1, 'two', new Vector2(3, 4))
    main.rpcId(ann.id, 'on_puppet', 'ann')
    main.rpcId(-ann.id, 'on_puppetsync', 'not ann')
    main.rset('remote_value', 7)
    main.rsetId(ben.id, 'puppet_value', [null])
    t.same(await ann.told(game), ['1 on_remote 1,"two",Vector2( 3, 4 )', '1 on_puppet "ann"', '1 remote_value 7'])
    t.same(await ben.told(game), [
      '1 on_remote 1,"two",Vector2( 3, 4 )', '1 on_puppetsync "not ann"', '1 remote_value 7', '1 puppet_value [ null ]'
    ])
    t.same(await game.told(ann), [['puppetsync', 1, 'not ann']], 'sync also ran here')
    t.equal(server.getPeer(ben.id).packetsOut - before, 6, 'the path was announced once')
  })

  await t.test('sends one packet to all players that have confirmed the path', async t => {
    const { packets } = internalsOf(server).rooms.main.outbox
    main.rpc('on_remote', 'all')
    t.equal(internalsOf(server).rooms.main.outbox.packets - packets, 1)
    for (const player of [ann, ben]) t.same(await player.told(game), ['1 on_remote "all"'])
  })

  await t.test('values arrive unchanged', async t => {
    for (const [value, text] of values) {
      main.rpcId(ann.id, 'on_remote', value)
      await ann.rpc('on_remote', [text], 1)
      t.same(await ann.told(game), [`1 on_remote ${text}`])
      t.strictSame(await game.told(ann), [['remote', ann.id, value]])
    }
  })

  await t.test('new players take part at once, and players that left are not waited for', async t => {
    const cat = await Player.join(t, game)
    main.rpc('on_remote', 'welcome')
    for (const player of [ann, ben, cat]) t.same(await player.told(game), ['1 on_remote "welcome"'])
    await cat.rpc('on_remote', ['"hi"'])
    t.same(await game.told(cat), [['remote', cat.id, 'hi']])
    for (const player of [ann, ben]) t.same(await player.told(game), [`${cat.id} on_remote "hi"`])
    const left = new Promise(resolve => server.multiplayer.once('network_peer_disconnected', resolve))
    await cat.godot.quit()
    t.equal(await left, cat.id)
    const { packets } = internalsOf(server).rooms.main.outbox
    main.rpc('on_remote', 'fewer')
    t.equal(internalsOf(server).rooms.main.outbox.packets - packets, 1)
    for (const player of [ann, ben]) t.same(await player.told(game), ['1 on_remote "fewer"'])
  })

  await t.test('only the player that is the network master of a node may call its puppet members', async t => {
    main.setNetworkMaster(ann.id)
    for (const player of [ann, ben]) await player.godot.run('set_master', { id: ann.id })
    await ann.rpc('on_puppet', ['"mine"'])
    await ben.rpc('on_puppet', ['"stolen"'])
    t.strictSame([...await game.told(ann), ...await game.told(ben)], [['puppet', ann.id, 'mine']])
    t.equal(server.monitor.drops['rpc-mode'], 1)
    main.rpc('on_master', 'for the master')
    t.same((await ann.told(game)).at(-1), '1 on_master "for the master"')
    main.setNetworkMaster(1)
    for (const player of [ann, ben]) await player.godot.run('set_master', { id: 1 })
    t.ok((await ben.told(game)).includes(`${ann.id} on_puppet "mine"`), 'ben accepts her calls too')
  })

  await t.test('adds a node deeper in the tree later', async t => {
    for (const player of [ann, ben]) await player.godot.run('add_node', { path: 'Main/Pawn' })
    const pawn = server.multiplayer.node('/root/Main/Pawn', { on_remote: [int], remote_value: String })
    const told: unknown[][] = []
    pawn.method('remote', 'on_remote', (...given) => told.push(given))
      .property('remote', 'remote_value', (...given) => told.push(given))
    pawn.rpc('on_remote', 3)
    pawn.rset('remote_value', 'x')
    t.same(await ann.told(game), ['1 on_remote 3', '1 remote_value "x"'])
    t.equal(ann.godot.eventsOf('rset').at(-1)!.node, 'Main/Pawn')
    await ann.godot.run('rpc', { node: 'Main/Pawn', method: 'on_remote', args: ['5'], target: 1 })
    await ann.godot.run('rpc', { node: 'Main/Pawn', method: 'on_remote', args: ['"five"'], target: 1 })
    await ann.godot.run('rset', { node: 'Main/Pawn', property: 'remote_value', value: '"y"', target: 1 })
    await game.told(ann)
    t.same(told, [[ann.id, 5], [ann.id, 'y']])
    t.equal(server.monitor.drops['rpc-arguments'], 1)
  })

  await t.test('arguments may be omitted, both ways', async t => {
    for (const player of [ann, ben]) await player.godot.run('add_node', { path: 'Main/Shop' })
    const shop = server.multiplayer.node('/root/Main/Shop', {
      on_remote: [int, optional(String, 'none'), optional(Vector2)],
      on_puppet: [Map]
    })
    const told: unknown[][] = []
    shop.method('remote', 'on_remote', (...given) => told.push(given))
    shop.rpc('on_remote', 3)
    shop.rpc('on_remote', 3, 'x')
    shop.rpc('on_puppet', { price: 5 })
    t.same(await ann.told(game), ['1 on_remote 3', '1 on_remote 3,"x"', '1 on_puppet {\n"price": 5\n}'])
    for (const args of [['5'], ['5', '"y"'], ['5', '"y"', 'Vector2( 1, 2 )']]) {
      await ann.godot.run('rpc', { node: 'Main/Shop', method: 'on_remote', args, target: 1 })
    }
    await game.told(ann)
    t.strictSame(told, [
      [ann.id, 5, 'none', undefined], [ann.id, 5, 'y', undefined], [ann.id, 5, 'y', new Vector2(1, 2)]
    ])
  })

  await t.test('network masters are inherited as by real nodes', async t => {
    const paths = ['Main', 'Main/Pawn', 'Main/Pawn/Gun']
    await ann.godot.run('add_node', { path: paths[2] })
    const nodes = paths.map(path => server.multiplayer.node(path))
    const agree = async (what: string): Promise<void> => {
      const theirs = await Promise.all(paths.map(async node => await ann.godot.run('network_master', { node })))
      t.same(nodes.map(node => node.getNetworkMaster()), theirs, what)
    }
    await agree('at first')
    for (const [at, id, recursive] of [
      [0, 7, true], [1, 8, true], [0, 9, false], [1, 5, false], [0, 1, true]
    ] as const) {
      await ann.godot.run('set_master', { node: paths[at], id, recursive })
      nodes[at].setNetworkMaster(id, recursive)
      await agree(`${paths[at]} ${id} ${recursive}`)
    }
    nodes[0].setNetworkMaster(7)
    await ann.godot.run('set_master', { node: 'Main', id: 7, recursive: true })
    await ann.godot.run('add_node', { path: 'Main/Late' })
    t.equal(await ann.godot.run('network_master', {
      node: 'Main/Late'
    }), server.multiplayer.node('Main/Late').getNetworkMaster())
    nodes[0].setNetworkMaster(1)
    await ann.godot.run('set_master', { node: 'Main', id: 1, recursive: true })
  })

  await t.test('only the expected refusals occurred', async t => {
    t.equal(server.monitor.failures, 0)
    const { 'rpc-mode': mode, 'rpc-arguments': args, ...others } = server.monitor.drops
    t.same([mode, args], [1, 1])
    t.ok(Object.values(others).every(count => count === 0))
    t.match(await ann.godot.errorLines(2), [
      /RPC 'on_puppet' is not allowed on node .* from: \d+/, /At:/
    ], 'ann and the server refused ben')
    t.equal(ann.godot.errors.length, 2)
  })
})

t.test('without a relay, calls to all reach the server, and nobody else', skipWithout('godot3-server'), async t => {
  const game = await Game.start(t, { serverRelay: false })
  const ann = await Player.join(t, game)
  const ben = await Player.join(t, game)
  // The first announces the path; then it is confirmed, and the call is addressed to all.
  for (const value of [1, 2]) {
    await ann.rpc('on_remote', [String(value)])
    t.same(await game.told(ann), [['remote', ann.id, value]])
  }
  await ann.rset('remote_value', '3')
  t.same(await game.told(ann), [['remote_value', ann.id, 3]])
  t.same(await ben.told(game), [])
  t.same(game.server.monitor.drops['relay-off'], 0)
})

t.test('with set_root_node paths are relative to that node', skipWithout('godot3-server'), async t => {
  const game = await Game.start(t)
  const ann = await Player.join(t, game)
  await ann.godot.run('add_node', { path: 'Main/Pawn' })
  await ann.godot.run('set_root_node', { node: 'Main' })
  const told: unknown[][] = []
  const [main, pawn] = ['.', '/root/Pawn'].map(path =>
    game.server.multiplayer.node(path).method('remote', 'on_remote', (...given) => told.push([path, ...given])))
  for (const node of ['Main', 'Main/Pawn']) {
    await ann.godot.run('rpc', { node, method: 'on_remote', args: ['1'], target: 1 })
  }
  await game.told(ann)
  t.same(told, [['.', ann.id, 1], ['/root/Pawn', ann.id, 1]])
  main.rpc('on_remote', 2)
  pawn.rpc('on_remote', 3)
  t.same(await ann.told(game), ['1 on_remote 2', '1 on_remote 3'])
  t.same(ann.godot.errors.filter(line => line.includes('ERROR')), [])
})
