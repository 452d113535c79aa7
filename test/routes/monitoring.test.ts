import t from 'tap'
import { documentText } from '../../scripts/docs/openapi.ts'
import { startApp } from '../helper/app.ts'
import { stopTime } from '../helper/clock.ts'
import { operationsOf } from '../helper/documents/document.ts'
import { openEvents } from '../helper/sockets/event-source.ts'
import { FrameClient } from '../helper/memory/frame-client.ts'
import { header } from '../helper/memory/memory-client.ts'

const monitored = operationsOf(JSON.parse(await documentText())).filter(({ method, name, path }) =>
  method === 'GET' && !path.startsWith('/ws') && name !== 'events')

for (const gdMpApi of [false, true]) {
  const mode = gdMpApi ? 'multiplayer' : 'plain'
  t.test(`reading every resource and metric does not make unread packets wait (${mode} mode)`, async t => {
    const limits = { inputMaxPackets: 8, maxPacketsPerSecond: 0, pingInterval: 0 }
    const { service, server, url } = await startApp(t, {
      admin: { auth: false }, server: { ...limits, gdMpApi, rooms: true }, lobby: {}
    })
    await openEvents(t, `${url}/api/v1/events?stats=true`)
    const client = new FrameClient(server)
    const [{ id }] = server.peers()
    t.ok(monitored.length > 15)
    for (const { path } of monitored) {
      const target = path.replace('{id}', String(id)).replace('{room}', 'main')
      const { statusCode } = await service.inject({ url: target })
      if (!path.startsWith('/api/v1/nodes')) t.equal(statusCode, 200, target)
    }

    const clock = stopTime(t)
    const packet = Buffer.concat([gdMpApi ? header(id, 1) : Buffer.alloc(0), Buffer.alloc(1000)])
    for (let i = 0; i < 300; i++) client.binary(packet)
    clock.advance(1001)

    t.ok(server.monitor.drops.unread > 200, `${server.monitor.drops.unread} dropped`)
    t.notOk(server.getPeer(id).isPaused)
  })
}
