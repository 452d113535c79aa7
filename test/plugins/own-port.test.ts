import type { AddressInfo } from 'node:net'
import Fastify, { type FastifyInstance } from 'fastify'
import type { Test } from 'tap'
import t from 'tap'
import peerServer from '../../index.ts'
import type { ServerOptions } from '../../index.ts'
import { leafKeys, pem } from '../helper/keys.ts'
import { connectRawTls, connectRawWebSocket, upgradeRequest } from '../helper/raw-socket.ts'

/** A listening app; the test closes it. */
async function listening (t: Test, options: Partial<ServerOptions>): Promise<{ app: FastifyInstance, port: number }> {
  const app = Fastify({ forceCloseConnections: true })
  t.teardown(async () => { await app.close() })
  await app.register(peerServer, { closeTimeout: 0.2, ...options })
  await app.listen()
  return { app, port: (app.server.address() as AddressInfo).port }
}

t.test('with option port the server has its own listener, and the app no endpoint', async t => {
  const { app, port } = await listening(t, { port: 0 })
  t.equal(app.peerServer.mode, 'own')
  t.not(app.peerServer.port, port)
  await connectRawWebSocket(t, app.peerServer.port)
  t.equal(app.peerServer.peerCount, 1)
  t.equal((await fetch(`http://127.0.0.1:${port}/ws`)).status, 404)
})

t.test('with port and keys the listener uses TLS', async t => {
  const { app } = await listening(t, { port: 0, ...leafKeys })
  t.ok(app.peerServer.tls)
  const raw = await connectRawTls(t, app.peerServer.port, { ca: pem('root.pem') })
  raw.send(upgradeRequest('/'))
  t.equal((await raw.head()).status, 101)
})

t.test('closing the app closes the listener', async t => {
  const { app } = await listening(t, { port: 0 })
  const raw = await connectRawWebSocket(t, app.peerServer.port)
  const closed = app.close()
  t.equal((await raw.close()).code, 1001)
  raw.socket.destroy()
  await closed
  t.notOk(app.peerServer.isListening())
})

t.test('rejects keys without a port, since the TLS of the endpoint is the app\'s', async t => {
  const app = Fastify()
  await t.rejects(async () => { await app.register(peerServer, leafKeys) }, {
    code: 'ERR_INVALID_PARAMETER',
    message: /host app.*port/
  })
})

t.test('the endpoint of an app with TLS uses it', async t => {
  const app = Fastify({ https: { key: leafKeys.privateKey, cert: leafKeys.sslCertificate + leafKeys.caChain } })
  t.teardown(async () => { await app.close() })
  await app.register(peerServer)
  await app.listen()
  t.ok(app.peerServer.tls)
  t.throws(() => { app.peerServer.setSecureContext(leafKeys) }, { code: 'ERR_UNCONFIGURED' })
  const raw = await connectRawTls(t, app.peerServer.port, { ca: pem('root.pem') })
  raw.send(upgradeRequest('/ws'))
  t.equal((await raw.head()).status, 101)
})

t.test('while a mounted server listens on its own port, its endpoint refuses clients', async t => {
  const { app, port } = await listening(t, { autoListen: false })
  await app.peerServer.listen(0)
  t.equal(app.peerServer.mode, 'own')
  await t.rejects(connectRawWebSocket(t, port), { message: /503/ })
  await connectRawWebSocket(t, app.peerServer.port)
  await app.peerServer.stop()
  await app.peerServer.listen()
  t.equal(app.peerServer.mode, 'mounted')
  await connectRawWebSocket(t, port)
})
