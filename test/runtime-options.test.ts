import t from 'tap'
import { WebSocketServer } from '../src/core/server/websocket-server.ts'
import { defaultOptions, defaultRoomRules } from '../src/options/defaults.ts'
import { runtimeOptionNames, type RuntimeOptions } from '../src/options/runtime-options.ts'
import { jsonRequest, nextClose, startHost } from './helper/host.ts'
import { openMemoryServer } from './helper/memory/memory-server.ts'
import { connectRaw, upgradeRequest } from './helper/sockets/raw-socket.ts'

const changed: Required<Omit<RuntimeOptions, 'rooms'>> = {
  authTimeout: 5,
  handshakeTimeout: 4,
  refuseNewConnections: true,
  closeTimeout: 1,
  stopCode: 1012,
  pingInterval: 3,
  perMessageDeflate: true,
  maxPeers: 7,
  maxPeersPerAddress: 8,
  maxJoinsPerMinute: 9,
  maxPendingHandshakes: 10,
  maxPacketsPerSecond: 11,
  maxBytesPerSecond: 1200,
  allowedOrigins: ['https://game.example']
}

t.test('PATCH /server changes every setting that may change at run time', async t => {
  const { api, server } = await startHost(t, { server: { rooms: true } })
  t.same([...Object.keys(changed), 'rooms'].sort(), [...runtimeOptionNames].sort())
  const rooms = { maxRooms: 5 }
  const answer = await api('/server', jsonRequest('PATCH', { ...changed, rooms }))
  t.equal(answer.status, 200)
  const { settings } = await answer.json()
  const allRules = { create: 'join', maxRooms: 5, maxPeersPerRoom: 0, emptyTimeout: 0, joinPerMinute: 60 }
  t.same(settings, { ...changed, rooms: allRules })
  t.match(server.options, changed)
  t.same((await (await api('/server')).json()).settings, settings)
  t.equal((await (await api('/server', jsonRequest('PATCH', { allowedOrigins: null }))).json()).settings.allowedOrigins,
    null)
  t.equal(server.options.allowedOrigins, undefined)
})

t.test('rejects what cannot change at run time, and changes nothing then', async t => {
  const { api, server } = await startHost(t)
  for (const [body, pointer] of [
    [{ maxPeers: 5, path: '/other' }, '/body/path'],
    [{ maxPeers: -1 }, '/body/maxPeers'],
    [{ maxPeers: 5, rooms: { maxRooms: 0 } }, '/body/rooms/maxRooms']
  ] as const) {
    const answer = await api('/server', jsonRequest('PATCH', body))
    t.equal(answer.status, 400)
    t.match((await answer.json()).errors, [{ pointer }])
  }
  const answer = await api('/server', jsonRequest('PATCH', { maxPeers: 5, rooms: { maxRooms: 2 } }))
  t.match(await answer.json(), {
    status: 400, code: 'ERR_INVALID_PARAMETER', detail: 'option rooms: cannot be changed on a server without rooms'
  })
  t.equal(server.options.maxPeers, 0)
})

t.test('change() names an option that is fixed', async t => {
  const server = new WebSocketServer({ rooms: true })
  t.throws(() => { server.change({ path: '/other' } as never) }, {
    code: 'ERR_INVALID_PARAMETER', message: 'option path: cannot be changed at run time'
  })
  // @ts-expect-error only its rules may change
  t.throws(() => { server.change({ rooms: false }) }, { message: 'option rooms: only its rules can be changed' })
  const seen: unknown[] = []
  server.monitor.events.on('changed', options => { seen.push(options) })
  server.change({ maxPeers: 3 })
  server.refuseNewConnections = true
  t.same(seen, [{ maxPeers: 3 }, { refuseNewConnections: true }])
})

t.test('an option that is undefined gets its default, and rooms stay possible', async t => {
  const server = await openMemoryServer({ rooms: { maxRooms: 5 } })
  for (const name of runtimeOptionNames) {
    server.change({ ...changed, rooms: { maxRooms: 2 } })
    server.change({ [name]: undefined })
    const expected = name === 'rooms' ? defaultRoomRules : defaultOptions[name as keyof typeof defaultOptions]
    t.same(server.options[name], expected, name)
  }
  t.equal(server.openRoom('arena').name, 'arena')
  const withoutRooms = new WebSocketServer()
  withoutRooms.change({ rooms: undefined })
  t.equal(withoutRooms.options.rooms, false)
})

t.test('change() rejects null for every option and rule, and changes nothing', async t => {
  const server = new WebSocketServer({ rooms: true })
  const before = { ...server.options }
  const rules = Object.keys(defaultRoomRules).map(name => ({ rooms: { [name]: null } }))
  for (const changes of [...runtimeOptionNames.map(name => ({ [name]: null })), ...rules]) {
    const [name] = Object.keys(changes)
    t.throws(() => { server.change(changes as never) },
      { code: 'ERR_INVALID_PARAMETER', message: new RegExp(`^option ${name}\\b`) }, JSON.stringify(changes))
    t.same(server.options, before)
  }
})

t.test('a changed maxPeers applies to the next client', async t => {
  const { api, port, join } = await startHost(t)
  await join()
  await api('/server', jsonRequest('PATCH', { maxPeers: 1 }))
  const refused = await connectRaw(t, port)
  refused.send(upgradeRequest('/ws'))
  t.match(JSON.parse((await refused.response()).body), { status: 503, code: 'server-full' })
})

t.test('a changed rate limit applies to peers that are connected', async t => {
  const { api, server, join } = await startHost(t, { server: { gdMpApi: true } })
  const { socket } = await join()
  await api('/server', jsonRequest('PATCH', { maxPacketsPerSecond: 1 }))
  const throttled = new Promise(resolve => { server.monitor.events.on('limited', resolve) })
  for (let i = 0; i < 20; i++) socket.send(Buffer.alloc(9))
  t.equal(await throttled, 'packet-rate')
})

t.test('a changed pingInterval applies to peers that are connected', async t => {
  const { server, join } = await startHost(t, { server: { pingInterval: 0 } })
  const { socket } = await join()
  const ended = nextClose(socket)
  socket.pong = () => {}
  ;(socket as unknown as { _autoPong: boolean })._autoPong = false
  server.change({ pingInterval: 0.05 })
  t.equal((await ended).code, 1006)
})

t.test('a rule of rooms that is undefined has its default', async t => {
  const rulesOf = async ({ api }: Awaited<ReturnType<typeof startHost>>) =>
    (await (await api('/server')).json()).settings.rooms
  const defaults = { create: 'join', maxRooms: 10000, maxPeersPerRoom: 0, emptyTimeout: 0, joinPerMinute: 60 }
  const undefinedRules = Object.fromEntries(Object.keys(defaults).map(name => [name, undefined]))
  const host = await startHost(t, { server: { rooms: undefinedRules } })
  t.same(await rulesOf(host), defaults)
  host.server.change({ rooms: { joinPerMinute: 5, maxRooms: 7 } })
  host.server.change({ rooms: { ...undefinedRules, maxRooms: 7 } })
  t.same(await rulesOf(host), { ...defaults, maxRooms: 7 })
})
