import { once } from 'node:events'
import t from 'tap'
import { WebSocket } from 'ws'
import { openEvents } from '../helper/sockets/event-source.ts'
import { connectRaw, connectRawWebSocket } from '../helper/sockets/raw-socket.ts'
import { startService } from '../helper/programs/service.ts'
import { withTimeout } from '../helper/with-timeout.ts'

const token = 'a token of more than thirty-two characters'

t.test('SIGTERM with a hundred event streams, one of them stalled: all end in time', async t => {
  const service = await startService(t, { ADMIN_TOKEN: token })
  const headers = { authorization: `Bearer ${token}` }
  const events = `http://127.0.0.1:${service.port}/api/v1/events`
  const streams = await Promise.all(Array.from({ length: 99 }, () => openEvents(t, events, headers)))
  const stalled = await connectRaw(t, service.port)
  stalled.socket.pause()
  stalled.send('GET /api/v1/events?types=packet,peer_connected&sample=1 HTTP/1.1\r\nHost: ' +
    `127.0.0.1\r\nAuthorization: Bearer ${token}\r\n\r\n`)
  const sockets = await Promise.all(Array.from({ length: 20 }, async () => {
    const socket = new WebSocket(`ws://127.0.0.1:${service.port}/ws`)
    t.teardown(() => { socket.terminate() })
    await once(socket, 'open')
    return socket
  }))
  // One does not answer the close frame either.
  await connectRawWebSocket(t, service.port)
  for (const stream of streams) {
    while (stream.events.filter(({ event }) => event === 'peer_connected').length < 21) await stream.changed()
  }

  t.equal(await service.stop(), 0)
  for (const stream of streams) {
    t.equal(await withTimeout(() => 'the end of a stream', stream.ended), true)
    const told = stream.events.map(({ event }) => event)
    t.equal(told.filter(event => event === 'peer_disconnected').length, 21)
    t.equal(told.at(-1), 'stopped')
  }
  t.ok(sockets.every(({ readyState }) => readyState !== WebSocket.OPEN))
})

t.test('serves the dashboard and logs its address', async t => {
  const service = await startService(t)
  const page = await fetch(`http://127.0.0.1:${service.port}/dashboard`)
  t.equal(page.status, 200)
  t.match(await page.text(), /<title>Peer server<\/title>/)
  t.equal((await fetch(`http://127.0.0.1:${service.port}/dashboard/app.js`)).status, 200)
  await service.logged(`Dashboard at http://127.0.0.1:${service.port}/dashboard`)
  await service.logged(`Metrics at http://127.0.0.1:${service.port}/metrics`)
})
