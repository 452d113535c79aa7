import Fastify from 'fastify'
import t from 'tap'
import app from '../../app.ts'
import { parseMetrics, valueOf } from '../helper/prometheus.ts'

const token = 'a token of more than thirty-two characters'

t.test('/metrics has the Prometheus text format and needs the token', async t => {
  const service = Fastify()
  t.teardown(async () => { await service.close() })
  await service.register(app, { server: {}, admin: { token } })
  const refused = await service.inject('/metrics')
  t.equal(refused.statusCode, 401)
  t.equal(refused.headers['www-authenticate'], 'Bearer')
  const {
    statusCode, headers, body
  } = await service.inject({ url: '/metrics', headers: { authorization: `Bearer ${token}` } })
  t.equal(statusCode, 200)
  t.match(headers['content-type'], /^text\/plain; version=0\.0\.4/)
  t.equal(valueOf(parseMetrics(body), 'peer_server_listening{server="peerServer"}'), 1)
})

t.test('without a token only localhost is allowed, as for the REST API', async t => {
  const service = Fastify()
  t.teardown(async () => { await service.close() })
  await service.register(app, { server: {}, admin: { auth: false } })
  t.equal((await service.inject('/metrics')).statusCode, 200)
  t.equal((await service.inject({ url: '/metrics', headers: { host: 'example.com' } })).statusCode, 403)
})

t.test('each of several servers has its own metrics', async t => {
  const service = Fastify()
  t.teardown(async () => { await service.close() })
  await service.register(app, {
    server: { refuseNewConnections: true },
    more: [{ name: 'godot4', path: '/ws4', gdMpApi: true, wire: 'godot4' }],
    admin: { auth: false }
  })
  const metrics = parseMetrics((await service.inject('/metrics')).body)
  t.same(['peerServer', 'godot4'].map(name => valueOf(metrics, `peer_server_refusing{server="${name}"}`)), [1, 0])
})

t.test('requests without a valid token are logged once per burst', async t => {
  const lines: any[] = []
  const service = Fastify({ logger: { level: 'warn', stream: { write: text => { lines.push(JSON.parse(text)) } } } })
  t.teardown(async () => { await service.close() })
  await service.register(app, { server: {}, admin: { token } })
  for (const headers of [{}, { authorization: 'Bearer wrong' }, {}]) {
    t.equal((await service.inject({ url: '/metrics', headers })).statusCode, 401)
  }
  t.match(lines, [{ status: 401, address: '127.0.0.1', msg: 'unauthorized requests for metrics' }])
  t.equal(lines.length, 1)
})
