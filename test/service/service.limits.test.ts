import { once } from 'node:events'
import { createServer, type AddressInfo } from 'node:net'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import t, { type Test } from 'tap'
import { root } from '../../scripts/root.ts'
import { connectRaw, connectRawWebSocket, type RawSocket } from '../helper/sockets/raw-socket.ts'
import { repeatUntil } from '../helper/repeat-until.ts'
import { startService, type Service } from '../helper/programs/service.ts'
import { until } from '../helper/until.ts'

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

t.test('a handshake timeout that is shortened at run time holds for every later request of a connection', async t => {
  const service = await startService(t, { HANDSHAKE_TIMEOUT: '3600' })
  const raw = await connectRaw(t, service.port)
  raw.send('GET /healthz HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n')
  t.equal((await raw.response()).status, 200)
  const change = {
    method: 'PATCH', headers: { 'content-type': 'application/json' }, body: JSON.stringify({ handshakeTimeout: 1 })
  }
  t.equal((await service.api('/server', change)).status, 200)
  raw.send('GET /healthz HTTP/1.1\r\n')
  t.equal((await raw.head()).status, 408)
})

/** The service at `localhost`, which has two addresses. */
async function startAtLocalhost (t: Test, env: Record<string, string> = {}): Promise<Service> {
  const helper = pathToFileURL(join(root, 'dist/test/helper/programs/two-addresses.js'))
  const preload = encodeURIComponent(`import { useTwoAddresses } from '${helper.href}'; useTwoAddresses()`)
  const NODE_OPTIONS = `${process.env.NODE_OPTIONS ?? ''} --import data:text/javascript,${preload}`
  return await startService(t, { HOST: 'localhost', NODE_OPTIONS, ...env })
}

for (const host of ['127.0.0.1', '::1']) {
  t.test(`localhost: all limits apply to connections of ${host}`, async t => {
    const service = await startAtLocalhost(t, { HANDSHAKE_TIMEOUT: '1', MAX_REQUESTS_IN_FLIGHT: '3' })
    await service.logged(/Dashboard at/)
    for (const begin of ['', 'GET /ws HTTP/1.1\r\n']) {
      const raw = await connectRaw(t, service.port, host)
      raw.send(begin)
      t.equal((await raw.head()).status, 408, JSON.stringify(begin))
    }
    const raw = await connectRaw(t, service.port, host)
    raw.send('GET /openapi.json HTTP/1.1\r\nHost: localhost\r\n\r\n'.repeat(20))
    await service.logged(/"limit":"requests in flight"/)
    await raw.end()
    await connectRaw(t, service.port, host)
    t.equal(await service.stop(), 0)
  })
}

t.test('localhost: an address that another process has is logged', async t => {
  const other = createServer().listen(0, '::1')
  t.teardown(() => { other.close() })
  await once(other, 'listening')
  const PORT = String((other.address() as AddressInfo).port)
  const service = await startAtLocalhost(t, { PORT })
  await service.logged(`Not listening at http://[::1]:${PORT}`)
  t.equal((await service.api('/server')).status, 200)
  t.equal(await service.stop(), 0)
})

t.test('with WS_AT_ROOT clients may also connect to /; the refusal of other paths names the existing ones', async t => {
  const service = await startService(t, { WS_AT_ROOT: 'true', WS_PATH: '/game', GD_MP_API: 'false' })
  for (const path of ['/', '/?token=x', '/game']) (await connectRawWebSocket(t, service.port, path)).socket.destroy()
  await t.rejects(connectRawWebSocket(t, service.port, '/ws'), { message: /400/ })
  await service.logged(/"requested":"\/ws","endpoints":\["\/game"\]/)
  for (const offer of ['', 'Connection: Upgrade\r\nUpgrade: h2c\r\n', 'Upgrade: websocket\r\n']) {
    const raw = await connectRaw(t, service.port)
    raw.send(`GET / HTTP/1.1\r\nHost: localhost\r\n${offer}\r\n`)
    const { status, headers } = await raw.head()
    t.same([status, headers.location], [302, './dashboard'], `only handshakes are moved, not ${JSON.stringify(offer)}`)
  }
  const without = await startService(t)
  await t.rejects(connectRawWebSocket(t, without.port, '/'), { message: /400/ })
})

for (const [what, env] of [['the endpoint of the app', {}], ['a listener of its own', { WS_PORT: '0' }]] as const) {
  t.test(`${what}: a process without descriptors logs it, and recovers`, async t => {
    const service = await startService(t, { ...env, HANDSHAKE_TIMEOUT: '60' }, { maxDescriptors: 600 })
    const at = /(?:relay|server) at ws:\/\/[^"]*?:(\d+)/
    const port = Number(at.exec(await service.logged(at))![1])
    const hold = async (): Promise<RawSocket> => await connectRaw(t, port)
    const held = await Promise.all(Array.from({ length: 600 }, hold))
    // The service may have closed a file since: further connections take its place.
    await repeatUntil(service.logged(/"limit":"no-descriptor".*EMFILE/), () => { hold().then(raw => held.push(raw)) })
    for (const { socket } of held) socket.destroy()
    const works = async (): Promise<boolean> => await service.api('/server/listening').then(({ ok }) => ok, () => false)
    await until(works)
    t.equal(await service.stop(), 0)
  })
}
