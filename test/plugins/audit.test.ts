import { once } from 'node:events'
import t, { type Test } from 'tap'
import { apiPrefix, type AppOptions } from '../../app.ts'
import type { WebSocketServer } from '../../src/core/server/websocket-server.ts'
import { startApp } from '../helper/app.ts'
import { jsonRequest, startHost } from '../helper/host.ts'
import { operationsOf } from '../helper/documents/document.ts'
import { openEvents } from '../helper/sockets/event-source.ts'
import { MemoryConnection } from '../helper/memory/memory-connection.ts'
import { connectRaw, upgradeRequest } from '../helper/sockets/raw-socket.ts'
import { accept } from '../helper/internals.ts'

const alice = { name: 'alice', token: 'a token of more than thirty-two characters' }
const bob = { name: 'bob', token: 'another of more than thirty-two characters' }
const asAlice = { authorization: `Bearer ${alice.token}` }
const asNobody = { authorization: 'Bearer a token that nobody has, of all these characters' }

/** The service, its audit entries and other log lines, and its admin events. */
async function start (t: Test, admin: AppOptions['admin'] = { token: [alice, bob] }) {
  const audits: any[] = []
  const lines: any[] = []
  const write = (text: string): void => {
    const line = JSON.parse(text)
    if (line.audit === undefined) lines.push(line)
    else audits.push(line.audit)
  }
  const { service, server, port } = await startApp(t, { server: { pingInterval: 0, rooms: true }, admin }, {
    logger: { level: 'info', stream: { write } }
  })
  const events = await openEvents(t, `http://127.0.0.1:${port}${apiPrefix}/events?types=admin,unauthorized`, asAlice)
  const nextAction = async () => {
    const { type, at, ...action } = (await events.next('admin')).data
    return action
  }
  return { service, server, port, audits, lines, events, nextAction }
}

/** The id of a new peer, which answers nothing. */
function join (server: WebSocketServer): number {
  accept(server, new MemoryConnection('203.0.113.7', 4000))
  return [...server.peers()].at(-1)!.id
}

interface Row {
  path?: (id: number) => string
  json?: object
  text?: string
  parameters: object
  isAboutPeer?: true
  /** The room that the entry names. */
  room?: string
  status: number
}

/**
 * A request for each operation that changes something, the parameters in its audit entry, and its status when it is
 * permitted.
 */
const rows: Record<string, Row> = {
  changeServer: { json: { refuseNewConnections: false }, parameters: { refuseNewConnections: false }, status: 200 },
  // Without a cluster there are no nodes.
  drainNode: {
    path: () => '/nodes/game-1/drain',
    json: { reason: 'x' },
    parameters: { node: 'game-1', reason: 'x' },
    status: 404
  },
  putPacket: {
    path: id => `/peers/${id}/packets`,
    text: 'secret',
    parameters: { bytes: 6, isText: true },
    isAboutPeer: true,
    status: 202
  },
  broadcast: {
    path: () => '/packets?target=0',
    text: 'secret',
    parameters: { bytes: 6, isText: true, target: 0 },
    status: 202
  },
  openRoom: { json: { name: 'a', data: { map: 'x' } }, parameters: { name: 'a', data: { map: 'x' } }, status: 201 },
  updateRoom: {
    path: () => '/rooms/main',
    json: { locked: false },
    parameters: { locked: false },
    room: 'main',
    status: 200
  },
  putRoomPacket: {
    path: () => '/rooms/main/packets?target=0',
    text: 'secret',
    parameters: { bytes: 6, isText: true, target: 0 },
    room: 'main',
    status: 202
  },
  closeRoom: {
    path: () => '/rooms/a?code=4001&reason=over',
    parameters: { code: 4001, reason: 'over' },
    room: 'a',
    status: 202
  },
  ban: { json: { address: '203.0.113.9' }, parameters: { address: '203.0.113.9' }, status: 201 },
  unban: { path: () => '/bans/203.0.113.9', parameters: { address: '203.0.113.9' }, status: 204 },
  disconnectPeer: {
    path: id => `/peers/${id}?code=4001&reason=rude`,
    parameters: { code: 4001, reason: 'rude' },
    isAboutPeer: true,
    status: 202
  },
  banPeers: { json: { all: true, reason: 'rude' }, parameters: { all: true, reason: 'rude' }, status: 200 },
  disconnectPeers: { json: { all: true, reason: 'night' }, parameters: { all: true, reason: 'night' }, status: 200 },
  stop: { json: { reason: 'night' }, parameters: { reason: 'night' }, status: 200 },
  listen: { json: {}, parameters: {}, status: 200 }
}

t.test('every state-changing operation is audited: who, what, which peer, and the outcome', async t => {
  const { service, server, audits, nextAction } = await start(t)
  const changes = operationsOf(service.swagger())
    .filter(({ method, path }) => path.startsWith(apiPrefix) && !['GET', 'HEAD'].includes(method))
  t.same(changes.map(({ name }) => name).sort(), Object.keys(rows).sort(), 'each has a row in this test')

  let strangers = 0
  for (const [action, { path, json, text, parameters, isAboutPeer, room, status }] of Object.entries(rows)) {
    const operation = changes.find(({ name }) => name === action)!
    const method = operation.method as 'POST'
    const id = join(server)
    const url = path === undefined ? operation.path : `${apiPrefix}${path(id)}`
    const type = json === undefined && text !== undefined ? { 'content-type': 'text/plain' } : {}
    const payload = json ?? text

    await t.test(action, async t => {
      for (const headers of [{}, asNobody]) {
        const answer = await service.inject({
          method,
          url,
          // An address with several wrong tokens is answered later and later.
          remoteAddress: `198.51.100.${++strangers}`,
          headers: { ...type, ...headers },
          ...(payload === undefined ? {} : { payload })
        })
        t.equal(answer.statusCode, 401)
      }
      const headers = { ...type, authorization: `Bearer ${bob.token}` }
      const answer = await service.inject({ method, url, headers, ...(payload === undefined ? {} : { payload }) })
      t.equal(answer.statusCode, status, answer.body)
      const event = await nextAction()
      t.match(event, { action, by: 'bob', address: '127.0.0.1', ...(isAboutPeer ? { id } : {}), status })
      t.equal(event.room, room)
      t.same(event.parameters, parameters)
      t.same(audits.at(-1), event, 'the log has the same entries')

      const badUrl = `${url}${url.includes('?') ? '&' : '?'}nonsense=1`
      const bad = await service.inject({
        method,
        url: badUrl,
        headers: { ...asAlice, 'content-type': 'application/json' },
        payload: '{"nonsense": 1}'
      })
      t.ok(bad.statusCode >= 400 && bad.statusCode < 500, bad.body)
      t.match(await nextAction(), { action, by: 'alice', status: bad.statusCode })
    })
  }
  t.notMatch(JSON.stringify(audits), /secret|thirty-two/, 'no packet contents and no tokens')
})

t.test('read-only requests are not audited', async t => {
  const { service, audits, events } = await start(t)
  for (const { method, path } of operationsOf(service.swagger())) {
    if (method !== 'GET' || path.endsWith('/events')) continue
    const url = path.replace('{id}', '7').replace('{address}', '192.0.2.1').replace('{room}', 'main')
      .replace('{node}', 'game-7')
    await service.inject({ url, headers: asAlice })
  }
  t.same([audits, events.events.filter(({ event }) => event === 'admin')], [[], []])
})

t.test('audits a request even if the client does not wait for the response', async t => {
  const { service, server, port, nextAction } = await start(t)
  const id = join(server)
  const hasty = await connectRaw(t, port)
  const requested = once(service.server, 'request')
  hasty.send(`DELETE ${apiPrefix}/peers/${id}?code=4001&wait=5 HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: ` +
    `Bearer ${bob.token}\r\n\r\n`)
  await requested
  hasty.socket.destroy()
  t.match(await nextAction(), { action: 'disconnectPeer', by: 'bob', id, parameters: { code: 4001 } })
})

t.test('requests without a valid token are not audited: an event a second and a log record count them', async t => {
  const { service, port, audits, lines, events } = await start(t)
  const began = performance.now()
  const url = `${apiPrefix}/server/stop?${Array.from({ length: 3900 }, (_, i) => `a${i}`).join('&')}`
  for (let i = 0; i < 50; i++) {
    // An address with several wrong tokens is answered later and later.
    const remoteAddress = i === 0 ? '127.0.0.1' : `198.51.100.${i}`
    const headers = i % 2 === 0 ? {} : asNobody
    t.equal((await service.inject({ method: 'POST', url, headers, remoteAddress })).statusCode, 401)
    await service.inject({ method: 'POST', url: `${apiPrefix}/nothing`, remoteAddress })
    await service.inject({ url: `${apiPrefix}/peers`, headers: asNobody, remoteAddress })
  }
  const upgrade = await connectRaw(t, port)
  upgrade.send(upgradeRequest(`${apiPrefix}/server`))
  t.equal((await upgrade.head()).status, 400, 'an upgrade is refused before the token is checked')
  t.match((await events.next('unauthorized')).data, { status: 401, address: '127.0.0.1', count: 1 })
  const counts = (): number[] =>
    events.events.filter(({ event }) => event === 'unauthorized').map(({ data }) => data.count)
  const total = (): number => counts().reduce((sum, count) => sum + count, 0)
  while (total() < 150) await events.next('unauthorized')
  t.equal(total(), 150)
  const seen = counts()
  const seconds = (performance.now() - began) / 1000
  t.ok(seen.length <= seconds + 1, `${seen.length} events in ${seconds} s`)
  t.same(audits, [])
  t.same(events.events.filter(({ event }) => event === 'admin'), [])
  t.match(lines.filter(({ msg }) => msg.startsWith('unauthorized')), [
    { status: 401, address: '127.0.0.1', msg: 'unauthorized admin requests' }
  ])
})

t.test('without a token, cross-site requests are counted and those of this machine audited', async t => {
  const { service, audits, events, nextAction } = await start(t, { auth: false })
  const bySite = { host: '127.0.0.1', origin: 'https://evil.example' }
  for (let i = 0; i < 10; i++) {
    t.equal((await service.inject({
      method: 'POST',
      url: `${apiPrefix}/server/stop`,
      headers: bySite
    })).statusCode, 403)
  }
  t.match((await events.next('unauthorized')).data, { status: 403, count: 1 })
  t.same(audits, [])
  await service.inject({ method: 'PATCH', url: `${apiPrefix}/server`, payload: { refuseNewConnections: false } })
  t.match(await nextAction(), { action: 'changeServer', by: null, status: 200 })
})

t.test('an audit entry is small and contains no token, whatever an administrator sends', async t => {
  const { service, audits, nextAction } = await start(t)
  const names = Object.fromEntries(Array.from({ length: 20_000 }, (_, i) => [`name ${i}`, 'x'.repeat(20)]))
  const nested = Array.from({ length: 50 }).reduce<object>(inner => ({ inner }), {})
  const bodies = [names, {
    reason: 'x'.repeat(1 << 19)
  }, 'x'.repeat(1 << 19), Array.from({ length: 1 << 17 }, () => 1), nested,
  {
    ids: Array.from({ length: 5000 }, () => 'x'.repeat(100))
  }, { ['n'.repeat(1 << 19)]: 1 }, { token: 'hidden', deep: { access_token: 'hidden' } }]
  for (const payload of bodies) {
    const url = `${apiPrefix}/server/stop?access_token=hidden&Token=hidden&a=${'b'.repeat(5000)}&${'c'.repeat(5000)}`
    const headers = { ...asAlice, 'content-type': 'application/json' }
    t.equal((await service.inject({ method: 'POST', url, headers, payload: JSON.stringify(payload) })).statusCode, 400)
    const action = await nextAction()
    t.ok(JSON.stringify(action).length < 8192, `${JSON.stringify(action).length} characters`)
    t.match(action.parameters, { access_token: '***', Token: '***' })
  }
  const answer = await service.inject({
    method: 'POST',
    url: `${apiPrefix}/no${'x'.repeat(3000)}?access_token=hidden`,
    headers: asAlice
  })
  t.equal(answer.statusCode, 404)
  const { action } = await nextAction()
  t.ok(action.length < 300, action)
  t.match(action, /^POST \/api\/v1\/nox/)
  t.notMatch(JSON.stringify(audits), /hidden/)
})

t.test('an id that is not an integer is recorded as a parameter, not as the id of a peer', async t => {
  const { service, server, nextAction } = await start(t)
  const ask = async (id: string): Promise<number> =>
    (await service.inject({ method: 'DELETE', url: `${apiPrefix}/peers/${id}`, headers: asAlice })).statusCode
  for (const text of ['abc', '5.5', '%207', '0x7', '05', '1e3', '9007199254740993']) {
    t.equal(await ask(text), 400, text)
    const { id, parameters } = await nextAction()
    t.same([id, parameters], [undefined, { id: decodeURIComponent(text) }], text)
  }
  const peer = join(server)
  t.equal(await ask(String(peer)), 202)
  t.match(await nextAction(), { id: peer, parameters: {} })
})

t.test('a request with a wrong token is never recorded as authorized, even if the host sets adminName', async t => {
  for (const name of [undefined, '', 'root']) {
    const lines: any[] = []
    const { api } = await startHost(t, {
      fastify: { logger: { level: 'info', stream: { write: text => { lines.push(JSON.parse(text)) } } } },
      admin: { token: [alice] },
      before: app => { app.decorateRequest('adminName', name) }
    })
    const init = jsonRequest('PATCH', { handshakeTimeout: 5 })
    t.equal((await api('/server', { ...init, headers: { ...init.headers, ...asNobody } })).status, 401)
    t.match(lines.filter(({ msg }) => /admin/.test(msg)), [{ msg: 'unauthorized admin requests', status: 401 }])
    t.equal((await api('/server', { ...init, headers: { ...init.headers, ...asAlice } })).status, 200)
    t.match(lines.filter(({ audit }) => audit !== undefined), [{ audit: { action: 'changeServer', by: 'alice' } }])
  }
})
