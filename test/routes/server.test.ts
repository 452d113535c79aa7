import t from 'tap'
import { HandshakeClient } from '../helper/sockets/handshake-client.ts'
import { nextClose, jsonRequest, startHost } from '../helper/host.ts'

t.test('reports the complete state', async t => {
  const options = { protocols: ['chat'], inputBufferKb: 33, handshakeTimeout: 3 }
  const { api, port, join } = await startHost(t, { server: options })
  await join('chat')
  const { uptime, limits, settings, ...state } = await (await api('/server')).json()
  t.ok(uptime > 0 && uptime < 60)
  t.same(state, {
    listening: true,
    mode: 'mounted',
    bindIp: '*',
    port,
    path: '/ws',
    tls: false,
    protocols: ['chat'],
    gdMpApi: false,
    wire: 'godot3',
    refuseNewConnections: false,
    handshakeTimeout: 3,
    buffers: { inputBufferKb: 64, inputMaxPackets: 1024, outputBufferKb: 64, outputMaxPackets: 1024 },
    peers: { open: 1, closing: 0, pending: 0 },
    rooms: { enabled: false, count: 1 }
  })
  t.match(limits, {
    maxPeers: 0,
    maxPeersPerAddress: 50,
    maxPendingHandshakes: 1024,
    maxPacketsPerSecond: 0,
    maxBytesPerSecond: 0,
    pingInterval: 10,
    hits: { banned: 0 }
  })
})

t.test('starts and stops listening', async t => {
  const { api, server, join } = await startHost(t)
  t.same(await (await api('/server/listening')).json(), { listening: true })
  const { socket } = await join()
  const end = nextClose(socket)

  const stopped = await api('/server/stop', jsonRequest('POST', { code: 4100, reason: 'late' }))
  t.equal(stopped.status, 200)
  t.match(await stopped.json(), { listening: false, port: 0, uptime: 0, peers: { open: 0, closing: 0 } })
  t.same(await end, { code: 4100, reason: 'late' })
  t.same(await (await api('/server/listening')).json(), { listening: false })

  t.equal((await api('/server/stop', { method: 'POST' })).status, 200, 'again, without a body')

  const listening = await api('/server/listen', jsonRequest('POST', { protocols: ['chat'], gdMpApi: true }))
  t.equal(listening.status, 200)
  t.match(await listening.json(), { listening: true, protocols: ['chat'], gdMpApi: true, mode: 'mounted' })
  t.ok(server.isListening())
})

t.test('closes peers with 1001 when it stops without a code', async t => {
  const { api, join } = await startHost(t)
  const end = nextClose((await join()).socket)
  await api('/server/stop', { method: 'POST' })
  t.same(await end, { code: 1001, reason: '' })
})

t.test('responds with 409 to listen while listening, and changes nothing', async t => {
  const { api } = await startHost(t)
  const answer = await api('/server/listen', jsonRequest('POST', { gdMpApi: true }))
  t.equal(answer.status, 409)
  t.match(answer.headers.get('content-type'), /^application\/problem\+json/)
  t.match(await answer.json(), {
    status: 409,
    code: 'ERR_ALREADY_IN_USE',
    godotError: 22,
    title: String,
    detail: 'already listening'
  })
  t.match(await (await api('/server')).json(), { listening: true, gdMpApi: false })
})

t.test('listens on its own port if one is given, and responds with 409 if it is in use', async t => {
  const { api, port } = await startHost(t, { server: { autoListen: false } })
  t.same(await (await api('/server/listening')).json(), { listening: false })
  const taken = await api('/server/listen', jsonRequest('POST', { port }))
  t.equal(taken.status, 409)
  t.match(await taken.json(), { code: 'ERR_ALREADY_IN_USE', godotError: 22 })

  const state = await (await api('/server/listen', jsonRequest('POST', { port: 0 }))).json()
  t.match(state, { listening: true, mode: 'own' })
  t.not(state.port, port)
  t.ok(state.port > 0)
})

t.test('PATCH changes only the given options', async t => {
  const { api, server } = await startHost(t)
  const answer = await api('/server', jsonRequest('PATCH', { refuseNewConnections: true }))
  t.equal(answer.status, 200)
  t.match(await answer.json(), { refuseNewConnections: true, handshakeTimeout: 60 })
  t.ok(server.refuseNewConnections)
  t.match(await (await api('/server', jsonRequest('PATCH', { handshakeTimeout: 0.5 }))).json(), {
    refuseNewConnections: true,
    handshakeTimeout: 0.5
  })
  t.match(await (await api('/server', jsonRequest('PATCH', {}))).json(), {
    refuseNewConnections: true,
    handshakeTimeout: 0.5
  })
})

t.test('counts pending handshakes', async t => {
  const { api, server } = await startHost(t)
  const { handshake } = new HandshakeClient(server)
  handshake.start()
  t.match(await (await api('/server')).json(), { peers: { open: 0, closing: 0, pending: 1 } })
  handshake.close()
})

t.test('says which values and which options a change may have', async t => {
  const { api, server } = await startHost(t, { server: { rooms: true } })
  for (const [body, errors] of [
    [{ stopCode: 1005 }, [['/body/stopCode', 'must be 1001 or 1012']]],
    [{ rooms: { create: 'all' } }, [['/body/rooms/create', 'must be "join" or "admin"']]],
    [{ rooms: { create: 'all', maxRooms: 0 }, stopCode: 1 }, [
      ['/body/stopCode', 'must be 1001 or 1012'],
      ['/body/rooms/create', 'must be "join" or "admin"'],
      ['/body/rooms/maxRooms', 'must be >= 1']
    ]],
    [{ allowedOrigins: 5 }, [['/body/allowedOrigins', 'must be "*" or array or null']]],
    [{ inputBufferKb: 128, path: '/x' }, [
      ['/body/path', 'cannot be changed at run time'], ['/body/inputBufferKb', 'cannot be changed at run time']
    ]],
    [{ inputBuferKb: 128 }, [['/body/inputBuferKb', 'unknown property']]]
  ] as Array<[object, string[][]]>) {
    const response = await api('/server', jsonRequest('PATCH', body))
    t.equal(response.status, 400)
    const { errors: found } = await response.json() as { errors: Array<{ pointer: string, message: string }> }
    t.same(found.map(({ pointer, message }) => [pointer, message]), errors, JSON.stringify(body))
  }
  t.equal(server.options.inputBufferKb, 64)
  for (const body of [[], 'x', 7]) t.equal((await api('/server', jsonRequest('PATCH', body))).status, 400)
})
