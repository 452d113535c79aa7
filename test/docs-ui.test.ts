import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import Fastify from 'fastify'
import t from 'tap'
import { WebSocket } from 'ws'
import app from '../app.ts'
import { needsBrowser, openPage } from './helper/browser/browser.ts'
import { authorize, execute, fillParameter, unfold } from './helper/browser/swagger-ui.ts'
import { nextSignal } from './helper/next-signal.ts'

const token = 'x'.repeat(32)

t.test('Swagger UI in a browser: enter the token, find a peer, disconnect it', needsBrowser, async t => {
  const service = Fastify()
  t.teardown(async () => { await service.close() })
  await service.register(app, { server: { gdMpApi: true }, admin: { token } })
  await service.listen({ port: 0, host: '127.0.0.1' })
  const { port } = service.server.address() as AddressInfo
  const connected = nextSignal(service.peerServer, 'peer_connected')
  const socket = new WebSocket(`ws://127.0.0.1:${port}/ws`)
  t.teardown(() => { socket.terminate() })
  const [id] = await connected

  const { page, problems } = await openPage(t)
  await page.goto(`http://127.0.0.1:${port}/docs`)
  await authorize(page, token)

  const list = await execute(page, 'peers')
  t.equal(list.status, '200')
  t.match(JSON.parse(list.body), { items: [{ id, state: 'open', address: '127.0.0.1' }], nextCursor: null })

  // Not within seconds: a browser may be slow.
  const end = once(socket, 'close')
  const disconnected = await execute(page, 'disconnectPeer', async operation => {
    await fillParameter(operation, 'code', '4001')
    await fillParameter(operation, 'reason', 'kicked')
    await fillParameter(operation, 'wait', '2')
    await fillParameter(operation, 'id', String(id))
  })
  t.equal(disconnected.status, '200')
  t.match(JSON.parse(disconnected.body), { outcome: 'clean', code: 4001 })
  const [code, reason] = await end
  t.same([code, String(reason)], [4001, 'kicked'])
  t.equal(service.peerServer.hasPeer(id), false)

  const sent = await execute(page, 'broadcast', async operation => {
    t.equal(await operation.locator('.opblock-section-request-body select').inputValue(), 'text/plain')
  })
  t.same([sent.status, JSON.parse(sent.body)], ['202', { recipients: 0 }])
  const events = await execute(page, 'events', async operation => {
    t.equal(await operation.locator('tr[data-param-name="duration"] input').inputValue(), '3', 'the stream ends')
    await fillParameter(operation, 'duration', '0.1')
  })
  t.equal(events.status, '200')
  t.match(events.body, /^id: /)
  const stop = await unfold(page, 'stop')
  t.same([await stop.locator('button.execute').count(), service.peerServer.isListening()], [0, true], 'is not armed')

  t.same(problems, [])
  if (process.env.SCREENSHOT !== undefined) await page.screenshot({ path: process.env.SCREENSHOT, fullPage: true })
})
