import { once } from 'node:events'
import { writeFile } from 'node:fs/promises'
import { createServer, type AddressInfo, type Socket } from 'node:net'
import { join } from 'node:path'
import { connect as natsConnection } from '@nats-io/transport-node'
import t, { type Test } from 'tap'
import { WebSocketServer } from '../../../index.ts'
import { importOptional } from '../../../src/cluster/bus/import-optional.ts'
import { connectNats } from '../../../src/cluster/bus/nats-bus.ts'
import type { NatsOptions } from '../../../src/cluster/bus/nats-options.ts'
import { keyFile } from '../../helper/sockets/keys.ts'
import { startNats } from '../../helper/programs/nats.ts'
import { natsCredentials } from '../../helper/programs/nats-credentials.ts'
import { silentLogger } from '../../helper/silent-logger.ts'
import { until } from '../../helper/until.ts'
import { withTimeout } from '../../helper/with-timeout.ts'
import { temporaryFolder } from '../../helper/temporary-folder.ts'

/** Connects and proves that messages and stores work. */
async function connects (t: Test, options: NatsOptions): Promise<void> {
  const bus = await connectNats(options, silentLogger)
  t.teardown(() => bus.close())
  const store = await bus.openStore('test')
  t.ok(await store.put('a', new Uint8Array(1)))
  await bus.flush()
}

async function refuses (t: Test, options: NatsOptions, message: RegExp, code = 'cluster-unavailable'): Promise<void> {
  const refused = t.rejects(connectNats(options, silentLogger), { code, message })
  await withTimeout(() => String(message), refused)
}

async function temporaryFile (t: Test, content: string): Promise<string> {
  const folder = temporaryFolder(t)
  const path = join(folder, 'file')
  await writeFile(path, content)
  return path
}

t.test('connects with user and password, as options or in the address', async t => {
  const server = await startNats(t, ['-js', '--user', 'ann', '--pass', 'p@ss'])
  await connects(t, { servers: server.url, user: 'ann', password: 'p@ss' })
  await connects(t, { servers: [server.url.replace('//', '//ann:p%40ss@')] })
  const address = `127.0.0.1:${server.port}`
  await refuses(t, { servers: server.url, user: 'ann', password: 'wrong' }, /refuses the credentials/)
  await refuses(t, { servers: `nats://ann@${address}` }, new RegExp(`credentials \\(nats://${address}\\)$`))
  await refuses(t, { servers: server.url }, /refuses the credentials/)
})

t.test('connects with a token', async t => {
  const server = await startNats(t, ['-js', '--auth', 'secret'])
  await connects(t, { servers: server.url, token: 'secret' })
  await refuses(t, { servers: server.url, token: 'wrong' }, /refuses the credentials/)
})

t.test('connects with a .creds file, as path or content', async t => {
  const { config, credentials } = natsCredentials()
  const server = await startNats(t, ['-js', '-c', await temporaryFile(t, config)])
  await connects(t, { servers: server.url, credentials })
  await connects(t, { servers: server.url, credentials: await temporaryFile(t, credentials) })
  await refuses(t, { servers: server.url, credentials: natsCredentials().credentials }, /refuses the credentials/)
  await refuses(t, { servers: server.url, credentials: '/nowhere.creds' },
    /cannot read the credentials: .*nowhere/, 'ERR_INVALID_PARAMETER')
  await refuses(t, { servers: server.url, credentials: await temporaryFile(t, 'nothing') },
    /credentials/, 'ERR_INVALID_PARAMETER')
})

t.test('connects with TLS if the certificate is trusted', async t => {
  const args = ['--tls', '--tlscert', keyFile('renewed.pem'), '--tlskey', keyFile('renewed.key')]
  const server = await startNats(t, ['-js', ...args])
  const address = `localhost:${server.port}`
  await connects(t, { servers: `tls://${address}`, tls: { caFile: keyFile('root.pem') } })
  await refuses(t, { servers: `tls://${address}` }, /cannot be reached: .*certificate/)
  await refuses(t, { servers: `nats://${address}`, tls: true }, /cannot be reached: .*certificate/)
})

t.test('connects if one of several brokers is reachable', async t => {
  const server = await startNats(t)
  await connects(t, { servers: `nats://127.0.0.1:1,${server.url}` })
  await connects(t, { servers: [server.url, 'nats://127.0.0.1:1'] })
})

t.test('rejects if no broker listens', async t => {
  await refuses(t, { servers: 'nats://127.0.0.1:1' }, /cannot be reached: connection refused \(nats:\/\/127.0.0.1:1\)/)
})

t.test('rejects if the broker does not respond', async t => {
  const sockets: Socket[] = []
  const server = createServer(socket => { sockets.push(socket) }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.teardown(() => {
    for (const socket of sockets) socket.destroy()
    server.close()
  })
  const url = `nats://127.0.0.1:${(server.address() as AddressInfo).port}`
  await refuses(t, { servers: [url, url, url] }, /cannot be reached/)
})

t.test('rejects if the broker has no JetStream', async t => {
  const server = await startNats(t, [])
  await refuses(t, { servers: server.url }, /JetStream is off: start the broker with nats-server -js/)
})

t.test('connects to a broker that loses a request for the state of JetStream, as after its start', async t => {
  const server = await startNats(t, [])
  const broker = await natsConnection({ servers: server.url })
  t.teardown(() => broker.close())
  let requests = 0
  broker.subscribe('$JS.API.INFO', {
    callback: (_error, request) => { if (++requests > 1) request.respond(JSON.stringify({ memory: 0, storage: 0 })) }
  })
  await broker.flush()
  const bus = await connectNats({ servers: server.url }, silentLogger)
  t.equal(requests, 2)
  await bus.close()
})

t.test('rejects if a package is not installed', async t => {
  await t.rejects(importOptional('none'), { code: 'ERR_UNCONFIGURED', message: /npm install @nats-io\/transport-node/ })
})

t.test('logs once what the broker does not permit, and in the end how often that was', async t => {
  const user = '{ user: "ann", password: "x", permissions: { publish: { deny: "no.>" }, subscribe: { deny: "no.>" } } }'
  const config = await temporaryFile(t, `authorization: { users: [ ${user} ] }`)
  const server = await startNats(t, ['-js', '-c', config])
  const logged: object[] = []
  const log = { ...silentLogger, error: (details: object) => { logged.push(details) } }
  const bus = await connectNats({ servers: server.url, user: 'ann', password: 'x' }, log)
  t.teardown(() => bus.close())
  for (let sent = 0; sent < 50; sent++) bus.publish(`no.a${sent}`, new Uint8Array(1))
  bus.subscribe('no.b', () => {})
  await bus.flush()
  await until(() => logged.length === 2)
  t.match(logged, [{ err: /publish.*no\.a0/i }, { err: /subscription.*no\.b/i }])
  await bus.close()
  t.match(logged.slice(2), [{ reason: 'publish', hits: 49 }])
})

t.test('opening a store rejects if the broker refuses it', async t => {
  const server = await startNats(t)
  const bus = await connectNats({ servers: server.url, replicas: 3 }, silentLogger)
  t.teardown(() => bus.close())
  await t.rejects(bus.openStore('test'), { message: /replicas > 1 not supported in non-clustered mode/ })
})

t.test('option cluster connects a server, which logs when the connection is lost', async t => {
  const nats = await startNats(t)
  const warnings: string[] = []
  const log = { ...silentLogger, warn: (_details: object, message: string) => { warnings.push(message) } }
  const server = new WebSocketServer({
    gdMpApi: true, bindIp: '127.0.0.1', log, cluster: { servers: nats.url, nodeId: 'a' }
  })
  await server.listen(0)
  t.teardown(() => server.stop())
  await until(() => server.cluster.isReady)
  t.equal(server.cluster.nodeId, 'a')
  await nats.kill()
  await until(() => warnings.includes('lost the connection to the broker, reconnecting'))
})
