import { once } from 'node:events'
import t from 'tap'
import { WebSocket } from 'ws'
import { openEvents } from '../helper/sockets/event-source.ts'
import { startService, type Service } from '../helper/programs/service.ts'
import { until } from '../helper/until.ts'

const token = 'x'.repeat(32)
const authorization = `Bearer ${token}`
const json = { authorization, 'content-type': 'application/json' }
const PROXY = '127.0.0.1'

/** What trusted proxies may send as X-Forwarded-For, and the address that it means. */
const rows: Array<[forwarded: string, address: string]> = [
  ['203.0.113.9', '203.0.113.9'],
  ['203.0.113.9:50001', '203.0.113.9'],
  ['"203.0.113.9:50001"', '203.0.113.9'],
  ['::ffff:203.0.113.9', '203.0.113.9'],
  ['[2001:DB8:0::1]:50001', '2001:db8::1'],
  ['"[2001:db8::1]"', '2001:db8::1'],
  ['fe80::1%eth0', 'fe80::1'],
  ['198.51.100.1, 203.0.113.9', '203.0.113.9'],
  ['203.0.113.9, 10.0.0.7', '203.0.113.9'],
  ['203.0.113.9:50001, 10.0.0.7:50002, [::ffff:10.0.0.8]:50003', '203.0.113.9'],
  ['unknown', PROXY],
  ['_hidden', PROXY],
  ['203.0.113.9:', PROXY],
  ['"', PROXY],
  ['x'.repeat(5000), PROXY],
  [`${'0'.repeat(5000)}203.0.113.9`, PROXY]
]

t.test('peers, bans, audit and log have one form of every address in X-Forwarded-For of a trusted proxy', async t => {
  const service = await startService(t, {
    ADMIN_TOKEN: token,
    TRUST_PROXY: `${PROXY}, 10.0.0.0/8`,
    MAX_PEERS_PER_ADDRESS: '100'
  })
  const events = await openEvents(t, `http://127.0.0.1:${service.port}/api/v1/events?types=admin,unauthorized,peer_connected`, {
    authorization
  })
  for (const [forwarded, address] of rows) {
    await t.test(`${forwarded.slice(0, 60)} is ${address}`, async t => {
      const headers = { 'x-forwarded-for': forwarded }
      const logged = service.log.length
      const socket = new WebSocket(`ws://127.0.0.1:${service.port}/ws`, { headers })
      t.teardown(() => { socket.terminate() })
      await once(socket, 'open')
      t.match((await events.next('peer_connected')).data, { address })

      const body = JSON.stringify({ refuseNewConnections: false })
      await service.api('/server', { method: 'PATCH', headers: { ...json, ...headers }, body })
      t.match((await events.next('admin')).data, { action: 'changeServer', address })
      t.match(await loggedRequest(service, 'PATCH', logged), { remoteAddress: address })

      const ended = once(socket, 'close')
      const ban = JSON.stringify({ address })
      t.equal((await service.api('/bans', { method: 'POST', headers: json, body: ban })).status, 201)
      t.equal((await ended)[0], 1008)
      await events.next('admin')
      await service.api(`/bans/${encodeURIComponent(address)}`, { method: 'DELETE', headers: { authorization } })
      await events.next('admin')
    })
  }
  const headers = { 'x-forwarded-for': '"[2001:DB8::2]:9"' }
  t.equal((await service.api('/server', { headers })).status, 401)
  t.match((await events.next('unauthorized')).data, { address: '2001:db8::2' })
})

/** The request with this method as the service logs it, after this many lines. */
async function loggedRequest ({ log }: Service, method: string, after: number): Promise<object> {
  const find = () => log.slice(after).map(line => JSON.parse(line).req).find(req => req?.method === method)
  await until(() => find() !== undefined, () => `${method} in ${log.slice(after).join('\n')}`)
  return find()
}
