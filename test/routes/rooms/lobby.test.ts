import { once } from 'node:events'
import Fastify from 'fastify'
import cors from '@fastify/cors'
import rateLimit from '@fastify/rate-limit'
import swagger from '@fastify/swagger'
import t, { type Test } from 'tap'
import { WebSocket } from 'ws'
import peerServer, { adminRoutes, asyncapi, lobbyRoutes } from '../../../index.ts'
import type { LobbyOptions, ServerOptions, WebSocketServer } from '../../../index.ts'
import { jsonRequest, startHost, type Host, type HostOptions, type JsonResponse } from '../../helper/host.ts'
import { nextSignal } from '../../helper/next-signal.ts'
import { stopTime } from '../../helper/clock.ts'
import { relayWire4 } from '../../../src/protocol/multiplayer/relay-wire4.ts'

type Lobby = Host & {
  ask (path: string, init?: RequestInit): Promise<JsonResponse>
  post (path: string, body?: unknown, headers?: Record<string, string>): Promise<JsonResponse>
}

/** A host with a lobby at /lobby. */
async function startLobby (
  t: Test, lobby: LobbyOptions = {}, server: Partial<ServerOptions> = {}, host: HostOptions = {}
): Promise<Lobby> {
  const started = await startHost(t, {
    ...host,
    server: { gdMpApi: true, rooms: true, ...server },
    after: async app => { await app.register(lobbyRoutes, { prefix: '/lobby', ...lobby }) }
  })
  const ask: Lobby['ask'] = (path, init) => started.get(`/lobby${path}`, init)
  const post: Lobby['post'] = (path, body = {}, headers = {}) => {
    const init = jsonRequest('POST', body)
    return ask(path, { ...init, headers: { ...init.headers, ...headers } })
  }
  return { ...started, ask, post }
}

/** Connects a client to the URL and waits until the server has accepted it. */
async function enter (t: Test, server: WebSocketServer, url: string): Promise<WebSocket> {
  const connected = nextSignal(server, 'peer_connected')
  const socket = new WebSocket(url)
  t.teardown(() => { socket.terminate() })
  await Promise.all([connected, once(socket, 'open')])
  return socket
}

async function namesOf (lobby: Lobby, query = ''): Promise<string[]> {
  const { items } = await (await lobby.ask(`/rooms${query}`)).json()
  return items.map(({ name }: { name: string }) => name)
}

async function problem (
  t: Test, answer: JsonResponse, status: number, code: string, pointer?: string
): Promise<void> {
  t.equal(answer.status, status)
  t.match(answer.headers.get('content-type'), /^application\/problem\+json/)
  const body = await answer.json()
  t.match(body, { status, code, title: String, detail: String })
  if (pointer !== undefined) t.equal(body.errors[0].pointer, pointer)
}

t.test('two clients match into the same room, a third one that wants another map does not', async t => {
  const lobby = await startLobby(t)
  const first = await (await lobby.post('/match', { data: { map: 'ice' } })).json()
  t.match(first, { name: /^[A-Z2-9]{5}$/, url: `ws://127.0.0.1:${lobby.port}/ws/${first.name}`, created: true })
  await enter(t, lobby.server, first.url)
  const second = await (await lobby.post('/match', { data: { map: 'ice' } })).json()
  t.same(second, { ...first, created: false })
  await enter(t, lobby.server, second.url)
  const third = await (await lobby.post('/match', { data: { map: 'sand' } })).json()
  t.match(third, { created: true })
  t.not(third.name, first.name)
  const anywhere = await (await lobby.post('/match')).json()
  t.equal(anywhere.name, first.name, 'the room with the most peers')
  t.equal(lobby.server.room(first.name).peerCount, 2)
  t.same([...lobby.server.peers()].map(({ room }) => room.name), [first.name, first.name])
})

t.test('POST without a body matches any room', async t => {
  const lobby = await startLobby(t)
  lobby.server.openRoom('only')
  const answer = await lobby.ask('/match', { method: 'POST' })
  t.match(await answer.json(), { name: 'only', created: false })
})

const matches: Array<[wanted: object, isMatch: boolean]> = [
  [{}, true],
  [{ mode: 'coop' }, true],
  [{ rules: { lives: 3, items: ['bow', 1] } }, true],
  [{ mode: 'coop', rank: 7 }, true],
  [{ mode: 'duel' }, false],
  [{ rank: '7' }, false],
  [{ rules: { lives: 3 } }, false],
  [{ rules: { lives: 3, items: [1, 'bow'] } }, false],
  [{ rules: { items: ['bow', 1], lives: 3, more: 1 } }, false],
  [{ rules: [] }, false],
  [{ rules: null }, false],
  [{ colour: null }, false],
  [{ constructor: {} }, false]
]

for (const [wanted, isMatch] of matches) {
  t.test(`a room ${isMatch ? 'has' : 'does not have'} the members ${JSON.stringify(wanted)}`, async t => {
    const lobby = await startLobby(t, { create: false })
    lobby.server.openRoom('a', { data: { mode: 'coop', rank: 7, rules: { items: ['bow', 1], lives: 3 } } })
    const answer = await lobby.post('/match', { data: wanted })
    if (isMatch) t.match(await answer.json(), { name: 'a', created: false })
    else await problem(t, answer, 404, 'lobby-no-match')
  })
}

t.test('-0 matches 0, as which rooms keep it', async t => {
  const lobby = await startLobby(t)
  const post = () => lobby.ask('/match', {
    method: 'POST', headers: { 'content-type': 'application/json' }, body: '{"data":{"at":[-0.0]}}'
  })
  const { name } = await (await post()).json()
  t.match(await (await post()).json(), { name, created: false })
})

t.test('private, locked, full and closing rooms are neither shown nor matched, main neither', async t => {
  const lobby = await startLobby(t, { create: false }, { closeTimeout: 5 })
  const { server } = lobby
  server.openRoom('shown', { maxPeers: 3, data: { map: 'ice' } })
  server.openRoom('private', { listed: false })
  server.openRoom('locked', { locked: true })
  server.openRoom('full', { maxPeers: 1 })
  await enter(t, server, `ws://127.0.0.1:${lobby.port}/ws/full`)
  await enter(t, server, `ws://127.0.0.1:${lobby.port}/ws/shown`)
  await enter(t, server, `ws://127.0.0.1:${lobby.port}/ws/closing`)
  await enter(t, server, `ws://127.0.0.1:${lobby.port}/ws`)
  const closing = server.room('closing').close()
  t.same(await (await lobby.ask('/rooms')).json(), {
    items: [{
      name: 'shown', peers: 1, maxPeers: 3, data: { map: 'ice' }, url: `ws://127.0.0.1:${lobby.port}/ws/shown`
    }],
    nextCursor: null,
    meta: { count: 1 }
  })
  server.room('shown').locked = true
  await problem(t, await lobby.post('/match'), 404, 'lobby-no-match')
  await closing
})

t.test('opens a room with a join code, which ends when nobody joins within a minute', async t => {
  const lobby = await startLobby(t)
  const clock = stopTime(t)
  const answer = await lobby.post('/rooms', { maxPeers: 2, listed: false, data: { map: 'ice' } })
  t.equal(answer.status, 201)
  const { name, url } = await answer.json()
  t.match(name, /^[A-Z2-9]{5}$/)
  t.equal(url, `ws://127.0.0.1:${lobby.port}/ws/${name}`)
  t.match(lobby.server.room(name), { maxPeers: 2, listed: false, data: { map: 'ice' }, peerCount: 0 })
  t.same(await namesOf(lobby), [])
  clock.advance(59_000)
  t.ok(lobby.server.hasRoom(name))
  clock.advance(1001)
  t.notOk(lobby.server.hasRoom(name))
})

t.test('simultaneous matches fill a room of two and continue with the next one', async t => {
  const lobby = await startLobby(t, { rateLimit: { max: 1000 } }, { rooms: { maxPeersPerRoom: 2 } })
  const answers = await Promise.all(Array.from({ length: 9 }, async () => await (await lobby.post('/match')).json()))
  const perRoom = new Map<string, number>()
  for (const { name } of answers) perRoom.set(name, (perRoom.get(name) ?? 0) + 1)
  t.same([...perRoom.values()].sort(), [1, 2, 2, 2, 2])
  await Promise.all(answers.map(({ url }) => new Promise((resolve, reject) => {
    const socket = new WebSocket(url).once('open', resolve).once('error', reject)
    t.teardown(() => { socket.terminate() })
  })))
  t.equal(lobby.server.monitor.limits['room-full'], 0, 'nobody was refused')
})

t.test('a reserved seat is free again when its client has come and gone, or does not come', async t => {
  const lobby = await startLobby(t, { create: false })
  const clock = stopTime(t)
  lobby.server.openRoom('duel', { maxPeers: 2, emptyTimeout: 60 })
  const match = async (): Promise<number> => (await lobby.post('/match')).status
  t.same([await match(), await match(), await match()], [200, 200, 404])
  t.same(await namesOf(lobby), ['duel'], 'a reservation is not a peer')
  const url = `ws://127.0.0.1:${lobby.port}/ws/duel`
  const socket = await enter(t, lobby.server, url)
  t.equal(await match(), 404, 'one is in, one is on the way')
  const left = nextSignal(lobby.server, 'peer_disconnected')
  socket.terminate()
  await left
  t.same([await match(), await match()], [200, 404])
  clock.advance(9_900)
  t.equal(await match(), 404)
  clock.advance(101)
  t.same([await match(), await match(), await match()], [200, 200, 404])
})

t.test('an authenticating client takes one seat', async t => {
  const lobby = await startLobby(t, {}, {
    wire: 'godot4', rooms: { maxPeersPerRoom: 3 }, authTimeout: 20, authenticate: () => null
  })
  const { server } = lobby
  const match = async (): Promise<{ name: string, url: string }> => await (await lobby.post('/match')).json()
  const authenticate = async (url: string): Promise<[WebSocket, number]> => {
    const authenticating = nextSignal(server, 'peer_authenticating')
    const socket = new WebSocket(url)
    t.teardown(() => { socket.terminate() })
    const [[id]] = await Promise.all([authenticating, once(socket, 'open')])
    return [socket, id]
  }
  const { name, url } = await match()
  const [socket, id] = await authenticate(url)
  for (const place of ['second', 'third']) t.equal((await match()).name, name, place)
  t.not((await match()).name, name, 'two wait for players who have not connected')
  const joined = nextSignal(server, 'peer_connected')
  socket.send(relayWire4.auth!.encode(new Uint8Array(0)))
  server.completeAuth(id)
  await joined
  t.not((await match()).name, name)
  await authenticate(url)
  t.not((await match()).name, name)
})

t.test('lists rooms page by page, newest first, each exactly once', async t => {
  const lobby = await startLobby(t)
  const clock = stopTime(t)
  const names = ['e', 'b', 'a', 'd', 'c']
  for (const [at, name] of names.entries()) {
    // The last three are opened in the same millisecond.
    if (at < 3) clock.advance(1)
    lobby.server.openRoom(name)
  }
  t.same(await namesOf(lobby), ['d', 'c', 'a', 'b', 'e'])
  const pages: string[][] = []
  let query = '?limit=2'
  for (let page = 0; page < 5; page++) {
    const { items, nextCursor } = await (await lobby.ask(`/rooms${query}`)).json()
    pages.push(items.map(({ name }: { name: string }) => name))
    if (nextCursor === null) break
    query = `?limit=2&cursor=${nextCursor}`
    clock.advance(1)
    lobby.server.openRoom()
    if (page === 0) await lobby.server.room('c').close()
  }
  t.same(pages, [['d', 'c'], ['a', 'b'], ['e']])
})

const badRequests: Array<[what: string, path: string, body: unknown, pointer: string]> = [
  ['a limit of 0', '/rooms?limit=0', undefined, '/query/limit'],
  ['a limit over 1000', '/rooms?limit=1001', undefined, '/query/limit'],
  ['an unknown parameter', '/rooms?listed=false', undefined, '/query/listed'],
  ['a forged cursor', '/rooms?cursor=AAAA', undefined, '/query/cursor'],
  ['maxPeers of 0', '/rooms', { maxPeers: 0 }, '/body/maxPeers'],
  ['maxPeers over that of the server', '/rooms', { maxPeers: 9 }, '/body/maxPeers'],
  ['maxPeers as text', '/rooms', { maxPeers: '2' }, '/body/maxPeers'],
  ['listed as text', '/rooms', { listed: 'false' }, '/body/listed'],
  ['data that is not an object', '/rooms', { data: 'ice' }, '/body/data'],
  ['data that is an array', '/rooms', { data: [] }, '/body/data'],
  ['data over 4096 bytes', '/rooms', { data: { text: 'x'.repeat(4086) } }, '/body/data'],
  ['a name', '/rooms', { name: 'mine' }, '/body/name'],
  ['a locked room', '/rooms', { locked: true }, '/body/locked'],
  ['data over 4096 bytes to match', '/match', { data: { text: 'x'.repeat(4086) } }, '/body/data'],
  ['an unknown member to match', '/match', { maxPeers: 2 }, '/body/maxPeers'],
  ['a body that is not an object', '/match', [], '/body']
]

t.test('rejects bad input', async t => {
  const lobby = await startLobby(t, {}, { rooms: { maxPeersPerRoom: 8 } })
  for (const [what, path, body, pointer] of badRequests) {
    await t.test(`refuses ${what}`, async t => {
      const answer = body === undefined ? await lobby.ask(path) : await lobby.post(path, body)
      await problem(t, answer, 400, 'bad-request', pointer)
    })
  }
  const deep = `{"data":{"a":${'['.repeat(200_000)}${']'.repeat(200_000)}}}`
  const post = (body: string, type = 'application/json') =>
    lobby.ask('/match', { method: 'POST', headers: { 'content-type': type }, body })
  await problem(t, await post(deep), 400, 'bad-request')
  await problem(t, await post('{"data":'), 400, 'bad-request')
  await problem(t, await post('{"data":{"__proto__":{}}}'), 400, 'bad-request')
  await problem(t, await post('x', 'text/plain'), 415, 'unsupported-media-type')
  await problem(t, await post('{}', 'application/x-www-form-urlencoded'), 415, 'unsupported-media-type')
  await problem(t, await post(`{"data":{"a":"${'x'.repeat(1 << 20)}"}}`), 413, 'payload-too-large')
  await problem(t, await lobby.ask('/nothing'), 404, 'not-found')
  await problem(t, await lobby.ask('/rooms', { method: 'DELETE' }), 405, 'method-not-allowed')
  t.equal(lobby.server.roomCount, 1, 'no room was opened')
  t.equal((await lobby.post('/rooms', { data: { text: 'x'.repeat(4085) } })).status, 201)
})

t.test('opens rooms up to the limit of the server as it is now', async t => {
  const lobby = await startLobby(t, {}, { rooms: { maxPeersPerRoom: 8 } })
  for (const [maxPeersPerRoom, refused] of [[16, 17], [4, 5], [0, (1 << 24) + 1]]) {
    await lobby.api('/server', jsonRequest('PATCH', { rooms: { maxPeersPerRoom } }))
    await problem(t, await lobby.post('/rooms', { maxPeers: refused }), 400, 'bad-request', '/body/maxPeers')
    const { name } = await (await lobby.post('/rooms', { maxPeers: refused - 1 })).json()
    t.equal(lobby.server.room(name).maxPeers, refused - 1)
  }
})

t.test('limits the requests of an address, with Retry-After', async t => {
  const trustProxy = { fastify: { trustProxy: true } }
  const lobby = await startLobby(t, { rateLimit: { max: 3, timeWindow: '1 minute' } }, {}, trustProxy)
  const from = (address: string) => lobby.ask('/rooms', { headers: { 'x-forwarded-for': address } })
  for (let i = 0; i < 3; i++) t.equal((await from('192.0.2.7')).status, 200)
  const refused = await from('192.0.2.7')
  const seconds = Number(refused.headers.get('retry-after'))
  t.ok(seconds > 50 && seconds <= 60, `Retry-After: ${seconds}`)
  await problem(t, refused, 429, 'lobby-rate')
  t.equal((await from('192.0.2.8')).status, 200)
  for (const host of ['1', '2', '3']) t.equal((await from(`2001:db8::${host}`)).status, 200)
  await problem(t, await from('2001:db8::4'), 429, 'lobby-rate')
  t.equal((await lobby.get('/api/v1/peers', { headers: { 'x-forwarded-for': '192.0.2.7' } })).status, 200)
})

t.test('limits the rooms that an address opens, and their number', async t => {
  const lobby = await startLobby(t, {}, { rooms: { joinPerMinute: 2, maxRooms: 3 } }, { fastify: { trustProxy: true } })
  const open = (address: string, path = '/rooms') => lobby.post(path, {}, { 'x-forwarded-for': address })
  t.same([(await open('192.0.2.7')).status, (await open('192.0.2.7')).status], [201, 201])
  const refused = await open('192.0.2.7')
  t.ok(Number(refused.headers.get('retry-after')) >= 1)
  await problem(t, refused, 429, 'room-rate')
  t.equal((await open('192.0.2.8')).status, 201)
  const full = await open('192.0.2.9')
  t.ok(Number(full.headers.get('retry-after')) >= 1)
  await problem(t, full, 503, 'too-many-rooms')
  t.equal((await open('192.0.2.7', '/match')).status, 200, 'a match opens none')
})

t.test('sends nobody to a server that refuses clients', async t => {
  const lobby = await startLobby(t, {}, { maxPeers: 1 })
  lobby.server.refuseNewConnections = true
  for (const path of ['/rooms', '/match']) await problem(t, await lobby.post(path), 503, 'refusing-connections')
  lobby.server.refuseNewConnections = false
  await lobby.join()
  await problem(t, await lobby.post('/match'), 503, 'server-full')
})

t.test('shows and opens nothing for a banned address', async t => {
  const lobby = await startLobby(t)
  lobby.server.ban('127.0.0.1', { reason: 'cheating' })
  await problem(t, await lobby.ask('/rooms'), 403, 'banned')
  await problem(t, await lobby.post('/rooms'), 403, 'banned')
  await problem(t, await lobby.post('/match'), 403, 'banned')
  t.equal(lobby.server.roomCount, 1)
  lobby.server.unban('127.0.0.1')
  t.equal((await lobby.ask('/rooms')).status, 200)
})

t.test('with create: false the lobby does not open rooms', async t => {
  const lobby = await startLobby(t, { create: false }, { rooms: { create: 'admin' } })
  await problem(t, await lobby.post('/rooms'), 403, 'lobby-create')
  await problem(t, await lobby.post('/match'), 404, 'lobby-no-match')
  t.equal(lobby.server.roomCount, 1)
})

t.test('opens rooms where clients may not', async t => {
  const lobby = await startLobby(t, {}, { rooms: { create: 'admin' } })
  const { name, url } = await (await lobby.post('/match')).json()
  await enter(t, lobby.server, url)
  t.equal(lobby.server.room(name).peerCount, 1)
})

const origins: Array<[option: LobbyOptions['origin'], origin: string, allowed: string | null]> = [
  ['*', 'https://game.example', '*'],
  [true, 'https://game.example', '*'],
  ['https://game.example', 'https://game.example', 'https://game.example'],
  ['https://game.example', 'https://other.example', null],
  [['https://a.example', 'https://*.game.example'], 'https://eu.game.example', 'https://eu.game.example'],
  [['https://a.example', 'https://*.game.example'], 'https://game.example', null],
  [false, 'https://game.example', null],
  [undefined, 'https://game.example', null]
]

for (const [option, origin, allowed] of origins) {
  const may = allowed === null ? 'may not' : 'may'
  t.test(`origin ${JSON.stringify(option)}: pages of ${origin} ${may} use it`, async t => {
    const lobby = await startLobby(t, { rateLimit: { max: 2 }, ...(option === undefined ? {} : { origin: option }) })
    const preflight = () => lobby.ask('/match', {
      method: 'OPTIONS',
      headers: {
        origin, 'access-control-request-method': 'POST', 'access-control-request-headers': 'content-type'
      }
    })
    for (let i = 0; i < 4; i++) {
      const { status, headers } = await preflight()
      t.equal(headers.get('access-control-allow-origin'), allowed)
      if (allowed === null) t.equal(status, 404)
      else {
        t.equal(status, 204)
        t.match(headers.get('access-control-allow-methods'), 'POST')
        t.match(headers.get('access-control-allow-headers'), 'content-type')
      }
    }
    for (const status of [200, 200, 429]) {
      const answer = await lobby.post('/match', {}, { origin })
      t.equal(answer.status, status)
      t.equal(answer.headers.get('access-control-allow-origin'), allowed, 'also with an error')
    }
    const { headers } = await lobby.get('/api/v1/peers', { headers: { origin } })
    t.equal(headers.get('access-control-allow-origin'), null, 'the REST API has no CORS')
  })
}

const trusted = { fastify: { trustProxy: true } }
const forwarded = {
  'x-forwarded-host': 'game.example',
  'x-forwarded-proto': 'https',
  'x-forwarded-prefix': '/eu',
  'x-forwarded-for': '192.0.2.7'
}
const urls: Array<[
  what: string, lobby: LobbyOptions, server: Partial<ServerOptions>, host: HostOptions, headers: Record<string, string>,
  url: (port: number, own: number) => string
]> = [
  ['the address of the request', {}, {}, {}, {}, port => `ws://127.0.0.1:${port}/ws/a`],
  ['the address of the request', {}, { path: '/' }, {}, {}, port => `ws://127.0.0.1:${port}/a`],
  ['the address of the request', {}, {}, {}, forwarded, port => `ws://127.0.0.1:${port}/ws/a`],
  ['that of a trusted proxy', {}, {}, trusted, forwarded, () => 'wss://game.example/eu/ws/a'],
  ['that of a listener of its own', {}, { port: 0 }, {}, {}, (_port, own) => `ws://127.0.0.1:${own}/ws/a`],
  ['publicUrl', { publicUrl: 'wss://play.example' }, {}, trusted, forwarded, () => 'wss://play.example/ws/a'],
  ['publicUrl', { publicUrl: 'ws://play.example:81/eu/1' }, { port: 0 }, {}, {}, () => 'ws://play.example:81/eu/1/ws/a']
]

for (const [what, options, server, host, headers, url] of urls) {
  t.test(`the URL begins with ${what}: ${url(3000, 9080)}`, async t => {
    const lobby = await startLobby(t, options, server, host)
    lobby.server.openRoom('a')
    const expected = url(lobby.port, lobby.server.port)
    const { items } = await (await lobby.ask('/rooms', { headers })).json()
    t.equal(items[0].url, expected)
    t.equal((await (await lobby.post('/match', {}, headers)).json()).url, expected)
    if (expected.includes('127.0.0.1')) {
      await enter(t, lobby.server, expected)
      t.equal(lobby.server.room('a').peerCount, 1)
    }
  })
}

for (const [outer, prefix, path, expected] of [
  ['/games', undefined, '/chat', '/games/chat'],
  ['/games/', '/eu', '/chat', '/games/eu/chat'],
  ['/games', undefined, '/', '/games'],
  ['/', '/eu', undefined, '/eu/ws']
] as const) {
  t.test(`in a scope at ${outer} the URL leads to ${expected}, as other parts report it`, async t => {
    const app = Fastify()
    t.teardown(async () => { await app.close() })
    let server: WebSocketServer
    await app.register(async scope => {
      await scope.register(peerServer, {
        gdMpApi: true, rooms: true, ...(path === undefined ? {} : { path }), ...(prefix === undefined ? {} : { prefix })
      })
      await scope.register(lobbyRoutes, { prefix: '/lobby' })
      await scope.register(adminRoutes, { prefix: '/admin', auth: false })
      await scope.register(asyncapi)
      server = scope.peerServer
    }, { prefix: outer })
    const base = await app.listen({ port: 0, host: '127.0.0.1' })
    const at = (path: string): string => base + (outer.replace(/\/$/, '') + path)
    const { url, name } = await (await fetch(at('/lobby/match'), { method: 'POST' })).json() as Record<string, string>
    t.equal(url, `${base.replace('http', 'ws')}${expected}/${name}`)
    await enter(t, server!, url)
    t.equal(server!.room(name).peerCount, 1)
    const { path: reported } = await (await fetch(at('/admin/server'))).json() as { path: string }
    t.equal(reported.replace(/(?<=.)\/$/, ''), expected)
    await enter(t, server!, base.replace('http', 'ws') + reported)
    t.equal(server!.room('main').peerCount, 1, 'its path is not a room')
    await enter(t, server!, base.replace('http', 'ws') + expected)
    t.equal(server!.room('main').peerCount, 2)
    const { channels } = await (await fetch(at('/asyncapi.json'))).json() as any
    t.equal(channels.peerServer.address, `${expected}/{room}`)
    t.equal(server!.options.path, (prefix ?? '') + (path ?? '/ws'), 'the option is as given')
  })
}

t.test('the shortest names have URLs that lead to their rooms', async t => {
  const lobby = await startLobby(t)
  for (const name of ['a', '.a', '...']) {
    lobby.server.openRoom(name)
    const { items: [{ url }] } = await (await lobby.ask('/rooms')).json()
    await enter(t, lobby.server, url)
    t.equal(lobby.server.room(name).peerCount, 1)
    lobby.server.room(name).listed = false
  }
})

for (const [origin, allowed] of [['*', '*'], [false, null], [undefined, 'https://host.example']] as const) {
  t.test(`in a host with the same plugins, which stay as they are; origin ${origin}`, async t => {
    const lobby = await startLobby(t, { rateLimit: { max: 2 }, ...(origin === undefined ? {} : { origin }) }, {}, {
      before: async app => {
        await app.register(cors, { origin: 'https://host.example' })
        await app.register(rateLimit, { max: 9 })
        app.get('/hello', async () => 'hello')
      }
    })
    const headers = { origin: 'https://game.example', 'access-control-request-method': 'GET' }
    const preflight = await lobby.ask('/rooms', { method: 'OPTIONS', headers })
    t.equal(preflight.status, allowed === null ? 404 : 204)
    t.equal(preflight.headers.get('access-control-allow-origin'), allowed)
    for (let i = 0; i < 3; i++) {
      const { headers, status } = await lobby.ask('/rooms')
      t.equal(status, i < 2 ? 200 : 429)
      t.equal(headers.get('access-control-allow-origin'), allowed)
      const hello = await lobby.get('/hello')
      t.equal(hello.status, 200)
      t.equal(hello.headers.get('access-control-allow-origin'), 'https://host.example')
      t.equal(hello.headers.get('x-ratelimit-limit'), '9')
    }
  })
}

const badOptions: Array<[options: object, message: RegExp]> = [
  [{ colour: 1 }, /lobbyRoutes: option colour: unknown option/],
  [{ create: 'no' }, /lobbyRoutes: option create: must be boolean/],
  [{ rateLimit: { max: 0 } }, /lobbyRoutes: option rateLimit\.max: must be >= 1/],
  [{ rateLimit: { timeWindow: 'soon' } }, /lobbyRoutes: option rateLimit\.timeWindow: /],
  [{ origin: 'game.example' }, /lobbyRoutes: option origin: .*missing scheme/],
  [{ publicUrl: 'https://game.example' }, /lobbyRoutes: option publicUrl: must be a ws or wss URL/],
  [{ publicUrl: 'wss://game.example/' }, /lobbyRoutes: option publicUrl: must be a ws or wss URL/],
  [{ server: 'other' }, /lobbyRoutes: no server named other; register the peerServer plugin first/]
]

for (const [options, message] of badOptions) {
  t.test(`refuses the option ${JSON.stringify(options)}`, async t => {
    const app = Fastify()
    t.teardown(async () => { await app.close() })
    await app.register(peerServer, { rooms: true })
    await t.rejects(async () => { await app.register(lobbyRoutes, options as LobbyOptions) }, { message })
  })
}

for (const [outer, path] of [['/', '/:game/ws'], ['/g/:tenant', '/ws']] as const) {
  t.test(`refuses the endpoint ${path} below ${outer}, as its URL has parameters`, async t => {
    const app = Fastify()
    t.teardown(async () => { await app.close() })
    const registered = app.register(async scope => {
      await scope.register(peerServer, { path, gdMpApi: true, rooms: true })
      await scope.register(lobbyRoutes, { prefix: '/lobby' })
    }, { prefix: outer })
    await t.rejects(async () => { await registered }, {
      code: 'ERR_INVALID_PARAMETER', message: /^lobbyRoutes: the endpoint .* has parameters/
    })
  })
}

t.test('refuses a server without rooms', async t => {
  const app = Fastify()
  t.teardown(async () => { await app.close() })
  await app.register(peerServer)
  await t.rejects(async () => { await app.register(lobbyRoutes) }, {
    code: 'ERR_INVALID_PARAMETER', message: 'lobbyRoutes: server peerServer needs option `rooms`'
  })
})

t.test('the lobbies of two servers have different operationIds in the document', async t => {
  const app = Fastify()
  t.teardown(async () => { await app.close() })
  await app.register(swagger)
  for (const name of ['first', 'second']) {
    await app.register(peerServer, { name, path: `/${name}`, rooms: true })
    await app.register(lobbyRoutes, { prefix: `/lobby-${name}`, server: name })
  }
  await app.ready()
  const { paths } = app.swagger() as { paths: Record<string, object> }
  const operations = Object.values(paths).flatMap(path => Object.values(path))
  const ofLobbies = operations.filter(({ tags }) => tags?.some((tag: string) => tag.endsWith(': lobby')))
  t.same(ofLobbies.map(({ operationId }) => operationId), [
    'first.lobbyRooms', 'first.openLobbyRoom', 'first.matchRoom',
    'second.lobbyRooms', 'second.openLobbyRoom', 'second.matchRoom'
  ])
})

t.test('a second server has a lobby of its own', async t => {
  const lobby = await startLobby(t, {}, {}, {
    before: async app => {
      await app.register(peerServer, { name: 'second', path: '/ws4', gdMpApi: true, wire: 'godot4', rooms: true })
      await app.register(lobbyRoutes, { prefix: '/lobby4', server: 'second', rateLimit: { timeWindow: 1000 } })
    }
  })
  const { name, url } = await (await lobby.get('/lobby4/match', { method: 'POST' })).json()
  t.equal(url, `ws://127.0.0.1:${lobby.port}/ws4/${name}`)
  t.same(await namesOf(lobby), [])
  const second = lobby.app.getDecorator<WebSocketServer>('second')
  await enter(t, second, url)
  t.equal(second.room(name).peerCount, 1)
})
