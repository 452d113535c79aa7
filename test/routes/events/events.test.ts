import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { connect as connectHttp2 } from 'node:http2'
import { join } from 'node:path'
import type { FastifyReply } from 'fastify'
import t, { type Test } from 'tap'
import { WebSocket } from 'ws'
import { adminRoutes } from '../../../index.ts'
import { root } from '../../../scripts/root.ts'
import { eventTypes } from '../../../src/admin/feed-event.ts'
import { stopTime } from '../../helper/clock.ts'
import { openEvents } from '../../helper/sockets/event-source.ts'
import { jsonRequest, startHost, type Host, type HostOptions } from '../../helper/host.ts'
import { pem } from '../../helper/sockets/keys.ts'
import { connectRaw, upgradeRequest } from '../../helper/sockets/raw-socket.ts'
import { withTimeout } from '../../helper/with-timeout.ts'
import { until } from '../../helper/until.ts'
import { internalsOf } from '../../../src/core/server/internals.ts'

const { components } = JSON.parse(readFileSync(join(root, 'openapi/openapi.json'), 'utf8'))
const eventAlternatives: any[] = components.schemas['PeerServer.Event'].anyOf

const token = 'a token of more than thirty-two characters'

async function start (t: Test, parts: HostOptions = {}) {
  const host = await startHost(t, parts)
  const events = (query = '', headers = {}) =>
    openEvents(t, `http://127.0.0.1:${host.port}/api/v1/events${query}`, headers)
  return { ...host, events }
}

t.test('sends an event when a peer joins, requests to close, and leaves, with cause and code', async t => {
  const { events, join, api } = await start(t)
  const stream = await events()
  t.equal(stream.status, 200)
  t.match(stream.headers.get('content-type'), /^text\/event-stream/)

  const { id, socket } = await join()
  const { port } = (socket as any)._socket.address()
  const connected = await stream.next('client_connected')
  t.match(connected.data, { type: 'client_connected', id, room: 'main', address: '127.0.0.1', port, protocol: '' })
  t.ok(Math.abs(Date.parse(connected.data.at) - Date.now()) < 5000)

  socket.send('hello')
  socket.close(4005, 'bye')
  t.match((await stream.next('client_close_request')).data, { id, code: 4005, reason: 'bye' })
  t.match((await stream.next('client_disconnected')).data,
    {
      id,
      cause: 'client',
      outcome: 'clean',
      wasCleanClose: true,
      code: 4005,
      reason: 'bye',
      packetsIn: 1,
      bytesIn: 5,
      address: '127.0.0.1'
    })

  const other = await join()
  await api(`/peers/${other.id}?code=4001&reason=kicked&wait=1`, { method: 'DELETE' })
  t.match((await stream.next('client_disconnected')).data, {
    id: other.id,
    cause: 'server',
    code: 4001,
    reason: 'kicked'
  })
})

t.test('in multiplayer mode events have the names of its signals', async t => {
  const { events, join } = await start(t, { server: { gdMpApi: true } })
  const stream = await events()
  const { id, socket } = await join()
  t.match((await stream.next()).data, { type: 'peer_connected', id })
  socket.terminate()
  t.match((await stream.next()).data, {
    type: 'peer_disconnected',
    id,
    cause: 'reset',
    outcome: 'reset',
    wasCleanClose: false,
    code: 1006
  })
})

t.test('the event listening has the port that the app is bound to', async t => {
  const { events, port } = await start(t)
  const stream = await events('?types=listening&recent=5')
  t.match((await stream.next('listening')).data, { mode: 'mounted', port })
})

t.test('sends events for listening, stopping, refusals and limits', async t => {
  const { events, api, join, port, server } = await start(t, { server: { inputBufferKb: 1 } })
  const stream = await events('?types=listening,stopped,refused,limited')
  await api('/server/stop', jsonRequest('POST', {}))
  t.match((await stream.next()).data, { type: 'stopped' })
  await api('/server/listen', jsonRequest('POST', { protocols: ['chat'] }))
  t.match((await stream.next('listening')).data, {
    mode: 'mounted',
    port,
    protocols: ['chat'],
    gdMpApi: false,
    tls: false
  })
  server.refuseNewConnections = true
  const refused = await connectRaw(t, port)
  refused.send(upgradeRequest('/ws', { 'Sec-WebSocket-Protocol': 'chat' }))
  t.equal((await refused.head()).status, 503)
  t.match((await stream.next('refused')).data, { reason: 'refusing-connections', address: '127.0.0.1', count: 1 })
  server.refuseNewConnections = false
  const { id, socket } = await join('chat')
  socket.on('error', () => {})
  socket.send(Buffer.alloc(5000))
  t.match((await stream.next('limited')).data, {
    limit: 'message-too-big',
    option: 'inputBufferKb',
    id,
    room: 'main',
    address: '127.0.0.1',
    count: 1
  })
  const foreign = await connectRaw(t, port)
  foreign.send(upgradeRequest('/ws', { 'Sec-WebSocket-Protocol': 'chat', Origin: 'https://evil.example' }))
  t.equal((await foreign.head()).status, 403)
  const { data } = await stream.next('limited')
  t.match(data, { limit: 'origin-refused', origin: 'https://evil.example' })
  const [schema] = eventAlternatives.filter(({ properties }) => properties.type.enum.includes('limited'))
  t.same(Object.keys(data).filter(name => !(name in schema.properties)), [], 'all members are documented')
})

t.test('limits that end a peer are events of its room', async t => {
  const { events, server, port } = await start(t, { server: { inputBufferKb: 1, rooms: true } })
  const stream = await events('?types=limited&room=arena')
  const socket = new WebSocket(`ws://127.0.0.1:${port}/ws/arena`)
  socket.on('error', () => {})
  await once(socket, 'open')
  socket.send(Buffer.alloc(5000))
  t.match((await stream.next('limited')).data, { limit: 'message-too-big', room: 'arena' })
  t.equal(server.monitor.limits['message-too-big'], 1)
})

t.test('aggregates frequent events to one a second for each kind, with their count', async t => {
  const { events, join } = await start(t, { server: { gdMpApi: true } })
  const stream = await events('?types=dropped')
  const { id, socket } = await join()
  for (let i = 0; i < 500; i++) socket.send(Buffer.alloc(3))
  t.match((await stream.next()).data, { id, reason: 'short-packet', count: 1 })
  const began = performance.now()
  let count = 1
  let received = 1
  while (count < 500) {
    const { data } = await stream.next()
    t.equal(data.reason, 'short-packet')
    count += data.count
    received++
  }
  t.equal(count, 500)
  const seconds = (performance.now() - began) / 1000
  t.ok(received <= seconds + 2, `${received} events in ${seconds} s`)
})

t.test('unread packets on a relay emit no event', async t => {
  const { events, join, server } = await start(t, { server: { gdMpApi: true, inputMaxPackets: 2 } })
  const stream = await events('?types=dropped')
  const { id, socket } = await join()
  const toAll = Buffer.alloc(20)
  toAll.writeInt32LE(id, 1)
  for (let i = 0; i < 20; i++) socket.send(toAll)
  socket.send(Buffer.alloc(3))
  t.match((await stream.next()).data, { id, reason: 'short-packet' })
  t.ok(server.monitor.drops.unread > 0, 'but are counted')
})

t.test('sends an event when a room is opened and closed, and when a peer moves; peers have their room', async t => {
  const { events, joinRoom, server, api } = await start(t, { server: { rooms: true } })
  const stream = await events()
  const { id, socket } = await joinRoom('a')
  t.match((await stream.next()).data, { type: 'room_opened', room: 'a' })
  t.match((await stream.next()).data, { type: 'client_connected', id, room: 'a' })
  await api('/rooms', jsonRequest('POST', { name: 'b' }))
  t.match((await stream.next()).data, { type: 'room_opened', room: 'b' })
  t.match((await stream.next()).data, { type: 'admin', action: 'openRoom', parameters: { name: 'b' }, status: 201 })

  server.getPeer(id).moveTo(server.room('b'))
  t.match((await stream.next()).data, { type: 'peer_moved', id, room: 'b', from: 'a' })
  const { data: { seconds, ...closed } } = await stream.next()
  t.match(closed, { type: 'room_closed', room: 'a', code: null, reason: '' })
  t.ok(seconds >= 0 && seconds < 60)

  const end = once(socket, 'close')
  await api('/rooms/b?code=4001&reason=match%20over', { method: 'DELETE' })
  await end
  t.match((await stream.next()).data, { type: 'admin', action: 'closeRoom', room: 'b', status: 202 })
  t.match((await stream.next()).data, { type: 'client_disconnected', id, room: 'b', cause: 'room', code: 4001 })
  t.match((await stream.next()).data, { type: 'room_closed', room: 'b', code: 4001, reason: 'match over' })
})

t.test('filters by room', async t => {
  const { events, joinRoom, server, api } = await start(t, { server: { rooms: true, gdMpApi: true } })
  const ofA = await events('?room=a')
  const other = await joinRoom('b')
  const { id, socket } = await joinRoom('a')
  other.socket.send(Buffer.alloc(3))
  socket.send(Buffer.alloc(3))
  t.match((await ofA.next()).data, { type: 'room_opened', room: 'a' })
  t.match((await ofA.next()).data, { type: 'peer_connected', id, room: 'a' })
  await until(() => server.monitor.drops['short-packet'] >= 2)
  server.getPeer(other.id).moveTo(server.room('a'))
  t.match((await ofA.next('peer_moved')).data, { id: other.id, from: 'b', room: 'a' })
  server.getPeer(id).moveTo(server.openRoom('c'))
  t.match((await ofA.next()).data, { type: 'peer_moved', id, from: 'a', room: 'c' })
  await api('/rooms/a', jsonRequest('PATCH', { locked: true }))
  t.match((await ofA.next()).data, { type: 'admin', action: 'updateRoom', room: 'a', parameters: { locked: true } })
  const others = ofA.events.filter(({ data }) => data !== undefined && data.room !== 'a' && data.from !== 'a')
  t.same(others, [])

  const late = await events('?room=c&recent=10')
  t.same((await late.next()).data.type, 'room_opened')
  t.same((await late.next()).data.type, 'peer_moved')
  t.equal((await events('?room=a%20b')).status, 400)
})

t.test('samples the packets of one room', async t => {
  const { events, joinRoom, server } = await start(t, { server: { rooms: true } })
  const [one, two] = [await joinRoom('a'), await joinRoom('b')]
  const stream = await events('?types=packet&sample=1&room=b')
  one.socket.send('for a')
  await until(() => server.getPeer(one.id).packetsIn > 0)
  two.socket.send('for b')
  const hex = Buffer.from('for b').toString('hex')
  t.match((await stream.next()).data, { type: 'packet', id: two.id, room: 'b', hex })
})

t.test('filters by type and by peer', async t => {
  const { events, join } = await start(t)
  const [a, b] = [await join(), await join()]
  const ends = await events('?types=client_disconnected, client_close_request')
  const ofB = await events(`?peer=${b.id}`)
  const c = await join()
  for (const { socket } of [a, c, b]) {
    socket.close()
    await once(socket, 'close')
  }
  t.same([await ofB.next(), await ofB.next()].map(({ event, data }) =>
    [event, data.id]), [['client_close_request', b.id], ['client_disconnected', b.id]])
  const seen =
    [await ends.next(), await ends.next(), await ends.next(), await ends.next(), await ends.next(), await ends.next()]
  t.same(seen.map(({ data }) => data.id), [a.id, a.id, c.id, c.id, b.id, b.id])
})

t.test('names invalid parameters', async t => {
  const { api } = await start(t)
  for (const [query, pointer] of [[
    'types=nope', '/query/types'
  ], ['types=admin,', '/query/types'], ['types=constructor', '/query/types'], ['peer=1', '/query/peer'],
  ['peer=x', '/query/peer'], [
    'sample=0', '/query/sample'
  ], ['recent=0', '/query/recent'], ['recent=1001', '/query/recent'], ['since=3', '/query/since']]) {
    const response = await api(`/events?${query}`)
    t.equal(response.status, 400, query)
    t.equal((await response.json() as any).errors[0].pointer, pointer)
  }
  t.equal((await api('/events', { headers: { accept: 'application/json' } })).status, 406)
  t.equal((await api('/events', { method: 'HEAD' })).status, 405)
})

t.test('accepts every type of event as a filter', async t => {
  const { events } = await start(t)
  for (const type of Object.keys(eventTypes)) {
    const stream = await events(`?types=${type}`)
    t.equal(stream.status, 200, type)
  }
})

t.test('a client that reconnects gets exactly the events it missed', async t => {
  const { events, join } = await start(t)
  const first = await events()
  const all = await events()
  const ids: number[] = []
  for (let i = 0; i < 50; i++) ids.push((await join()).id)
  for (const stream of [first, all]) {
    while (stream.events.filter(({ event }) => event === 'client_connected').length < 50) await stream.next()
  }
  const told = first.events.filter(({ event }) => event !== undefined)
  t.same(told.map(({ data }) => data.id), ids)
  t.equal(new Set(told.map(({ id }) => id)).size, 50)

  for (const seen of [0, 17, 48, 49]) {
    const again = await events('', { 'last-event-id': told[seen].id as string })
    const late = await join()
    while ((await again.next()).data.id !== late.id);
    const replayed = again.events.filter(({ event }) => event !== undefined).map(({ data }) => data.id)
    t.same(replayed, [...ids.slice(seen + 1), late.id], `after ${seen}`)
    ids.push(late.id)
  }
})

t.test('a client that has received no event yet can resume, too', async t => {
  const { events, join } = await start(t)
  const first = await events()
  while (first.events.length === 0) await first.changed()
  const [{ id: mark, retry }] = first.events
  t.ok(Number(retry) > 0)
  const { id } = await join()
  const again = await events('', { 'last-event-id': mark as string })
  t.equal((await again.next()).data.id, id)
})

t.test('a new client may start with the latest events', async t => {
  const { events, join } = await start(t, { admin: { auth: false, eventHistory: 10 } })
  const ids: number[] = []
  for (let i = 0; i < 15; i++) ids.push((await join()).id)
  for (const [query, told] of [['', []], ['?recent=3', ids.slice(-3)], [
    '?recent=1000', ids.slice(-10)
  ], [`?recent=1000&peer=${ids[13]}`, [ids[13]]], ['?recent=5&types=stopped', []]] as const) {
    const stream = await events(query)
    while (!stream.events.some(({ retry }) => retry !== undefined)) await stream.changed()
    t.same(stream.events.filter(({ event }) => event !== undefined).map(({ data }) => data.id), told, query)
  }
  const first = await events('?recent=3')
  const { id: mark } = await first.next()
  const again = await events('?recent=1000', { 'last-event-id': mark as string })
  t.same([
    (await again.next()).data.id, (await again.next()).data.id
  ], ids.slice(-2), 'no event is missed or repeated')
})

t.test('filters also apply to missed events', async t => {
  const { events, join } = await start(t)
  const first = await events()
  const [a, b] = [await join(), await join()]
  const mark = (await first.next()).id as string
  a.socket.close()
  await once(a.socket, 'close')
  b.socket.close()
  await once(b.socket, 'close')
  const again = await events(`?types=client_disconnected&peer=${b.id}`, { 'last-event-id': mark })
  t.match((await again.next()).data, { type: 'client_disconnected', id: b.id })
  t.equal(again.events.filter(({ event }) => event !== undefined).length, 1)
})

t.test('sends a reset if the history no longer has the missed events, or is another one', async t => {
  const { events, join } = await start(t, { admin: { auth: false, eventHistory: 10 } })
  const first = await events()
  for (let i = 0; i < 12; i++) await join()
  const ids: string[] = []
  for (let i = 0; i < 12; i++) ids.push((await first.next()).id as string)

  const exact = await events('', { 'last-event-id': ids[1] })
  for (let i = 2; i < 12; i++) t.equal((await exact.next()).id, ids[i])
  const [name] = ids[0].split('-')
  for (const lost of [ids[0], `${name}-99`, `${name}-1.5`, `${name}--1`, `${name}-011`, 'other-5', 'x', name]) {
    const stream = await events('', { 'last-event-id': lost })
    const reset = await stream.next()
    t.match(reset, { event: 'reset', id: ids[11], data: { type: 'reset' } }, lost)
    const { id } = await join()
    t.equal((await stream.next()).data.id, id)
    ids[11] = `${name}-${Number(ids[11].split('-')[1]) + 1}`
  }
})

t.test('sends sampled packet events only on request, with the sampling rate', async t => {
  const { events, join, server } = await start(t)
  const quiet = await events()
  const stream = await events('?types=packet,client_disconnected&sample=10')
  const { id, socket } = await join()
  for (let i = 0; i < 35; i++) socket.send(i % 2 === 0 ? 'text' : Buffer.from('bytes'))
  socket.close()
  await stream.next('client_disconnected')
  const packets = stream.events.filter(({ event }) => event === 'packet')
  t.same(packets.map(({ data }) =>
    [data.id, data.standsFor, data.bytes, data.isText, Buffer.from(data.hex, 'hex').toString()]), [
    [id, 10, 5, false, 'bytes'], [id, 10, 5, false, 'bytes'], [id, 10, 5, false, 'bytes']
  ])
  t.ok(packets.every(({ id }) => id === undefined), 'they are not in the history')
  t.same(quiet.events.filter(({ event }) => event === 'packet'), [])
  t.equal(internalsOf(server).monitor.events.listenerCount('dropped') > 0, true)
})

t.test('packet events have the target of a relayed packet, and every packet is still relayed', async t => {
  const { events, join } = await start(t, { server: { gdMpApi: true } })
  const [a, b] = [await join(), await join()]
  const stream = await events(`?types=packet&sample=1&peer=${a.id}`)
  const packet = Buffer.alloc(13)
  packet.writeInt32LE(a.id, 1)
  packet.writeInt32LE(b.id, 5)
  packet.write('abcd', 9)
  const heard = new Promise<Buffer>(resolve => b.socket.on('message', (bytes: Buffer) => {
    if (bytes.length === 13) resolve(bytes)
  }))
  a.socket.send(packet)
  t.match((await stream.next()).data, {
    id: a.id,
    target: b.id,
    bytes: 13,
    hex: Buffer.from('abcd').toString('hex'),
    standsFor: 1
  })
  t.same(await heard, packet)
})

t.test('sends totals once a second on request', async t => {
  const { events, join } = await start(t)
  const { socket } = await join()
  const stream = await events('?types=stats')
  t.match((await stream.next()).data, {
    peers: { open: 1, closing: 0, pending: 0 },
    rooms: 1,
    packetsIn: 0,
    listening: true,
    refuseNewConnections: false
  })
  socket.send('12345')
  const { data, id } = await stream.next()
  t.match(data, { packetsIn: 1, bytesIn: 5 })
  t.equal(id, undefined)
})

t.test('two REST APIs of one server share the feed, its history and the audit', async t => {
  const others = { prefix: '/admin/v2', operationIdPrefix: 'other.', auth: false as const }
  const host = await startHost(t, {
    admin: { auth: false, eventHistory: 0 },
    after: async app => await app.register(adminRoutes, { ...others, eventHistory: 5, eventHistoryBytes: 4000 })
  })
  const open = (prefix: string, query = '', headers = {}) =>
    openEvents(t, `http://127.0.0.1:${host.port}${prefix}/events${query}`, headers)
  const names = ['joined', 'close_requested', 'left', 'refused', 'limited', 'dropped'] as const
  const { events } = internalsOf(host.server).monitor
  const expected = names.map(name => name === 'left' ? 2 : 1)
  t.same(names.map(name => events.listenerCount(name)), expected, 'one feed, and its count of the traffic of who left')

  const first = await open('/api/v1')
  const second = await open('/admin/v2')
  const { id } = await host.join()
  const seen = await first.next('client_connected')
  t.same(await second.next('client_connected'), seen, 'the same event with the same id')

  await host.get('/admin/v2/server', jsonRequest('PATCH', { refuseNewConnections: false }))
  const action = await first.next('admin')
  t.match(action.data, { action: 'other.changeServer' })
  t.same(await second.next('admin'), action)
  await host.api(`/peers/${id}`, { method: 'DELETE' })
  t.match(await second.next('admin'), { data: { action: 'disconnectPeer', id } })

  first.close()
  const resumed = await open('/admin/v2', '?types=admin', { 'last-event-id': seen.id })
  t.same(await resumed.next(), action, 'an id of one leads on at the other')
  const latest = await open('/api/v1', '?recent=5&types=client_connected')
  t.same(await latest.next(), seen, 'the larger history counts')
})

t.test('an app without a history has no event listeners while there are no streams', async t => {
  const { events, server } = await start(t, { admin: { auth: false, eventHistory: 0 } })
  const names = ['joined', 'close_requested', 'left', 'refused', 'limited', 'dropped', 'moved', 'room_opened',
    'room_closed', 'listening', 'bound', 'stopped'] as const
  const counts = () => names.map(name => internalsOf(server).monitor.events.listenerCount(name))
  const before = counts()
  t.same(before, names.map(name => Number(name === 'listening' || name === 'stopped')), 'except for descriptors')
  const stream = await events('?types=packet,stats,client_connected')
  t.ok(counts().every((count, i) => count > before[i]))
  stream.close()
  await until(() => counts().every((count, i) => count <= before[i]))
  const late = await events('', { 'last-event-id': 'whatever-1' })
  t.equal((await late.next()).event, 'reset')
})

t.test('cuts one stalled stream of a hundred; the others get every event in order', async t => {
  const host = await start(t)
  const streams =
    await Promise.all(Array.from({ length: 99 }, () => host.events('?types=client_connected,client_disconnected')))
  const cut = stall(t, host)
  const room = host.server.room('main')
  let isCut = false
  // More than it can buffer, of events that the others do not receive.
  const flood = setInterval(() => {
    for (let i = 0; i < 500; i++) {
      internalsOf(host.server).monitor.events.emit('close_requested', { id: 7, room } as never, 4000, 'x'.repeat(100))
    }
  })
  t.teardown(() => { clearInterval(flood) })
  cut.then(() => {
    isCut = true
    clearInterval(flood)
  })
  await churn(host, 25)
  await withTimeout(() => 'the cut', cut)
  t.ok(isCut)
  await churn(host, 25)
  const told: string[] = []
  for (const stream of streams) {
    while (stream.events.length < 101) await stream.changed()
    told.push(JSON.stringify(stream.events.slice(1)))
  }
  t.equal(streams[0].events.length, 101)
  t.ok(told.every(text => text === told[0]))
})

/** Opens an unfiltered stream that is not read; resolves when the server has cut it. */
async function stall (t: Test, { app, port }: Host): Promise<void> {
  const stalled = await connectRaw(t, port)
  stalled.socket.pause()
  const cut = new Promise<void>(resolve => {
    app.server.on('request', (request, response) => {
      if (request.headers['x-stalled'] !== undefined) response.once('close', () => { resolve() })
    })
  })
  stalled.send('GET /api/v1/events HTTP/1.1\r\nHost: 127.0.0.1\r\nX-Stalled: yes\r\n\r\n')
  await cut
}

/** Peers that join and leave. */
async function churn ({ join }: Host, times: number): Promise<void> {
  for (let i = 0; i < times; i++) {
    const { socket } = await join()
    socket.terminate()
  }
}

t.test('cuts a stream that is not read once it has a megabyte of backlog', async t => {
  const { app, port, server, events } = await start(t)
  const room = server.room('main')
  const healthy = await events('?types=listening')
  const stalled = await connectRaw(t, port)
  stalled.socket.pause()
  const cut = new Promise<void>(resolve => {
    app.server.once('request', (_, response) => { response.once('close', () => { resolve() }) })
  })
  stalled.send('GET /api/v1/events HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n')
  await once(app.server, 'request')
  let told = 0
  const flood = setInterval(() => {
    for (let i = 0; i < 500; i++, told++) {
      internalsOf(server).monitor.events.emit('close_requested', { id: 7, room } as never, 4000, 'x'.repeat(100))
    }
  })
  await withTimeout(() => 'the cut', cut)
  clearInterval(flood)
  t.ok(told * 180 > 1 << 20, `after ${told} events`)
  internalsOf(server).monitor.events.emit('listening')
  t.equal((await healthy.next()).event, 'listening')
})

t.test('responds with 503 above the maximum number of streams, until one ends', async t => {
  const { events, api } = await start(t, { admin: { auth: false, maxEventStreams: 2 } })
  const [first] = [await events(), await events()]
  const refused = await api('/events')
  t.equal(refused.status, 503)
  t.ok(Number(refused.headers.get('retry-after')) > 0)
  t.match(await refused.json(), { status: 503, detail: /2 streams/ })
  first.close()
  await withTimeout(() => 'a place', (async () => { while ((await events()).status !== 200) await first.ended })())
})

/** A host whose hook keeps requests with the header `x-slow` waiting. */
async function startWithHook (t: Test, parts: HostOptions = {}) {
  const waiting: Array<{ reply: FastifyReply, release: () => void }> = []
  const host = await start(t, {
    ...parts,
    before: app => {
      app.addHook('onRequest', async ({ headers }, reply) => {
        if (!('x-slow' in headers)) return
        await new Promise<void>(resolve => { waiting.push({ reply, release: resolve }) })
      })
    }
  })
  return { ...host, waiting }
}

t.test('a client that leaves while a hook of the host waits takes no stream', async t => {
  const { events, port, waiting } = await startWithHook(t, { admin: { auth: false, maxEventStreams: 1 } })
  const raw = await connectRaw(t, port)
  raw.send('GET /api/v1/events HTTP/1.1\r\nHost: 127.0.0.1\r\nX-Slow: 1\r\n\r\n')
  await until(() => waiting.length === 1)
  const [{ reply, release }] = waiting
  raw.socket.destroy()
  await once(reply.raw, 'close')
  release()
  t.equal((await events()).status, 200)
})

t.test('a client that leaves before the responses to earlier requests of its connection takes no stream', async t => {
  const { events, port, waiting } = await startWithHook(t, { admin: { auth: false, maxEventStreams: 1 } })
  const raw = await connectRaw(t, port)
  const next = 'GET /api/v1/events HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n'
  raw.send(`GET /slow HTTP/1.1\r\nHost: 127.0.0.1\r\nX-Slow: 1\r\n\r\n${next}`)
  await until(() => waiting.length === 1)
  const [{ reply }] = waiting
  raw.socket.destroy()
  await once(reply.raw, 'close')
  t.equal((await events()).status, 200)
})

t.test('over HTTP/2 a client that leaves while a hook of the host waits takes no stream', async t => {
  const https = { allowHTTP1: true, key: pem('leaf.key'), cert: pem('leaf.pem') }
  const { port, waiting } = await startWithHook(t, {
    admin: { auth: false, maxEventStreams: 1 },
    fastify: { http2: true, https } as object
  })
  const session = connectHttp2(`https://127.0.0.1:${port}`, { rejectUnauthorized: false })
  t.teardown(() => { session.destroy() })
  const stream = session.request({ ':path': '/api/v1/events', 'x-slow': '1' })
  await until(() => waiting.length === 1)
  const [{ reply, release }] = waiting
  stream.close()
  await once(reply.raw, 'close')
  release()
  const [{ ':status': status }] = await once(session.request({ ':path': '/api/v1/events' }), 'response')
  t.equal(status, 200)
})

t.test('a stream that begins while the app closes ends, too', async t => {
  const { app, events, waiting } = await startWithHook(t)
  const stream = events('', { 'x-slow': '1' })
  await until(() => waiting.length === 1)
  const closed = app.close()
  await until(() => !app.server.listening)
  waiting[0].release()
  await withTimeout(() => 'the app to close', closed)
  t.equal(await (await stream).ended, true)
})

t.test('streams end when the app closes: they send the last events and cause no delay', async t => {
  const { app, events, join, port } = await start(t)
  const streams = await Promise.all(Array.from({ length: 20 }, () => events()))
  const stalled = await connectRaw(t, port)
  stalled.socket.pause()
  stalled.send('GET /api/v1/events HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n')
  const { id } = await join()
  await streams[0].next('client_connected')
  await withTimeout(() => 'the app to close', app.close())
  for (const stream of streams) {
    t.equal(await withTimeout(() => 'the end of a stream', stream.ended), true)
    t.match(stream.events.find(({ event }) => event === 'client_disconnected')?.data, { id, cause: 'stop', code: 1001 })
    t.equal(stream.events.at(-1)?.event, 'stopped')
  }
})

t.test('admin actions are sent and logged: who, what, which peer, and the outcome', async t => {
  const lines: any[] = []
  const { events, join, api } = await start(t, {
    fastify: { logger: { level: 'info', stream: { write: (line: string) => { lines.push(JSON.parse(line)) } } } },
    admin: { token: [{ name: 'alice', token }, { name: 'bob', token: `${token}!` }] }
  })
  const as = (token: string) => ({ authorization: `Bearer ${token}` })
  t.equal((await api('/events')).status, 401)
  const stream = await events('?types=admin,unauthorized', as(token))
  const { id } = await join()
  await api(`/peers/${id}?code=4001&reason=rude`, { method: 'DELETE', headers: as(`${token}!`) })
  await api(`/peers/${id}/packets`, {
    method: 'POST',
    body: 'secret words',
    headers: { ...as(token), 'content-type': 'text/plain' }
  })
  await api('/peers/3', { method: 'DELETE', headers: as(token) })
  await api('/server/stop', { ...jsonRequest('POST', { code: 4002 }) })
  await api('/peers', { headers: as(token) })
  await api('/server', {
    ...jsonRequest('PATCH', { refuseNewConnections: true }),
    headers: { ...as(token), 'content-type': 'application/json' }
  })

  const actions = []
  for (let i = 0; i < 4; i++) actions.push((await stream.next('admin')).data)
  t.match(actions, [
    {
      action: 'disconnectPeer',
      by: 'bob',
      id,
      address: '127.0.0.1',
      parameters: {
        code: 4001,
        reason: 'rude'
      },
      status: 202
    },
    { action: 'putPacket', by: 'alice', id, parameters: { bytes: 12, isText: true } },
    { action: 'disconnectPeer', by: 'alice', id: 3, parameters: {}, status: 404 },
    { action: 'changeServer', by: 'alice', parameters: { refuseNewConnections: true }, status: 200 }
  ])
  const logged = lines.filter(({ audit }) => audit !== undefined)
  t.same(logged.map(({ audit }) => audit), actions.map(({ type, at, ...action }) => action))
  t.notMatch(JSON.stringify(lines), /secret words|thirty-two/)
})

t.test('limits the history in bytes', async t => {
  const { events, join, api } = await start(t, { admin: { auth: false, eventHistoryBytes: 4000 } })
  for (let i = 0; i < 20; i++) await api('/server', jsonRequest('PATCH', { ['x'.repeat(200)]: 1 }))
  const { id } = await join()
  const stream = await events('?recent=1000')
  while (!stream.events.some(({ retry }) => retry !== undefined)) await stream.changed()
  const replayed = stream.events.filter(({ event }) => event !== undefined)
  t.ok(replayed.length > 1 && replayed.length < 10, `${replayed.length}`)
  t.equal(replayed.at(-1)?.data.id, id)
})

t.test('a host keeps its own Server-Sent Events', async t => {
  const { default: sse } = await import('@fastify/sse') as any
  const { events, port, join } = await start(t, {
    before: async app => {
      await app.register(sse)
      app.get('/own', { sse: true } as any, async (_, reply: any) => { await reply.sse.send({ data: { own: true } }) })
    }
  })
  const own = await openEvents(t, `http://127.0.0.1:${port}/own`, { accept: 'text/event-stream' })
  await own.ended
  t.same(own.events, [{ data: { own: true } }])
  const stream = await events()
  const { id } = await join()
  t.equal((await stream.next()).data.id, id)
})

t.test('an idle stream gets a comment every 15 s, whatever the host\'s Server-Sent Events get', async t => {
  const { default: sse } = await import('@fastify/sse') as any
  const clock = stopTime(t)
  const { events } = await start(t, { before: async app => { await app.register(sse, { heartbeatInterval: 0 }) } })
  const stream = await events()
  await until(() => stream.events.length > 0)
  for (const count of [1, 2]) {
    clock.advance(15_000)
    await until(() => stream.comments.length === count)
  }
})
