import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import t from 'tap'
import { root } from '../../scripts/root.ts'
import { keyFile, pem } from '../helper/sockets/keys.ts'
import { connectRawTls, connectRawWebSocket, upgradeRequest } from '../helper/sockets/raw-socket.ts'
import { startService } from '../helper/programs/service.ts'

const keys = { TLS_KEY: keyFile('leaf.key'), TLS_CERT: keyFile('leaf.pem'), TLS_CA: keyFile('middle.pem') }

t.test('with WS_PORT and keys clients connect with wss to a separate port', async t => {
  const service = await startService(t, { WS_PORT: '0', BIND_IP: '127.0.0.1', ...keys })
  const state = await (await service.api('/server')).json() as { port: number }
  t.match(state, { mode: 'own', tls: true, bindIp: '127.0.0.1', listening: true })
  await service.logged(`wss://127.0.0.1:${state.port}`)
  const raw = await connectRawTls(t, state.port, { ca: pem('root.pem') })
  raw.send(upgradeRequest('/'))
  t.equal((await raw.head()).status, 101)
  const stopped = service.stop()
  // Its id and that of the server come first.
  t.same([(await raw.frame()).opcode, (await raw.frame()).opcode], [2, 2])
  // Asks whether the client has read them: option lastWords.
  const ping = await raw.frame()
  t.equal(ping.opcode, 9)
  raw.sendFrame(10, ping.payload)
  t.match(await raw.close(), { code: 1001, reason: 'server shutdown' })
  raw.socket.destroy()
  t.equal(await stopped, 0)
})

t.test('WS4_PATH may be where WS_PORT has replaced the endpoint', async t => {
  const service = await startService(t, { WS_PORT: '0', BIND_IP: '127.0.0.1', WS4_PATH: '/ws', ROOMS: 'true' })
  const { port } = await (await service.api('/server')).json() as { port: number }
  for (const [at, path] of [[port, ''], [service.port, '/godot4']] as const) {
    await connectRawWebSocket(t, at, '/ws/arena')
    t.match(await (await service.api(`${path}/peers`)).json(), { meta: { count: 1 }, items: [{ room: 'arena' }] })
  }
})

t.test('exits with the name of the variable if key and certificate do not match', async t => {
  const main = join(root, 'dist/service.js')
  const process = spawn(globalThis.process.execPath, [main], {
    env: { ...globalThis.process.env, PORT: '0', WS_PORT: '0', ...keys, TLS_KEY: keyFile('renewed.key') },
    stdio: ['ignore', 'ignore', 'pipe']
  })
  t.teardown(() => { process.kill('SIGKILL') })
  const [output, [code]] = await Promise.all([text(process.stderr), once(process, 'exit')])
  t.equal(code, 1)
  t.match(output, /^TLS_KEY: not the key of sslCertificate$/m)
  t.notMatch(output, /\.[jt]s:\d/)
})

for (const [where, variables] of [['a separate port', { WS_PORT: '0' }], ['paths', { WS4_PATH: '/ws4' }]] as const) {
  t.test(`with AUTO_LISTEN=false it logs how to start listening, at ${where}`, async t => {
    const service = await startService(t, { AUTO_LISTEN: 'false', ...variables })
    await service.logged('Health at')
    const api = `http://127.0.0.1:${service.port}/api/v1`
    const names = where === 'paths' ? { 3: '', 4: '/godot4' } : { 3: '' }
    for (const [godot, name] of Object.entries(names)) {
      const request = `POST ${api}${name}/server/listen`
      await service.logged(`Godot ${godot} multiplayer relay not listening: ${request} starts it`)
      t.equal((await fetch(request.slice('POST '.length), { method: 'POST' })).status, 200)
    }
    t.same(service.log.filter(line => line.includes('ws://')), [])
  })
}
