// What listeners of the signals of joining and moving may do: move or end the peer, or close a room.
import t, { type Test } from 'tap'
import type { Room } from '../../../src/core/room/room.ts'
import { WebSocketServer } from '../../../src/core/server/websocket-server.ts'
import type { ServerOptions } from '../../../src/options/option-types.ts'
import { relayWire4 } from '../../../src/protocol/multiplayer/relay-wire4.ts'
import { nextTurn } from '../../helper/memory/frame-client.ts'
import { memoryMount } from '../../helper/memory/memory-client.ts'
import { RoomClient } from '../../helper/memory/room-client.ts'
import { silentLogger } from '../../helper/silent-logger.ts'
import { until } from '../../helper/until.ts'

const modes = [{ gdMpApi: true, mode: 'multiplayer mode' }, { gdMpApi: false, mode: 'plain mode' }]

async function openServer (t: Test, options: Partial<ServerOptions> = {}): Promise<WebSocketServer> {
  const defaults = { gdMpApi: true, rooms: true, pingInterval: 0, closeTimeout: 0.05, log: silentLogger }
  const server = new WebSocketServer({ ...defaults, ...options }, memoryMount)
  await server.listen()
  t.teardown(async () => { await server.stop() })
  return server
}

/** Opens rooms that stay open when they are empty. */
function openRooms<Name extends string> (server: WebSocketServer, ...names: Name[]): Record<Name, Room> {
  const rooms = names.map(name => [name, server.openRoom(name, { emptyTimeout: 3600 })])
  return Object.fromEntries(rooms) as Record<Name, Room>
}

/** What rooms and the server signal about who joins and leaves, in both modes. */
function listen (server: WebSocketServer, ...rooms: Room[]): string[] {
  const heard: string[] = []
  for (const name of ['peer_connected', 'client_connected'] as const) {
    server.on(name, () => heard.push('server +'))
    for (const room of rooms) room.on(name, () => heard.push(`${room.name} +`))
  }
  for (const name of ['peer_disconnected', 'client_disconnected'] as const) {
    server.on(name, () => heard.push('server -'))
    for (const room of rooms) room.on(name, () => heard.push(`${room.name} -`))
  }
  return heard
}

async function join (server: WebSocketServer, url: string): Promise<RoomClient> {
  const client = new RoomClient(server, url)
  await client.heard()
  return client
}

for (const { gdMpApi, mode } of modes) {
  t.test(`${mode}: a peer that is moved by the connect signal stays, though its first room closes`, async t => {
    const server = await openServer(t, { gdMpApi })
    const { match } = openRooms(server, 'match')
    server.on(gdMpApi ? 'peer_connected' : 'client_connected', (...[id]) => {
      server.getPeer(id).moveTo(match)
    })
    const client = await join(server, '/ws/queue')
    await nextTurn()
    t.equal(match.peerCount, 1)
    t.notOk(server.hasRoom('queue'))
    t.equal(client.closed, undefined)
  })

  t.test(`${mode}: a peer that is being moved cannot be moved`, async t => {
    const server = await openServer(t, { gdMpApi })
    const { a, b, c } = openRooms(server, 'a', 'b', 'c')
    const client = await join(server, '/ws/a')
    const [peer] = [...server.peers()]
    const heard = listen(server, a, b, c)
    const errors: unknown[] = []
    a.once(gdMpApi ? 'peer_disconnected' : 'client_disconnected', () => {
      t.equal(peer.room, b, 'it is in its new room')
      try { peer.moveTo(c) } catch (error) { errors.push(error) }
    })
    peer.moveTo(b)
    t.match(errors, [{ code: 'FAILED', message: /the peer is moving/ }])
    t.same([a, b, c].map(room => room.peerCount), [0, 1, 0])
    client.disconnect()
    await until(() => server.peerCount === 0)
    t.same([a, b, c].map(room => room.peerCount), [0, 0, 0])
    t.same(heard, ['a -', 'b +', 'b -', 'server -'])
  })

  t.test(`${mode}: a peer can be moved on by the connect signal of its new room`, async t => {
    const server = await openServer(t, { gdMpApi })
    const { a, b, c } = openRooms(server, 'a', 'b', 'c')
    await join(server, '/ws/a')
    const heard = listen(server, a, b, c)
    const [peer] = [...server.peers()]
    b.once(gdMpApi ? 'peer_connected' : 'client_connected', () => { peer.moveTo(c) })
    peer.moveTo(b)
    t.equal(peer.room, c)
    t.same([a, b, c].map(room => room.peerCount), [0, 0, 1])
    t.same(heard, ['a -', 'b +', 'b -', 'c +'])
  })

  t.test(`${mode}: the room that a peer moves to may be closed by the room that it leaves`, async t => {
    const server = await openServer(t, { gdMpApi })
    const client = await join(server, '/ws/a')
    const b = server.openRoom('b', { emptyTimeout: 3600 })
    const closed: string[] = []
    server.on('room_closed', ({ name }) => {
      closed.push(name)
      if (name === 'a') b.close(4001, 'over')
    })
    const heard = listen(server, b)
    const [peer] = [...server.peers()]
    peer.moveTo(b)
    t.same(closed, ['a'])
    t.same([server.hasRoom('b'), b.peerCount], [true, 1])
    await client.heard()
    await until(() => !server.hasRoom('b'))
    t.same(client.closed, [4001, 'over'])
    t.same(closed, ['a', 'b'])
    t.same(heard, ['b +', 'b -', 'server -'])
  })

  t.test(`${mode}: a room is closed once by a listener of the signals of its last peer's move`, async t => {
    const server = await openServer(t, { gdMpApi })
    await join(server, '/ws/a')
    const { b } = openRooms(server, 'b')
    const a = server.room('a')
    const closed: string[] = []
    server.on('room_closed', ({ name }) => closed.push(name))
    a.once(gdMpApi ? 'peer_disconnected' : 'client_disconnected', () => { a.close() })
    const [peer] = [...server.peers()]
    peer.moveTo(b)
    t.same(closed, ['a'])
  })

  t.test(`${mode}: a peer that ends during its move was never in its new room for listeners`, async t => {
    const server = await openServer(t, { gdMpApi, lastWords: false })
    const { a, b } = openRooms(server, 'a', 'b')
    const client = await join(server, '/ws/a')
    const heard = listen(server, a, b)
    const [peer] = [...server.peers()]
    a.once(gdMpApi ? 'peer_disconnected' : 'client_disconnected', () => { client.leave() })
    peer.moveTo(b)
    t.equal(peer.state, 'ended')
    t.same(heard, ['a -', 'server -'])
    t.same([b.peerCount, server.peerCount], [0, 0])
    t.equal(b.broadcast(0, Buffer.from('x')), 0, 'nobody is sent anything')
  })

  t.test(`${mode}: a room that a listener of room_opened closes is closed once, when its client has left`, async t => {
    const server = await openServer(t, { gdMpApi })
    const signals: string[] = []
    server.once('room_opened', room => {
      signals.push('opened')
      room.close(4001, 'no')
    })
    server.on('room_closed', () => signals.push('closed'))
    const heard = listen(server)
    const client = new RoomClient(server, '/ws/a')
    t.same(signals, ['opened'])
    t.equal(new RoomClient(server, '/ws/a').refusal, 'room-locked', 'it is closing')
    await client.heard()
    await until(() => !server.hasRoom('a'))
    t.same(client.closed, [4001, 'no'])
    t.same(signals, ['opened', 'closed'])
    t.same(heard, ['server +', 'server -'])
    const late = await join(server, '/ws/a')
    t.equal(server.room('a').peerCount, 1, 'the name is free')
    t.equal(late.closed, undefined)
  })
}

const banning: Array<[signal: string, listen: (server: WebSocketServer, ban: () => void) => void]> = [
  ['room_opened', (server, ban) => { server.on('room_opened', ban) }],
  ['accepted of the monitor', (server, ban) => { server.monitor.events.on('accepted', ban) }]
]

for (const [signal, listenTo] of banning) {
  t.test(`a listener of ${signal} may ban the client that is about to join`, async t => {
    const server = await openServer(t)
    listenTo(server, () => { server.ban('192.0.2.7', { reason: 'rude' }) })
    const client = await join(server, '/ws/a')
    t.same(client.closed, [1008, 'rude'])
    await until(() => server.peerCount === 0)
    t.equal((await join(server, '/ws/a')).refusal, 'banned')
  })
}

t.test('a peer that ends before its joining is signalled has never been there for listeners', async t => {
  const server = await openServer(t, { wire: 'godot4', authenticate: () => null })
  const { a } = openRooms(server, 'a')
  const connected: number[] = []
  a.multiplayer.on('peer_connected', id => connected.push(id))
  const heard = listen(server, a)
  const events: string[] = []
  const authenticating: number[] = []
  server.on('peer_authenticating', id => authenticating.push(id))
  server.monitor.events.on('joined', () => {
    events.push('joined')
    client.leave()
  })
  server.monitor.events.on('left', () => events.push('left'))
  const client = new RoomClient(server, '/ws/a')
  client.sendRaw(relayWire4.auth!.encode(new Uint8Array(0)))
  await nextTurn()
  server.completeAuth(authenticating[0])
  t.same(events, ['joined', 'left'])
  t.same([heard, connected, [...a.multiplayer.connected], server.peerCount], [[], [], [], 0])
})

t.test('a peer cannot be moved in network_peer_connected, before its room has signalled it', async t => {
  const server = await openServer(t)
  const { a, b } = openRooms(server, 'a', 'b')
  const errors: unknown[] = []
  a.multiplayer.on('network_peer_connected', id => {
    try { server.getPeer(id).moveTo(b) } catch (error) { errors.push(error) }
  })
  const heard = listen(server, a, b)
  const client = await join(server, '/ws/a')
  t.match(errors, [{ code: 'FAILED', message: /the peer is joining/ }])
  client.leave()
  await until(() => server.peerCount === 0)
  t.same(heard, ['a +', 'server +', 'a -', 'server -'])
  t.same([...a.multiplayer.connected], [])
})

for (const source of ['server', 'room', 'multiplayer'] as const) {
  t.test(`peer_disconnected of the ${source}: a listener may fill the place, and empty another one`, async t => {
    const server = await openServer(t)
    const { a, b } = openRooms(server, 'a', 'b')
    const [stays, moves] = [await join(server, '/ws/a'), await join(server, '/ws/a')]
    const leaves = await join(server, '/ws/a')
    const [waits, met] = [await join(server, '/ws/b'), await join(server, '/ws/b')]
    for (const client of [stays, moves, leaves, waits, met]) await client.heard()
    const seen: Array<number | undefined> = []
    const listener = (id: number): void => {
      if (id !== leaves.id) return
      seen.push(...[...a.peers()].filter(peer => peer.id === id).map(peer => peer.id), server.getPeer(id).id)
      server.getPeer(waits.id).moveTo(a)
      server.getPeer(moves.id).moveTo(b)
    }
    if (source === 'server') server.on('peer_disconnected', listener)
    else if (source === 'room') a.on('peer_disconnected', listener)
    else a.multiplayer.on('peer_disconnected', listener)
    leaves.leave()
    await until(() => server.peerCount === 4)
    t.same(seen, [leaves.id, leaves.id], 'it is still found')
    const others = [stays.id, moves.id].sort((x, y) => x - y)
    t.same(await waits.heard(), [`del ${met.id}`, ...others.map(id => `add ${id}`), `del ${moves.id}`])
    const left = [stays.id, waits.id].sort((x, y) => x - y)
    t.same(await moves.heard(), [
      `del ${leaves.id}`, `add ${waits.id}`, ...left.map(id => `del ${id}`), `add ${met.id}`
    ])
    t.same(await stays.heard(), [`del ${leaves.id}`, `add ${waits.id}`, `del ${moves.id}`])
  })
}

t.test('a peer that is found slow while it moves is closed in its new room', async t => {
  const server = await openServer(t, { outputBufferKb: 1 })
  const { a, b } = openRooms(server, 'a', 'b')
  const [other, slow] = [await join(server, '/ws/a'), await join(server, '/ws/a')]
  await join(server, '/ws/b')
  const peer = server.getPeer(slow.id)
  slow.stall()
  const heard = listen(server, a, b)
  // Up to the limit for a peer that others wait for, so that not even the news of the move fit.
  const limit = 2 * 1024 + 4 * 65_536
  for (let left = Infinity; left > 20; left = limit - peer.getCurrentOutboundBufferedAmount()) {
    a.broadcast(-other.id, Buffer.alloc(Math.max(1, Math.min(900, left - 20))))
    await nextTurn()
  }
  t.ok(peer.isOpen)
  peer.moveTo(b)
  t.match(peer, { state: 'closing', room: b })
  t.equal(b.broadcast(0, Buffer.from('x')), 1, 'it is sent nothing more')
  slow.disconnect()
  await until(() => server.peerCount === 2)
  t.same(heard, ['a -', 'b +', 'b -', 'server -'])
})

t.test('a peer that is moved when its packet is watched sends it in its new room', async t => {
  const server = await openServer(t)
  const { match } = openRooms(server, 'match')
  const [mover, left, met] = [await join(server, '/ws/a'), await join(server, '/ws/a'), await join(server, '/ws/match')]
  for (const client of [mover, left, met]) await client.heard()
  const end = server.monitor.watchPackets(peer => {
    end()
    peer.moveTo(match)
  })
  mover.sendTo(0, 'hello')
  met.sendTo(0, 'welcome')
  t.same(await mover.heard(), [`del ${left.id}`, `add ${met.id}`, `${met.id}: welcome`])
  t.same(await left.heard(), [`del ${mover.id}`])
  t.same(await met.heard(), [`add ${mover.id}`, `${mover.id}: hello`])
})
