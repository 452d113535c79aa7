import { once } from 'node:events'
import { Duplex } from 'node:stream'
import { connect as connectTls, type TLSSocket } from 'node:tls'
import type { Test } from 'tap'
import t from 'tap'
import type { ServerOptions } from '../../src/options/option-types.ts'
import { WebSocketServer } from '../../src/core/server/websocket-server.ts'
import { stopTime } from '../helper/clock.ts'
import { leafKeys, pem, renewedKeys } from '../helper/sockets/keys.ts'
import { modes, openEchoServer, openServer } from '../helper/sockets/modes.ts'
import { nextSignal } from '../helper/next-signal.ts'
import { connectRaw, connectRawTls, frame, upgradeRequest } from '../helper/sockets/raw-socket.ts'
import { until } from '../helper/until.ts'

const ca = pem('root.pem')

for (const version of ['TLSv1.2', 'TLSv1.3'] as const) {
  t.test(`a client that trusts the root communicates over ${version}`, async t => {
    const server = await openEchoServer(t, 'own', leafKeys)
    t.ok(server.tls)
    const raw = await connectRawTls(t, server.port, { ca, minVersion: version, maxVersion: version })
    raw.send(upgradeRequest('/'))
    t.equal((await raw.head()).status, 101)
    raw.sendFrame(2, Buffer.of(1, 2, 3))
    t.same((await raw.frame()).payload, Buffer.of(1, 2, 3))
    t.equal([...server.peers()][0].getConnectedHost(), '127.0.0.1')
    raw.sendFrame(8, Buffer.of(0x03, 0xe8))
    t.equal((await raw.close()).code, 1000)
    await raw.end()
  })
}

t.test('TLS 1.1 is rejected', async t => {
  const server = await openEchoServer(t, 'own', leafKeys)
  await t.rejects(connectRawTls(t, server.port, {
    ca,
    minVersion: 'TLSv1',
    maxVersion: 'TLSv1.1',
    ciphers: 'DEFAULT@SECLEVEL=0'
  }))
})

t.test('a client that does not trust the root disconnects', async t => {
  const server = await openEchoServer(t, 'own', leafKeys)
  await t.rejects(connectRawTls(t, server.port, {}), {
    code: /SELF_SIGNED_CERT_IN_CHAIN|UNABLE_TO_GET_ISSUER_CERT_LOCALLY/
  })
  t.equal(server.peerCount, 0)
})

t.test('without caChain the certificate chain is incomplete', async t => {
  const server = await openEchoServer(t, 'own', { ...leafKeys, caChain: undefined })
  await t.rejects(connectRawTls(t, server.port, { ca }), { code: 'UNABLE_TO_VERIFY_LEAF_SIGNATURE' })
})

t.test('a client without TLS is cut', async t => {
  const server = await openEchoServer(t, 'own', leafKeys)
  const raw = await connectRaw(t, server.port)
  raw.send(upgradeRequest('/'))
  await raw.end()
  t.equal(server.countPeers().pending, 0)
})

/** Options of a server that speaks TLS, and of its host. */
function serve (mode: (typeof modes)[number]): [options: Partial<ServerOptions>, host: object] {
  const https = { key: leafKeys.privateKey, cert: leafKeys.sslCertificate + leafKeys.caChain }
  return mode === 'own' ? [leafKeys, {}] : [{}, { https }]
}

for (const mode of modes) {
  t.test(`frames that arrive with the request are not lost over TLS (${mode})`, async t => {
    const server = await openEchoServer(t, mode, ...serve(mode))
    const early = await connectRawTls(t, server.port, { ca })
    // Its response leaves an empty write behind.
    if (mode === 'mounted') early.send('GET /nothing HTTP/1.1\r\nHost: localhost\r\n\r\n')
    if (mode === 'mounted') t.equal((await early.response()).status, 404)
    early.send(Buffer.concat([Buffer.from(upgradeRequest('/ws')), frame(2, 'early'), frame(2, 'late'.repeat(15_000))]))
    t.equal((await early.head()).status, 101)
    t.equal(String((await early.frame()).payload), 'early')
    t.equal((await early.frame()).payload.length, 60_000)
    early.sendFrame(8, Buffer.of(0x03, 0xe8))
    t.equal((await early.close()).code, 1000)
    t.equal(await early.end(), 'end')
  })

  t.test(`bytes that are not TLS end the connection of a peer (${mode})`, async t => {
    const [options, host] = serve(mode)
    const server = await openServer(t, mode, { pingInterval: 0, ...options }, host)
    const { socket: tcp } = await connectRaw(t, server.port)
    const socket = new Duplex({ read () {}, write (chunk, _encoding, callback) { tcp.write(chunk, callback) } })
    tcp.on('data', chunk => { socket.push(chunk) })
    const raw = await connectRawTls(t, server.port, { ca, socket })
    const joined = nextSignal(server, 'client_connected')
    raw.send(upgradeRequest('/ws'))
    const [id] = await joined
    // The client hears no alert, and does not close the connection.
    tcp.removeAllListeners('data').resume()
    const left = nextSignal(server, 'client_disconnected')
    tcp.write('GET / HTTP/1.1\r\n\r\n')
    t.same(await left, [id, false])
  })
}

t.test('refusals are sent over TLS too', async t => {
  const server = await openEchoServer(t, 'own', leafKeys)
  const raw = await connectRawTls(t, server.port, { ca })
  raw.send(upgradeRequest('/', { Upgrade: undefined }))
  t.equal((await raw.response()).status, 426)
})

t.test('handshakeTimeout applies to stalled TLS handshakes', async t => {
  const server = await openEchoServer(t, 'own', { ...leafKeys, handshakeTimeout: 5 })
  const clock = stopTime(t)
  const raw = await connectRaw(t, server.port)
  raw.send(Buffer.of(0x16, 0x03, 0x01, 0x02, 0x00, 0x01))
  await until(() => server.countPeers().pending === 1)
  clock.advance(4900)
  t.equal(server.countPeers().pending, 1)
  clock.advance(200)
  await raw.end()
  t.equal(server.countPeers().pending, 0)
})

const wrong: Array<[what: string, keys: Partial<ServerOptions>, message: RegExp]> = [
  ['only a key', { privateKey: leafKeys.privateKey }, /sslCertificate: missing/],
  ['only a certificate', { sslCertificate: leafKeys.sslCertificate }, /privateKey: missing/],
  ['only a chain', { caChain: leafKeys.caChain }, /privateKey: missing/],
  ['an invalid key', { ...leafKeys, privateKey: 'nonsense' }, /privateKey: expected/],
  ['an encrypted key', { ...leafKeys, privateKey: pem('encrypted.key') }, /privateKey: expected an unencrypted/],
  ['a certificate as key', { ...leafKeys, privateKey: leafKeys.sslCertificate }, /privateKey: expected/],
  ['an invalid certificate', { ...leafKeys, sslCertificate: 'nonsense' }, /sslCertificate: expected/],
  ['a certificate cut short', {
    ...leafKeys,
    sslCertificate: leafKeys.sslCertificate.replace(/.{64}\n/, '')
  }, /sslCertificate: expected/],
  ['an invalid chain', { ...leafKeys, caChain: 'nonsense' }, /caChain: expected/],
  ['the key of another certificate', {
    ...leafKeys,
    privateKey: renewedKeys.privateKey
  }, /privateKey: not the key of sslCertificate/]
]

for (const [what, keys, message] of wrong) {
  t.test(`listen fails on ${what}`, async t => {
    const server = new WebSocketServer(keys)
    await t.rejects(server.listen(0), { code: 'ERR_INVALID_PARAMETER', message })
    t.notOk(server.isListening())
  })
}

t.test('keys can be replaced while peers stay connected', async t => {
  const server = await openEchoServer(t, 'own', leafKeys)
  const before = await connectRawTls(t, server.port, { ca })
  before.send(upgradeRequest('/'))
  t.equal((await before.head()).status, 101)
  t.throws(() => {
    server.setSecureContext({ ...renewedKeys, privateKey: leafKeys.privateKey })
  }, { code: 'ERR_INVALID_PARAMETER' })
  t.equal((await certificateOf(t, server.port)).issuer.CN, 'Test middle', 'bad keys change nothing')
  server.setSecureContext(renewedKeys)
  t.equal((await certificateOf(t, server.port)).issuer.CN, 'Test root')
  t.equal(server.sslCertificate, renewedKeys.sslCertificate)
  t.equal(server.caChain, undefined)
  before.sendFrame(2, Buffer.of(1))
  t.same((await before.frame()).payload, Buffer.of(1))
})

const incomplete: Array<[what: string, keys: unknown, message: RegExp]> = [
  ['nothing', undefined, /keys: expected an object/],
  ['an empty object', {}, /privateKey: missing/],
  ['the names of node:tls', {
    key: leafKeys.privateKey,
    cert: leafKeys.sslCertificate
  }, /key: unknown member.*privateKey, sslCertificate/],
  ['only a key', { privateKey: leafKeys.privateKey }, /sslCertificate: missing/],
  ['only a certificate', { sslCertificate: leafKeys.sslCertificate }, /privateKey: missing/],
  ['undefined keys', { privateKey: undefined, sslCertificate: undefined }, /privateKey: missing/],
  ['a Buffer', { ...leafKeys, privateKey: Buffer.from(leafKeys.privateKey) }, /privateKey: expected a string/],
  ['a misspelt chain', { ...leafKeys, cachain: leafKeys.caChain }, /cachain: unknown member/]
]

for (const [what, keys, message] of incomplete) {
  t.test(`${what} do not replace the keys, and TLS stays enabled`, async t => {
    const server = await openEchoServer(t, 'own', leafKeys)
    t.throws(() => { server.setSecureContext(keys as typeof leafKeys) }, { code: 'ERR_INVALID_PARAMETER', message })
    t.ok(server.tls)
    t.equal(server.privateKey, leafKeys.privateKey)
    t.equal((await certificateOf(t, server.port)).issuer.CN, 'Test middle')
  })
}

async function certificateOf (t: Test, port: number) {
  const socket: TLSSocket = connectTls({ port, host: '127.0.0.1', servername: 'localhost', ca })
  t.teardown(() => socket.destroy())
  await once(socket, 'secureConnect')
  return socket.getPeerCertificate()
}

t.test('setting keys without TLS throws', async t => {
  const server = await openEchoServer(t, 'own', {})
  t.notOk(server.tls)
  t.throws(() => { server.setSecureContext(leafKeys) }, { code: 'ERR_UNCONFIGURED' })
  await server.stop()
  t.throws(() => { server.setSecureContext(leafKeys) }, { code: 'ERR_UNCONFIGURED' })
})
