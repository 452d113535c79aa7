import Fastify from 'fastify'
import t, { type Test } from 'tap'
import { answerClientError } from '../../http/client-error.ts'
import { problemCounts } from '../../http/problem.ts'
import peerServer, { adminRoutes } from '../../index.ts'
import { listen } from '../helper/app.ts'
import { connectRaw } from '../helper/sockets/raw-socket.ts'

/** `timeout`: milliseconds that a request may take. */
async function start (t: Test, timeout = 60_000) {
  const app = Fastify({
    clientErrorHandler: answerClientError as never,
    requestTimeout: timeout,
    http: { headersTimeout: timeout, connectionsCheckingInterval: 20 }
  })
  await app.register(peerServer)
  await app.register(adminRoutes, { prefix: '/api', auth: false })
  return { app, port: await listen(t, app), counts: problemCounts(app.server) }
}

for (const [what, request, status, code] of [
  ['a request that is too slow', 'GET / HTTP/1.1\r\nHost: a\r\n', 408, 'request-timeout'],
  ['headers that are too large', `GET / HTTP/1.1\r\nHost: a\r\nX: ${'x'.repeat(20_000)}\r\n\r\n`, 431,
    'request-header-fields-too-large'],
  ['bytes that are no HTTP', 'hello\r\n\r\n', 400, 'bad-request']
] as const) {
  t.test(`${what} gets a problem document with a stable code, and is counted`, async t => {
    const { port, counts } = await start(t, status === 408 ? 100 : undefined)
    const raw = await connectRaw(t, port)
    raw.send(request)
    const answer = await raw.response()
    t.equal(answer.status, status)
    t.match(JSON.parse(answer.body), { type: 'about:blank', title: String, status, code, detail: String })
    t.same(counts, { [code]: 1 })
  })
}

t.test('an unsupported content type has a stable code, and is counted', async t => {
  const { app, counts } = await start(t)
  for (const url of ['/api/bans', '/api/packets']) {
    const answer = await app.inject({ method: 'POST', url, headers: { 'content-type': 'text/html' }, payload: 'x' })
    t.equal(answer.statusCode, 415)
    t.match(answer.json(), { status: 415, code: 'unsupported-media-type' })
  }
  t.same(counts, { 'unsupported-media-type': 2 })
})

t.test('DELETE with a JSON content type needs no body', async t => {
  const { app } = await start(t)
  const headers = { 'content-type': 'application/json' }
  t.equal((await app.inject({ method: 'DELETE', url: '/api/peers/77', headers })).statusCode, 404)
  t.equal((await app.inject({ method: 'POST', url: '/api/server/stop', headers })).statusCode, 400)
  app.peerServer.ban('192.0.2.1')
  t.equal((await app.inject({ method: 'DELETE', url: '/api/bans/192.0.2.1', headers })).statusCode, 204)
  const broken = await app.inject({ method: 'POST', url: '/api/server/stop', headers, payload: '{' })
  t.match(broken.json(), { status: 400, code: 'bad-request' })
})
