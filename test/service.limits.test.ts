import t from 'tap'
import { connectRaw, connectRawWebSocket } from './helper/raw-socket.ts'
import { startService } from './helper/service.ts'
import { until } from './helper/until.ts'

t.test('too many pipelined requests close the connection without affecting the service', async t => {
  const service = await startService(t)
  const raw = await connectRaw(t, service.port)
  raw.socket.pause()
  raw.send('GET /openapi.json HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n'.repeat(9000))
  await service.logged(/"limit":"requests in flight"/)
  raw.socket.resume()
  await raw.end()
  t.equal((await service.api('/server')).status, 200)
})

t.test('with WS_AT_ROOT clients may also connect to /; the refusal of other paths names the existing ones', async t => {
  const service = await startService(t, { WS_AT_ROOT: 'true', WS_PATH: '/game', GD_MP_API: 'false' })
  for (const path of ['/', '/?token=x', '/game']) (await connectRawWebSocket(t, service.port, path)).socket.destroy()
  await t.rejects(connectRawWebSocket(t, service.port, '/ws'), { message: /400/ })
  await service.logged(/"requested":"\/ws","endpoints":\["\/game"\]/)
  const page = await fetch(`http://127.0.0.1:${service.port}/`, { redirect: 'manual' })
  t.match([page.status, page.headers.get('location')], [302, './dashboard'], 'only upgrades are moved')
  const without = await startService(t)
  await t.rejects(connectRawWebSocket(t, without.port, '/'), { message: /400/ })
})

for (const [what, env] of [['the endpoint of the app', {}], ['a listener of its own', { WS_PORT: '0' }]] as const) {
  t.test(`${what}: a process without descriptors logs it, and recovers`, async t => {
    const service = await startService(t, { ...env, HANDSHAKE_TIMEOUT: '60' }, { maxDescriptors: 600 })
    const at = /(?:relay|server) at ws:\/\/[^"]*?:(\d+)/
    const port = Number(at.exec(await service.logged(at))![1])
    const held = await Promise.all(Array.from({ length: 600 }, async () => await connectRaw(t, port)))
    await service.logged(/"limit":"no-descriptor".*EMFILE/)
    for (const { socket } of held) socket.destroy()
    const works = async (): Promise<boolean> => await service.api('/server/listening').then(({ ok }) => ok, () => false)
    await until(works)
    t.equal(await service.stop(), 0)
  })
}
