import t, { type Test } from 'tap'
import type { Room } from '../../../src/core/room/room.ts'
import { requestedRoom } from '../../../src/core/room/room-name.ts'
import { WebSocketServer } from '../../../src/core/server/websocket-server.ts'
import type { ServerOptions } from '../../../src/options/option-types.ts'
import { encodeRpcPacket } from '../../../src/protocol/multiplayer/rpc-packet.ts'
import { relayWire4 } from '../../../src/protocol/multiplayer/relay-wire4.ts'
import { variant3 } from '../../../src/protocol/variant/variant.ts'
import { simulateTime, stopTime } from '../../helper/clock.ts'
import { FrameClient, nextTurn } from '../../helper/memory/frame-client.ts'
import { HandshakeClient } from '../../helper/sockets/handshake-client.ts'
import { memoryMount } from '../../helper/memory/memory-client.ts'
import { openMemoryServer } from '../../helper/memory/memory-server.ts'
import { scaled } from '../../helper/random/random.ts'
import { RoomClient } from '../../helper/memory/room-client.ts'
import { silentLogger } from '../../helper/silent-logger.ts'
import { until } from '../../helper/until.ts'

async function openServer (t: Test, options: Partial<ServerOptions> = {}): Promise<WebSocketServer> {
  const defaults = { gdMpApi: true, rooms: true, pingInterval: 0, closeTimeout: 0.05 }
  const server = new WebSocketServer({ ...defaults, ...options }, memoryMount)
  await server.listen()
  t.teardown(async () => { await server.stop() })
  return server
}

/** Names of the open rooms, with the number of their peers. */
function roomsOf (server: WebSocketServer): Record<string, number> {
  return Object.fromEntries([...server.rooms()].map(({ name, peerCount }) => [name, peerCount]))
}

const urls: Array<[url: string, room: string | undefined]> = [
  ['/ws', 'main'],
  ['/ws/', 'main'],
  ['/ws/arena-7', 'arena-7'],
  ['/ws/arena%2D7', 'arena-7'],
  ['/ws/arena-7?room=other', 'arena-7'],
  ['/ws?room=arena-7', 'arena-7'],
  ['/ws?a=1&room=A_b.c', 'A_b.c'],
  ['/?room=arena-7', 'arena-7'],
  ['/ws?from=/a?b&room=arena', 'arena'],
  ['/ws/arena?a?room=b', 'arena'],
  ['/', 'main'],
  ['/wsx', 'main'],
  [`/ws/${'a'.repeat(64)}`, 'a'.repeat(64)],
  [`/ws/${'a'.repeat(65)}`, undefined],
  ['/ws/a/b', undefined],
  ['/ws/a%2Fb', undefined],
  ['/ws/%zz', undefined],
  ['/ws?room=.', undefined],
  ['/ws?room=..', undefined],
  ['/ws?room=...', '...'],
  ['/ws?room=.a', '.a'],
  ['/ws?room=a.', 'a.'],
  ['/ws?room=a', 'a'],
  ['/ws?room=a&room=b', 'b'],
  ['/ws?room=a&room=.', undefined],
  ['/ws/a b', undefined],
  ['/ws/ä', undefined],
  ['/ws?room=', undefined],
  ['/ws?room=a%00', undefined]
]

for (const [url, room] of urls) {
  t.test(`${url} asks for ${room === undefined ? 'no valid room' : `room ${room}`}`, async t => {
    const ask = () => requestedRoom({ url, headers: {}, host: undefined, address: '', port: 0 }, '/ws')
    if (room === undefined) t.throws(ask, { code: 'invalid-room-name', statusCode: 400 })
    else t.equal(ask(), room)
  })
}

t.test('without option rooms everybody is in main, and no room can be opened', async t => {
  const server = await openServer(t, { rooms: false })
  const clients = ['/ws/a', '/ws?room=b', '/ws?room=%00'].map(url => new RoomClient(server, url))
  t.same(clients.map(({ refusal }) => refusal), [undefined, undefined, undefined])
  t.same(roomsOf(server), { main: 3 })
  t.throws(() => server.openRoom('a'), { code: 'ERR_UNCONFIGURED' })
})

t.test('the first client opens a room, the last one closes it', async t => {
  const server = await openServer(t)
  const signals: string[] = []
  server.on('room_opened', room => signals.push(`opened ${room.name} ${room.peerCount}`))
  server.on('room_closed', room => signals.push(`closed ${room.name} ${room.peerCount}`))
  server.on('peer_connected', id => signals.push(`connected in ${server.getPeer(id).room.name}`))
  server.on('peer_disconnected', id => signals.push(`disconnected in ${server.getPeer(id).room.name}`))
  const one = new RoomClient(server, '/ws/a')
  const two = new RoomClient(server, '/ws/a')
  t.same(roomsOf(server), { main: 0, a: 2 })
  one.disconnect()
  two.disconnect()
  await nextTurn()
  t.same(signals, [
    'opened a 0', 'connected in a', 'connected in a', 'disconnected in a', 'disconnected in a', 'closed a 0'
  ])
  t.same(roomsOf(server), { main: 0 })
})

t.test('a room without peers stays for emptyTimeout, and longer if somebody comes back', async t => {
  const server = await openServer(t, { rooms: { emptyTimeout: 10 } })
  const clock = stopTime(t)
  const first = new RoomClient(server, '/ws/a')
  const room = server.room('a')
  first.disconnect()
  await nextTurn()
  clock.advance(9000)
  t.ok(server.hasRoom('a'))
  const second = new RoomClient(server, '/ws/a')
  t.equal([...server.peers()][0].room, room, 'the same room')
  clock.advance(20000)
  second.disconnect()
  await nextTurn()
  clock.advance(9000)
  t.ok(server.hasRoom('a'))
  clock.advance(1001)
  t.notOk(server.hasRoom('a'))
  t.notOk(room.isOpen)
})

/** What is done five seconds after a room with emptyTimeout 10 is empty, and when it closes, in seconds. */
const timeoutChanges: Array<[what: string, change: (server: WebSocketServer) => void, closes: number]> = [
  ['that of the room is raised', server => { server.room('a').emptyTimeout = 20 }, 20],
  ['that of the room is lowered', server => { server.room('a').emptyTimeout = 7 }, 7],
  ['that of the room is lowered to what has passed', server => { server.room('a').emptyTimeout = 0 }, 5],
  ['that of option rooms is raised', server => { server.change({ rooms: { emptyTimeout: 20 } }) }, 20],
  ['something else changes', server => { server.room('a').locked = true }, 10]
]

for (const [what, change, closes] of timeoutChanges) {
  t.test(`emptyTimeout counts from when the room became empty: ${what}`, async t => {
    const server = await openServer(t, { rooms: { emptyTimeout: 10 } })
    const clock = stopTime(t)
    new RoomClient(server, '/ws/a').disconnect()
    await nextTurn()
    clock.advance(5000)
    change(server)
    if (closes > 5) clock.advance((closes - 5) * 1000 - 1)
    t.ok(server.hasRoom('a'))
    clock.advance(2)
    t.notOk(server.hasRoom('a'))
  })
}

t.test('emptyTimeout of a room that is not empty, or was never entered, may change', async t => {
  const server = await openServer(t, { rooms: { emptyTimeout: 10 } })
  const clock = stopTime(t)
  new RoomClient(server, '/ws/a').disconnect()
  await nextTurn()
  const client = new RoomClient(server, '/ws/a')
  for (const room of [server.room('a'), server.openRoom('b')]) room.emptyTimeout = 1
  clock.advance(60_000)
  t.same(roomsOf(server), { main: 0, a: 1, b: 0 })
  client.disconnect()
})

t.test('without autoPoll an empty room closes in the poll', async t => {
  const server = await openServer(t, { autoPoll: false, rooms: { emptyTimeout: 10 } })
  const clock = stopTime(t)
  const closed: string[] = []
  server.on('room_closed', ({ name }) => closed.push(name))
  const [one, two] = ['/ws/a', '/ws/b'].map(url => new HandshakeClient(server).request({ url }))
  server.poll()
  for (const { connection } of [one, two]) connection.disconnect()
  await nextTurn()
  server.poll()
  clock.advance(11_000)
  t.same(closed, [])
  server.room('b').emptyTimeout = 20
  server.poll()
  t.same(closed, ['a'])
  clock.advance(10_000)
  server.poll()
  t.same(closed, ['a', 'b'])
})

t.test('openRoom opens a room that waits for its first peer', async t => {
  const server = await openServer(t)
  const room = server.openRoom('arena', { maxPeers: 4, listed: false, data: { map: 'ice' } })
  t.match(room, { name: 'arena', maxPeers: 4, listed: false, locked: false, data: { map: 'ice' }, peerCount: 0 })
  t.ok(Math.abs(room.openedAt - Date.now()) < 10000)
  t.equal(server.room('arena'), room)
  t.equal(server.roomCount, 2)
  t.throws(() => server.openRoom('arena'), { code: 'ERR_ALREADY_EXISTS', number: 32, statusCode: 409 })
  t.throws(() => server.openRoom('main'), { code: 'ERR_ALREADY_EXISTS' })
  for (const name of ['a/b', '.', '..', '', 5, null, ['a']]) {
    t.throws(() => server.openRoom(name as string), { code: 'invalid-room-name' })
  }
  t.throws(() => server.room('nowhere'), { code: 'ERR_DOES_NOT_EXIST', statusCode: 404 })
  const codes = Array.from({ length: 50 }, () => server.openRoom().name)
  t.ok(codes.every(code => /^[ABCDEFGHJKLMNPQRSTUVWXYZ23456789]{5}$/.test(code)), codes[0])
  t.equal(new Set(codes).size, 50)
})

const badOptions: Array<[options: object, message: RegExp]> = [
  [{ maxPeers: -1 }, /^room option maxPeers: must be >= 0$/],
  [{ maxPeers: 1.5 }, /^room option maxPeers: must be integer$/],
  [{ locked: 'yes' }, /^room option locked: must be boolean$/],
  [{ emptyTimeout: Infinity }, /^room option emptyTimeout: /],
  [{ colour: 'red' }, /^room option colour: unknown option$/],
  [{ data: [] }, /^room option data: must be object$/],
  [{ data: { text: 'x'.repeat(4096) } }, /^room option data: 4107 bytes of JSON, expected at most 4096$/],
  [{ data: { big: 1n } }, /^room option data: must be an object that JSON can represent$/]
]

for (const [options, message] of badOptions) {
  t.test(`openRoom and change refuse ${Object.keys(options)[0]} ${message}`, async t => {
    const server = await openServer(t)
    t.throws(() => server.openRoom('a', options), { code: 'ERR_INVALID_PARAMETER', message })
    t.notOk(server.hasRoom('a'), 'nothing was opened')
    const room = server.openRoom('b', { maxPeers: 3 })
    t.throws(() => { room.change({ maxPeers: 9, ...options }) }, { code: 'ERR_INVALID_PARAMETER', message })
    t.equal(room.maxPeers, 3, 'nothing was changed')
  })
}

t.test('settings of a room can be changed; data is a copy', async t => {
  const server = await openServer(t, { rooms: { maxPeersPerRoom: 9, emptyTimeout: 3 } })
  const options = {}
  const room = server.openRoom('a', options)
  Object.assign(options, { maxPeers: -3, locked: true })
  t.match(room, { maxPeers: 9, emptyTimeout: 3, locked: false, listed: true, data: {} })
  const data = { map: { name: 'ice' } }
  room.data = data
  data.map.name = 'sand'
  t.same(room.data, { map: { name: 'ice' } })
  room.maxPeers = 2
  room.emptyTimeout = 0
  room.locked = true
  room.listed = false
  t.match(room, { maxPeers: 2, emptyTimeout: 0, locked: true, listed: false })
})

t.test('refuses clients with a reason, and counts hits of limits', async t => {
  const rooms = { maxRooms: 2, maxPeersPerRoom: 1, joinPerMinute: 3 }
  const server = await openServer(t, { rooms })
  const refusalOf = (url: string, address?: string) => new RoomClient(server, url, address).refusal
  t.equal(refusalOf('/ws/a b'), 'invalid-room-name')
  t.equal(refusalOf('/ws/a'), undefined)
  t.equal(refusalOf('/ws/a'), 'room-full')
  t.equal(refusalOf('/ws/b'), undefined)
  t.equal(refusalOf('/ws/c'), 'too-many-rooms')
  t.equal(refusalOf('/ws'), undefined, 'main is not counted as a room')
  t.equal(refusalOf('/ws'), 'room-full')
  server.room('a').maxPeers = 0
  server.room('a').locked = true
  t.equal(refusalOf('/ws/a'), 'room-locked')
  server.room('a').locked = false
  t.equal(refusalOf('/ws/a'), undefined)
  await server.room('b').close()
  t.equal(refusalOf('/ws/b'), undefined, 'the third room of this address')
  await server.room('b').close()
  t.equal(refusalOf('/ws/b'), 'room-rate')
  t.equal(refusalOf('/ws/b', '192.0.2.8'), undefined, 'another address')
  t.match(server.monitor.limits, { 'room-full': 2, 'too-many-rooms': 1, 'room-rate': 1 })
})

t.test('with create: admin clients do not open rooms', async t => {
  const server = await openServer(t, { rooms: { create: 'admin' } })
  t.equal(new RoomClient(server, '/ws/a').refusal, 'room-not-found')
  server.openRoom('a')
  t.equal(new RoomClient(server, '/ws/a').refusal, undefined)
})

t.test('onHandshake learns the room, and may choose another one', async t => {
  const asked: string[] = []
  const server = await openServer(t, {
    onHandshake: async ({ room, query }) => {
      asked.push(room)
      return query.to === undefined ? {} : { room: query.to }
    }
  })
  const clients = ['/ws/a', '/ws/a?to=b', '/ws?to=a%20b'].map(url => new RoomClient(server, url))
  await nextTurn()
  t.same(asked, ['a', 'a', 'main'])
  t.same(roomsOf(server), { main: 0, a: 1, b: 1 })
  t.equal(clients[2].refusal, 'invalid-room-name')
})

t.test('closes a room with code and reason; a closing room accepts nobody', async t => {
  simulateTime(t)
  const server = await openServer(t, { closeTimeout: 5 })
  const [one, two, other] = ['/ws/a', '/ws/a', '/ws/b'].map(url => new RoomClient(server, url))
  const room = server.room('a')
  const events: string[] = []
  room.on('closed', () => events.push('closed'))
  server.monitor.events.on('room_closed', ({ name }, code, reason) => events.push(`${name} ${code} ${reason}`))
  t.rejects(room.close(999), { code: 'ERR_INVALID_PARAMETER' })
  const closed = room.close(4001, 'over')
  t.notOk(room.isOpen)
  t.equal(new RoomClient(server, '/ws/a').refusal, 'room-locked')
  await Promise.all([one.heard(), two.heard()])
  await closed
  t.same([one.closed, two.closed, other.closed], [[4001, 'over'], [4001, 'over'], undefined])
  t.same(events, ['a 4001 over', 'closed'])
  t.same(roomsOf(server), { main: 0, b: 1 })
  t.equal(new RoomClient(server, '/ws/a').refusal, undefined, 'the name is free')
  t.not(server.room('a'), room)
})

t.test('closing main disconnects its peers; the room stays', async t => {
  simulateTime(t)
  const server = await openServer(t, { closeTimeout: 1 })
  const client = new RoomClient(server)
  const closed = server.room('main').close(4001, 'over')
  await client.heard()
  await closed
  t.same(client.closed, [4001, 'over'])
  t.same(roomsOf(server), { main: 0 })
  t.equal(new RoomClient(server).refusal, undefined)
})

t.test('clients can join main while slow ones are still being closed', async t => {
  simulateTime(t)
  const server = await openServer(t, { closeTimeout: 1 })
  const [slow, answering] = [new RoomClient(server), new RoomClient(server)]
  slow.stall()
  const closed = server.room('main').close(4001, 'over')
  await answering.heard()
  const late = new RoomClient(server)
  await late.heard()
  t.equal(late.refusal, undefined)
  await closed
  t.same([slow, answering, late].map(client => client.closed?.[0]), [undefined, 4001, undefined])
  t.same(roomsOf(server), { main: 1 })
})

t.test('a room that a listener of closed opens is signalled after the end of the previous one', async t => {
  const server = await openServer(t, { closeTimeout: 1 })
  const events: string[] = []
  server.on('room_opened', ({ name }) => { events.push(`opened ${name}`) })
  server.on('room_closed', ({ name }) => { events.push(`closed ${name}`) })
  server.openRoom('a').once('closed', () => { server.openRoom('a') })
  await server.room('a').close()
  t.same(events, ['opened a', 'closed a', 'opened a'])
})

t.test('a listener that closes a room as it opens gets its first client closed too', async t => {
  const server = await openServer(t, { closeTimeout: 1 })
  server.on('room_opened', async room => { await room.close(4002, 'not today') })
  const client = new RoomClient(server, '/ws/a')
  await client.heard()
  await nextTurn()
  t.same(client.closed, [4002, 'not today'])
  t.same(roomsOf(server), { main: 0 })
  t.equal(server.peerCount, 0)
})

t.test('the server has separate packets, targets and remote calls in each room', async t => {
  const server = await openServer(t)
  const rooms: Room[] = []
  server.on('room_opened', room => rooms.push(room))
  const [a1, a2, b1] = ['/ws/a', '/ws/a', '/ws/b'].map(url => new RoomClient(server, url))
  for (const client of [a1, a2, b1]) await client.heard()
  const [a, b] = rooms
  a.setTargetPeer(-a1.id)
  a.putPacket(Buffer.from('but one'))
  a.broadcast(a1.id, Buffer.from('one'))
  t.equal(server.broadcast(0, Buffer.from('everyone')), 3)
  t.equal(server.broadcast(b1.id, Buffer.from('you')), 1)
  t.throws(() => a.broadcast(b1.id, Buffer.from('stranger')), { code: 'ERR_DOES_NOT_EXIST' })
  t.same(await a1.heard(), ['1: one', '1: everyone'])
  t.same(await a2.heard(), ['1: but one', '1: everyone'])
  t.same(await b1.heard(), ['1: everyone', '1: you'])
  b1.sendTo(1, 'to b')
  a2.sendTo(1, 'to a')
  t.equal(b.getPacketPeer(), b1.id)
  t.equal(Buffer.from(b.getPacket()).toString(), 'to b')
  t.throws(() => b.getPacket(), { code: 'ERR_UNAVAILABLE' })
  t.equal(a.getAvailablePacketCount(), 1)
  t.equal(server.getAvailablePacketCount(), 0, 'the server itself reads main')
  t.not(a.multiplayer, b.multiplayer)
  t.equal(server.multiplayer, server.room('main').multiplayer)
})

t.test('a room is a PacketPeer: Variants too, and nothing to read in plain mode', async t => {
  const server = await openServer(t)
  const client = new RoomClient(server, '/ws/a')
  await client.heard()
  const room = server.room('a')
  room.putVar('hi')
  t.same(await client.heard(), ['1: \x04\0\0\0\x02\0\0\0hi\0\0'])
  client.sendTo(1, '\x04\0\0\0\x02\0\0\0yo\0\0')
  t.equal(room.getVar(), 'yo')
  const plain = await openServer(t, { gdMpApi: false })
  t.throws(() => plain.openRoom('a').getPacket(), { code: 'ERR_UNCONFIGURED' })
  t.throws(() => { plain.room('a').putPacket(Buffer.from('x')) }, { code: 'ERR_UNCONFIGURED' })
})

t.test('drops packets that nobody reads instead of pausing the relay', async t => {
  const server = await openServer(t, { inputMaxPackets: 4 })
  server.on('peer_packet', () => {})
  const [one, two] = ['/ws/a', '/ws/a'].map(url => new RoomClient(server, url))
  for (const client of [one, two]) await client.heard()
  for (let i = 0; i < 20; i++) one.sendTo(0, `${i}`)
  t.equal((await two.heard()).length, 20)
  t.equal(server.monitor.drops.unread, 17)
})

for (const url of ['/ws', '/ws/a']) {
  t.test(`a relay that polls and never reads does not stall its players (${url})`, async t => {
    const server = await openServer(t, { autoPoll: false, inputMaxPackets: 4 })
    const one = new RoomClient(server, url)
    const two = new RoomClient(server, url)
    server.poll()
    for (const client of [one, two]) await client.heard()
    for (let sent = 0; sent < 20; sent++) {
      one.sendTo(0, `${sent}`)
      server.poll()
    }
    t.equal((await two.heard()).length, 20)
    t.equal(server.monitor.drops.unread, 17)
  })
}

t.test('a room keeps 64 packets until it is first read from, then as many as its buffers hold', async t => {
  const server = await openServer(t)
  const clients = ['/ws/a', '/ws/b', '/ws'].map(url => new RoomClient(server, url))
  for (const client of clients) await client.heard()
  server.room('b').getAvailablePacketCount()
  for (const client of clients) for (let i = 0; i < 100; i++) client.sendTo(1, `${i}`)
  t.same([...server.rooms()].map(room => room.getAvailablePacketCount()), [100, 64, 100])
  t.equal(server.monitor.drops.unread, 36)
})

t.test('plain mode: packets and broadcasts stay in the room', async t => {
  const server = await openServer(t, { gdMpApi: false })
  const heard: string[] = []
  server.on('room_opened', room => {
    room.on('client_connected', (id, protocol) => heard.push(`${room.name} connected ${room.hasPeer(id)}${protocol}`))
    room.on('packet', (id, bytes, isText) => {
      heard.push(`${room.name} ${Buffer.from(bytes).toString()} ${isText}`)
      room.broadcast(-id, bytes)
    })
    room.on('client_disconnected', (_id, isClean) => heard.push(`${room.name} disconnected ${isClean}`))
  })
  const [a1, a2, b1] = ['/ws/a', '/ws/a', '/ws/b'].map(url => new RoomClient(server, url))
  const message = Buffer.from('\0\x01\0\0\0\0\0\0\0hello')
  a1.sendRaw(message)
  t.same(await a2.heard(), ['1: hello'])
  t.same([await a1.heard(), await b1.heard()], [[], []])
  b1.leave()
  await nextTurn()
  t.same(heard, [
    'a connected true', 'a connected true', 'b connected true', `a ${message.toString()} false`, 'b disconnected true'
  ])
})

t.test('a moved peer keeps connection, id and data; for the server it stays connected', async t => {
  const server = await openServer(t, { onHandshake: () => ({ data: 'ann' }) })
  const signals: string[] = []
  server.on('peer_connected', () => signals.push('connected'))
  server.on('peer_disconnected', () => signals.push('disconnected'))
  const [mover, left, other] = ['/ws/a', '/ws/a', '/ws/b'].map(url => new RoomClient(server, url))
  await nextTurn()
  for (const client of [mover, left, other]) await client.heard()
  const [a, b] = [server.room('a'), server.room('b')]
  a.on('peer_disconnected', id => signals.push(`a lost ${id === mover.id}`))
  b.on('peer_connected', id => signals.push(`b got ${id === mover.id}`))
  const moves: string[] = []
  server.monitor.events.on('moved', (peer, from) => moves.push(`${from.name} > ${peer.room.name}`))
  const peer = server.getPeer(mover.id)
  peer.moveTo(b)
  peer.moveTo(b)
  t.match(peer, { room: b, data: 'ann', isOpen: true })
  t.same(await mover.heard(), [`del ${left.id}`, `add ${other.id}`])
  t.same(await left.heard(), [`del ${mover.id}`])
  t.same(await other.heard(), [`add ${mover.id}`])
  t.same(signals, ['connected', 'connected', 'connected', 'a lost true', 'b got true'])
  t.same(moves, ['a > b'])
  server.getPeer(left.id).moveTo(b)
  t.notOk(a.isOpen, 'an empty room is closed')
  t.throws(() => { peer.moveTo(a) }, { code: 'ERR_DOES_NOT_EXIST' })
  b.maxPeers = 3
  const late = new RoomClient(server)
  await late.heard()
  t.throws(() => { server.getPeer(late.id).moveTo(b) }, { code: 'room-full' })
  peer.close()
  t.throws(() => { peer.moveTo(server.room('main')) }, { code: 'FAILED' })
})

t.test('a closing room takes no moved peer, which would keep it open', async t => {
  const server = await openServer(t)
  const [mover, member] = ['/ws/a', '/ws/b'].map(url => new RoomClient(server, url))
  for (const client of [mover, member]) await client.heard()
  const room = server.room('b')
  const closed = room.close()
  t.throws(() => { server.getPeer(mover.id).moveTo(room) }, { code: 'ERR_DOES_NOT_EXIST' })
  await member.heard()
  await closed
  t.same(roomsOf(server), { main: 0, a: 1 })
})

t.test('a peer that moves while its room is congested or its queue is full is read again', async t => {
  const server = await openServer(t, { inputMaxPackets: 4 })
  server.openRoom('b')
  const client = new RoomClient(server, '/ws/a')
  await client.heard()
  const a = server.room('a')
  a.getAvailablePacketCount()
  for (let i = 0; i < 10; i++) client.sendTo(1, `${i}`)
  const peer = server.getPeer(client.id)
  t.ok(peer.isPaused)
  t.equal(a.getAvailablePacketCount(), 3)
  const b = server.room('b')
  b.getAvailablePacketCount()
  peer.moveTo(b)
  t.equal(b.getAvailablePacketCount(), 3, 'what was held back arrives in the room that it is in now')
})

t.test('remote nodes of the new room know the paths that a moved client has announced', async t => {
  const server = await openServer(t)
  const calls: string[] = []
  for (const name of ['a', 'b']) {
    server.openRoom(name).multiplayer.node('/root/Main')
      .method('remote', 'hit', (_id: number, value: unknown) => calls.push(`${name} ${value}`))
  }
  const client = new RoomClient(server, '/ws/a')
  await client.heard()
  const send = (packet: Parameters<typeof encodeRpcPacket>[1]) => {
    client.sendTo(1, '')
    const header = Buffer.alloc(9)
    header.writeInt32LE(client.id, 1)
    header.writeInt32LE(1, 5)
    client.sendRaw(Buffer.concat([header, encodeRpcPacket(variant3, packet)]))
  }
  send({ type: 'simplifyPath', id: 7, path: 'Main' })
  send({ type: 'remoteCall', node: 7, name: 'hit', args: [1] })
  server.getPeer(client.id).moveTo(server.room('b'))
  send({ type: 'remoteCall', node: 7, name: 'hit', args: [2] })
  t.same(calls, ['a 1', 'b 2'])
})

t.test('without autoPoll a room is opened and entered in the poll, where its limits are checked again', async t => {
  const server = await openServer(t, { autoPoll: false, rooms: { maxPeersPerRoom: 1 } })
  const clients = [1, 2].map(() => new HandshakeClient(server).request({ url: '/ws/a' }))
  t.same(roomsOf(server), { main: 0 })
  server.poll()
  t.same(roomsOf(server), { main: 0, a: 1 })
  t.same(clients.map(({ refusal }) => refusal), [undefined, 'room-full'])
})

t.test('clients authenticate in the room that they asked for', async t => {
  const server = await openServer(t, { wire: 'godot4', authenticate: () => undefined, rooms: { maxPeersPerRoom: 2 } })
  const authenticating: number[] = []
  server.on('peer_authenticating', id => authenticating.push(id))
  const [one, two] = ['/ws/a', '/ws/a'].map(url => new RoomClient(server, url))
  t.same(roomsOf(server), { main: 0, a: 0 })
  t.equal(server.countPeers().pending, 2)
  t.equal(new RoomClient(server, '/ws/a').refusal, 'room-full', 'their places are taken')
  t.throws(() => { server.getPeer(authenticating[0]).moveTo(server.room('main')) }, { code: 'ERR_DOES_NOT_EXIST' })
  for (const client of [one, two]) client.sendRaw(relayWire4.auth!.encode(new Uint8Array(0)))
  server.completeAuth(authenticating[0])
  t.same([...server.room('a').peers()].map(({ id }) => id), [authenticating[0]])
  two.disconnect()
  await nextTurn()
  t.equal(server.countPeers().pending, 0)
  one.disconnect()
  const late = new RoomClient(server, '/ws/b')
  late.disconnect()
  await nextTurn()
  t.same(roomsOf(server), { main: 0 }, 'a room ends with the last client that authenticates, too')
  t.throws(() => { server.completeAuth(authenticating[1]) }, { code: 'ERR_DOES_NOT_EXIST' })
})

/** A server whose clients authenticate for 5 seconds, with this function. */
async function openAuthenticating (
  t: Test, rooms: ServerOptions['rooms'], authenticate: ServerOptions['authenticate'] = () => null
): Promise<WebSocketServer> {
  return await openServer(t, { wire: 'godot4', authTimeout: 5, authenticate, rooms })
}

/** A client that leaves while it authenticates. */
async function visit (server: WebSocketServer, room: string): Promise<void> {
  new RoomClient(server, `/ws/${room}`).disconnect()
  await nextTurn()
}

/** Accepts the client that has begun to authenticate last. */
function acceptLast (server: WebSocketServer, client: RoomClient, ids: readonly number[]): void {
  client.sendRaw(relayWire4.auth!.encode(new Uint8Array(0)))
  server.completeAuth(ids.at(-1)!)
}

t.test('a client that fails to authenticate ends no room that waits for its first peer', async t => {
  const server = await openAuthenticating(t, { create: 'admin' })
  const room = server.openRoom('final')
  await visit(server, 'final')
  t.ok(room.isOpen)
  const ids: number[] = []
  server.on('peer_authenticating', id => ids.push(id))
  const client = new RoomClient(server, '/ws/final')
  acceptLast(server, client, ids)
  await visit(server, 'final')
  t.ok(room.isOpen)
  client.disconnect()
  await nextTurn()
  t.notOk(room.isOpen, 'its only peer has left')
})

t.test('clients that fail to authenticate do not keep an empty room', async t => {
  const server = await openAuthenticating(t, { emptyTimeout: 10 })
  const clock = stopTime(t)
  await visit(server, 'a')
  for (let i = 0; i < 3; i++) {
    clock.advance(3000)
    await visit(server, 'a')
  }
  t.ok(server.hasRoom('a'))
  clock.advance(1001)
  t.notOk(server.hasRoom('a'))
})

t.test('an empty room ends after the clients that are still authenticating', async t => {
  const server = await openAuthenticating(t, { emptyTimeout: 10 })
  const ids: number[] = []
  server.on('peer_authenticating', id => ids.push(id))
  const clock = stopTime(t)
  for (const name of ['failed', 'joined', 'longer']) await visit(server, name)
  clock.advance(9000)
  const clients = ['failed', 'longer', 'joined'].map(name => new RoomClient(server, `/ws/${name}`))
  clock.advance(2000)
  t.same(roomsOf(server), { main: 0, failed: 0, joined: 0, longer: 0 })
  server.room('longer').emptyTimeout = 20
  acceptLast(server, clients[2], ids)
  for (const client of clients.slice(0, 2)) client.disconnect()
  await nextTurn()
  t.same(roomsOf(server), { main: 0, joined: 1, longer: 0 })
  clock.advance(9001)
  t.same(roomsOf(server), { main: 0, joined: 1 })
})

t.test('without emptyTimeout a room ends when its last peer has left and nobody authenticates', async t => {
  const server = await openAuthenticating(t, true)
  const ids: number[] = []
  server.on('peer_authenticating', id => ids.push(id))
  const client = new RoomClient(server, '/ws/a')
  acceptLast(server, client, ids)
  const waiting = new RoomClient(server, '/ws/a')
  client.disconnect()
  await nextTurn()
  t.same(roomsOf(server), { main: 0, a: 0 })
  waiting.disconnect()
  await nextTurn()
  t.same(roomsOf(server), { main: 0 })
})

t.test('clients of this process have no address, so that joinPerMinute does not apply to them', async t => {
  const server = await openServer(t, { rooms: { joinPerMinute: 1 } })
  for (const name of ['a', 'b']) t.equal(new RoomClient(server, `/ws/${name}`, '').refusal, undefined)
  t.same(['/ws/c', '/ws/d'].map(url => new RoomClient(server, url).refusal), [undefined, 'room-rate'])
})

t.test('many rooms opened and closed leave nothing behind', async t => {
  const server = await openServer(t, { rooms: { joinPerMinute: 0 } })
  const count = scaled(2000)
  for (let i = 0; i < count; i++) {
    const client = new RoomClient(server, `/ws/room-${i}`)
    client.disconnect()
    if (i % 50 === 0) await nextTurn()
  }
  await nextTurn()
  t.same(roomsOf(server), { main: 0 })
  t.equal(server.peerCount, 0)
})

t.test('a listener of a room that throws is logged, and the room continues', async t => {
  const errors: unknown[][] = []
  const log = { ...silentLogger, error: (...args: unknown[]) => { errors.push(args) } }
  const server = await openServer(t, { log })
  const room = server.room('main')
  const error = new Error('no')
  room.on('peer_connected', () => { throw error })
  const client = new RoomClient(server, '/ws')
  await client.heard()
  t.match(errors, [[{ err: error, signal: 'peer_connected' }, String]])
  t.same([...room.peers()].map(({ id }) => id), [client.id])
})

t.test('a member whose output buffer is full does not get what is sent to all but some', async t => {
  const server = await openMemoryServer({ outputMaxPackets: 4 }, [10, 11, 12])
  const clients = [new FrameClient(server), new FrameClient(server), new FrameClient(server)]
  clients[1].connection.stall()
  t.throws(() => { for (;;) server.getPeer(11).putPacket(Buffer.of(1)) }, { code: 'ERR_OUT_OF_MEMORY' })
  t.equal(server.broadcastExcept([10], Buffer.of(2)), 1)
  await nextTurn()
  t.same(await Promise.all([0, 2].map(async at => (await clients[at].frames()).length)), [0, 1])
  await server.stop()
})

t.test('a peer that moves from a congested room to one with a full queue loses nothing', async t => {
  const server = await openServer(t, { inputMaxPackets: 8, outputBufferKb: 4 })
  const b = server.openRoom('b')
  const [mover, slow, other, filler] = ['/ws/a', '/ws/a', '/ws/a', '/ws/b'].map(url => new RoomClient(server, url))
  for (const client of [mover, slow, other, filler]) await client.heard()
  b.getAvailablePacketCount()
  for (let i = 0; i < 7; i++) filler.sendTo(1, 'full')
  slow.stall()
  for (let i = 0; i < 6; i++) {
    other.sendTo(slow.id, 'x'.repeat(500))
    await nextTurn()
  }
  const texts = ['1', '2', '3', '4', '5']
  for (const text of texts) mover.sendTo(1, text)
  t.ok(server.getPeer(mover.id).isPaused)
  server.getPeer(mover.id).moveTo(b)
  const read: string[] = []
  await until(() => {
    while (b.getAvailablePacketCount() > 0) read.push(Buffer.from(b.getPacket()).toString())
    return read.length >= 7 + texts.length
  }, () => read.join())
  t.same(read.slice(7), texts)
})
