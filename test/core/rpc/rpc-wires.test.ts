import t from 'tap'
import type { Test } from 'tap'
import type { RemoteNode } from '../../../src/core/rpc/remote-node.ts'
import { optional } from '../../../src/core/rpc/rpc-surface.ts'
import { wires } from '../../../src/core/rpc/wire/wires.ts'
import type { ServerOptions } from '../../../src/options/option-types.ts'
import { int, Vector2 } from '../../../src/protocol/variant/variant-types.ts'
import { FrameClient, nextTurn } from '../../helper/memory/frame-client.ts'
import { rpcClientCodecs } from '../../helper/godot/rpc-client-codecs.ts'
import type { RpcClientCodec } from '../../helper/godot/rpc-client-codecs.ts'
import { openMemoryServer } from '../../helper/memory/memory-server.ts'

/** The contract of remote calls on every wire: a game server written for one runs on the other. */
for (const wire of Object.keys(wires) as Array<ServerOptions['wire']>) {
  t.test(wire, async t => { await rpcContract(t, wire, rpcClientCodecs[wire]) })
}

const surface = { hit: [int], move: [], quiet: [] } as const

async function rpcContract (t: Test, wire: ServerOptions['wire'], speaker: RpcClientCodec): Promise<void> {
  /** A server with the node Main, the calls that ran there, and clients with the ids 10, 11 ... */
  async function serve (count: number, options: Partial<ServerOptions> = {}) {
    const ids = Array.from({ length: 40 }, (_, at) => 10 + at)
    const server = await openMemoryServer({ gdMpApi: true, wire, closeTimeout: 0.05, ...options }, ids)
    const ran: unknown[][] = []
    const main = server.multiplayer.node('/root/Main', surface)
      .method('any_peer', 'hit', (...given) => { ran.push(['hit', ...given]) })
      .method('authority', 'quiet', (...given) => { ran.push(['quiet', ...given]) })
    const enter = (): FrameClient => new FrameClient(server)
    const clients = Array.from({ length: count }, enter)
    for (const client of clients) await client.frames()
    return { server, main, ran, clients, enter }
  }
  const heard = async (client: FrameClient): Promise<string[]> =>
    (await client.frames()).map(({ payload }) => speaker.describe(payload).trimEnd())

  t.test('runs a call by path, and by id once it is announced', async t => {
    const { server, ran, clients: [a] } = await serve(1)
    a.binary(speaker.call(10, 'Main', 'hit', [5]))
    a.binary(speaker.call(10, '/root/Main', 'hit', [6]))
    a.binary(speaker.call(10, 7, 'hit', [0]))
    t.equal(server.monitor.drops['rpc-unknown-path'], 1)
    a.binary(speaker.announce(10, 7, 'Main'))
    t.same(await heard(a), ['confirm'])
    a.binary(speaker.call(10, 7, 'hit', [7]))
    t.same(ran, [['hit', 10, 5], ['hit', 10, 6], ['hit', 10, 7]])
    await server.stop()
  })

  t.test('optional parameters may be left out, both ways', async t => {
    const { server, clients: [a] } = await serve(1)
    const ran: unknown[][] = []
    const shop = server.multiplayer.node('/root/Shop', { ...surface, hit: [int, optional(int, 3)] })
      .method('any_peer', 'hit', (...given) => { ran.push(given) })
    a.binary(speaker.call(10, 'Shop', 'hit', [5]))
    a.binary(speaker.call(10, 'Shop', 'hit', [5, 6]))
    a.binary(speaker.call(10, 'Shop', 'hit', []))
    a.binary(speaker.call(10, 'Shop', 'hit', [5, 6, 7]))
    t.same(ran, [[10, 5, 3], [10, 5, 6]])
    t.equal(server.monitor.drops['rpc-arguments'], 2)
    shop.rpc('hit', 1)
    shop.rpc('hit', 1, 2)
    t.throws(() => { (shop as RemoteNode).rpc('hit') }, { code: 'ERR_INVALID_PARAMETER' })
    t.same(await heard(a), ['path 1 Shop', 'call Shop hit 1', 'call Shop hit 1,2'])
    await server.stop()
  })

  t.test('has the signals and methods under the names of both versions', async t => {
    const { server, main, clients: [a], enter } = await serve(1)
    const { multiplayer } = server
    const told: unknown[][] = []
    t.throws(() => multiplayer.on('nope' as never, () => {}), {
      code: 'ERR_INVALID_PARAMETER', message: /^unknown signal nope: expected network_peer_connected, /
    })
    for (const name of ['network_peer_connected', 'peer_connected', 'peer_disconnected'] as const) {
      multiplayer.on(name, id => { told.push([name, id]) })
    }
    for (const name of ['network_peer_packet', 'peer_packet'] as const) {
      multiplayer.on(name, (id, bytes) => { told.push([name, id, ...bytes]) })
    }
    enter()
    await nextTurn()
    a.binary(speaker.raw(10, Uint8Array.of(7)))
    a.connection.disconnect()
    await nextTurn()
    t.same(told, [
      ['network_peer_connected', 11], ['peer_connected', 11],
      ['network_peer_packet', 10, 7], ['peer_packet', 10, 7], ['peer_disconnected', 10]
    ])
    main.setMultiplayerAuthority(11)
    t.same([main.getMultiplayerAuthority(), main.getNetworkMaster(), main.isMultiplayerAuthority()], [11, 11, false])
    await server.stop()
  })

  t.test('does not run unknown, forbidden and undeclared calls, and counts them', async t => {
    const { server, ran, clients: [a] } = await serve(1)
    a.binary(speaker.call(10, 'Nowhere', 'hit', [5]))
    a.binary(speaker.call(10, 'Main', 'nothing', []))
    a.binary(speaker.call(10, 'Main', 'move', []))
    a.binary(speaker.call(10, 'Main', 'quiet', []))
    a.binary(speaker.call(10, 'Main', 'hit', ['five']))
    a.binary(speaker.call(10, 'Main', 'hit', []))
    a.binary(speaker.call(10, 'Main', 'hit', [5]).subarray(0, -7))
    t.same(ran, [])
    t.match(server.monitor.drops, {
      'rpc-unknown-node': 1,
      'rpc-unknown-member': 2,
      'rpc-mode': 1,
      'rpc-arguments': 2,
      'rpc-malformed': 1
    })
    t.same(await heard(a), [])
    await server.stop()
  })

  t.test('announces a node once to each peer, and calls it by id once all have confirmed it', async t => {
    const { server, main, clients: [a, b], enter } = await serve(2)
    main.rpc('hit', 1)
    for (const client of [a, b]) t.same(await heard(client), ['path 1 Main', 'call Main hit 1'])
    a.binary(speaker.confirm(10, 1, 'Main'))
    main.rpc('hit', 2)
    t.same([await heard(a), await heard(b)], [['call #1 hit 2'], ['call Main hit 2']])
    b.binary(speaker.confirm(11, 1, 'Main'))
    main.rpc('move')
    main.rpcId(10, 'hit', 3)
    main.rpcId(-10, 'hit', 4)
    t.same([await heard(a), await heard(b)], [['call #1 move', 'call #1 hit 3'], ['call #1 move', 'call #1 hit 4']])
    const c = enter()
    for (const client of [a, b, c]) await client.frames()
    main.rpc('hit', 5)
    t.same([await heard(a), await heard(c)], [['call #1 hit 5'], ['path 1 Main', 'call Main hit 5']])
    await server.stop()
  })

  t.test('accepts the confirmation of a node that was freed in the meantime', async t => {
    const { server, main, clients: [a] } = await serve(1)
    main.rpcId(10, 'move')
    main.free()
    a.binary(speaker.confirm(10, 1, 'Main'))
    t.equal(server.monitor.drops['rpc-unasked-confirm'], 0)
    a.binary(speaker.confirm(10, 1, 'Main'))
    t.equal(server.monitor.drops['rpc-unasked-confirm'], 1, 'once')
    await heard(a)
    // The path is in use again before the old announcement is confirmed.
    const next = server.multiplayer.node('/root/Main', surface)
    next.rpc('move')
    next.free()
    server.multiplayer.node('/root/Main', surface).rpc('move')
    for (const id of [2, 3]) a.binary(speaker.confirm(10, id, 'Main'))
    t.equal(server.monitor.drops['rpc-unasked-confirm'], 1)
    await server.stop()
  })

  t.test('accepts the confirmation of a peer that has moved to another room in the meantime', async t => {
    const { server, main, clients: [a] } = await serve(1, { rooms: true })
    const rooms = ['hall', 'match'].map(name => server.openRoom(name, { emptyTimeout: 3600 }))
    const [hall, match] = rooms.map(room => room.multiplayer.node('/root/Other', surface))
    const freed = server.multiplayer.node('/root/Freed', surface)
    main.rpcId(10, 'move')
    freed.rpcId(10, 'move')
    freed.free()
    server.getPeer(10).moveTo(rooms[0])
    a.binary(speaker.confirm(10, 1, 'Main'))
    t.equal(server.monitor.drops['rpc-unasked-confirm'], 0)
    hall.rpcId(10, 'move')
    server.getPeer(10).moveTo(rooms[1])
    match.rpcId(10, 'move')
    for (const [id, path] of [[2, 'Freed'], [3, 'Other'], [4, 'Other']] as const) {
      a.binary(speaker.confirm(10, id, path))
      t.equal(server.monitor.drops['rpc-unasked-confirm'], 0, path)
    }
    await a.frames()
    match.rpc('hit', 1)
    t.match(await heard(a), [/^call #\d hit 1$/])
    for (const [id, path] of [[1, 'Main'], [2, 'Freed']] as const) a.binary(speaker.confirm(10, id, path))
    t.equal(server.monitor.drops['rpc-unasked-confirm'], 2, 'once')
    await server.stop()
  })

  t.test('decodes arguments only for a member that the sender may call', async t => {
    const { server, clients: [a] } = await serve(1)
    // The arguments cannot be decoded: the last bytes are missing.
    a.binary(speaker.call(10, 'Nowhere', 'hit', [5]).subarray(0, -7))
    a.binary(speaker.call(10, 7, 'hit', ['text']).subarray(0, -2))
    a.binary(speaker.announce(10, 7, 'Main'))
    a.binary(speaker.call(10, 7, 'move', ['text']).subarray(0, -2))
    a.binary(speaker.call(10, 7, 'quiet', ['text']).subarray(0, -2))
    a.binary(speaker.call(10, 7, 'hit', ['text']).subarray(0, -2))
    t.match(server.monitor.drops, {
      'rpc-unknown-node': 1,
      'rpc-unknown-path': 1,
      'rpc-unknown-member': 1,
      'rpc-mode': 1,
      'rpc-malformed': 1
    })
    await server.stop()
  })

  t.test('logs which argument of a refused call is wrong', async t => {
    for (const [values, why] of [
      [['x'.repeat(1000)], `argument 1: expected int, got "${'x'.repeat(40)}"`],
      [[2.5], 'argument 1: expected int, got 2.5'],
      [[new Vector2(1, 2)], 'argument 1: expected int, got a Vector2'],
      [[1, 2], '2 arguments: expected 1']
    ] as const) {
      const records: unknown[] = []
      const none = (): void => {}
      const warn = (details: object): void => { records.push(details) }
      const { server, clients: [a] } = await serve(1, { log: { debug: none, info: none, warn, error: none } })
      a.binary(speaker.call(10, 'Main', 'hit', [...values]))
      t.same(records, [{ reason: 'rpc-arguments', peer: 10, node: 'Main', method: 'hit', why }])
      await server.stop()
    }
  })

  t.test('limits number and length of log records, however many and long the strings of a client', async t => {
    const records: string[] = []
    const write = (details: object): void => { records.push(JSON.stringify(details)) }
    const {
      server, clients: [a]
    } = await serve(1, { log: { debug: () => {}, info: write, warn: write, error: write } })
    const path = 'N'.repeat(60_000)
    for (let i = 0; i < 100; i++) {
      a.binary(speaker.call(10, path, 'hit', [5]))
      a.binary(speaker.announce(10, 1000 + i, `${path}${i}`))
      a.binary(speaker.confirm(10, 2000 + i, path))
      a.binary(speaker.call(10, 'Main', 'hit', [5]).subarray(0, -7))
      await a.frames()
    }
    t.ok(server.monitor.drops['rpc-unknown-node'] === 100 && server.monitor.drops['rpc-too-many-paths'] > 90)
    t.ok(records.length >= 3 && records.length < 10, `${records.length} records`)
    for (const record of records) t.ok(record.length < 600, record.slice(0, 100))
    await server.stop()
  })

  t.test('refuses an unexpected confirmation', async t => {
    const { server, main, clients: [a] } = await serve(1)
    a.binary(speaker.confirm(10, 1, 'Main'))
    t.equal(server.monitor.drops['rpc-unasked-confirm'], 1)
    main.rpc('move')
    t.same(await heard(a), ['path 1 Main', 'call Main move'])
    await server.stop()
  })

  t.test('forgets announcements with the peer, and the id of a node with the node', async t => {
    const { server, main, clients: [a, b] } = await serve(2)
    a.binary(speaker.announce(10, 7, 'Main'))
    main.rpc('move')
    b.binary(speaker.confirm(11, 1, 'Main'))
    a.connection.disconnect()
    await nextTurn()
    await b.frames()
    main.rpc('move')
    t.same(await heard(b), ['call #1 move'], 'a peer that left is not waited for')
    t.throws(() => { main.rpcId(10, 'move') }, { code: 'ERR_DOES_NOT_EXIST' })
    main.free()
    server.multiplayer.node('/root/Main', surface).rpc('move')
    t.same(await heard(b), ['path 2 Main', 'call Main move'])
    b.binary(speaker.call(11, 'Main', 'hit', [1]))
    t.equal(server.monitor.drops['rpc-unknown-member'], 1, 'its handlers are removed, too')
    await server.stop()
  })

  t.test('in a large room one packet is sent to all', async t => {
    const { server, main, clients } = await serve(20)
    for (const client of clients) await client.frames()
    main.rpc('move')
    for (const client of clients) t.same(await heard(client), ['path 1 Main', 'call Main move'])
    for (const [at, client] of clients.entries()) client.binary(speaker.confirm(10 + at, 1, 'Main'))
    main.rpcId(-10, 'hit', 1)
    main.rpc('move')
    for (const [at, client] of clients.entries()) {
      t.same(await heard(client), at === 0 ? ['call #1 move'] : ['call #1 hit 1', 'call #1 move'])
    }
    await server.stop()
  })

  t.test('sends and receives bytes of the application', async t => {
    const { server, clients: [a, b] } = await serve(2)
    await a.frames()
    const got: unknown[][] = []
    server.multiplayer.on('network_peer_packet', (id, bytes) => { got.push([id, ...bytes]) })
    a.binary(speaker.raw(10, Uint8Array.of(1, 2)))
    t.same(got, [[10, 1, 2]])
    server.multiplayer.sendBytes(Uint8Array.of(3))
    server.multiplayer.sendBytes(Uint8Array.of(4), 10)
    server.multiplayer.sendBytes(Uint8Array.of(5), -10)
    t.same([await heard(a), await heard(b)], [['raw 03', 'raw 04'], ['raw 03', 'raw 05']])
    t.throws(() => { server.multiplayer.sendBytes(new Uint8Array(0)) }, { code: 'ERR_INVALID_DATA' })
    await server.stop()
  })

  t.test('throws for a call that cannot be sent, and sends nothing', async t => {
    const { server, main, clients: [a] } = await serve(1)
    t.throws(() => { (main as RemoteNode).rpc('nothing') }, { code: 'ERR_INVALID_PARAMETER' })
    t.throws(() => {
      server.multiplayer.node('Loose', ['hit', 'move', 'quiet']).rpc('hit', ...new Array(256).fill(null))
    }, { code: 'ERR_INVALID_PARAMETER' })
    t.throws(() => { server.multiplayer.node('Loose').rpc('hit', () => {}) }, { code: 'ERR_INVALID_PARAMETER' })
    t.throws(() => {
      server.multiplayer.node('Loose').rpc('hit', new Uint8Array(65536))
    }, { code: 'ERR_OUT_OF_MEMORY' })
    t.throws(() => { main.rpcId(99, 'move') }, { code: 'ERR_DOES_NOT_EXIST' })
    for (const to of ['10', '0', '-10', null, undefined] as any[]) {
      t.throws(() => { main.rpcId(to, 'move') }, { code: 'ERR_INVALID_PARAMETER' }, String(to))
    }
    t.throws(() => { server.multiplayer.sendBytes(Uint8Array.of(1), '10' as never) }, {
      code: 'ERR_INVALID_PARAMETER', message: 'invalid target "10": expected a number'
    })
    t.same((await heard(a)).filter(line => line.startsWith('call')), [])
    await server.stop()
  })

  /** Remote calls alone, without what the relay sends about other peers. */
  const called = async (client: FrameClient): Promise<string[]> => {
    const isCall = (payload: Buffer): boolean => wire === 'godot3' ? payload[0] === 0 : (payload[0] & 7) !== 7
    const payloads = (await client.frames()).map(({ payload }) => payload)
    return payloads.filter(isCall).map(payload => speaker.describe(payload))
  }

  for (const [size, isConfirmed] of [[1, true], [1, false], [20, false]] as const) {
    const where = `a room of ${size} that has ${isConfirmed ? '' : 'not '}confirmed the path`
    t.test(`${where} calls a peer that moves there once it has signalled it`, async t => {
      const { server, main, clients } = await serve(size + 1, { rooms: true })
      const mover = clients.pop()!
      const id = 10 + size
      const [lobby, match] = [server.room('main'), server.openRoom('match')]
      const other = match.multiplayer.node('/root/Other', ['hit', 'move', 'quiet'])
      for (let at = 0; at < size; at++) server.getPeer(10 + at).moveTo(match)
      if (isConfirmed) {
        other.rpc('move')
        clients[0].binary(speaker.confirm(10, 1, 'Other'))
      }
      // It knows the id that the other node has in the new room as that of this one.
      main.rpc('move')
      mover.binary(speaker.confirm(id, 1, 'Main'))
      for (const client of [...clients, mover]) await client.frames()
      const codes: unknown[] = []
      server.monitor.events.on('moved', () => {
        other.rpc('hit', 1)
        try { main.rpcId(id, 'move') } catch (error) { codes.push((error as { code: string }).code) }
      })
      lobby.on('peer_disconnected', () => { other.rpc('hit', 2) })
      lobby.multiplayer.on('peer_disconnected', () => { other.rpc('hit', 3) })
      match.multiplayer.on('peer_connected', () => { other.rpc('hit', 4) })
      server.getPeer(id).moveTo(match)
      t.same(codes, ['ERR_DOES_NOT_EXIST'])
      t.match(await called(mover), [/^path \d Other$/, 'call Other hit 4'])
      const calls = (await called(clients[0])).filter(line => line.startsWith('call'))
      t.same(calls.map(line => line.at(-1)), ['1', '3', '2', '4'])
      await server.stop()
    })
  }

  t.test('a room whose calls are first used while a peer moves there calls it once it has signalled it', async t => {
    const { server, main, clients: [a] } = await serve(1, { rooms: true })
    main.rpc('move')
    a.binary(speaker.confirm(10, 1, 'Main'))
    await a.frames()
    const match = server.openRoom('match')
    const connected: number[][] = []
    server.monitor.events.on('moved', () => {
      const { multiplayer } = match
      const other = multiplayer.node('/root/Other', ['hit', 'move', 'quiet'])
      other.rpc('hit', 1)
      connected.push([...multiplayer.connected])
      multiplayer.on('peer_connected', () => {
        connected.push([...multiplayer.connected])
        other.rpc('hit', 2)
      })
    })
    server.getPeer(10).moveTo(match)
    t.same(connected, [[], [10]])
    const unknownId = wire === 'godot4' ? 2 : 1
    t.same(await called(a), [`path ${unknownId} Other`, 'call Other hit 2'])
    await server.stop()
  })

  t.test('a call in a listener of joined does not reach the peer that joins', async t => {
    const { server, main, clients: [a], enter } = await serve(1)
    main.rpc('move')
    a.binary(speaker.confirm(10, 1, 'Main'))
    await a.frames()
    server.monitor.events.on('joined', () => { main.rpc('hit', 1) })
    const b = enter()
    const isCall = (line: string): boolean => line.startsWith('call')
    t.same([await called(a), (await called(b)).filter(isCall)], [['call #1 hit 1'], []])
    main.rpc('hit', 2)
    t.same([await called(a), await called(b)], [['call #1 hit 2'], ['path 1 Main', 'call Main hit 2']])
    await server.stop()
  })

  t.test('a call that is too large for some receivers is sent to none, and does not run here', async t => {
    const { server, clients: [a], enter } = await serve(1)
    const ran: unknown[] = []
    const path = 'N'.repeat(1000)
    const node = server.multiplayer.node(path, ['hit', 'move', 'quiet'])
      .method('any_peer call_local', 'hit', (sender: number) => { ran.push(sender) })
    node.rpc('move')
    a.binary(speaker.confirm(10, 1, path))
    const b = enter()
    for (const client of [a, b]) await client.frames()
    // With the id of the path it fits the output buffer, with the path it does not.
    const bytes = new Uint8Array(65536 - 500)
    node.rpcId(10, 'hit', bytes)
    t.equal((await a.frames()).length, 1)
    t.throws(() => { node.rpc('hit', bytes) }, { code: 'ERR_OUT_OF_MEMORY' })
    t.same([await heard(a), await heard(b), ran], [[], [], []])
    node.rpc('move')
    t.same([await heard(a), await heard(b)], [['call #1 move'], [`path 1 ${path}`, `call ${path} move`]])
    b.binary(speaker.confirm(11, 1, path))
    node.rpc('hit', bytes)
    t.same([(await a.frames()).length, (await b.frames()).length, ran], [1, 1, [1]])
    await server.stop()
  })
}
