import t, { type Test } from 'tap'
import { WebSocket } from 'ws'
import type { ServerOptions } from '../../../index.ts'
import { ClusterNodes } from '../../../routes/nodes/cluster-nodes.ts'
import { jsonRequest, nextClose, nextMessage, startHost } from '../../helper/host.ts'
import type { Client, Host, JsonResponse } from '../../helper/host.ts'
import { openMemoryServer } from '../../helper/memory/memory-server.ts'
import { nextSignal } from '../../helper/next-signal.ts'
import { silentLogger } from '../../helper/silent-logger.ts'
import { until } from '../../helper/until.ts'

const codePattern = /^[A-HJ-NP-Z2-9]{5}$/
const text = (body: string): RequestInit => ({ method: 'POST', headers: { 'content-type': 'text/plain' }, body })

async function startRooms (t: Test, server: Partial<ServerOptions> = {}): Promise<Host> {
  return await startHost(t, { server: { rooms: true, ...server } })
}

t.test('opens a room with settings, reads it and closes it', async t => {
  const { api, server } = await startRooms(t, { rooms: { maxPeersPerRoom: 16, emptyTimeout: 30 } })
  const data = { map: 'desert', levels: [1, 2] }
  const settings = { maxPeers: 4, listed: false, locked: true, emptyTimeout: 9, data }

  const opened = await api('/rooms', jsonRequest('POST', { name: 'arena-7', ...settings }))
  t.equal(opened.status, 201)
  t.equal(opened.headers.get('location'), '/api/v1/rooms/arena-7')
  const { openedAt, ...room } = await opened.json()
  t.same(room, { name: 'arena-7', peers: 0, ...settings })
  t.equal(Date.parse(openedAt), server.room('arena-7').openedAt)
  t.same(await (await api('/rooms/arena-7')).json(), { openedAt, ...room })

  const closed = nextSignal(server, 'room_closed')
  const answer = await api('/rooms/arena-7', { method: 'DELETE' })
  t.equal(answer.status, 202)
  t.same(await answer.json(), { state: 'closing', peers: 0 })
  await closed
  t.equal((await api('/rooms/arena-7')).status, 404)
})

t.test('a room without settings has those of option rooms', async t => {
  const { api } = await startRooms(t, { rooms: { maxPeersPerRoom: 16, emptyTimeout: 30 } })
  t.match(await (await api('/rooms', jsonRequest('POST', { name: 'a' }))).json(), {
    maxPeers: 16, emptyTimeout: 30, locked: false, listed: true, data: {}
  })
})

t.test('a room that is opened without a name gets a join code', async t => {
  const { api, server } = await startRooms(t)
  for (const init of [jsonRequest('POST', {}), { method: 'POST' }]) {
    const answer = await api('/rooms', init)
    t.equal(answer.status, 201)
    const { name } = await answer.json()
    t.match(name, codePattern)
    t.equal(answer.headers.get('location'), `/api/v1/rooms/${name}`)
    t.ok(server.hasRoom(name))
  }
})

t.test('Location is below the path of the request, without its query', async t => {
  const fastify = { routerOptions: { ignoreTrailingSlash: true } }
  const { api } = await startHost(t, { server: { rooms: true }, fastify })
  const answer = await api('/rooms/', jsonRequest('POST', { name: 'a' }))
  t.equal(answer.headers.get('location'), '/api/v1/rooms/a')
})

t.test('Location is the path that the client sent, with the prefix that a trusted proxy has stripped', async t => {
  const headers = {
    'content-type': 'application/json', 'x-forwarded-for': '192.0.2.1', 'x-forwarded-prefix': '/game'
  }
  for (const [trustProxy, location] of [[true, '/game/v2/rooms/a'], [false, '/v2/rooms/a']] as const) {
    const { get } = await startHost(t, {
      server: { rooms: true },
      fastify: { trustProxy, rewriteUrl: ({ url }) => url!.replace('/v2/', '/api/v1/') }
    })
    const answer = await get('/v2/rooms', { method: 'POST', headers, body: '{"name":"a"}' })
    t.equal(answer.headers.get('location'), location)
  }
})

t.test('refuses a name that already exists, including main', async t => {
  const { api } = await startRooms(t)
  t.equal((await api('/rooms', jsonRequest('POST', { name: 'twice' }))).status, 201)
  for (const name of ['twice', 'main']) {
    const answer = await api('/rooms', jsonRequest('POST', { name }))
    t.equal(answer.status, 409)
    t.match(await answer.json(), {
      code: 'ERR_ALREADY_EXISTS', godotError: 32, detail: `room "${name}" already exists`
    })
  }
  t.equal((await api('/rooms', jsonRequest('POST', { name: 'TWICE' }))).status, 201, 'names are case-sensitive')
})

t.test('refuses a room over maxRooms', async t => {
  const { api, server } = await startRooms(t, { rooms: { maxRooms: 2 } })
  for (const name of ['a', 'b']) t.equal((await api('/rooms', jsonRequest('POST', { name }))).status, 201)
  const answer = await api('/rooms', jsonRequest('POST', { name: 'c' }))
  t.equal(answer.status, 503)
  t.ok(Number(answer.headers.get('retry-after')) > 0)
  t.match(await answer.json(), { code: 'too-many-rooms' })
  t.equal(server.monitor.limits['too-many-rooms'], 1)
})

t.test('the rate of an address does not limit administrators', async t => {
  const { api } = await startRooms(t, { rooms: { joinPerMinute: 1 } })
  for (let i = 0; i < 3; i++) t.equal((await api('/rooms', { method: 'POST' })).status, 201)
})

t.test('without option rooms there is main, and no other can be opened', async t => {
  const { api, join } = await startHost(t)
  const { id, socket } = await join()
  const { items, nextCursor } = await (await api('/rooms')).json()
  t.match(items, [{ name: 'main', peers: 1, maxPeers: 0, locked: false, listed: false, emptyTimeout: 0, data: {} }])
  t.equal(items.length, 1)
  t.equal(nextCursor, null)
  t.match(await (await api('/rooms/main')).json(), { name: 'main', peers: 1 })
  t.match((await (await api('/rooms/main/peers')).json()).items, [{ id, room: 'main' }])
  t.match(await (await api('/rooms/main', jsonRequest('PATCH', { data: { a: 1 } }))).json(), { data: { a: 1 } })
  const message = nextMessage(socket)
  t.same(await (await api('/rooms/main/packets', text('hello'))).json(), { recipients: 1 })
  t.equal((await message).bytes.toString(), 'hello')

  const answer = await api('/rooms', jsonRequest('POST', { name: 'arena-7' }))
  t.equal(answer.status, 409)
  t.match(await answer.json(), { code: 'ERR_UNCONFIGURED', godotError: 3, detail: /option rooms/ })
  t.same((await (await api('/server')).json()).rooms, { enabled: false, count: 1 })
})

t.test('responds with 404 to an unknown room', async t => {
  const { api } = await startRooms(t)
  for (const [path, init] of [
    ['', {}], ['', { method: 'DELETE' }], ['', jsonRequest('PATCH', { locked: true })], ['/peers', {}],
    ['/packets', text('x')]
  ] as const) {
    const answer = await api(`/rooms/nowhere${path}`, init)
    t.equal(answer.status, 404, path)
    t.match(await answer.json(), {
      code: 'ERR_DOES_NOT_EXIST', godotError: 33, detail: 'room "nowhere" does not exist'
    })
  }
})

t.test('changes only the given settings, and none when one is invalid', async t => {
  const { api, server } = await startRooms(t)
  const room = server.openRoom('a', { maxPeers: 4, data: { a: 1 } })
  const answer = await api('/rooms/a', jsonRequest('PATCH', { locked: true, data: { b: 2 } }))
  t.equal(answer.status, 200)
  t.match(await answer.json(), { maxPeers: 4, locked: true, listed: true, data: { b: 2 } })
  t.equal((await api('/rooms/a', jsonRequest('PATCH', { locked: false, maxPeers: -1 }))).status, 400)
  t.ok(room.locked)
  t.equal((await api('/rooms/a', jsonRequest('PATCH', {}))).status, 200)
})

t.test('a locked room refuses clients until it is unlocked', async t => {
  const { api, port, server, joinRoom } = await startRooms(t)
  server.openRoom('a')
  await api('/rooms/a', jsonRequest('PATCH', { locked: true }))
  const refused = new WebSocket(`ws://127.0.0.1:${port}/ws/a`)
  const [, response] = await new Promise<any[]>(resolve => {
    refused.on('error', () => {}).once('unexpected-response', (...args) => { resolve(args) })
  })
  t.equal(response.statusCode, 503)
  response.destroy()
  await api('/rooms/a', jsonRequest('PATCH', { locked: false }))
  await joinRoom('a')
  t.match(await (await api('/rooms/a')).json(), { peers: 1 })
})

t.test('closes a room: its peers get code and reason, others stay', async t => {
  const host = await startRooms(t)
  const [one, two, other] = [await host.joinRoom('a'), await host.joinRoom('a'), await host.joinRoom('b')]
  const ends = [nextClose(one.socket), nextClose(two.socket)]
  const closed = nextSignal(host.server, 'room_closed')
  const answer = await host.api('/rooms/a?code=4001&reason=match%20over', { method: 'DELETE' })
  t.equal(answer.status, 202)
  t.same(await answer.json(), { state: 'closing', peers: 2 })
  t.same(await Promise.all(ends), Array.from({ length: 2 }, () => ({ code: 4001, reason: 'match over' })))
  await closed
  t.notOk(host.server.hasRoom('a'))
  t.ok(host.server.getPeer(other.id).isOpen)
})

t.test('closing main disconnects its peers; it stays', async t => {
  const { api, join } = await startRooms(t)
  const { socket } = await join()
  const end = nextClose(socket)
  t.same(await (await api('/rooms/main?code=4002', { method: 'DELETE' })).json(), { state: 'closing', peers: 1 })
  t.same(await end, { code: 4002, reason: '' })
  t.equal((await api('/rooms/main')).status, 200)
  await join()
})

t.test('lists the peers of a room in pages, filtered and sorted', async t => {
  const host = await startRooms(t, { protocols: ['chat', 'game'] })
  const ids: number[] = []
  for (const protocol of ['chat', 'game', 'chat', 'game', 'chat']) {
    ids.push((await host.joinRoom('a', protocol)).id)
    await host.joinRoom('b', protocol)
  }
  const seen: number[] = []
  for (let cursor: string | null = ''; cursor !== null;) {
    const { items, nextCursor } = await (await host.api(`/rooms/a/peers?limit=2${cursor}`)).json()
    t.ok(items.every(({ room }: { room: string }) => room === 'a'))
    seen.push(...items.map(({ id }: Client) => id))
    cursor = nextCursor === null ? null : `&cursor=${nextCursor}`
  }
  t.same(seen, [...ids].sort((a, b) => a - b))
  const chats = await (await host.api('/rooms/a/peers?protocol=chat&sort=connectedAt&order=desc')).json()
  t.equal(chats.items.length, 3)
  t.same(await (await host.api('/rooms/main/peers')).json(), {
    items: [], nextCursor: null, meta: { count: 0 }
  })
})

t.test('sends a packet to a room: to all, to one, to all but one', async t => {
  const host = await startRooms(t)
  const [one, two, other] = [await host.joinRoom('a'), await host.joinRoom('a'), await host.joinRoom('b')]
  const send = async (target: number, body: string): Promise<JsonResponse> =>
    await host.api(`/rooms/a/packets?target=${target}`, text(body))
  const strangers: string[] = []
  other.socket.on('message', data => { strangers.push(String(data)) })

  let messages = [nextMessage(one.socket), nextMessage(two.socket)]
  t.same(await (await send(0, 'all')).json(), { recipients: 2 })
  t.same((await Promise.all(messages)).map(({ bytes }) => bytes.toString()), ['all', 'all'])
  messages = [nextMessage(one.socket), nextMessage(two.socket)]
  t.same(await (await send(two.id, 'for two')).json(), { recipients: 1 })
  t.same(await (await send(-two.id, 'not for two')).json(), { recipients: 1 })
  t.same((await Promise.all(messages)).map(({ bytes }) => bytes.toString()), ['not for two', 'for two'])
  t.equal((await send(other.id, 'x')).status, 404, 'a peer of another room')
  t.same(await (await send(-other.id, 'all')).json(), { recipients: 2 })

  const last = nextMessage(other.socket)
  await host.api('/packets', text('everyone'))
  await last
  t.same(strangers, ['everyone'])
})

t.test('lists rooms in pages in every order, each exactly once', async t => {
  const { api, server } = await startRooms(t)
  for (let i = 0; i < 20; i++) server.openRoom(`room-${i % 2 === 0 ? 'b' : 'A'}${i}`)
  const names = [...server.rooms()].map(({ name }) => name)
  for (const sort of ['name', 'peers', 'openedAt'] as const) {
    const up = await walk(api, `sort=${sort}&limit=6`)
    const sorted = [...up].sort((a, b) =>
      a[sort] === b[sort] ? (a.name < b.name ? -1 : 1) : a[sort] < b[sort] ? -1 : 1)
    t.same(up, sorted, sort)
    t.same(up.map(({ name }) => name).sort(), [...names].sort(), sort)
    const down = await walk(api, `sort=${sort}&limit=4&order=desc`)
    t.same(down, [...up].reverse(), sort)
  }
  const byDefault = await walk(api, 'limit=1000')
  t.same(byDefault.map(({ name }) => name), [...names].sort(), 'by name')
})

t.test('sorts rooms by their number of peers', async t => {
  const host = await startRooms(t)
  for (const room of ['few', 'many', 'many', 'many', 'few', 'one']) await host.joinRoom(room)
  const rooms = await walk(host.api, 'sort=peers&order=desc&limit=2')
  t.same(rooms.map(({ name, peers }) => [name, peers]), [['many', 3], ['few', 2], ['one', 1], ['main', 0]])
})

t.test('lists a room that stays open exactly once while others are opened and closed', async t => {
  const { api, server } = await startRooms(t)
  const staying = Array.from({ length: 15 }, (_, i) => server.openRoom(`stay-${i}`).name)
  const leaving = Array.from({ length: 15 }, (_, i) => server.openRoom(`go-${i}`))
  for (const sort of ['name', 'openedAt']) {
    const seen = await walk(api, `sort=${sort}&limit=3`, async () => {
      await leaving.pop()?.close()
      server.openRoom()
    })
    const names = seen.map(({ name }) => name)
    t.equal(new Set(names).size, names.length, sort)
    t.same(staying.filter(name => !names.includes(name)), [], sort)
  }
})

t.test('filters rooms by a part of the name and by listed', async t => {
  const { api, server } = await startRooms(t)
  server.openRoom('arena-1')
  server.openRoom('arena-2', { listed: false })
  server.openRoom('lobby.1', { listed: false })
  for (const [query, expected] of [
    ['q=arena', ['arena-1', 'arena-2']], ['q=-2', ['arena-2']], ['q=.1', ['lobby.1']], ['q=nothing', []],
    ['listed=true', ['arena-1']], ['listed=false', ['arena-2', 'lobby.1', 'main']],
    ['q=arena&listed=false', ['arena-2']], ['q=', ['arena-1', 'arena-2', 'lobby.1', 'main']], ['q=ARENA', []]
  ] as const) {
    t.same((await walk(api, query)).map(({ name }) => name), expected, query)
  }
})

t.test('rejects a cursor of another list', async t => {
  const { api, server } = await startRooms(t)
  server.openRoom('a')
  const { nextCursor } = await (await api('/rooms?limit=1')).json()
  for (const path of [
    `/rooms?sort=peers&cursor=${nextCursor}`, `/rooms?order=desc&cursor=${nextCursor}`, `/peers?cursor=${nextCursor}`,
    `/rooms/a/peers?cursor=${nextCursor}`, `/rooms?cursor=${nextCursor}A`
  ]) {
    const answer = await api(path)
    t.equal(answer.status, 400, path)
    t.match(await answer.json(), { errors: [{ pointer: '/query/cursor' }] })
  }
})

t.test('peers have their room, and lists filter by it', async t => {
  const host = await startRooms(t)
  const [one, two] = [await host.joinRoom('a'), await host.joinRoom('b')]
  t.match(await (await host.api(`/peers/${one.id}`)).json(), { room: 'a' })
  const ids = async (query: string): Promise<number[]> =>
    (await (await host.api(`/peers?${query}`)).json()).items.map(({ id }: Client) => id)
  t.same(await ids('room=a'), [one.id])
  t.same(await ids('room=b&sort=address'), [two.id])
  t.same(await ids('room=nowhere'), [])
  t.same(await ids(''), [one.id, two.id].sort((a, b) => a - b))

  host.server.getPeer(one.id).moveTo(host.server.room('b'))
  t.match(await (await host.api(`/peers/${one.id}`)).json(), { room: 'b' })
  t.same((await ids('room=b')).length, 2)
})

t.test('disconnects the peers of a room by the filter', async t => {
  const host = await startRooms(t)
  const [one, other] = [await host.joinRoom('a'), await host.joinRoom('b')]
  const end = nextClose(one.socket)
  const answer = await host.api('/peers/disconnect', jsonRequest('POST', { filter: { room: 'a' }, code: 4003 }))
  t.same(await answer.json(), { requested: 1, notFound: [] })
  t.same(await end, { code: 4003, reason: '' })
  t.ok(host.server.getPeer(other.id).isOpen)
})

t.test('GET /server counts the rooms', async t => {
  const { api, server } = await startRooms(t)
  server.openRoom('a')
  t.same((await (await api('/server')).json()).rooms, { enabled: true, count: 2 })
})

const deep = `{"data":${'{"a":'.repeat(50_000)}1${'}'.repeat(50_000)}}`
t.test('rejects bad input', async t => {
  const host = await startRooms(t)
  host.server.openRoom('a')

  for (const [name, method, path, body, pointer] of [
    ['an invalid name', 'POST', '/rooms', { name: 'a b' }, '/body/name'],
    ['an empty name', 'POST', '/rooms', { name: '' }, '/body/name'],
    ['a name of 65 characters', 'POST', '/rooms', { name: 'x'.repeat(65) }, '/body/name'],
    ['a name with a line break', 'POST', '/rooms', { name: 'a\n' }, '/body/name'],
    ['a name that is a number', 'POST', '/rooms', { name: 7 }, '/body/name'],
    ['a null name', 'POST', '/rooms', { name: null }, '/body/name'],
    ['an unknown property', 'POST', '/rooms', { colour: 'red' }, '/body/colour'],
    ['a negative maxPeers', 'POST', '/rooms', { maxPeers: -1 }, '/body/maxPeers'],
    ['a fractional maxPeers', 'PATCH', '/rooms/a', { maxPeers: 1.5 }, '/body/maxPeers'],
    ['a huge maxPeers', 'PATCH', '/rooms/a', { maxPeers: 1e9 }, '/body/maxPeers'],
    ['locked as text', 'PATCH', '/rooms/a', { locked: 'true' }, '/body/locked'],
    ['listed as a number', 'PATCH', '/rooms/a', { listed: 1 }, '/body/listed'],
    ['a negative emptyTimeout', 'PATCH', '/rooms/a', { emptyTimeout: -1 }, '/body/emptyTimeout'],
    ['data that are a text', 'PATCH', '/rooms/a', { data: 'x' }, '/body/data'],
    ['data that are an array', 'PATCH', '/rooms/a', { data: [] }, '/body/data'],
    ['null data', 'PATCH', '/rooms/a', { data: null }, '/body/data'],
    ['data over 4096 bytes', 'POST', '/rooms', { data: { a: 'é'.repeat(2045) } }, '/body/data'],
    ['a name in a change', 'PATCH', '/rooms/a', { name: 'b' }, '/body/name'],
    ['data nested very deep', 'POST', '/rooms', deep, '/body/data'],
    ['an invalid name in the path', 'GET', '/rooms/a%20b', undefined, '/params/room'],
    ['an invalid name of members', 'GET', `/rooms/${'x'.repeat(65)}/peers`, undefined, '/params/room'],
    ['an invalid name to close', 'DELETE', '/rooms/%F0%9F%8E%AE', undefined, '/params/room'],
    ['an invalid name to change', 'PATCH', '/rooms/a%2Fb', {}, '/params/room'],
    ['an invalid close code', 'DELETE', '/rooms/a?code=1005', undefined, '/query/code'],
    ['a long reason', 'DELETE', `/rooms/a?reason=${'x'.repeat(124)}`, undefined, '/query/reason'],
    ['an unknown parameter', 'DELETE', '/rooms/a?wait=1', undefined, '/query/wait'],
    ['limit 0', 'GET', '/rooms?limit=0', undefined, '/query/limit'],
    ['limit 1001', 'GET', '/rooms?limit=1001', undefined, '/query/limit'],
    ['an unknown sort key', 'GET', '/rooms?sort=data', undefined, '/query/sort'],
    ['an inherited sort key', 'GET', '/rooms?sort=constructor', undefined, '/query/sort'],
    ['an unknown order', 'GET', '/rooms?order=up', undefined, '/query/order'],
    ['listed that is not a boolean', 'GET', '/rooms?listed=1', undefined, '/query/listed'],
    ['a long q', 'GET', `/rooms?q=${'x'.repeat(65)}`, undefined, '/query/q'],
    ['a forged cursor', 'GET', '/rooms?cursor=AAAA', undefined, '/query/cursor'],
    ['a room in the query of members', 'GET', '/rooms/a/peers?room=b', undefined, '/query/room'],
    ['an invalid room in the query of peers', 'GET', '/peers?room=a%20b', undefined, '/query/room'],
    ['an empty room in the query of peers', 'GET', '/peers?room=', undefined, '/query/room'],
    ['an invalid room in a filter', 'POST', '/peers/disconnect', { filter: { room: '' } }, '/body/filter/room']
  ] as const) {
    await t.test(`rejects ${name}`, async t => {
      const init = typeof body === 'string'
        ? { method, headers: { 'content-type': 'application/json' }, body }
        : body === undefined ? { method } : jsonRequest(method, body)
      const answer = await host.api(path, init)
      const problem = await answer.json()
      t.equal(answer.status, 400, JSON.stringify(problem).slice(0, 500))
      t.match(answer.headers.get('content-type'), /^application\/problem\+json/)
      const pointers = problem.errors.map((error: { pointer: string }) => error.pointer)
      t.ok(pointers.includes(pointer), JSON.stringify(problem.errors))
      t.equal(host.server.roomCount, 2)
    })
  }
})

t.test('accepts data of exactly 4096 bytes', async t => {
  const { api } = await startRooms(t)
  const data = { a: 'x'.repeat(4096 - '{"a":""}'.length) }
  t.same((await (await api('/rooms', jsonRequest('POST', { data }))).json()).data, data)
})

async function walk (api: Host['api'], query: string, meanwhile = async (): Promise<void> => {}): Promise<any[]> {
  const all: any[] = []
  for (let cursor: string | null = ''; cursor !== null;) {
    const { items, nextCursor } = await (await api(`/rooms?${query}${cursor}`)).json()
    all.push(...items)
    cursor = nextCursor === null ? null : `&cursor=${nextCursor}`
    await meanwhile()
  }
  return all
}

t.test('logs that closing a room has failed, as the response does not wait for it', async t => {
  const errors: unknown[] = []
  const log = { ...silentLogger, error: ({ room }: { room?: string }, text: string) => { errors.push([room, text]) } }
  const server = await openMemoryServer({ rooms: true, log })
  await new ClusterNodes(server).closeRoom('main', 999)
  await until(() => errors.length > 0)
  t.same(errors, [['main', 'room not closed']])
})
