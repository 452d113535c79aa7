import t from 'tap'
import type { UpgradeRequest } from '../../../src/core/admission/upgrade-request.ts'
import type { Acceptance } from '../../../src/core/admission/handshake.ts'
import { WebSocketServer } from '../../../src/core/server/websocket-server.ts'
import type { GodotError } from '../../../src/error.ts'
import type { ServerOptions } from '../../../src/options.ts'
import { MemoryConnection } from '../../helper/memory-connection.ts'
import { stopTime } from '../../helper/clock.ts'
import { turn } from '../../helper/frame-client.ts'
import { accept, handshake } from '../../helper/internals.ts'

/** A listening server, and what it says of clients it turns away. */
async function listening (options: Partial<ServerOptions> = {}) {
  const server = new WebSocketServer({ closeTimeout: 0.1, ...options }, { mount: { port: 0, tls: false } })
  const refused: Array<[reason: string, address: string]> = []
  server.monitor.events.on('refused', (reason, address) => { refused.push([reason, address]) })
  await server.listen()
  return { server, refused }
}

/** A client whose request has come. */
class Client {
  readonly connection: MemoryConnection
  readonly cuts: string[] = []
  readonly #server: WebSocketServer
  readonly #handshake

  constructor (server: WebSocketServer, address: string) {
    this.#server = server
    this.connection = new MemoryConnection(address, 50000)
    this.#handshake = handshake(server, error => { this.cuts.push(error.code) })
  }

  begin (): void {
    this.#handshake.begin()
  }

  /** Asks, and becomes a peer if let in; throws as the server does. */
  join (asking: Partial<UpgradeRequest> = {}): Acceptance | Promise<Acceptance> {
    try {
      const entry = this.#handshake.decide({ headers: {}, url: '/', host: 'game.example', address: this.connection.address, port: 50000, ...asking })
      return entry instanceof Promise ? entry.then(entry => this.#enter(entry)) : this.#enter(entry)
    } catch (error) {
      this.#handshake.end(error as GodotError)
      throw error
    }
  }

  leave (): void {
    this.#handshake.end()
  }

  #enter (entry: Acceptance): Acceptance {
    accept(this.#server, this.connection, entry.protocol, this.#handshake)
    return entry
  }
}

t.test('one address has so many connections and no more', async t => {
  const { server, refused } = await listening({ maxPeersPerAddress: 2 })
  const [one, two, three] = Array.from({ length: 3 }, () => new Client(server, '192.0.2.7'))
  one.join()
  two.join()
  t.throws(() => three.join(), { code: 'address-limit', statusCode: 429, message: /maxPeersPerAddress|trustProxy/ })
  t.same(refused, [['address-limit', '192.0.2.7']])
  new Client(server, '192.0.2.8').join()
  t.equal(server.monitor.limits['address-limit'], 1)
  one.connection.hangUp()
  await turn()
  new Client(server, '192.0.2.7').join()
  t.throws(() => new Client(server, '192.0.2.7').join(), { code: 'address-limit' }, 'a place was free, and is taken again')
  await server.stop()
})

t.test('of IPv6 a network of 64 bits counts as one address, this machine has no limit', async t => {
  const { server } = await listening({ maxPeersPerAddress: 1 })
  new Client(server, '2001:db8::1').join()
  t.throws(() => new Client(server, '2001:db8::ffff:2').join(), { code: 'address-limit' })
  new Client(server, '2001:db8:0:1::1').join()
  for (const address of ['127.0.0.1', '127.0.0.1', '127.1.2.3', '::1', '::1']) new Client(server, address).join()
  t.equal(server.peerCount, 7)
  await server.stop()
})

t.test('0 is no limit', async t => {
  const { server } = await listening({ maxPeersPerAddress: 0 })
  for (let i = 0; i < 200; i++) new Client(server, '192.0.2.7').join()
  t.equal(server.peerCount, 200)
  await server.stop()
})

t.test('a handshake that comes to nothing gives its share back', async t => {
  const { server } = await listening({ maxPeersPerAddress: 1, maxPeers: 1, protocols: ['chat'] })
  for (let i = 0; i < 3; i++) t.throws(() => new Client(server, '192.0.2.7').join(), { code: 'sub-protocol-mismatch' })
  new Client(server, '192.0.2.7').join({ headers: { 'sec-websocket-protocol': 'chat' } })
  t.equal(server.peerCount, 1)
  await server.stop()
})

t.test('a full server refuses, and whoever is being asked about has a place already', async t => {
  const { server } = await listening({ maxPeers: 2, onHandshake: async () => ({}) })
  const joins = Array.from({ length: 2 }, () => new Client(server, '192.0.2.7').join())
  t.throws(() => new Client(server, '192.0.2.8').join(), { code: 'server-full', statusCode: 503, message: /2 peers/ })
  t.throws(() => server.checkJoin(), { code: 'server-full' }, 'it is not ready for more')
  await Promise.all(joins)
  t.equal(server.peerCount, 2)
  await server.stop()
})

t.test('so many handshakes are under way and no more', async t => {
  const { server } = await listening({ maxPendingHandshakes: 2 })
  const [one, two, three] = Array.from({ length: 3 }, () => new Client(server, '192.0.2.7'))
  one.begin()
  two.begin()
  t.throws(() => three.begin(), { code: 'too-many-handshakes', statusCode: 503 })
  one.leave()
  three.begin()
  t.equal(server.countPeers().pending, 2)
  await server.stop()
  t.same([two.cuts, three.cuts, server.countPeers().pending], [['not-listening'], ['not-listening'], 0])
})

t.test('what takes too long is cut, also when the time is shortened meanwhile', async t => {
  const clock = stopTime(t)
  const { server, refused } = await listening({ handshakeTimeout: 3 })
  const client = new Client(server, '192.0.2.7')
  client.begin()
  clock.advance(1000)
  server.handshakeTimeout = 1.5
  clock.advance(499)
  t.same(client.cuts, [])
  clock.advance(1)
  t.same(client.cuts, ['handshake-timeout'])
  t.same(refused, [['handshake-timeout', '']])
  t.equal(server.monitor.limits['handshake-timeout'], 1)
})

t.test('a banned address is refused and its peers are closed', async t => {
  const { server } = await listening()
  const [banned, other] = [new Client(server, '192.0.2.7'), new Client(server, '198.51.100.1')]
  banned.join()
  other.join()
  const [id] = [...server.peers()].filter(peer => peer.getConnectedHost() === '192.0.2.7').map(peer => peer.id)
  const peer = server.getPeer(id)
  server.ban('192.0.2.0/24', { reason: 'rude' })
  t.equal(peer.state, 'closing')
  t.match(banned.connection.take().toString('latin1').slice(-4), '')
  await turn()
  t.same(banned.connection.take(), Buffer.from([0x88, 6, 0x03, 0xf0, ...Buffer.from('rude')]))
  t.throws(() => new Client(server, '192.0.2.200').join(), { code: 'banned', statusCode: 403, message: 'banned: rude' })
  t.equal(server.peerCount, 2)
  t.same(server.bans().map(({ address, reason }) => ({ address, reason })), [{ address: '192.0.2.0/24', reason: 'rude' }])
  server.unban('192.0.2.0/24')
  new Client(server, '192.0.2.200').join()
  t.throws(() => server.ban('192.0.2.7', { reason: 'x'.repeat(124) }), { code: 'ERR_INVALID_PARAMETER', message: /reason/ })
  t.same(server.bans(), [])
  await server.stop()
})

t.test('a ban that falls while the application thinks holds', async t => {
  let letIn = (): void => {}
  const { server } = await listening({ onHandshake: async () => await new Promise(resolve => { letIn = () => { resolve({}) } }) })
  const join = new Client(server, '192.0.2.7').join()
  server.ban('192.0.2.7')
  letIn()
  await t.rejects(join as Promise<Acceptance>, { code: 'banned' })
  t.equal(server.peerCount, 0)
  await server.stop()
})

t.test('a page from elsewhere is refused, with the option in the answer', async t => {
  const { server } = await listening()
  new Client(server, '192.0.2.7').join({ headers: { origin: 'https://game.example' } })
  t.throws(() => new Client(server, '192.0.2.7').join({ headers: { origin: 'https://evil.example' } }), { code: 'origin-refused', statusCode: 403, message: /allowedOrigins.*https:\/\/evil.example/ })
  t.equal(server.monitor.limits['origin-refused'], 1)
  await server.stop()
})

t.test('options that can do nothing are refused', async t => {
  for (const options of [
    { allowedOrigins: 'https://game.example' }, { allowedOrigins: ['game.example'] }, { allowedOrigins: ['https://game.example/'] },
    { onHandshake: true }, { maxPeers: -1 }, { maxPeersPerAddress: 1.5 }, { maxPendingHandshakes: 0 }, { pingInterval: -1 },
    { maxPacketsPerSecond: '10' }, { stopCode: 1000 }
  ]) {
    t.throws(() => new WebSocketServer(options as object), { code: 'ERR_INVALID_PARAMETER', message: new RegExp(Object.keys(options)[0]) })
  }
})
