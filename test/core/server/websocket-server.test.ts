import t from 'tap'
import { WebSocketServer } from '../../../src/core/server/websocket-server.ts'
import type { SignalName } from '../../../src/core/server/signals.ts'
import type { ServerOptions } from '../../../src/options/option-types.ts'
import { stopTime } from '../../helper/clock.ts'
import { FrameClient, nextTurn } from '../../helper/memory/frame-client.ts'
import { HandshakeClient } from '../../helper/sockets/handshake-client.ts'
import { openMemoryServer, recordSignals } from '../../helper/memory/memory-server.ts'
import { silentLogger } from '../../helper/silent-logger.ts'

const plainSignals: SignalName[] = [
  'client_connected', 'data_received', 'client_close_request', 'client_disconnected', 'peer_connected',
  'peer_disconnected', 'peer_packet'
]

/** A listening server with ids 10, 11, 12 ... and what it signals. */
async function listening (options: Partial<ServerOptions> = {}, ids = [10, 11, 12, 13]) {
  const server = await openMemoryServer({ closeTimeout: 0.1, ...options }, [...ids])
  const signals = recordSignals(server, plainSignals)
  return { server, signals }
}

t.test('emits the signals of connect, packet and close in Godot\'s order', async t => {
  const { server, signals } = await listening()
  const client = new FrameClient(server, 'chat')
  client.text('one')
  client.binary(Buffer.of(2))
  client.close(4000, 'bye')
  t.same(signals, [
    ['client_connected', 10, 'chat'],
    ['data_received', 10],
    ['data_received', 10],
    ['client_close_request', 10, 4000, 'bye'],
    ['client_disconnected', 10, true]
  ])
  t.same(await client.receivedFrames(), ['8:0fa0627965'], 'the close frame is answered in kind')
  t.notOk(server.hasPeer(10))
  await server.stop()
})

t.test('packets are read in order, with their type (text or binary)', async t => {
  const { server } = await listening()
  const client = new FrameClient(server)
  const peer = server.getPeer(10)
  t.notOk(peer.wasStringPacket())
  client.text('text')
  client.binary(Buffer.of(1, 2))
  client.text('')
  t.equal(peer.getAvailablePacketCount(), 3)
  t.same(peer.getPacket(), new Uint8Array(Buffer.from('text')))
  t.ok(peer.wasStringPacket())
  t.same(peer.getPacket(), Uint8Array.of(1, 2))
  t.notOk(peer.wasStringPacket())
  t.same(peer.getPacket(), new Uint8Array(0), 'an empty message is a packet')
  t.equal(peer.getPacketError(), 0)
  t.throws(() => peer.getPacket(), { code: 'ERR_UNAVAILABLE', number: 2 })
  t.equal(peer.getPacketError(), 2)
  await server.stop()
})

t.test('putPacket uses the current write mode', async t => {
  const { server } = await listening()
  const client = new FrameClient(server)
  const peer = server.getPeer(10)
  t.equal(peer.getWriteMode(), 1)
  peer.putPacket(Buffer.from('a'))
  peer.setWriteMode(0)
  peer.putPacket(Buffer.from('b'))
  peer.putPacket(new Uint8Array(0))
  t.same(await client.receivedFrames(), ['2:61', '1:62', '1:'])
  t.throws(() => peer.setWriteMode(2), { code: 'ERR_INVALID_PARAMETER' })
  t.equal(peer.packetsOut, 3)
  t.equal(peer.bytesOut, 2)
  await server.stop()
})

t.test('packet listeners receive packets immediately and may keep the bytes', async t => {
  const { server, signals } = await listening()
  const client = new FrameClient(server)
  const kept: Array<[number, Uint8Array, boolean]> = []
  server.on('packet', (...packet) => { kept.push(packet) })
  for (let i = 0; i < 100; i++) client.text(`packet ${i}`)
  t.same(
    kept.map(([id, bytes, isText]) => [id, Buffer.from(bytes).toString(), isText]),
    Array.from({ length: 100 }, (_, i) => [10, `packet ${i}`, true])
  )
  t.notOk(signals.some(([name]) => name === 'data_received'))
  t.equal(server.getPeer(10).getAvailablePacketCount(), 0)
  await server.stop()
})

t.test('a full queue pauses the socket and loses nothing', async t => {
  for (const [name, size, fits] of [['1023 packets', 1, 1023], ['65535 bytes', 1000, 65]] as const) {
    await t.test(name, async t => {
      const { server, signals } = await listening()
      const client = new FrameClient(server)
      const peer = server.getPeer(10)
      for (let i = 0; i < 1500; i++) client.binary(Buffer.alloc(size, i))
      t.equal(peer.getAvailablePacketCount(), fits)
      t.equal(
        signals.filter(([signal]) => signal === 'data_received').length, fits, 'a signal for each that can be read'
      )
      t.ok(peer.isPaused)
      for (let i = 0; i < 1500; i++) {
        if (peer.getAvailablePacketCount() === 0) await nextTurn()
        t.equal(peer.getPacket()[0], i & 255)
      }
      await nextTurn()
      t.notOk(peer.isPaused)
      t.equal(signals.filter(([signal]) => signal === 'data_received').length, 1500)
      await server.stop()
    })
  }
})

t.test('unread packets can be read after the peer has disconnected, including those beyond the queue', async t => {
  const { server, signals } = await listening({ inputMaxPackets: 4 })
  const client = new FrameClient(server)
  const peer = server.getPeer(10)
  for (let i = 0; i < 10; i++) client.binary(Buffer.of(i))
  t.equal(peer.getAvailablePacketCount(), 3)
  client.connection.disconnect()
  await nextTurn()
  t.same(signals.at(-1), ['client_disconnected', 10, false])
  t.equal(signals.filter(([signal]) => signal === 'data_received').length, 10, 'one signal for each')
  t.same(Array.from({ length: 10 }, () => peer.getPacket()[0]), Array.from({ length: 10 }, (_, i) => i))
  t.throws(() => peer.getPacket(), { code: 'FAILED', number: 1 })
  t.throws(() => peer.putPacket(Buffer.of(1)), { code: 'FAILED', number: 1 })
  t.notOk(peer.isConnectedToHost())
  await server.stop()
})

t.test('disconnectPeer: the first code is used, and the answer makes the close clean', async t => {
  const { server, signals } = await listening({ closeTimeout: 60 })
  const client = new FrameClient(server)
  const peer = server.getPeer(10)
  server.disconnectPeer(10, 4001, 'kicked')
  server.disconnectPeer(10, 4002, 'again')
  t.same(await client.receivedFrames(), ['8:0fa16b69636b6564'])
  t.ok(server.hasPeer(10))
  t.equal(peer.state, 'closing')
  t.throws(() => peer.putPacket(Buffer.of(1)), { code: 'FAILED' })
  client.binary(Buffer.of(1))
  client.close(4001)
  t.same(signals, [['client_connected', 10, ''], ['client_disconnected', 10, true]])
  t.match(await peer.ended(), { cause: 'server', outcome: 'clean', code: 4001, reason: 'kicked' })
  await server.stop()
})

t.test('an unanswered close is cut after closeTimeout and not clean', async t => {
  const { server, signals } = await listening()
  const client = new FrameClient(server)
  const peer = server.getPeer(10)
  peer.close()
  t.match(await peer.ended(), { outcome: 'timeout', code: 1000 })
  t.same(signals.at(-1), ['client_disconnected', 10, false])
  t.ok(client.connection.isEnded)
  await server.stop()
})

t.test('rejects invalid close codes and reasons without any effect', async t => {
  const { server } = await listening()
  const client = new FrameClient(server)
  for (const code of [999, 1004, 1005, 1006, 1010, 1015, 2999, 5000, 1000.5, -1, NaN]) {
    t.throws(() => server.disconnectPeer(10, code), { code: 'ERR_INVALID_PARAMETER' }, String(code))
  }
  for (const reason of ['x'.repeat(124), 'é'.repeat(62), '\ud800']) {
    t.throws(() => server.disconnectPeer(10, 1000, reason), { code: 'ERR_INVALID_PARAMETER' })
  }
  t.same(await client.receivedFrames(), [])
  t.equal(server.getPeer(10).state, 'open')
  server.disconnectPeer(10, 1000, 'é'.repeat(61) + 'x')
  t.equal((await client.frames())[0].payload.length, 125)
  client.close(1000)
  await server.stop()
})

t.test('unknown ids: hasPeer returns false, other methods throw ERR_DOES_NOT_EXIST', async t => {
  const { server } = await listening()
  t.notOk(server.hasPeer(99))
  for (const ask of [
    () => server.getPeer(99), () => server.getPeerAddress(99), () => server.getPeerPort(99),
    () => server.disconnectPeer(99)
  ]) {
    t.throws(ask, { code: 'ERR_DOES_NOT_EXIST', number: 33, statusCode: 404 })
  }
  await server.stop()
})

t.test('a protocol violation is answered with its close code and is not clean', async t => {
  for (const [name, code, send] of [
    ['unmasked', '03ea', (client: FrameClient) => client.send(2, 'x', { mask: false })],
    ['not UTF-8', '03ef', (client: FrameClient) => client.send(1, Buffer.of(0xff))],
    ['too big', '03f1', (client: FrameClient) => client.send(2, Buffer.alloc(65537))]
  ] as const) {
    await t.test(name, async t => {
      const { server, signals } = await listening()
      const client = new FrameClient(server)
      client.text('good')
      send(client)
      t.same(await client.receivedFrames(), [`8:${code}`])
      t.same(signals.slice(1), [['data_received', 10], ['client_disconnected', 10, false]])
      await server.stop()
    })
  }
})

t.test('accepts a message of exactly the buffer size', async t => {
  const { server } = await listening()
  const client = new FrameClient(server)
  client.send(2, Buffer.alloc(65536, 7))
  t.equal(server.getPeer(10).getPacket().length, 65536)
  await server.stop()
})

t.test('a ping is answered with its payload, in order with packets', async t => {
  const { server } = await listening()
  const client = new FrameClient(server)
  server.on('data_received', id => { server.getPeer(id).putPacket(server.getPeer(id).getPacket()) })
  client.binary(Buffer.of(1))
  client.send(9, 'are you there')
  client.binary(Buffer.of(2))
  t.same(await client.receivedFrames(), ['2:01', `10:${Buffer.from('are you there').toString('hex')}`, '2:02'])
  t.equal(server.getPeer(10).packetsOut, 2, 'a pong is not a packet')
  await server.stop()
})

t.test('without autoPoll signals are only emitted in poll(), by ascending id, all of one peer at a time', async t => {
  const { server, signals } = await listening({ autoPoll: false }, [20, 10])
  const first = new FrameClient(server)
  const second = new FrameClient(server)
  t.same(signals, [])
  t.equal(server.peerCount, 0)
  server.poll()
  t.same(signals.splice(0), [['client_connected', 20, ''], ['client_connected', 10, '']])

  first.text('a')
  first.close(1000)
  second.text('b')
  second.text('c')
  second.connection.disconnect()
  await nextTurn()
  t.same(signals, [])
  t.ok(server.hasPeer(20))
  server.poll()
  t.same(signals.splice(0), [
    ['data_received', 10], ['data_received', 10], ['client_disconnected', 10, false],
    ['data_received', 20], ['client_close_request', 20, 1000, ''], ['client_disconnected', 20, true]
  ])
  server.poll()
  t.same(signals, [])
  await server.stop()
})

t.test('the peer exists in client_disconnected handlers, but not afterwards', async t => {
  const { server } = await listening()
  const client = new FrameClient(server)
  let seen: unknown[] = []
  server.on('client_disconnected', id => {
    seen = [server.hasPeer(id), server.getPeer(id).isConnectedToHost(), server.getPeer(id).getConnectedHost()]
  })
  client.close(1000)
  t.same(seen, [true, false, '127.0.0.1'])
  t.notOk(server.hasPeer(10))
  await server.stop()
})

t.test('a close frame without a code is reported as 0 and answered without a code', async t => {
  const { server, signals } = await listening()
  const client = new FrameClient(server)
  client.send(8)
  t.same(signals.slice(1), [['client_close_request', 10, 0, ''], ['client_disconnected', 10, true]])
  t.same(await client.receivedFrames(), ['8:'])
  await server.stop()
})

t.test('client_close_request handlers cannot send, and the answer has the client\'s code', async t => {
  const { server } = await listening()
  const client = new FrameClient(server)
  server.on('client_close_request', id => {
    t.throws(() => server.getPeer(id).putPacket(Buffer.of(1)), { code: 'FAILED' })
    server.disconnectPeer(id, 4009)
  })
  client.close(4000)
  t.same(await client.receivedFrames(), ['8:0fa0'])
  await server.stop()
})

t.test('a throwing or rejecting listener is logged once per burst and signal; others still run', async t => {
  const reports: unknown[] = []
  const error = ({ err, ...details }: { err?: Error }): void => { reports.push(err?.message ?? details) }
  const server = await openMemoryServer({ log: { ...silentLogger, error } })
  server.on('client_connected', () => { throw new Error('thrown') })
  server.on('data_received', async () => { throw new Error('rejected') })
  let called = 0
  server.on('client_connected', () => { called++ })
  const client = new FrameClient(server)
  client.text('one')
  client.text('two')
  await nextTurn()
  t.same(reports, ['thrown', 'rejected'])
  t.equal(called, 1)
  t.equal(server.peerCount, 1)
  client.close(1000)
  await server.stop()
  t.match(reports.slice(2), [{ signal: 'data_received', hits: 1 }])
})

t.test('listen and stop change the state, and listen rejects invalid protocols', async t => {
  const { server } = await listening()
  t.ok(server.isListening())
  t.equal(server.getConnectionStatus(), 2)
  t.equal(server.getUniqueId(), 1)
  await t.rejects(server.listen(), { code: 'ERR_ALREADY_IN_USE', number: 22 })
  t.throws(() => server.setBuffers(1, 1, 1, 1), { code: 'FAILED', number: 1 })
  await server.stop()
  await server.stop()
  t.notOk(server.isListening())
  t.equal(server.getConnectionStatus(), 0)
  server.setBuffers(3, 1025, 65, 1)
  t.same(server.buffers, { inputBufferKb: 4, inputMaxPackets: 2048, outputBufferKb: 128, outputMaxPackets: 1 })
  await server.listen(undefined, [' a ', 'b'], true)
  t.same(server.options.protocols, ['a', 'b'])
  t.ok(server.options.gdMpApi)
  await server.stop()
  await t.rejects(new WebSocketServer().listen(), { code: 'ERR_CANT_CREATE' })
  for (const protocols of ['chat', [1], null]) {
    await t.rejects(server.listen(undefined, protocols as never), { code: 'ERR_INVALID_PARAMETER' })
  }
})

t.test('stop closes all peers, emits one signal for each, and cuts unresponsive ones', async t => {
  const clock = stopTime(t)
  const { server, signals } = await listening()
  const [good, deaf, gone] = [new FrameClient(server), new FrameClient(server), new FrameClient(server)]
  gone.connection.disconnect()
  await nextTurn()
  const stopped = server.stop(1012, 'restart')
  t.notOk(server.isListening())
  await nextTurn()
  t.same(await good.receivedFrames(), [`8:03f4${Buffer.from('restart').toString('hex')}`])
  good.close(1012)
  clock.advance(100)
  await stopped
  t.same(signals.filter(([name]) => name === 'client_disconnected'), [
    ['client_disconnected', 12, false], ['client_disconnected', 10, true], ['client_disconnected', 11, false]
  ])
  t.ok(deaf.connection.isEnded)
  t.equal(server.peerCount, 0)
})

t.test('options are copies of what was given', async t => {
  const protocols = ['a']
  const allowedOrigins = ['https://a.example']
  const rooms = { maxRooms: 3 }
  const server = new WebSocketServer({ protocols, allowedOrigins, rooms })
  protocols.push('b')
  allowedOrigins.push('junk')
  rooms.maxRooms = -1
  const { options } = server
  t.same([options.protocols, options.allowedOrigins, options.rooms], [['a'], ['https://a.example'], { maxRooms: 3 }])
  const others = ['https://b.example']
  server.change({ allowedOrigins: others })
  others.push('junk')
  t.same(options.allowedOrigins, ['https://b.example'])
})

t.test('properties have Godot\'s defaults and check what they are set to', async t => {
  const server = new WebSocketServer()
  t.equal(server.transferMode, 2)
  server.transferMode = 0
  t.equal(server.transferMode, 2)
  t.equal(server.handshakeTimeout, 3)
  server.handshakeTimeout = 1.5
  t.equal(server.handshakeTimeout, 1.5)
  for (const bad of [0, -1, NaN]) t.throws(() => { server.handshakeTimeout = bad }, { code: 'ERR_INVALID_PARAMETER' })
  t.equal(server.handshakeTimeout, 1.5)
  t.equal(server.refuseNewConnections, false)
  server.refuseNewConnections = true
  const unconfigured = { code: 'ERR_UNCONFIGURED', number: 3, message: 'option gdMpApi is not set' }
  t.throws(() => server.putPacket(Buffer.of(1)), unconfigured)
  t.throws(() => server.getPacket(), unconfigured)
  t.equal(server.getPacketPeer(), 1)
})

t.test('the output buffer fills for a peer that does not read; a reading peer has no packet limit', async t => {
  const { server } = await listening()
  const client = new FrameClient(server)
  const peer = server.getPeer(10)
  t.throws(
    () => peer.putPacket(Buffer.alloc(65537)), { code: 'ERR_OUT_OF_MEMORY', number: 6 },
    'a packet larger than the buffer never fits'
  )
  for (let i = 0; i < 3000; i++) peer.putPacket(Buffer.of(i))
  t.equal((await client.frames()).length, 3000)

  client.connection.stall()
  peer.putPacket(Buffer.of(0))
  await nextTurn()
  let packets = 0
  t.throws(() => { for (;; packets++) peer.putPacket(Buffer.of(packets)) }, { code: 'ERR_OUT_OF_MEMORY' })
  t.equal(packets, 1024)
  t.ok(peer.getCurrentOutboundBufferedAmount() > 1024)
  client.connection.unstall()
  await nextTurn()
  t.equal((await client.frames()).length, 1025)
  t.equal(peer.getCurrentOutboundBufferedAmount(), 0)

  client.connection.stall()
  peer.putPacket(Buffer.alloc(40000))
  await nextTurn()
  peer.putPacket(Buffer.alloc(20000))
  t.throws(() => peer.putPacket(Buffer.alloc(20000)), { code: 'ERR_OUT_OF_MEMORY' })
  client.connection.unstall()
  await nextTurn()
  t.equal((await client.frames()).length, 2)
  client.close(1000)
  await server.stop()
})

t.test('a slow peer is closed with 4008 without affecting others', async t => {
  const { server, signals } = await listening({ closeTimeout: 60 })
  const [slow, quick] = [new FrameClient(server), new FrameClient(server)]
  slow.connection.stall()
  for (let i = 0; i < 100; i++) {
    server.broadcast(0, Buffer.alloc(1000, i))
    await nextTurn()
  }
  t.equal((await quick.frames()).length, 100)
  t.equal(server.getPeer(10).state, 'closing')
  slow.connection.unstall()
  await nextTurn()
  const frames = await slow.frames()
  t.equal(frames.at(-1)!.opcode, 8)
  t.equal(frames.at(-1)!.payload.readUInt16BE(0), 4008)
  slow.close(4008)
  t.same(signals.at(-1), ['client_disconnected', 10, true])
  t.equal(server.peerCount, 1)
  quick.connection.disconnect()
  await server.stop()
})

t.test('broadcast sends to all, one, or all but one', async t => {
  const { server } = await listening()
  const clients = [new FrameClient(server), new FrameClient(server), new FrameClient(server)]
  t.equal(server.broadcast(0, Buffer.from('a'), true), 3)
  t.equal(server.broadcast(11, Buffer.from('b')), 1)
  t.equal(server.broadcast(-11, Buffer.from('c')), 2)
  t.throws(() => server.broadcast(99, Buffer.from('d')), { code: 'ERR_DOES_NOT_EXIST' })
  t.same(await Promise.all(clients.map(async client => await client.receivedFrames())), [
    ['1:61', '2:63'], ['1:61', '2:62'], ['1:61', '2:63']
  ])
  t.same(Array.from(server.peers(), peer => peer.packetsOut), [2, 2, 2])
  t.same(Array.from(server.peers(10), peer => peer.id), [11, 12])
  await server.stop()
})

t.test('uptime and peer ages are independent of the system date', async t => {
  const clock = stopTime(t)
  const server = await openMemoryServer({ pingInterval: 0 }, () => 10)
  const client = new FrameClient(server)
  clock.advance(5000)
  clock.shiftDate(-3_600_000)
  t.same([server.uptime, server.getPeer(10).age], [5, 5])
  client.connection.destroy()
})

for (const event of ['accepted', 'room_opened'] as const) {
  t.test(`stop() in a listener of ${event} closes the client that is about to enter, and waits for it`, async t => {
    const { server, signals } = await listening({ rooms: true })
    let stopped: Promise<void> | undefined
    server.monitor.events.on(event, () => { stopped = server.stop() })
    const client = new HandshakeClient(server).request({ url: '/ws/a' })
    await stopped
    t.equal(server.peerCount, 0)
    t.same(signals, [['client_connected', 10, ''], ['client_disconnected', 10, false]])
    t.ok(client.connection.isEnded)
  })
}

for (const event of ['peer_connected', 'peer_authentication_failed'] as const) {
  t.test(`stop() may be called in a listener of ${event} in a poll, while others wait for their turn`, async t => {
    const clock = stopTime(t)
    const authenticates = event === 'peer_authentication_failed'
    const server = await openMemoryServer({
      gdMpApi: true,
      wire: 'godot4',
      authTimeout: 1,
      autoPoll: false,
      ...authenticates ? { authenticate: () => {} } : {}
    })
    let stopped: Promise<void> | undefined
    server.once(event, () => { stopped = server.stop() })
    const clients = [1, 2, 3].map(port => new FrameClient(server, '', port))
    server.poll()
    clock.advance(1001)
    server.poll()
    await nextTurn()
    clock.advance(1000)
    await stopped
    t.equal(server.countPeers().pending + server.peerCount, 0)
    t.ok(clients.every(({ connection }) => connection.isEnded))
  })
}

t.test('an exception during poll() does not stop polling', async t => {
  const ids = [10, undefined, 11]
  const drawId = (): number => {
    const id = ids.shift()
    if (id === undefined) throw new Error('no id')
    return id
  }
  const server = await openMemoryServer({ autoPoll: false, closeTimeout: 0.1 }, drawId)
  const clients = [1, 2, 3].map(port => new FrameClient(server, '', port))
  t.throws(() => { server.poll() }, { message: 'no id' })
  t.same([...server.peers()].map(({ id }) => id), [10])
  server.poll()
  t.same([...server.peers()].map(({ id }) => id), [10, 11], 'the client behind the one that failed was not lost')
  for (const { connection } of clients) connection.destroy()
  await server.stop()
})

t.test('without option log, warnings and errors are printed to the console', async t => {
  const written = t.capture(console, 'error', () => {})
  const server = await openMemoryServer({ closeTimeout: 0.1 })
  const error = new Error('broken listener')
  server.on('client_connected', () => { throw error })
  const client = new FrameClient(server)
  t.match(written().map(({ args }) => args), [[
    'fastify-peer-server: listener failed', { signal: 'client_connected', err: error }
  ]])
  client.close(1000)
  await server.stop()
})
