import { once } from 'node:events'
import t from 'tap'
import { WebSocket } from 'ws'
import { startService } from '../helper/programs/service.ts'

type Service = Awaited<ReturnType<typeof startService>>

/** The record of a log line that matches. */
async function logged (service: Service, pattern: RegExp): Promise<any> {
  return JSON.parse(await service.logged(pattern))
}

/** What an open dashboard sends. */
async function openDashboard (service: Service): Promise<void> {
  const base = `http://127.0.0.1:${service.port}`
  for (const path of ['/', '/dashboard', '/dashboard/app.js', '/metrics', '/healthz']) {
    await (await fetch(base + path)).text()
  }
  const stream = await fetch(`${base}/api/v1/events?types=stats`)
  for (const path of ['/server', '/peers?limit=24', '/rooms']) await (await service.api(path)).text()
  await stream.body!.cancel()
}

t.test('one line for each join and leave, with room, address, cause and seconds', async t => {
  const service = await startService(t)
  const socket = new WebSocket(`ws://127.0.0.1:${service.port}/ws`)
  await once(socket, 'open')
  const { id } = await logged(service, /"peer joined"/)
  t.match(await logged(service, /"peer joined"/), { level: 30, id: Number, room: 'main', address: '127.0.0.1' })
  socket.close(4001)
  t.match(await logged(service, /"peer left"/), {
    level: 30, id, room: 'main', address: '127.0.0.1', cause: 'client', code: 4001, seconds: Number
  })
  t.equal(service.log.filter(line => line.includes(`"id":${id}`)).length, 2)
})

t.test('an open dashboard writes nothing at info; changes are logged', async t => {
  const service = await startService(t)
  await logged(service, /No ADMIN_TOKEN/)
  const before = service.log.length
  await openDashboard(service)
  await service.api('/bans', {
    method: 'POST', headers: { 'content-type': 'application/json' }, body: '{"address":"192.0.2.1"}'
  })
  await logged(service, /"request completed"/)
  const lines = service.log.slice(before).map(line => JSON.parse(line))
  t.same(lines.map(({ msg }) => msg).sort(), ['admin action', 'request completed'])
  t.match(lines.find(({ msg }) => msg === 'request completed'), { req: { method: 'POST' }, status: 201 })
})

t.test('prints nothing but its log: no warning of Node or Fastify', async t => {
  const service = await startService(t)
  await openDashboard(service)
  t.equal(await service.stop(), 0)
  t.same(service.log.filter(line => !line.startsWith('{"level":')), [])
})

t.test('at debug every request is logged', async t => {
  const service = await startService(t, { LOG_LEVEL: 'debug' })
  await openDashboard(service)
  t.match(await logged(service, /"url":"\/api\/v1\/peers\?limit=24".*"request completed"/), { level: 20, status: 200 })
})

t.test('requests that are refused do not fill the log', async t => {
  const ADMIN_TOKEN = 'a token of more than thirty-two characters'
  const service = await startService(t, { ADMIN_TOKEN })
  await logged(service, /"Health at /)
  const before = service.log.length
  const query = 'x'.repeat(10_000)
  for (let i = 0; i < 100; i++) {
    t.equal((await service.api(`/server/stop?${query}`, { method: 'POST' })).status, 401)
    const elsewhere = await fetch(`http://127.0.0.1:${service.port}/nowhere?${query}`, { method: 'POST' })
    t.equal(elsewhere.status, 404)
  }
  const authorization = `Bearer ${ADMIN_TOKEN}`
  const unknown = await service.api(`/nowhere?${query}`, { method: 'POST', headers: { authorization } })
  t.equal(unknown.status, 404)
  await service.api('/server/stop', { method: 'POST', headers: { authorization } })
  await logged(service, /"request completed"/)
  const lines = service.log.slice(before).map(line => JSON.parse(line))
  t.same(lines.map(({ msg }) => msg).sort(),
    ['admin action', 'admin action', 'request completed', 'unauthorized admin requests'])
  t.match(lines.find(({ msg }) => msg === 'request completed'), { req: { url: '/api/v1/server/stop' }, status: 200 })
})

t.test('a log line has the beginning of a long URL', async t => {
  const service = await startService(t, { LOG_LEVEL: 'debug' })
  await service.api(`/nowhere?token=secret&${'x'.repeat(10_000)}`)
  const { req: { url } } = await logged(service, /nowhere.*"request completed"/)
  t.match(url, /^\/api\/v1\/nowhere\?token=\*\*\*&x{100}/)
  t.ok(url.length < 300, `${url.length} characters`)
})
