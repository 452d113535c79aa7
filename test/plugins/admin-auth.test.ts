import Fastify from 'fastify'
import t, { type Test } from 'tap'
import peerServer, { adminRoutes, type AdminOptions } from '../../index.ts'
import { stopTime } from '../helper/clock.ts'
import { startHost } from '../helper/host.ts'
import { connectRaw, type RawSocket } from '../helper/sockets/raw-socket.ts'
import { until } from '../helper/until.ts'
import { withTimeout } from '../helper/with-timeout.ts'

const alice = 'alice'.repeat(8)
const bob = 'bob12'.repeat(8)

t.test('without a valid token the response is 401 with WWW-Authenticate, and nothing else', async t => {
  const { ask } = await makeApp(t, { token: alice })
  const wrong = [
    undefined, '', 'Bearer', 'Bearer ', 'Bearer wrong', `Bearer ${alice}x`, `Bearer ${alice.slice(1)}`,
    `Basic ${alice}`, alice, `Bearer ${alice.toUpperCase()}`, `Bearer ${alice} ${alice}`
  ]
  for (const authorization of wrong) {
    for (const [method, url] of [
      ['GET', '/api/server'], ['GET', '/api/peers/abc'], ['DELETE', '/api/peers/7'], ['POST', '/api/packets'],
      ['GET', '/api/nothing'], ['PUT', '/api/server']
    ] as const) {
      const { statusCode, headers, body } = await ask(method, url, authorization)
      t.equal(statusCode, 401, `${String(authorization)} ${method} ${url}`)
      t.equal(headers['www-authenticate'], 'Bearer')
      t.match(headers['content-type'], /^application\/problem\+json/)
      t.match(JSON.parse(body), { status: 401, code: 'unauthorized', title: 'Unauthorized', detail: String })
    }
  }
})

t.test('distinguishes a wrong token from a missing or malformed header', async t => {
  const { ask } = await makeApp(t, { token: alice })
  for (const [authorization, detail] of [
    [undefined, 'missing authorization header'], [`Basic ${alice}`, 'invalid authorization header'],
    ['Bearer wrong', 'wrong token']
  ] as const) t.equal(JSON.parse((await ask('GET', '/api/server', authorization)).body).detail, detail)
})

t.test('accepts the token; the scheme is case-insensitive', async t => {
  const { ask } = await makeApp(t, { token: alice })
  for (const scheme of ['Bearer', 'bearer', 'BEARER']) {
    t.equal((await ask('GET', '/api/server', `${scheme} ${alice}`)).statusCode, 200)
  }
})

t.test('ignores a token in the query', async t => {
  const { ask } = await makeApp(t, { token: alice })
  for (const name of ['token', 'access_token', 'authorization']) {
    t.equal((await ask('GET', `/api/server?${name}=${alice}`)).statusCode, 401)
  }
})

t.test('request.adminName is the name of the token\'s owner, in the scope of the REST API', async t => {
  const { ask, names } = await makeApp(t, { token: [{ name: 'alice', token: alice }, { name: 'bob', token: bob }] })
  await ask('GET', '/api/server', `Bearer ${alice}`)
  await ask('GET', '/api/server', `Bearer ${bob}`)
  await ask('GET', '/api/server', 'Bearer nobody')
  await ask('GET', '/own')
  t.same(names, ['alice', 'bob', null, undefined])

  const alone = await makeApp(t, { token: alice })
  await alone.ask('GET', '/api/server', `Bearer ${alice}`)
  t.same(alone.names, ['admin'])
})

t.test('auth: false needs no token', async t => {
  const { ask, names } = await makeApp(t, { auth: false })
  t.equal((await ask('GET', '/api/server')).statusCode, 200)
  t.same(names, [null])
})

t.test('only the REST API needs the token', async t => {
  const { ask } = await makeApp(t, { token: alice })
  t.equal((await ask('GET', '/own')).statusCode, 200)
})

t.test('registration without a token fails with an explanation', async t => {
  for (const [options, message] of [
    [{}, /set option `token`, or `auth: false`/],
    [{ token: undefined }, /set option `token`/],
    [{ token: [] }, /set option `token`/],
    [{ token: alice, auth: false }, /option `token` has no effect with `auth: false`/],
    [{ token: '' }, /the token of admin must not be empty/],
    [{ token: '   ' }, /the token of admin must not be empty/],
    [{ auth: true }, /option auth: must be false/],
    [{ token: [{ name: 'alice', token: '' }] }, /the token of alice must not be empty/],
    [{ token: `${alice}\u200b` }, /the token of admin must consist of printable ASCII characters/],
    [{ token: [{ name: 'alice', token: alice }, { name: 'bob', token: alice }] }, /the tokens of alice and bob are the same/],
    [{ token: [{ name: '', token: alice }] }, /option token\.0\.name: must not have fewer than 1 characters/],
    [{ token: [{ name: 'a', token: alice, role: 'x' }] }, /option token/],
    [{ token: 7 }, /option token/]
  ] as Array<[AdminOptions, RegExp]>) {
    await t.rejects(makeApp(t, options), {
      code: 'ERR_INVALID_PARAMETER',
      message
    }, JSON.stringify(options))
  }
})

t.test('rejects an unknown or invalid option with an error that names it', async t => {
  for (const [options, message] of [
    [{ tokens: alice }, /adminRoutes: option tokens: unknown option/],
    [{ eventHistory: -1 }, /option eventHistory: must be >= 0/],
    [{ eventHistory: 1.5 }, /option eventHistory: must be integer/],
    [{ eventHistoryBytes: '1' }, /option eventHistoryBytes: must be integer/],
    [{ maxEventStreams: 'many' }, /option maxEventStreams: must be integer/],
    [{ server: 5 }, /option server: must be string/],
    [{ security: 'adminToken' }, /option security: must be array/],
    [{ constructor: 1 }, /option constructor: unknown option/]
  ] as Array<[AdminOptions, RegExp]>) {
    await t.rejects(makeApp(t, {
      token: alice,
      ...options
    }), { code: 'ERR_INVALID_PARAMETER', message }, JSON.stringify(options))
  }
  await makeApp(t, {
    token: alice,
    logLevel: 'warn',
    eventHistory: 0,
    eventHistoryBytes: 0,
    maxEventStreams: 0
  } as AdminOptions)
})

t.test('in production a token needs at least 32 characters', async t => {
  const before = process.env.NODE_ENV
  t.teardown(() => {
    if (before === undefined) delete process.env.NODE_ENV
    else process.env.NODE_ENV = before
  })
  await makeApp(t, { token: 'short' })
  process.env.NODE_ENV = 'production'
  await t.rejects(makeApp(t, { token: 'x'.repeat(31) }), {
    message: /the token of admin must have at least 32 characters/
  })
  await t.rejects(makeApp(t, { token: [{ name: 'a', token: alice }, { name: 'b', token: 'short' }] }), {
    message: /the token of b must have/
  })
  await makeApp(t, { token: 'x'.repeat(32) })
})

t.test('does not log the token', async t => {
  const { ask, log } = await makeApp(t, { token: alice })
  await ask('GET', '/api/server', `Bearer ${alice}`)
  await ask('GET', '/api/server', `Bearer ${bob}`)
  t.ok(log.length > 0)
  t.notMatch(log.join(''), alice)
  t.notMatch(log.join(''), bob)
})

t.test('responses to wrong tokens wait no longer than their client or the app', async t => {
  const { app, port } = await startHost(t, { admin: { token: alice } })
  const clock = stopTime(t)
  const ask = async (): Promise<RawSocket> => {
    const raw = await connectRaw(t, port)
    raw.send('GET /api/v1/server HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer wrong\r\nConnection: close\r\n\r\n')
    return raw
  }
  for (let i = 0; i < 5; i++) t.equal((await (await ask()).response()).status, 401)
  const others = clock.waiting()
  const waiting: RawSocket[] = []
  while (waiting.length < 3) {
    waiting.push(await ask())
    await until(() => clock.waiting() === others + waiting.length)
  }
  waiting[0].socket.destroy()
  await until(() => clock.waiting() === others + 2)
  const closed = app.close()
  for (const raw of waiting.slice(1)) t.equal((await raw.response()).status, 401)
  await withTimeout(() => 'the app to close', closed)
})

/** An app with the routes at /api, a route of its own, and the admin names of its requests. */
async function makeApp (t: Test, options: AdminOptions) {
  const log: string[] = []
  const names: Array<string | null | undefined> = []
  const app = Fastify({ logger: { level: 'trace', stream: { write: line => { log.push(line) } } } })
  t.teardown(async () => { await app.close() })
  app.get('/own', async () => 'mine')
  app.addHook('onResponse', async request => { names.push(request.adminName) })
  await app.register(peerServer)
  await app.register(adminRoutes, { prefix: '/api', ...options })
  await app.ready()
  let asked = 0
  // Each from an address of its own: one with several wrong tokens is answered later and later.
  const ask = async (method: 'GET' | 'POST' | 'PUT' | 'DELETE', url: string, authorization?: string) =>
    await app.inject({
      method,
      url,
      headers: authorization === undefined ? {} : { authorization },
      remoteAddress: `198.51.100.${++asked}`
    })
  return { ask, log, names }
}
