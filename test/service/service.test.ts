import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import t, { type Test } from 'tap'
import { WebSocket } from 'ws'
import { root } from '../../scripts/root.ts'
import { jsonRequest, nextClose } from '../helper/host.ts'
import { connectRaw, connectRawWebSocket, upgradeRequest, type RawSocket } from '../helper/sockets/raw-socket.ts'
import { startService, type Service } from '../helper/programs/service.ts'
import { temporaryFolder } from '../helper/temporary-folder.ts'
import { withTimeout } from '../helper/with-timeout.ts'

const token = 'x'.repeat(32)
const halfBody =
  'POST /api/v1/packets HTTP/1.1\r\nHost: localhost\r\nContent-Type: text/plain\r\nContent-Length: 10\r\n\r\nhal'
const halves = ['', 'GET', 'GET /ws HTTP/1.1\r\n', upgradeRequest('/ws').slice(0, -4), halfBody]

t.test('an invalid environment: exits with a line for every invalid variable and no stack trace', async t => {
  const {
    code, output
  } = await run(t, { PORT: '80x', GD_MP_API: 'yes', HOST: '0.0.0.0', WS_PATH: '/metrics', WS4_PATH: '/ws/*' })
  t.equal(code, 1)
  for (const name of ['PORT', 'GD_MP_API', 'ADMIN_TOKEN', 'WS_PATH', 'WS4_PATH']) {
    t.match(output, new RegExp(`^ +${name}: `, 'm'))
  }
  t.notMatch(output, /\.[jt]s:\d/)
})

t.test('misspelt variables are named at the start, with the variables that were probably meant', async t => {
  const service = await startService(t, { PING_INTERVALL: '5', MAX_PEER: '7' })
  await service.logged(/"level":40.*PING_INTERVALL: unknown and ignored; did you mean PING_INTERVAL\?/)
  await service.logged(/MAX_PEER: .* MAX_PEERS\?/)
  t.equal(service.log.filter(line => line.includes('did you mean')).length, 2)

  const { code, output } = await run(t, { HOST: '0.0.0.0', ADMIN_TOKN: token })
  t.equal(code, 1)
  t.match(output, /ADMIN_TOKEN: required/)
  t.match(output, /ADMIN_TOKN: .* ADMIN_TOKEN\?/)
  t.notMatch(output, token)
})

t.test('by default: a relay for this machine that logs its addresses, and exits with 0 on SIGINT', async t => {
  const service = await startService(t)
  await service.logged(/No ADMIN_TOKEN: .* loopback address/)
  t.match(await (await service.api('/server')).json(), {
    gdMpApi: true,
    path: '/ws',
    protocols: [],
    handshakeTimeout: 3
  })
  for (const path of ['/docs', '/openapi.json', '/healthz']) {
    await service.logged(`http://127.0.0.1:${service.port}${path}`)
    t.equal((await fetch(`http://127.0.0.1:${service.port}${path}`)).status, 200)
  }
  await service.logged(`ws://127.0.0.1:${service.port}/ws`)
  await service.logged(`http://127.0.0.1:${service.port}/api/v1`)

  t.equal((await fetch(`http://127.0.0.1:${service.port}/lobby/rooms`)).status, 404, 'no lobby')

  const undecodable = await service.api('/peers/%FF')
  t.equal(undecodable.status, 400)
  t.match(undecodable.headers.get('content-type'), /^application\/problem\+json/)

  const taken = await run(t, { PORT: String(service.port) })
  t.equal(taken.code, 1)
  t.match(taken.output, /EADDRINUSE/)

  const end = nextClose(await open(t, service))
  t.equal(await service.stop('SIGINT'), 0)
  t.match(await end, { code: 1001 })
})

t.test('configured: variables take effect, the token is required and never logged, peers are closed with ' +
  '1001 on SIGTERM', async t => {
  const service = await startService(t, {
    HOST: '0.0.0.0',
    ADMIN_TOKEN: token,
    NODE_ENV: 'production',
    GD_MP_API: 'false',
    WS_PATH: '/game',
    WS_PROTOCOLS: 'chat, game',
    LOG_LEVEL: 'debug',
    // Not a whole number of milliseconds for a twelfth of it.
    HANDSHAKE_TIMEOUT: '60.001'
  })
  t.equal((await service.api('/server')).status, 401)
  const answer = await service.api('/server', { headers: { authorization: `Bearer ${token}` } })
  t.match(await answer.json(), { gdMpApi: false, path: '/game', protocols: ['chat', 'game'], handshakeTimeout: 60.001 })

  const elsewhere = `http://127.0.0.1:${service.port}/nowhere?token=of-a-player`
  t.equal((await fetch(elsewhere)).status, 404)

  const sockets = [await open(t, service, '/game', 'chat'), await open(t, service, '/game', 'game')]
  const ends = sockets.map(nextClose)
  t.equal(await service.stop(), 0)
  t.match(await Promise.all(ends), [{ code: 1001 }, { code: 1001 }])
  t.notMatch(service.log.join('\n'), token)
  await service.logged('/nowhere')
  t.notMatch(service.log.join('\n'), 'of-a-player')
})

t.test('incomplete requests are cut like handshakes', async t => {
  const service = await startService(t, { HANDSHAKE_TIMEOUT: '0.6' })
  await Promise.all(halves.map(async half => {
    const raw = await connectRaw(t, service.port)
    raw.send(half)
    t.ok(await raw.end(), JSON.stringify(half.slice(0, 40)))
  }))
})

t.test('a longer handshakeTimeout is in effect at once, and after a restart', async t => {
  const env = { HANDSHAKE_TIMEOUT: '0.5', STATE_FILE: join(temporaryFolder(t), 'state.json') }
  for (const isRestarted of [false, true]) {
    const service = await startService(t, env)
    if (!isRestarted) await service.api('/server', jsonRequest('PATCH', { handshakeTimeout: 2 }))
    const raw = await connectRaw(t, service.port)
    const began = performance.now()
    raw.send('GET /ws HTTP/1.1\r\n')
    await raw.end()
    const seconds = (performance.now() - began) / 1000
    t.ok(seconds > 1.5, `ended after ${seconds} s`)
    t.equal(await service.stop(), 0)
  }
})

/** Time limits of ten seconds, the default of Fastify's `pluginTimeout`, are over at once when the process closes. */
const hurried = '--import=data:text/javascript,' + encodeURIComponent(`process.once('SIGTERM', () => {
  const { setTimeout } = globalThis
  globalThis.setTimeout = (callback, time, ...more) => setTimeout(callback, time === 10000 ? 0 : time, ...more)
})`)

t.test('not ready while peers are closed, but still responds', async t => {
  const service = await startService(t, { CLOSE_TIMEOUT: '60', NODE_OPTIONS: hurried })
  const closing = await connectRawWebSocket(t, service.port)
  const stopped = service.stop()
  t.equal(await closeCode(closing, { answersPing: true }), 1001)
  const at = `http://127.0.0.1:${service.port}`
  const [ready, alive, state] =
    await Promise.all([fetch(`${at}/readyz`), fetch(`${at}/healthz`), service.api('/server')])
  t.equal(ready.status, 503)
  t.match(await ready.json(), { code: 'not-listening' })
  t.equal(alive.status, 200)
  t.match(await state.json(), { listening: false, peers: { closing: 1 } })
  closing.socket.destroy()
  t.equal(await stopped, 0)
})

t.test('exits in time despite unresponsive clients and incomplete requests', async t => {
  const service = await startService(t, { HANDSHAKE_TIMEOUT: '60', CLOSE_TIMEOUT: '1' })
  const unresponsive = await connectRawWebSocket(t, service.port)
  for (const half of halves) (await connectRaw(t, service.port)).send(half)
  const stopped = service.stop()
  t.equal(await closeCode(unresponsive), 1001, 'an unresponsive client receives the close frame too')
  t.equal(await stopped, 0)
})

/** The code of the close frame, after whatever the relay has sent before. */
async function closeCode (raw: RawSocket, { answersPing = false } = {}): Promise<number> {
  let frame = await raw.frame()
  while (frame.opcode !== 8) {
    if (frame.opcode === 9 && answersPing) raw.sendFrame(10, frame.payload)
    frame = await raw.frame()
  }
  return frame.payload.readUInt16BE(0)
}

async function open (t: Test, { port }: Service, path = '/ws', ...protocols: string[]): Promise<WebSocket> {
  const socket = new WebSocket(`ws://127.0.0.1:${port}${path}`, protocols)
  t.teardown(() => { socket.terminate() })
  await once(socket, 'open')
  return socket
}

/** Runs the service with an invalid environment: its exit code and output. */
async function run (t: Test, env: Record<string, string>): Promise<{ code: number, output: string }> {
  const child = spawn(process.execPath, [join(root, 'dist/service.js')], {
    env: { PATH: process.env.PATH, PORT: '0', ...env },
    stdio: ['ignore', 'pipe', 'pipe']
  })
  t.teardown(() => child.kill('SIGKILL'))
  const ended = Promise.all([once(child, 'exit'), text(child.stdout), text(child.stderr)])
  const [[code], out, err] = await withTimeout(() => `the service to end with ${JSON.stringify(env)}`, ended)
  return { code, output: out + err }
}
