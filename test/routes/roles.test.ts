import t from 'tap'
import { documentText } from '../../scripts/docs/openapi.ts'
import { startApp } from '../helper/app.ts'
import { operationsOf } from '../helper/documents/document.ts'
import { openEvents } from '../helper/sockets/event-source.ts'
import { lintMetrics, parseMetrics, valueOf } from '../helper/prometheus.ts'
import { until } from '../helper/until.ts'

const tokens = (['read', 'operate', 'admin'] as const)
  .map(role => ({ name: `${role}er`, role, token: role.repeat(10) }))
const as = (role: string) => ({ authorization: `Bearer ${role.repeat(10)}` })
const ranks = ['read', 'operate', 'admin']

t.test('every operation requires the role that the document says, and no higher one', async t => {
  const { service } = await startApp(t, { admin: { token: tokens }, server: { rooms: true }, lobby: {} })
  const document = JSON.parse(await documentText())
  const paths: Record<string, Record<string, { security?: Array<{ adminToken: string[] }> }>> = document.paths
  const guarded = operationsOf(document).filter(({ path, name }) =>
    (path.startsWith('/api/v1') || path === '/metrics') && name !== 'events')
  t.ok(guarded.length > 20)
  for (const { method, path } of guarded) {
    const [{ adminToken: [required] }] = paths[path][method.toLowerCase()].security!
    for (const role of ranks) {
      const url = path.replace('{id}', '77').replace('{room}', 'none').replace('{address}', '192.0.2.1')
        .replace('{node}', 'game-7')
      const { statusCode, body } = await service.inject({ method: method as 'GET', url, headers: as(role) })
      const isAllowed = ranks.indexOf(role) >= ranks.indexOf(required)
      t.equal(statusCode !== 403, isAllowed, `${method} ${path} as ${role}: ${statusCode}`)
      if (!isAllowed) {
        const detail = `Role ${role} does not allow this: expected ${required}`
        t.match(JSON.parse(body), { code: 'forbidden', detail })
      }
    }
  }
})

t.test('a token without a role is one of an administrator', async t => {
  const { service } = await startApp(t, { admin: { token: 'x'.repeat(32) } })
  const headers = { authorization: `Bearer ${'x'.repeat(32)}` }
  t.equal((await service.inject({ method: 'POST', url: '/api/v1/server/stop', headers })).statusCode, 200)
})

t.test('what a role does not allow is audited with the name of its owner', async t => {
  const { url, service } = await startApp(t, { admin: { token: tokens } })
  const events = await openEvents(t, `${url}/api/v1/events?types=admin`, as('read'))
  await service.inject({ method: 'POST', url: '/api/v1/server/stop', headers: as('operate') })
  t.match((await events.next('admin')).data, { action: 'stop', by: 'operateer', status: 403 })
  t.ok(service.peerServer.isListening())
})

t.test('wrong tokens are reported as refused, counted, and responded to later and later', async t => {
  const { url, service } = await startApp(t, { admin: { token: tokens } })
  const events = await openEvents(t, `${url}/api/v1/events?types=refused`, as('read'))
  const wrong = async (): Promise<number> =>
    (await service.inject({ url: '/api/v1/peers', headers: { authorization: 'Bearer wrong' } })).statusCode
  const started = performance.now()
  for (let i = 0; i < 8; i++) t.equal(await wrong(), 401)
  t.ok(performance.now() - started >= 340, 'pauses of 50, 100 and 200 ms')
  t.match((await events.next('refused')).data, { reason: 'wrong-token', address: '127.0.0.1', count: 1 })
  let body = ''
  // On a busy machine the pauses of wrong ones may be over before the answer comes.
  await until(async () => {
    const answers: number[] = []
    const more = [1, 2, 3].map(async () => { answers.push(await wrong()) })
    const metrics = await service.inject({ url: '/metrics', headers: as('read') })
    body = metrics.body
    answers.push(metrics.statusCode)
    await Promise.all(more)
    return answers.at(-1) === 401
  }, () => 'an answer to a right token before those to wrong ones')
  const metrics = parseMetrics(body)
  t.ok(valueOf(metrics, 'peer_server_http_problems_total{code="unauthorized"}') >= 8)
  t.same(lintMetrics(metrics), [])
})
