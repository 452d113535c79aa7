import Fastify from 'fastify'
import t from 'tap'
import peerServer from '../../index.ts'
import { listeningApp } from '../helper/app.ts'
import { leafKeys, pem } from '../helper/sockets/keys.ts'
import { connectRawTls, connectRawWebSocket, upgradeRequest } from '../helper/sockets/raw-socket.ts'

t.test('with option port the server has its own listener, and the app no endpoint', async t => {
  const { app, port } = await listeningApp(t, { closeTimeout: 0.2, port: 0 }, { forceCloseConnections: true })
  t.equal(app.peerServer.mode, 'own')
  t.not(app.peerServer.port, port)
  await connectRawWebSocket(t, app.peerServer.port)
  t.equal(app.peerServer.peerCount, 1)
  t.equal((await fetch(`http://127.0.0.1:${port}/ws`)).status, 404)
})

t.test('with port and keys the listener uses TLS', async t => {
  const { app } = await listeningApp(t, { closeTimeout: 0.2, port: 0, ...leafKeys }, { forceCloseConnections: true })
  t.ok(app.peerServer.tls)
  const raw = await connectRawTls(t, app.peerServer.port, { ca: pem('root.pem') })
  raw.send(upgradeRequest('/'))
  t.equal((await raw.head()).status, 101)
})

t.test('closing the app closes the listener', async t => {
  const { app } = await listeningApp(t, { closeTimeout: 0.2, port: 0 }, { forceCloseConnections: true })
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
  const { app, port } = await listeningApp(t, { closeTimeout: 0.2, autoListen: false }, { forceCloseConnections: true })
  await app.peerServer.listen(0)
  t.equal(app.peerServer.mode, 'own')
  await t.rejects(connectRawWebSocket(t, port), { message: /503/ })
  await connectRawWebSocket(t, app.peerServer.port)
  await app.peerServer.stop()
  await app.peerServer.listen()
  t.equal(app.peerServer.mode, 'mounted')
  await connectRawWebSocket(t, port)
})
