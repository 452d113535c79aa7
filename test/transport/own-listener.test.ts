import { once } from 'node:events'
import { createServer, Server, type AddressInfo, type ListenOptions } from 'node:net'
import t from 'tap'
import { WebSocketServer } from '../../src/core/server/websocket-server.ts'
import { internalsOf } from '../../src/core/server/internals.ts'
import { SocketConnection } from '../../src/transport/socket-connection.ts'
import { connectRaw, connectRawWebSocket, upgradeRequest } from '../helper/sockets/raw-socket.ts'
import { openServer } from '../helper/sockets/modes.ts'
import { freePort } from '../helper/free-port.ts'
import { nextTurn } from '../helper/memory/frame-client.ts'
import { nextSignal } from '../helper/next-signal.ts'
import { until } from '../helper/until.ts'

t.test('listen opens a port and stop frees it', async t => {
  const server = new WebSocketServer({ closeTimeout: 0.3 })
  t.teardown(async () => { await server.stop() })
  const port = await freePort()
  await server.listen(port)
  t.ok(server.isListening())
  t.equal(server.mode, 'own')
  t.equal(server.tls, false)
  t.equal(server.port, port)
  await server.stop()
  t.equal(server.port, 0)
  await t.rejects(connectRaw(t, port), { code: 'ECONNREFUSED' })
  await server.listen(port, ['chat'], true)
  t.equal(server.port, port, 'it listens again, in another mode')
  t.same(server.options.protocols, ['chat'])
  t.ok(server.options.gdMpApi)
})

t.test('accepts IPv4 and IPv6 clients with their addresses', async t => {
  const server = await openServer(t, 'own')
  for (const host of ['127.0.0.1', '::1']) {
    const raw = await connectRaw(t, server.port, host)
    const connected = nextSignal(server, 'client_connected')
    raw.send(upgradeRequest('/any/path?will=do'))
    t.same((await raw.head()).status, 101)
    const [id] = await connected
    t.equal(server.getPeerAddress(id), host)
    t.equal(server.getPeerPort(id), raw.socket.localPort)
  }
})

t.test('bindIp binds to that address only', async t => {
  const v4 = await openServer(t, 'own', { bindIp: '127.0.0.1' })
  await connectRaw(t, v4.port, '127.0.0.1')
  await t.rejects(connectRaw(t, v4.port, '::1'), { code: 'ECONNREFUSED' })
  const v6 = await openServer(t, 'own', { bindIp: '::1' })
  await connectRaw(t, v6.port, '::1')
  await t.rejects(connectRaw(t, v6.port, '127.0.0.1'), { code: 'ECONNREFUSED' })
})

t.test('a failed listen has no effect', async t => {
  const other = createServer().listen(0, '127.0.0.1')
  t.teardown(() => other.close())
  await once(other, 'listening')
  const taken = (other.address() as AddressInfo).port
  const server = new WebSocketServer({ protocols: ['before'] })
  await t.rejects(server.listen(taken, [
    'after'
  ], true), { code: 'ERR_ALREADY_IN_USE', number: 22 }, 'also when only one address of the port is taken')
  for (const port of [-1, 65536, 1.5, Number.NaN, '80' as unknown as number]) {
    await t.rejects(server.listen(port, [
      'after'
    ], true), { code: 'ERR_INVALID_PARAMETER', message: /port/ }, String(port))
  }
  server.bindIp = '192.0.2.1'
  await t.rejects(server.listen(0, [
    'after'
  ], true), { code: 'ERR_ALREADY_IN_USE', number: 22 }, 'an address this machine lacks')
  server.bindIp = 'fe80::1'
  await t.rejects(server.listen(0, [
    'after'
  ], true), { code: 'ERR_CANT_CREATE', number: 20 }, 'a link-local address without an interface')
  t.notOk(server.isListening())
  t.same(server.options.protocols, ['before'])
  t.notOk(server.options.gdMpApi)
  server.bindIp = '*'
  await server.listen(0)
  await t.rejects(server.listen(0), { code: 'ERR_ALREADY_IN_USE', number: 22 }, 'listening already')
  await server.stop()
})

t.test('the second stop also stops a listen in between', async t => {
  const server = new WebSocketServer()
  await server.listen(0)
  const stopped = server.stop()
  const listening = server.listen(0)
  await t.rejects(server.listen(0), { code: 'ERR_ALREADY_IN_USE' })
  await server.stop()
  await Promise.all([stopped, listening])
  t.equal(server.isListening(), false)
})

t.test('stop during listen also stops the new listener', async t => {
  const server = new WebSocketServer()
  const openings = [server.listen(0), t.rejects(server.listen(0), { code: 'ERR_ALREADY_IN_USE' })]
  await server.stop()
  await Promise.all(openings)
  t.notOk(server.isListening())
  await server.listen(0)
  await server.stop()
  const failing = t.rejects(server.listen(70_000))
  await server.stop()
  await failing
})

t.test('properties that Godot locks while listening cannot be set', async t => {
  const server = await openServer(t, 'own')
  for (const name of ['bindIp', 'privateKey', 'sslCertificate', 'caChain'] as const) {
    t.throws(() => { server[name] = '127.0.0.1' }, { code: 'FAILED', message: new RegExp(name) }, name)
  }
  t.throws(() => { server.setBuffers(1, 1, 1, 1) }, { code: 'FAILED' })
  t.equal(server.bindIp, '*')
  await server.stop()
  server.bindIp = '127.0.0.1'
  t.equal(server.bindIp, '127.0.0.1')
})

t.test('rejects a bindIp that is not an address', async t => {
  const server = new WebSocketServer()
  for (const address of ['', 'nonsense', 'localhost', '127.1', '10.0.0.0/8', '1.2.3.256']) {
    t.throws(() => { server.bindIp = address }, { code: 'ERR_INVALID_PARAMETER', message: /bindIp/ }, address)
  }
  t.equal(server.bindIp, '*')
})

t.test('listen uses option port by default', async t => {
  const server = new WebSocketServer({ port: 0 })
  t.equal(server.mode, 'own')
  await server.listen()
  t.ok(server.port > 0)
  await server.stop()
  await t.rejects(new WebSocketServer().listen(), { code: 'ERR_CANT_CREATE' }, 'no port and no app')
})

t.test('packets are received and sent, including bytes that arrive with the request', async t => {
  const server = await openServer(t, 'own')
  server.on('packet', (id, bytes) => { server.getPeer(id).putPacket(bytes) })
  const raw = await connectRaw(t, server.port)
  raw.send(Buffer.concat([Buffer.from(upgradeRequest('/')), Buffer.of(0x82, 0x81, 0, 0, 0, 0, 7)]))
  t.equal((await raw.head()).status, 101)
  t.same((await raw.frame()).payload, Buffer.of(7))
  raw.sendFrame(2, Buffer.of(8))
  t.same((await raw.frame()).payload, Buffer.of(8))
})

t.test('packets that are sent while onHandshake is pending are received in order, however many', async t => {
  let accept: (() => void) | undefined
  const server = await openServer(t, 'own', {
    onHandshake: async () => await new Promise(resolve => { accept = resolve })
  })
  const texts: string[] = []
  server.on('packet', (_, bytes) => { texts.push(Buffer.from(bytes).toString()) })
  const raw = await connectRaw(t, server.port)
  raw.send(upgradeRequest('/'))
  await until(() => accept !== undefined)
  const sent = Array.from({ length: 40 }, (_, i) => `${i} `.padEnd(1000, 'x'))
  for (const text of sent) {
    raw.sendFrame(1, text)
    await nextTurn()
  }
  t.same(texts, [])
  accept!()
  await until(() => texts.length === sent.length)
  t.same(texts, sent)
})

t.test('without autoPoll a client joins in poll(), and its early packets are not lost', async t => {
  const server = await openServer(t, 'own', { autoPoll: false })
  const ids: number[] = []
  server.on('client_connected', id => { ids.push(id) })
  const raw = await connectRaw(t, server.port)
  raw.send(Buffer.concat([Buffer.from(upgradeRequest('/')), Buffer.of(0x82, 0x81, 0, 0, 0, 0, 7)]))
  const answer = raw.head()
  while (ids.length === 0) {
    t.equal(raw.unread.length, 0)
    server.poll()
    await nextTurn()
  }
  t.equal((await answer).status, 101)
  const received = nextSignal(server, 'data_received')
  const timer = setInterval(() => { server.poll() }, 1)
  await received
  clearInterval(timer)
  t.same(server.getPeer(ids[0]).getPacket(), Uint8Array.of(7))
})

t.test('stop closes peers, cuts pending handshakes, and leaks nothing', async t => {
  const server = await openServer(t, 'own')
  const peer = await connectRawWebSocket(t, server.port)
  const silent = await connectRaw(t, server.port)
  const half = await connectRaw(t, server.port)
  half.send('GET / HT')
  await until(() => server.countPeers().pending === 2)
  const stopped = server.stop(1012, 'restart')
  t.same(await peer.close(), { code: 1012, reason: 'restart' })
  peer.sendFrame(8, Buffer.of(0x03, 0xf4))
  for (const raw of [silent, half]) t.match(await raw.end(), /end|reset/)
  await stopped
  t.equal(server.countPeers().pending, 0)
  t.equal(server.peerCount, 0)
})

t.test('setNoDelay applies to the socket of the peer', async t => {
  const server = await openServer(t, 'own')
  const connected = nextSignal(server, 'client_connected')
  const raw = await connectRawWebSocket(t, server.port)
  const [id] = await connected
  // Handles of clients are of the same class as accepted ones.
  const { _handle: handle } = raw.socket as unknown as { _handle: { setNoDelay (enabled: boolean): void } }
  const prototype = Object.getPrototypeOf(handle) as typeof handle
  const calls = t.capture(prototype, 'setNoDelay', prototype.setNoDelay)
  server.getPeer(id).setNoDelay(false)
  server.getPeer(id).setNoDelay(true)
  t.same(calls().map(({ args }) => args), [[false], [true]])
})

t.test('accepts clients without the undocumented handle of Node', async t => {
  const { listen } = Server.prototype
  t.intercept(Server.prototype, 'listen', {
    value (this: Server & { _handle?: object }, ...args: [ListenOptions]) {
      return listen.apply(this, args).once('listening', () => {
        const handle = this._handle
        Object.defineProperty(this, '_handle', { configurable: true, value: undefined })
        setImmediate(() => { Object.defineProperty(this, '_handle', { writable: true, value: handle }) })
      })
    }
  })
  const server = await openServer(t, 'own')
  await nextTurn()
  server.on('data_received', id => { server.getPeer(id).putPacket(server.getPeer(id).getPacket()) })
  const raw = await connectRawWebSocket(t, server.port)
  raw.sendFrame(2, 'echo')
  t.equal((await raw.frame()).payload.toString(), 'echo')
  const [session] = internalsOf(server).registry.peers
  t.ok(session.outbox.connection instanceof SocketConnection)
})

t.test('listens on IPv4 only if the machine has no IPv6', async t => {
  const { listen } = Server.prototype
  t.intercept(Server.prototype, 'listen', {
    value (this: Server, options: ListenOptions) {
      if (options.host !== '::') return listen.call(this, options)
      const error = Object.assign(new Error('address family not supported'), { code: 'EAFNOSUPPORT' })
      process.nextTick(() => { this.emit('error', error) })
      return this
    }
  })
  const server = await openServer(t, 'own')
  await connectRaw(t, server.port, '127.0.0.1')
  await t.rejects(connectRaw(t, server.port, '::1'), { code: 'ECONNREFUSED' })
})
