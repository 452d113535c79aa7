import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import Fastify from 'fastify'
import t, { type Test } from 'tap'
import app, { apiPrefix } from '../../app.ts'
import type { WebSocketServer } from '../../src/core/server/websocket-server.ts'
import { MemoryConnection } from '../helper/memory-connection.ts'
import { operationsOf } from '../helper/document.ts'
import { openEvents } from '../helper/event-source.ts'
import { connectRaw } from '../helper/raw-socket.ts'
import { accept } from '../helper/internals.ts'

const alice = { name: 'alice', token: 'a token of more than thirty-two characters' }
const bob = { name: 'bob', token: 'another of more than thirty-two characters' }

/** The service, what it writes down of admin acts, and their events. */
async function start (t: Test) {
  const audits: any[] = []
  const service = Fastify({ logger: { level: 'info', stream: { write: line => { const { audit } = JSON.parse(line); if (audit !== undefined) audits.push(audit) } } } })
  t.teardown(async () => { await service.close() })
  await service.register(app, { server: { closeTimeout: 0.3, pingInterval: 0 }, admin: { token: [alice, bob] } })
  await service.listen({ port: 0, host: '127.0.0.1' })
  const { port } = service.server.address() as AddressInfo
  const events = await openEvents(t, `http://127.0.0.1:${port}${apiPrefix}/events?types=admin`, { authorization: `Bearer ${alice.token}` })
  const told = async () => {
    const { type, at, ...act } = (await events.next('admin')).data
    return act
  }
  return { service, server: service.peerServer, port, audits, events, told }
}

/** The id of a new peer, which answers nothing. */
function join (server: WebSocketServer): number {
  accept(server, new MemoryConnection('203.0.113.7', 4000))
  return [...server.peers()].at(-1)!.id
}

/** How each operation that changes something is asked for, what is written down of it, and how it ends well. */
const acts: Record<string, { path?: (id: number) => string, json?: object, text?: string, given: object, isAboutPeer?: true, status: number }> = {
  changeServer: { json: { refuseNewConnections: false }, given: { refuseNewConnections: false }, status: 200 },
  putPacket: { path: id => `/peers/${id}/packets`, text: 'secret', given: { bytes: 6, isText: true }, isAboutPeer: true, status: 202 },
  broadcast: { path: () => '/packets?target=0', text: 'secret', given: { bytes: 6, isText: true, target: 0 }, status: 202 },
  ban: { json: { address: '203.0.113.9' }, given: { address: '203.0.113.9' }, status: 201 },
  unban: { path: () => '/bans/203.0.113.9', given: { address: '203.0.113.9' }, status: 204 },
  disconnectPeer: { path: id => `/peers/${id}?code=4001&reason=rude`, given: { code: 4001, reason: 'rude' }, isAboutPeer: true, status: 202 },
  disconnectPeers: { json: { all: true, reason: 'night' }, given: { all: true, reason: 'night' }, status: 200 },
  stop: { json: { reason: 'night' }, given: { reason: 'night' }, status: 200 },
  listen: { json: {}, given: {}, status: 200 }
}

t.test('every operation that changes something is written down and told: who, what, whom, and how it ended', async t => {
  const { service, server, audits, told } = await start(t)
  const changes = operationsOf(service.swagger()).filter(({ method, path }) => path.startsWith(apiPrefix) && !['GET', 'HEAD'].includes(method))
  t.same(changes.map(({ name }) => name).sort(), Object.keys(acts).sort(), 'each has a row')

  for (const [act, { path, json, text, given, isAboutPeer, status }] of Object.entries(acts)) {
    const operation = changes.find(({ name }) => name === act)!
    const id = join(server)
    const url = path === undefined ? operation.path : `${apiPrefix}${path(id)}`
    const ask = async (headers: Record<string, string>, payload: object | string | undefined = json ?? text) =>
      await service.inject({ method: operation.method as 'POST', url, headers: { ...(json === undefined && text !== undefined ? { 'content-type': 'text/plain' } : {}), ...headers }, ...(payload === undefined ? {} : { payload }) })
    const whom = isAboutPeer ? { id } : {}

    await t.test(act, async t => {
      for (const [who, statusCode] of [[undefined, 401], ['a token that nobody has, of all these characters', 401], [bob.token, status]] as const) {
        const answer = await ask(who === undefined ? {} : { authorization: `Bearer ${who}` })
        t.equal(answer.statusCode, statusCode, answer.body)
        const event = await told()
        t.match(event, { action: act, by: who === bob.token ? 'bob' : null, address: '127.0.0.1', ...whom, status: statusCode })
        if (statusCode === status) t.same(event.parameters, given)
        t.same(audits.at(-1), event, 'the log has the same')
      }
      const bad = await service.inject({ method: operation.method as 'POST', url: `${url}${url.includes('?') ? '&' : '?'}nonsense=1`, headers: { authorization: `Bearer ${alice.token}`, 'content-type': 'application/json' }, payload: '{"nonsense": 1}' })
      t.ok(bad.statusCode >= 400 && bad.statusCode < 500, bad.body)
      t.match(await told(), { action: act, by: 'alice', status: bad.statusCode })
    })
  }
  t.notMatch(JSON.stringify(audits), /secret|thirty-two/, 'no contents and no tokens')
})

t.test('who only looks is not written down', async t => {
  const { service, audits, events } = await start(t)
  for (const { method, path } of operationsOf(service.swagger())) {
    if (method === 'GET' && !path.endsWith('/events')) await service.inject({ url: path.replace('{id}', '7').replace('{address}', '192.0.2.1'), headers: { authorization: `Bearer ${alice.token}` } })
  }
  t.same([audits, events.events.filter(({ event }) => event === 'admin')], [[], []])
})

t.test('who does not wait for the answer is written down all the same', async t => {
  const { service, server, port, told } = await start(t)
  const id = join(server)
  const hasty = await connectRaw(t, port)
  const asked = once(service.server, 'request')
  hasty.send(`DELETE ${apiPrefix}/peers/${id}?code=4001&wait=5 HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer ${bob.token}\r\n\r\n`)
  await asked
  hasty.socket.destroy()
  t.match(await told(), { action: 'disconnectPeer', by: 'bob', id, parameters: { code: 4001 } })
})
