import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { createServer, type RequestListener, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import Fastify from 'fastify'
import t, { type Test } from 'tap'
import { WebSocket } from 'ws'
import peerServer, { adminRoutes } from '../../index.ts'
import { ApiError, PeerServerClient } from '../../src/client/index.ts'
import { operations, type Operations } from '../../src/client/operations.ts'
import { clientFile, clientText } from '../../scripts/docs/client.ts'
import { startApp } from '../helper/app.ts'
import { stopTime } from '../helper/clock.ts'
import { MemoryConnection } from '../helper/memory/memory-connection.ts'
import { until } from '../helper/until.ts'
import { withTimeout } from '../helper/with-timeout.ts'
import { accept } from '../helper/internals.ts'

const token = 'a token of more than thirty-two characters'

/** A web server with this listener, and a client of it. */
async function startWebServer (t: Test, listener: RequestListener) {
  const http = createServer(listener)
  t.teardown(() => { http.closeAllConnections(); http.close() })
  await once(http.listen(0, '127.0.0.1'), 'listening')
  const url = `http://127.0.0.1:${(http.address() as AddressInfo).port}`
  return { url, client: new PeerServerClient({ url }) }
}

/** A client, and the stream of events that it is sent by hand. */
async function startStream (t: Test) {
  const responses: ServerResponse[] = []
  const { client } = await startWebServer(t, (_request, response) => {
    response.writeHead(200, { 'content-type': 'text/event-stream' }).write('id: a-1\nretry: 2000\n\n')
    responses.push(response)
  })
  const signal = new AbortController()
  const events = client.events({}, '', signal.signal)
  const open = { value: { id: 'a-1', event: { type: 'open' } }, done: false }
  t.same(await withTimeout(() => 'the start', events.next()), open)
  return { events, response: responses[0], signal }
}

async function startService (t: Test) {
  const started = await startApp(t, {
    server: { protocols: ['chat'], pingInterval: 0, closeTimeout: 0.2, rooms: true },
    more: [{ name: 'godot4', path: '/ws4', gdMpApi: true, wire: 'godot4' }],
    admin: { token }
  })
  return { ...started, client: new PeerServerClient({ url: started.url, token }) }
}

t.test('src/client/operations.ts is up to date; `npm run openapi` writes it', async t => {
  t.equal(readFileSync(clientFile, 'utf8'), clientText())
})

t.test('calls every operation of the OpenAPI document', async t => {
  const { client, server } = await startService(t)
  const called = new Set<string>()
  const call: typeof client.call = async (name, ...args) => {
    called.add(name)
    return await client.call(name, ...args)
  }
  for (let i = 0; i < 5; i++) accept(server, new MemoryConnection('192.0.2.7', 4000 + i), 'chat')

  const filter = { protocol: 'chat', address: '192.0.2.0/24' }
  const { items, nextCursor } = await call('peers', { limit: 3, sort: 'connectedAt', order: 'desc', ...filter })
  t.equal(items.length, 3)
  const rest = await call('peers', { limit: 3, sort: 'connectedAt', order: 'desc', cursor: nextCursor! })
  t.equal(rest.items.length, 2)
  const [{ id, port }] = items
  t.equal((await call('getPeer', { id })).port, port)
  t.same(await call('getPeerAddress', { id }), { address: '192.0.2.7' })
  t.same(await call('getPeerPort', { id }), { port })
  t.same(await call('hasPeer', { id }), { exists: true })

  t.match(await call('putPacket', { id }, 'text'), { bytes: 4 })
  t.match(await call('putPacket', { id }, Uint8Array.of(1, 2, 3)), { bytes: 3 })
  t.match(await call('putPacket', { id }, { variant: { Vector2: [1, 2] } }), { bytes: 12 })
  t.same(await call('broadcast', { target: -id }, 'to the others'), { recipients: 4 })

  t.same(await call('disconnectPeer', { id, code: 4001, reason: 'out' }), { state: 'closing' })
  const unknown = id === 2 ? 3 : 2
  t.same(await call('disconnectPeers', {}, { ids: [items[1].id, unknown] }), { requested: 1, notFound: [unknown] })

  t.match(await call('ban', {}, { address: '198.51.100.0/24', reason: 'spam' }), { address: '198.51.100.0/24' })
  t.match(await call('bans'), { items: [{ reason: 'spam' }] })
  t.equal(await call('unban', { address: '198.51.100.0/24' }), undefined)
  t.same(await call('banPeers', {}, { ids: [unknown] }), { peers: 0, banned: 0, notFound: [unknown] })
  t.match(await call('getHistory'), { interval: 1 })

  t.match(await call('openRoom', {}, { name: 'arena', maxPeers: 8 }), { name: 'arena', maxPeers: 8 })
  t.match(await call('updateRoom', { room: 'arena' }, { locked: true }), { locked: true })
  t.match(await call('getRoom', { room: 'arena' }), { name: 'arena', locked: true, peers: 0 })
  t.match(await call('listRooms', { q: 'are' }), { items: [{ name: 'arena' }] })
  t.match(await call('listRoomPeers', { room: 'arena' }), { items: [] })
  t.same(await call('putRoomPacket', { room: 'arena' }, 'to nobody'), { recipients: 0 })
  t.same(await call('closeRoom', { room: 'arena' }), { state: 'closing', peers: 0 })

  t.same(await call('listNodes'), { items: [] })
  const noNode = new ApiError(404, { detail: 'node game-7 does not exist' })
  await t.rejects(call('getNode', { node: 'game-7' }), noNode)
  await t.rejects(call('drainNode', { node: 'game-7' }, { reason: 'night' }), noNode)

  t.match(await call('changeServer', {}, { refuseNewConnections: true }), { refuseNewConnections: true })
  t.same(await call('stop', {}, { reason: 'night' }), { ...await call('getServer'), uptime: 0 })
  t.same(await call('isListening'), { listening: false })
  t.match(await call('listen', {}, { protocols: [] }), { listening: true, protocols: [] })

  called.add('events')
  t.same([...called].sort(), Object.keys(operations).sort())
})

t.test('rejects with the problem of an error response', async t => {
  const { client, url } = await startService(t)
  await t.rejects(client.call('getPeer', { id: 2 }), new ApiError(404, { detail: 'peer 2 does not exist' }))
  const error = await client.call('getPeer', { id: 1 }).catch((error: unknown) => error as ApiError) as ApiError
  t.match(error, { status: 400, problem: { errors: [{ pointer: '/params/id' }] } })
  t.match(error.details, [/^id must /])
  t.same(new ApiError(404, { detail: 'peer 2 does not exist' }).details, ['peer 2 does not exist'])
  await t.rejects(new PeerServerClient({ url }).call('getServer'),
    { name: 'ApiError', status: 401, message: /token|authorization/i })
  // @ts-expect-error: no such operation
  await t.rejects(async () => { await client.call('dance') }, TypeError)
  const unused = async (): Promise<void> => {
    // @ts-expect-error: missing parameter
    await client.call('getPeer')
    // @ts-expect-error: missing body
    await client.call('broadcast', {})
    // @ts-expect-error: invalid order
    await client.call('peers', { order: 'up' })
  }
  t.type(unused, 'function')
})

t.test('a path parameter that would make the URL of another operation is refused before any request', async t => {
  const requests: string[] = []
  const http = createServer((request, response) => {
    requests.push(request.url!)
    response.setHeader('content-type', 'application/json').end('{}')
  })
  t.teardown(() => { http.closeAllConnections(); http.close() })
  await once(http.listen(0, '127.0.0.1'), 'listening')
  const client = new PeerServerClient({ url: `http://127.0.0.1:${(http.address() as AddressInfo).port}` })
  const details = {
    '.': 'room must not be .',
    '..': 'room must not be ..',
    '': 'room must not be empty',
    '\ud800': 'room must be Unicode'
  }
  for (const [room, detail] of Object.entries(details)) {
    for (const call of [
      client.call('getRoom', { room }), client.call('closeRoom', { room }), client.call('putRoomPacket', { room }, 'x')
    ]) {
      const error = await call.catch((error: unknown) => error as ApiError) as ApiError
      t.match(error, { name: 'ApiError', status: 400, problem: { errors: [{ pointer: '/params/room' }] } })
      t.same(error.details, [detail])
    }
  }
  t.same(requests, [])
  await client.call('getRoom', { room: '...' })
  t.same(requests, ['/api/v1/rooms/...'])
})

t.test('events resume after the given id', async t => {
  const { client, server } = await startService(t)
  const over = new AbortController()
  const seen: Array<{ id: string | undefined, peer: number }> = []
  const read = async (lastId: string | undefined, count: number): Promise<void> => {
    for await (const { id, event } of client.events({ types: 'client_connected' }, lastId, over.signal)) {
      if (event.type === 'open') accept(server, new MemoryConnection('192.0.2.1', 1), 'chat')
      else if (event.type === 'client_connected') seen.push({ id, peer: event.id })
      if (seen.length === count) return
    }
  }
  await withTimeout(() => 'the first', read(undefined, 1))
  accept(server, new MemoryConnection('192.0.2.2', 2), 'chat')
  await withTimeout(() => 'the missed event', read(seen[0].id, 3))
  t.same(seen.map(({ peer }) => server.getPeerAddress(peer)), ['192.0.2.1', '192.0.2.2', '192.0.2.1'])
  over.abort()
})

t.test('a stream without events can be resumed as well, from the position it started at', async t => {
  const { client, server } = await startService(t)
  const first = await client.events({ types: 'client_connected' }).next()
  t.match(first.value, { id: /./, event: { type: 'open' } })
  accept(server, new MemoryConnection('192.0.2.1', 1), 'chat')
  const missed = client.events({ types: 'client_connected' }, first.value!.id)
  const { value } = await withTimeout(() => 'the missed event', missed.next())
  t.match(value, { event: { type: 'client_connected', address: '192.0.2.1' } })
  t.match((await missed.next()).value, { id: /./, event: { type: 'open' } })
  await missed.return(undefined)
})

t.test('no close reason of a client breaks the stream of events', async t => {
  const { client, port } = await startService(t)
  const reason = '\u2028retry:\u2028'
  const socket = new WebSocket(`ws://127.0.0.1:${port}/ws`, 'chat')
  await once(socket, 'open')
  socket.close(4000, reason)
  await once(socket, 'close')
  const events = client.events({ types: 'client_close_request', recent: 1 })
  const { value } = await withTimeout(() => 'the event', events.next())
  t.match(value, { event: { type: 'client_close_request', reason } })
  await events.return(undefined)
})

t.test('events end when the service ends the stream', async t => {
  const { events, response } = await startStream(t)
  response.end()
  t.same(await withTimeout(() => 'the end', events.next()), { value: undefined, done: true })

  const { service, client } = await startService(t)
  for await (const { event } of client.events({ duration: 0.01 })) t.same(event, { type: 'open' })
  const stopping = client.events()
  await stopping.next()
  const closed = service.close()
  t.same(await withTimeout(() => 'the end', stopping.next()), { value: undefined, done: true })
  await closed
})

t.test('events throw a TypeError when the connection is lost', async t => {
  const { events, response } = await startStream(t)
  response.socket!.resetAndDestroy()
  await t.rejects(withTimeout(() => 'the end', events.next()), TypeError)
  t.same(await events.next(), { value: undefined, done: true })
  await t.rejects(new PeerServerClient({ url: 'http://127.0.0.1:1' }).events().next(), TypeError)
})

t.test('events throw the reason of the signal', async t => {
  const { events, response, signal } = await startStream(t)
  const closed = once(response, 'close')
  const next = events.next()
  const reason = new Error('enough')
  signal.abort(reason)
  t.equal(await withTimeout(() => 'the end', next.catch((error: unknown) => error)), reason)
  await withTimeout(() => 'the end of the connection', closed)
})

t.test('events throw a TimeoutError after 45 s without a byte', async t => {
  const clock = stopTime(t)
  const { events, response } = await startStream(t)
  const closed = once(response, 'close')
  let error: unknown
  events.next().catch((thrown: unknown) => { error = thrown })
  await until(() => {
    clock.advance(15_000)
    return error !== undefined
  })
  t.match(error, { name: 'TimeoutError', message: 'no data for 45 seconds' })
  await withTimeout(() => 'the end of the connection', closed)
})

t.test('an application that takes long for an event misses none', async t => {
  const clock = stopTime(t)
  const { events, response } = await startStream(t)
  clock.advance(3_600_000)
  response.write('id: a-2\ndata: {"type":"stopped"}\n\n')
  t.match(await withTimeout(() => 'the event', events.next()), { value: { id: 'a-2' } })
  await events.return(undefined)
})

t.test('events throw a TimeoutError when there is no response in time', async t => {
  let isClosed = false
  const { url } = await startWebServer(t, (_request, response) => { response.once('close', () => { isClosed = true }) })
  await t.rejects(new PeerServerClient({ url, timeout: 0.1 }).events().next(), { name: 'TimeoutError' })
  await until(() => isClosed)
})

t.test('a parameter that the operation does not have is refused before any request', async t => {
  const { client, server } = await startService(t)
  const { call } = client as unknown as { call (...args: unknown[]): Promise<unknown> }
  const ban = call.call(client, 'ban', { seconds: 60 }, { address: '192.0.2.7' })
  await t.rejects(ban, { name: 'ApiError', status: 400, details: ['seconds is not a parameter of ban'] })
  t.same(server.bans(), [])
  await t.rejects(client.events({ type: 'stats' } as {}).next(), { message: 'type is not a parameter of events' })
})

t.test('rejects when there is no response in time, and when the response is neither JSON nor events', async t => {
  const silent = createServer(() => {})
  const foreign = createServer((_request, response) => { response.end('<html>') })
  const [port, other] = await Promise.all([silent, foreign].map(async http => {
    t.teardown(() => { http.closeAllConnections(); http.close() })
    await once(http.listen(0, '127.0.0.1'), 'listening')
    return (http.address() as AddressInfo).port
  }))
  const [silentUrl, foreignUrl] = [port, other].map(port => `http://127.0.0.1:${port}`)
  await t.rejects(new PeerServerClient({ url: silentUrl, timeout: 0.1 }).call('getServer'), { name: 'TimeoutError' })
  const patient = new PeerServerClient({ url: silentUrl, timeout: 3600 })
  await t.rejects(patient.call('getServer', {}, undefined, { timeout: 0.1 }), { name: 'TimeoutError' })
  await t.rejects(new PeerServerClient({ url: foreignUrl }).call('getServer'),
    { name: 'ApiError', status: 200, message: /not JSON/ })
  await t.rejects(new PeerServerClient({ url: foreignUrl }).events().next(),
    { name: 'ApiError', status: 200, message: /not a stream of events/ })
})

t.test('an error response without problem details rejects with ApiError', async t => {
  let body = ''
  const http = createServer((_request, response) => { response.writeHead(502).end(body) })
  t.teardown(() => { http.closeAllConnections(); http.close() })
  await once(http.listen(0, '127.0.0.1'), 'listening')
  const client = new PeerServerClient({ url: `http://127.0.0.1:${(http.address() as AddressInfo).port}` })
  for (body of ['null', '{"errors":null}', '{"errors":{}}', '<html>']) {
    await t.rejects(client.call('getServer'), { name: 'ApiError', details: ['the service responded with 502'] }, body)
  }
})

t.test('a redirect is an error: followed, a POST would become a GET', async t => {
  const { url, client, server } = await startService(t)
  const http = createServer((request, response) => {
    response.writeHead(301, { location: new URL(request.url!, url).href }).end()
  })
  t.teardown(() => { http.closeAllConnections(); http.close() })
  await once(http.listen(0, '127.0.0.1'), 'listening')
  const redirecting = new PeerServerClient({ url: `http://127.0.0.1:${(http.address() as AddressInfo).port}`, token })
  const error = (path: string) => new ApiError(301, { detail: `the service redirects to ${url}/api/v1/${path}` })
  await t.rejects(redirecting.call('ban', {}, { address: '192.0.2.7' }), error('bans'))
  await t.rejects(redirecting.call('getServer'), error('server'))
  await t.rejects(redirecting.events().next(), error('events'))
  t.same(server.bans(), [])
  t.same((await client.call('bans')).items, [])
})

t.test('a call can be aborted', async t => {
  const { client } = await startService(t)
  const aborted = new AbortController()
  const call = client.call('peers', {}, undefined, { signal: aborted.signal })
  aborted.abort()
  await t.rejects(call, { name: 'AbortError' })
})

t.test('the URL may end with the path of the API', async t => {
  const { url } = await startService(t)
  for (const given of [`${url}/api/v1`, `${url}/api/v1/`]) {
    t.match(await new PeerServerClient({ url: given, token }).call('isListening'), { listening: true }, given)
    t.match(await new PeerServerClient({ url: given, token, server: 'godot4' }).call('getServer'), { path: '/ws4' })
  }
})

t.test('option prefix addresses an API at another path', async t => {
  const host = Fastify()
  t.teardown(async () => { await host.close() })
  await host.register(peerServer)
  await host.register(adminRoutes, { prefix: '/game/admin', auth: false })
  const url = await host.listen({ port: 0, host: '127.0.0.1' })
  t.same(await new PeerServerClient({ url, prefix: 'game/admin' }).call('isListening'), { listening: true })
})

t.test('option server addresses another server of the service', async t => {
  const { url } = await startService(t)
  const client = new PeerServerClient({ url: `${url}/`, token, server: 'godot4' })
  const answer: Operations['getServer']['response'] = await client.call('getServer')
  t.match(answer, { path: '/ws4', wire: 'godot4' })
  for (const [server, detail] of [['', 'server must not be empty'], ['..', 'server must not be ..']]) {
    t.throws(() => new PeerServerClient({ url, server }), new ApiError(400, { detail }))
  }
  const climbing = new PeerServerClient({ url, token, server: 'a/../..' })
  await t.rejects(climbing.call('getServer'), { name: 'ApiError', status: 404 })
  const unknown = new PeerServerClient({ url, token, server: 'other' })
  const message = 'no server other: Not found: /api/v1/other/server'
  await t.rejects(unknown.call('getServer'), { status: 404, message })
  await t.rejects(client.call('getPeer', { id: 7 }), { status: 404, message: 'peer 7 does not exist' })
})

t.test('a timeout may be longer than what a timer can wait for, and no whole number of milliseconds', async t => {
  const { url } = await startService(t)
  for (const timeout of [Infinity, 1e9, 2.01, 1.12 + 10]) {
    t.match(await new PeerServerClient({ url, token, timeout }).call('isListening'), { listening: true })
  }
})
