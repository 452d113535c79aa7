import t from 'tap'
import { WebSocketServer } from '../../src/core/server/websocket-server.ts'
import { FrameClient } from '../helper/memory/frame-client.ts'
import { joinRoom, openMemoryCluster, patientTimings, quickTimings, settled } from '../helper/memory/memory-cluster.ts'
import { silentLogger } from '../helper/silent-logger.ts'
import { until } from '../helper/until.ts'

t.test('plain mode: a broadcast to a room reaches its peers on all nodes, as text or binary', async t => {
  const { nodes: [a, b] } = await openMemoryCluster(t, 2, { gdMpApi: false })
  const one = new FrameClient(a)
  const two = new FrameClient(b)
  await settled()
  const [idOfTwo] = [...b.peers()].map(({ id }) => id)
  t.equal(a.broadcast(0, Buffer.from('all'), true), 2)
  t.equal(a.broadcast(idOfTwo, Buffer.from('two')), 1)
  t.equal(a.broadcast(-idOfTwo, Buffer.from('not two')), 1)
  a.getPeer(idOfTwo).send(Buffer.from('text'), true)
  await settled()
  const read = async (client: FrameClient) =>
    (await client.frames()).map(({ opcode, payload }) => `${opcode} ${payload.toString()}`)
  t.same(await read(one), ['1 all', '2 not two'])
  t.same(await read(two), ['1 all', '2 two', '1 text'])
})

t.test('a node needs autoPoll', async t => {
  const options = { cluster: { servers: 'memory' }, autoPoll: false }
  t.throws(() => new WebSocketServer(options), {
    code: 'ERR_INVALID_PARAMETER',
    message: 'option autoPoll: must be true with cluster, as messages of other nodes do not wait for poll()'
  })
})

t.test('a peer of another node has an address, and is closed from anywhere', async t => {
  const { nodes: [a, b] } = await openMemoryCluster(t, 2)
  const one = await joinRoom(a, 'arena')
  t.ok(b.hasPeer(one.id))
  t.equal(b.getPeerAddress(one.id), '192.0.2.7')
  t.equal(b.getPeerPort(one.id), a.getPeerPort(one.id))
  const peer = b.getPeer(one.id)
  t.match(peer, { state: 'open', isOpen: true, packetsIn: 0, protocol: '' })
  t.equal(peer.getAvailablePacketCount(), 0)
  t.throws(() => peer.room, { code: 'ERR_UNAVAILABLE' })
  t.throws(() => { peer.moveTo(b.room('main')) }, { code: 'ERR_UNAVAILABLE' })
  t.throws(() => peer.getPacket(), { code: 'ERR_UNAVAILABLE' })
  const ended = peer.ended()
  const closed = b.cluster.disconnectPeer(one.id, 4001, 'kicked')
  await settled()
  await one.heard()
  t.same(one.closed, [4001, 'kicked'])
  t.match(await ended, { cause: 'server', code: 4001, reason: 'kicked' })
  t.same(await closed, peer.end)
  t.match(peer, { state: 'ended', isOpen: false })
  t.notOk(peer.isConnectedToHost())
  t.throws(() => { peer.putPacket(Buffer.from('x')) }, { code: 'FAILED' })
  t.notOk(b.hasPeer(one.id))
  await t.rejects(b.cluster.disconnectPeer(one.id), { code: 'ERR_DOES_NOT_EXIST' })

  const two = await joinRoom(b, 'arena')
  a.disconnectPeer(two.id, 4002, 'bye')
  await settled()
  await two.heard()
  t.same(two.closed, [4002, 'bye'])
})

t.test('peers of a node that does not respond are not closed, which is logged once per burst', async t => {
  const warnings: unknown[] = []
  const warn = (details: object, message: string): void => { warnings.push([message, details]) }
  const log = { ...silentLogger, warn }
  const { broker, buses, nodes: [a, b] } = await openMemoryCluster(t, 2, { log }, patientTimings)
  const peers = [await joinRoom(b, 'arena'), await joinRoom(b, 'arena'), await joinRoom(b, 'arena')]
  broker.cut(buses[1])
  for (const { id } of peers) a.disconnectPeer(id)
  await until(() => warnings.length > 0)
  await settled()
  t.match(warnings, [['peer of another node not closed', { peer: peers[0].id, err: { code: 'cluster-unavailable' } }]])
  t.equal(warnings.length, 1)
  broker.restore(buses[1])
})

t.test('cluster.disconnectPeer resolves with how the peer ended, wherever it is', async t => {
  const { nodes: [a, b] } = await openMemoryCluster(t, 2)
  for (const [what, server] of [['here', a], ['on another node', b]] as const) {
    const answering = await joinRoom(server, 'arena')
    const silent = await joinRoom(server, 'arena')
    await settled()

    const first = a.cluster.disconnectPeer(answering.id, 4001, 'kicked')
    const again = a.cluster.disconnectPeer(answering.id, 4002)
    const unanswered = a.cluster.disconnectPeer(silent.id, 4003)
    await settled()
    await answering.heard()

    t.match(await first, { outcome: 'clean', cause: 'server', code: 4001, reason: 'kicked', seconds: Number }, what)
    t.match(await again, { outcome: 'clean', code: 4001 }, 'the first code stands')
    t.match(await unanswered, { outcome: 'timeout', code: 4003 }, what)
  }
})

t.test('cluster.disconnectPeer resolves with reset when the node of the peer is lost', async t => {
  const timings = { ...quickTimings, silence: 1000, ping: 500 }
  const { broker, buses, nodes: [a, b] } = await openMemoryCluster(t, 2, {}, timings)
  const peer = await joinRoom(b, 'arena')
  await settled()
  const closed = a.cluster.disconnectPeer(peer.id)
  await settled()
  broker.cut(buses[1])
  t.match(await closed, { outcome: 'reset', code: 1006 })
})

t.test('what needs the broker is refused with cluster-unavailable while it is away', async t => {
  const { broker, buses, nodes: [a] } = await openMemoryCluster(t, 1)
  await joinRoom(a, 'arena')
  broker.cut(buses[0])
  const refused = { code: 'cluster-unavailable' }
  await t.rejects(a.room('arena').state.set(Buffer.from('round 3')), refused)
  await t.rejects(a.room('arena').state.get(), refused)
  await t.rejects(a.cluster.openRoom('duel'), refused)
  t.equal((await joinRoom(a, 'new')).refusal, 'cluster-unavailable')
  broker.restore(buses[0])
})

t.test('the state of a room is written at home, and read everywhere', async t => {
  const { nodes: [a, b] } = await openMemoryCluster(t, 2)
  const one = await joinRoom(a, 'arena')
  const two = await joinRoom(b, 'arena')
  t.equal(await b.room('arena').state.get(), undefined)
  await a.room('arena').state.set(Buffer.from('round 3'))
  t.equal(Buffer.from((await b.room('arena').state.get())!).toString(), 'round 3')
  await t.rejects(b.room('arena').state.set(Buffer.from('no')), { code: 'FAILED' })
  await t.rejects(a.room('arena').state.set(Buffer.alloc(65537)), { code: 'ERR_INVALID_PARAMETER' })
  one.leave()
  two.leave()
  await settled()
  await joinRoom(b, 'arena')
  t.equal(await b.room('arena').state.get(), undefined, 'a new room of the name begins empty')
})

t.test('a listener of the cluster that throws is logged', async t => {
  const errors: unknown[][] = []
  const log = { ...silentLogger, error: (...args: unknown[]) => { errors.push(args) } }
  const { nodes: [a, b] } = await openMemoryCluster(t, 2, { log })
  const error = new Error('no')
  b.cluster.on('node_left', () => { throw error })
  await a.stop()
  await until(() => errors.length > 0)
  t.match(errors, [[{ err: error, signal: 'node_left' }, String]])
})

t.test('an invalid value of another node is logged and changes nothing', async t => {
  const errors: unknown[][] = []
  const log = { ...silentLogger, error: (...args: unknown[]) => { errors.push(args) } }
  const { broker, nodes: [a] } = await openMemoryCluster(t, 1, { log, maxPeers: 5 })
  const store = await broker.connect().openStore('gdws-default-config')
  await store.put('option.maxPeers', Buffer.from('many'))
  await store.put('option.closeTimeout', Buffer.from('-1'))
  await until(() => errors.length === 2)
  t.match(errors, [[{ key: 'option.maxPeers' }, String], [{ key: 'option.closeTimeout' }, String]])
  t.equal(a.options.maxPeers, 5)
})
