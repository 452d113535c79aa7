import t from 'tap'
import { nextClose, jsonRequest, startHost } from '../helper/host.ts'
import { connectRaw, upgradeRequest } from '../helper/sockets/raw-socket.ts'
import { until } from '../helper/until.ts'

t.test('a ban closes peers and refuses clients until it is removed', async t => {
  const { api, port, join, server } = await startHost(t)
  const end = nextClose((await join()).socket)

  const banned = await api('/bans', jsonRequest('POST', { address: '127.0.0.1/8', reason: 'rude' }))
  t.equal(banned.status, 201)
  const ban = await banned.json()
  t.match(ban, { address: '127.0.0.0/8', reason: 'rude', until: null })
  t.ok(Math.abs(Date.parse(ban.since) - Date.now()) < 5000)
  t.same(await end, { code: 1008, reason: 'rude' })
  t.same(await (await api('/bans')).json(), { items: [ban], meta: { count: 1 } })

  const raw = await connectRaw(t, port)
  raw.send(upgradeRequest('/ws'))
  t.equal((await raw.response()).status, 403)
  t.equal(server.monitor.limits.banned, 1)
  t.match((await (await api('/server')).json()).limits.hits, { banned: 1 })

  const { detail } = await (await api('/bans/127.0.0.0/8', { method: 'DELETE' })).json()
  t.equal(detail, 'Not found: /api/v1/bans/127.0.0.0/8; the / of a range is written as %2F')
  t.equal((await api('/bans/127.0.0.0%2F8', { method: 'DELETE' })).status, 204)
  t.same(await (await api('/bans')).json(), { items: [], meta: { count: 0 } })
  await join()
})

t.test('a DELETE without a body may have a JSON content type', async t => {
  const { api } = await startHost(t)
  const headers = { 'content-type': 'application/json' }
  for (const body of [undefined, '']) {
    await api('/bans', jsonRequest('POST', { address: '192.0.2.7' }))
    const init = { method: 'DELETE', headers, ...body === undefined ? {} : { body } }
    t.equal((await api('/bans/192.0.2.7', init)).status, 204)
  }
})

t.test('a ban with a duration expires', async t => {
  const { api } = await startHost(t)
  const ban = await (await api('/bans', jsonRequest('POST', { address: '2001:DB8::1', seconds: 60 }))).json()
  t.equal(Date.parse(ban.until) - Date.parse(ban.since), 60_000)
  await api('/bans', jsonRequest('POST', { address: '192.0.2.7', seconds: 0.01 }))
  const list = async () => (await (await api('/bans')).json()).items
  await until(async () => (await list()).length === 1)
  t.match(await list(), [{ address: '2001:db8::1' }])
})

t.test('rejects an invalid address with an error that names it', async t => {
  const { api } = await startHost(t)
  for (const address of ['', 'x', '1.2.3', '10.0.0.0/33', '::1/129', 7, null]) {
    const answer = await api('/bans', jsonRequest('POST', { address }))
    t.equal(answer.status, 400, String(address))
    t.match(await answer.json(), { errors: [{ pointer: '/body/address' }] })
  }
  for (const [member, value] of [
    ['seconds', 0], ['seconds', -1], ['seconds', '60'], ['reason', 'x'.repeat(124)], ['more', 1]
  ] as const) {
    const answer = await api('/bans', jsonRequest('POST', { address: '192.0.2.7', [member]: value }))
    t.equal(answer.status, 400, `${member} ${value}`)
    t.match(await answer.json(), { errors: [{ pointer: `/body/${member}` }] })
  }
  t.equal((await api('/bans', jsonRequest('POST', {}))).status, 400)
  t.equal((await api('/bans/x', { method: 'DELETE' })).status, 400)
  t.equal((await api('/bans/192.0.2.7', { method: 'DELETE' })).status, 404)
  t.same(await (await api('/bans')).json(), { items: [], meta: { count: 0 } })
})

t.test('shows the data that the application gave a peer', async t => {
  const { api, join } = await startHost(t, { server: { onHandshake: async () => ({ data: { user: 7 } }) } })
  const { id } = await join()
  t.match(await (await api(`/peers/${id}`)).json(), { id, data: { user: 7 } })
})
