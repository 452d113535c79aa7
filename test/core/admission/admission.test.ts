import t from 'tap'
import { internalsOf } from '../../../src/core/server/internals.ts'
import { WebSocketServer } from '../../../src/core/server/websocket-server.ts'
import type { ServerOptions } from '../../../src/options/option-types.ts'
import { stopTime } from '../../helper/clock.ts'
import { nextTurn } from '../../helper/memory/frame-client.ts'
import { HandshakeClient } from '../../helper/sockets/handshake-client.ts'
import { accept } from '../../helper/internals.ts'
import { MemoryConnection } from '../../helper/memory/memory-connection.ts'
import { silentLogger } from '../../helper/silent-logger.ts'
import { openMemoryServer } from '../../helper/memory/memory-server.ts'

/** A listening server, and the clients it refuses. */
async function openServer (options: Partial<ServerOptions> = {}) {
  const server = await openMemoryServer({ closeTimeout: 0.1, ...options })
  const refused: Array<[reason: string, address: string]> = []
  server.monitor.events.on('refused', (reason, address) => { refused.push([reason, address]) })
  /** A client that has sent its request. */
  const join = (address = '192.0.2.7', headers = {}) => new HandshakeClient(server, address).request({ headers })
  return { server, refused, join }
}

t.test('maxPeersPerAddress limits the connections of one address', async t => {
  const { server, refused, join } = await openServer({ maxPeersPerAddress: 2 })
  const [one, , three] = [join(), join(), join()]
  t.match(three.refusals, [{ code: 'address-limit', statusCode: 429, message: /trustProxy/ }])
  t.same(refused, [['address-limit', '192.0.2.7']])
  t.equal(join('192.0.2.8').refusal, undefined)
  t.equal(server.monitor.limits['address-limit'], 1)
  one.connection.disconnect()
  await nextTurn()
  t.equal(join().refusal, undefined)
  t.equal(join().refusal, 'address-limit', 'takes the one free place again')
  await server.stop()
})

t.test('a connection counts for its address until its socket is released, not until its peer has left', async t => {
  const { server, join } = await openServer({ maxPeersPerAddress: 1 })
  const { connection } = join()
  // A frame without a mask is a protocol error: the peer leaves, but its client keeps the connection open.
  connection.deliver(Buffer.of(0x82, 0x00))
  await nextTurn()
  t.equal(server.peerCount, 0)
  t.equal(join().refusal, 'address-limit')
  connection.disconnect()
  await nextTurn()
  t.equal(join().refusal, undefined)
  await server.stop()
})

t.test('a refused connection counts for its address until it is closed', async t => {
  const { server, join } = await openServer({ maxPeersPerAddress: 1, protocols: ['chat'] })
  const staying = new HandshakeClient(server, '192.0.2.7', { staysAfterRefusal: true }).request()
  t.equal(staying.refusal, 'sub-protocol-mismatch')
  t.equal(join().refusal, 'address-limit')
  staying.leave()
  t.equal(join().refusal, 'sub-protocol-mismatch')
  await server.stop()
})

t.test('maxJoinsPerMinute limits the joins of one address', async t => {
  const clock = stopTime(t)
  const { server, join } = await openServer({ maxJoinsPerMinute: 3, maxPeersPerAddress: 0, pingInterval: 0 })
  const joinAndLeave = (address = '192.0.2.7') => {
    const client = join(address)
    client.connection.disconnect()
    return client.refusal
  }
  t.same(Array.from({ length: 5 }, () => joinAndLeave()), [undefined, undefined, undefined, 'join-rate', 'join-rate'])
  t.equal(server.monitor.limits['join-rate'], 2)
  t.same([joinAndLeave('192.0.2.8'), joinAndLeave('2001:db8::1')], [undefined, undefined])
  for (let i = 0; i < 10; i++) t.equal(joinAndLeave('127.0.0.1'), undefined, 'loopback is exempt')
  clock.advance(59_999)
  t.equal(joinAndLeave(), 'join-rate')
  clock.advance(1)
  t.equal(joinAndLeave(), undefined, 'a minute later')
  for (let i = 0; i < 4; i++) joinAndLeave('2001:db8::2')
  t.equal(joinAndLeave('2001:db8::3'), 'join-rate', 'one /64 is one address')
})

t.test('maxJoinsPerMinute counts joins, not refused handshakes', async t => {
  const { server, join } = await openServer({ maxJoinsPerMinute: 1, protocols: ['chat'] })
  for (let i = 0; i < 3; i++) t.equal(join().refusal, 'sub-protocol-mismatch')
  t.equal(join('192.0.2.7', { 'sec-websocket-protocol': 'chat' }).refusal, undefined)
  t.match(join('192.0.2.7', {
    'sec-websocket-protocol': 'chat'
  }).refusals, [{ code: 'join-rate', statusCode: 429, message: /1 joins per minute/ }])
  await server.stop()
})

t.test('maxJoinsPerMinute applies to clients whose onHandshake runs at the same time', async t => {
  const { server, join } = await openServer({ maxJoinsPerMinute: 2, onHandshake: async () => ({}) })
  const clients = Array.from({ length: 5 }, () => join())
  await nextTurn()
  t.same(clients.map(({ refusal }) => refusal), [undefined, undefined, 'join-rate', 'join-rate', 'join-rate'])
  t.equal(server.peerCount, 2)
  await server.stop()
})

t.test('an IPv6 network of 64 bits counts as one address, loopback has no limit', async t => {
  const { server, join } = await openServer({ maxPeersPerAddress: 1 })
  t.equal(join('2001:db8::1').refusal, undefined)
  t.equal(join('2001:db8::ffff:2').refusal, 'address-limit')
  t.equal(join('2001:db8:0:1::1').refusal, undefined)
  const loopback = ['127.0.0.1', '127.0.0.1', '127.1.2.3', '::1', '::1', '::ffff:127.0.0.1', '::ffff:127.0.0.1']
  for (const address of loopback) t.equal(join(address).refusal, undefined)
  t.equal(server.peerCount, 9)
  await server.stop()
})

t.test('maxPeersPerAddress 0 means no limit', async t => {
  const { server, join } = await openServer({ maxPeersPerAddress: 0 })
  for (let i = 0; i < 200; i++) join()
  t.equal(server.peerCount, 200)
  await server.stop()
})

t.test('maxPeers counts clients whose onHandshake is pending', async t => {
  const { server, join } = await openServer({ maxPeers: 2, onHandshake: async () => ({}) })
  join()
  join()
  t.match(join('192.0.2.8').refusals, [{ code: 'server-full', statusCode: 503, message: /2 peers/ }])
  t.throws(() => server.checkJoin(), { code: 'server-full' }, 'not ready for more')
  await nextTurn()
  t.equal(server.peerCount, 2)
  await server.stop()
})

t.test('maxPendingHandshakes limits pending handshakes', async t => {
  const { server } = await openServer({ maxPendingHandshakes: 2 })
  const clients = Array.from({ length: 4 }, () => new HandshakeClient(server))
  for (const { handshake } of clients.slice(0, 3)) handshake.start()
  t.same(clients.map(({ refusal }) => refusal), [undefined, undefined, 'too-many-handshakes', undefined])
  clients[3].request()
  t.equal(clients[3].refusal, 'too-many-handshakes', 'also a request that would be accepted at once')
  clients[0].leave()
  t.equal(new HandshakeClient(server).request().refusal, undefined)
  t.equal(server.countPeers().pending, 1)
  await server.stop()
  t.same([clients[1].refusal, clients[1].isDestroyed, server.countPeers().pending], ['not-listening', true, 0])
})

t.test('authenticating clients count as pending handshakes', async t => {
  const authenticate = async (): Promise<boolean> => await new Promise(() => {})
  const { server, join } = await openServer({ maxPendingHandshakes: 2, gdMpApi: true, wire: 'godot4', authenticate })
  const [one] = [join(), join()]
  t.same(server.countPeers(), { open: 0, closing: 0, pending: 2 })
  t.equal(join().refusal, 'too-many-handshakes')
  one.connection.disconnect()
  await nextTurn()
  t.equal(join().refusal, undefined)
  await server.stop()
})

t.test('refuses after handshakeTimeout, even if it was shortened during the handshake', async t => {
  const clock = stopTime(t)
  const { server, refused } = await openServer({ handshakeTimeout: 3 })
  const client = new HandshakeClient(server)
  client.handshake.start()
  clock.advance(1000)
  server.handshakeTimeout = 1.5
  clock.advance(499)
  t.same(client.refusals, [])
  clock.advance(1)
  t.equal(client.refusal, 'handshake-timeout')
  t.same(refused, [['handshake-timeout', '']])
  t.equal(server.monitor.limits['handshake-timeout'], 1)
})

t.test('a ban refuses new clients of its range and closes its peers', async t => {
  const { server, join } = await openServer()
  const [banned] = [join('192.0.2.7'), join('198.51.100.1')]
  const [peer] = [...server.peers()].filter(peer => peer.getConnectedHost() === '192.0.2.7')
  await nextTurn()
  banned.connection.take()
  server.ban('192.0.2.0/24', { reason: 'rude' })
  t.equal(peer.state, 'closing')
  await nextTurn()
  t.same(banned.connection.take(), Buffer.from([0x88, 6, 0x03, 0xf0, ...Buffer.from('rude')]))
  t.match(join('192.0.2.200').refusals, [{ code: 'banned', statusCode: 403, message: 'banned: rude' }])
  t.equal(server.peerCount, 2)
  t.match(server.bans(), [{ address: '192.0.2.0/24', reason: 'rude' }])
  server.unban('192.0.2.0/24')
  t.equal(join('192.0.2.200').refusal, undefined)
  t.throws(() => server.ban('192.0.2.7', { reason: 'x'.repeat(124) }), {
    code: 'ERR_INVALID_PARAMETER',
    message: /reason/
  })
  t.same(server.bans(), [])
  await server.stop()
})

/** What may happen during a handshake, and the code of the refusal that follows. */
const changes: Array<[what: string, change: (server: WebSocketServer) => void, code: string]> = [
  ['a ban', server => { server.ban('192.0.2.7') }, 'banned'],
  ['refuseNewConnections', server => { server.refuseNewConnections = true }, 'refusing-connections'],
  ['stop', server => { server.stop() }, 'not-listening']
]

for (const [what, change, code] of changes) {
  t.test(`${what} applies to a client that has connected but not sent its request`, async t => {
    const { server } = await openServer()
    const client = new HandshakeClient(server)
    client.handshake.start('192.0.2.7')
    change(server)
    client.request()
    t.equal(client.refusal, code)
    await server.stop()
    t.equal(server.peerCount, 0)
  })

  t.test(`${what} applies to a client whose onHandshake is pending`, async t => {
    let accept = (): void => {}
    const {
      server, join
    } = await openServer({ onHandshake: async () => await new Promise(resolve => { accept = () => { resolve({}) } }) })
    const client = join()
    change(server)
    accept()
    await nextTurn()
    t.equal(client.refusal, code)
    await server.stop()
    t.equal(server.peerCount, 0)
  })

  t.test(`without autoPoll ${what} applies to a client that waits for poll()`, async t => {
    const { server, join } = await openServer({ autoPoll: false })
    const ids: number[] = []
    server.on('client_connected', id => { ids.push(id) })
    const client = join()
    change(server)
    server.poll()
    t.same([client.refusal, ids, server.countPeers().pending], [code, [], 0])
    await server.stop()
  })
}

t.test('without autoPoll a client that disconnects before poll() does not become a peer', async t => {
  const { server, join } = await openServer({ autoPoll: false, maxPeers: 1 })
  const ids: number[] = []
  server.on('client_connected', id => { ids.push(id) })
  join().leave()
  const next = join()
  server.poll()
  t.equal(next.refusal, undefined)
  t.equal(ids.length, 1)
  await server.stop()
})

t.test('without autoPoll a client is refused after handshakeTimeout if poll() is not called', async t => {
  const clock = stopTime(t)
  const { server, join } = await openServer({ autoPoll: false, handshakeTimeout: 3 })
  const client = join()
  clock.advance(2999)
  t.equal(client.refusal, undefined)
  clock.advance(1)
  t.equal(client.refusal, 'handshake-timeout')
  t.same(internalsOf(server).admission.counts, { places: 0, connections: new Map() })
})

t.test('refuses a page of another origin with a message that names the option', async t => {
  const { server, join } = await openServer()
  t.equal(join('192.0.2.7', { origin: 'https://game.example' }).refusal, undefined)
  const { refusals } = join('192.0.2.7', { origin: 'https://evil.example' })
  t.match(refusals, [{ code: 'origin-refused', statusCode: 403, message: /allowedOrigins.*https:\/\/evil.example/ }])
  t.equal(server.monitor.limits['origin-refused'], 1)
  await server.stop()
})

t.test('names invalid options', async t => {
  for (const options of [
    { allowedOrigins: 'https://game.example' }, { onHandshake: true }, { maxPeers: -1 }, { maxPeersPerAddress: 1.5 },
    { maxPendingHandshakes: 0 }, { pingInterval: -1 }, { maxPacketsPerSecond: '10' }, { stopCode: 1000 }
  ]) {
    t.throws(() => new WebSocketServer(options as object), {
      code: 'ERR_INVALID_PARAMETER',
      message: new RegExp(Object.keys(options)[0])
    })
  }
})

t.test('an unexpected exception refuses the client with join-failed and is logged', async t => {
  const logged: unknown[] = []
  const log = { ...silentLogger, error: (...args: unknown[]) => { logged.push(args) } }
  const server = await openMemoryServer({ log })
  const client = new HandshakeClient(server)
  const failure = new Error('the connection cannot be taken over')
  client.takeConnection = () => { throw failure }
  client.request()
  t.equal(client.refusal, 'join-failed')
  t.same(logged, [[{ err: failure }, 'handshake failed']])
  t.same(server.countPeers(), { open: 0, closing: 0, pending: 0 })
})

t.test('a burst of unexpected exceptions is logged once', async t => {
  stopTime(t)
  const logged: unknown[] = []
  const server = await openMemoryServer({ log: { ...silentLogger, error: details => { logged.push(details) } } })
  const failure = new Error('the connection cannot be taken over')
  for (let i = 0; i < 100; i++) {
    const client = new HandshakeClient(server)
    client.takeConnection = () => { throw failure }
    client.request()
  }
  t.same(logged, [{ err: failure }])
})

t.test('without autoPoll stop() destroys connections that wait for poll()', async t => {
  const server = await openMemoryServer({ autoPoll: false, maxPeers: 1 })
  const waiting = new MemoryConnection()
  accept(server, waiting)
  t.equal(server.peerCount, 0)
  await server.stop()
  t.ok(waiting.isEnded)
  await server.listen()
  accept(server, new MemoryConnection())
  server.poll()
  t.equal(server.peerCount, 1, 'the place is free again')
  const stopped = server.stop()
  server.poll()
  await stopped
})
