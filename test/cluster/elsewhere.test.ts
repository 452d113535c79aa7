import t from 'tap'
import { WebSocketServer } from '../../index.ts'
import { ClusterNodes } from '../../routes/nodes/cluster-nodes.ts'
import type { StoreEntry } from '../../src/cluster/bus/bus.ts'
import { internalsOf } from '../../src/core/server/internals.ts'
import { simulateTime } from '../helper/clock.ts'
import { HandshakeClient } from '../helper/sockets/handshake-client.ts'
import { MemoryBroker } from '../helper/memory/memory-bus.ts'
import { memoryMount } from '../helper/memory/memory-client.ts'
import { joinRoom, openMemoryCluster, quickTimings, settled } from '../helper/memory/memory-cluster.ts'
import { override } from '../helper/override.ts'
import { rpcClientCodecs } from '../helper/godot/rpc-client-codecs.ts'
import { silentLogger } from '../helper/silent-logger.ts'
import { until } from '../helper/until.ts'

t.test('members in text mode get what is sent on other nodes', async t => {
  const { nodes: [a, b] } = await openMemoryCluster(t, 2)
  const one = await joinRoom(a, 'arena')
  const two = await joinRoom(b, 'arena')
  const three = await joinRoom(b, 'arena')
  b.getPeer(two.id).setWriteMode(0)
  for (const client of [two, three]) await client.heard()
  const texts = ['short', 'x'.repeat(300), 'y'.repeat(70_000 / 2)]
  for (const text of texts) one.sendTo(0, text)
  one.sendTo(-two.id, 'not two')
  await settled()
  t.same(await two.heard(), texts.map(text => `${one.id}: ${text}`))
  t.same(await three.heard(), [...texts, 'not two'].map(text => `${one.id}: ${text}`))
})

t.test('delivers large packets to one peer on another node', async t => {
  const { nodes: [a, b] } = await openMemoryCluster(t, 2)
  const one = await joinRoom(a, 'arena')
  const two = await joinRoom(b, 'arena')
  await two.heard()
  const texts = ['x'.repeat(5000), 'y'.repeat(60_000), 'z']
  for (const text of texts) one.sendTo(two.id, text)
  await settled()
  t.same(await two.heard(), texts.map(text => `${one.id}: ${text}`))
})

t.test('a path announced on another node is confirmed, and known at the first use of remote calls', async t => {
  const { nodes: [a, b] } = await openMemoryCluster(t, 2)
  await joinRoom(a, 'arena')
  const two = await joinRoom(b, 'arena')
  await two.heard()
  two.sendRaw(rpcClientCodecs.godot3.announce(two.id, 1, 'Main'))
  await settled()
  t.same(await two.heard(), ['1: \x03Main\0'])
  const ran: unknown[] = []
  a.room('arena').multiplayer.node('Main').method('any_peer', 'hit', (...given) => { ran.push(given) })
  two.sendRaw(rpcClientCodecs.godot3.call(two.id, 1, 'hit', [5]))
  await settled()
  t.same(ran, [[two.id, 5]])
})

t.test('without a relay, packets to all reach the server on another node, unless they are too large', async t => {
  const { nodes: [a, b] } = await openMemoryCluster(t, 2, { serverRelay: false, inputBufferKb: 128 })
  await joinRoom(a, 'arena')
  const two = await joinRoom(b, 'arena')
  for (const target of [0, -two.id, -1]) two.sendTo(target, `to ${target}`)
  for (const target of [0, 1]) two.sendTo(target, 'x'.repeat(100_000))
  await settled()
  const room = a.room('arena')
  const read: string[] = []
  while (room.getAvailablePacketCount() > 0) read.push(Buffer.from(room.getPacket()).toString())
  t.same(read, ['to 0', `to ${-two.id}`])
  t.match(b.monitor.drops, { 'relay-off': 1, 'too-big': 2 })
})

for (const gdMpApi of [false, true]) {
  t.test(`a packet that is too large for a peer of another node is refused (gdMpApi: ${gdMpApi})`, async t => {
    const { nodes: [a, b] } = await openMemoryCluster(t, 2, { gdMpApi })
    new HandshakeClient(b).request({ url: '/ws/arena' })
    await settled()
    const [{ id }] = b.peers()
    for (const size of [a.maxDataSize + 100, 200_000]) {
      t.throws(() => { a.getPeer(id).putPacket(Buffer.alloc(size)) }, { code: 'ERR_OUT_OF_MEMORY' })
      t.throws(() => a.broadcast(id, Buffer.alloc(size)), { code: 'ERR_OUT_OF_MEMORY' })
      t.throws(() => a.broadcast(0, Buffer.alloc(size)), { code: 'ERR_OUT_OF_MEMORY' })
    }
    await settled()
    t.equal(b.getPeer(id).state, 'open')
  })
}

t.test('plain mode: a peer that does not read packets of another node is closed as slow', async t => {
  const { nodes: [a, b] } = await openMemoryCluster(t, 2, { gdMpApi: false, outputMaxPackets: 4 })
  const client = new HandshakeClient(b).request({ url: '/ws/arena' })
  await settled()
  const [peer] = b.peers()
  client.connection.stall()
  for (let packets = 0; packets < 10; packets++) a.getPeer(peer.id).putPacket(Buffer.of(packets))
  t.equal(peer.state, 'open')
  await settled()
  for (let packets = 0; packets < 10; packets++) a.getPeer(peer.id).putPacket(Buffer.of(packets))
  await settled()
  t.equal(peer.state, 'closing')
  t.match(await peer.ended(), { cause: 'slow', code: 4008 })
})

t.test('a peer of another node has its properties, and can be sent to', async t => {
  const { nodes: [a, b] } = await openMemoryCluster(t, 2)
  const one = await joinRoom(a, 'arena')
  await joinRoom(b, 'arena')
  const peer = b.getPeer(one.id)
  t.equal(peer.room, b.room('arena'))
  t.equal(peer.roomName, 'arena')
  t.equal(peer.connectedAt, a.getPeer(one.id).connectedAt)
  t.ok(peer.age >= 0)
  // Only its own node knows these.
  t.same([peer.isPaused, peer.packetsIn, peer.packetsOut, peer.bytesIn, peer.bytesOut], [false, 0, 0, 0, 0])
  t.same([peer.wasStringPacket(), peer.handshake], [false, undefined])
  peer.setWriteMode(0)
  t.equal(peer.getWriteMode(), 0)
  t.equal(b.cluster.peer(one.id), peer)
  t.equal(b.cluster.peer(7), undefined)
  t.match(b.cluster.nodes(), [{ id: 'node-0', slot: a.cluster.slot }])
  peer.putVar('hello')
  await settled()
  t.ok((await one.heard()).length > 0)
  t.equal(b.room('arena').broadcastExcept([one.id], Buffer.from('x')), 1)
  t.equal(b.broadcastExcept([], Buffer.from('x')), 2)
})

t.test('a peer of another node that moves to another room stays the same peer', async t => {
  const { nodes: [a, b] } = await openMemoryCluster(t, 2)
  const one = await joinRoom(b, 'lobby')
  for (const room of ['lobby', 'duel']) await joinRoom(a, room)
  await settled()
  const peer = a.getPeer(one.id)
  const events: string[] = []
  peer.ended().then(({ outcome }) => { events.push(`ended ${outcome}`) })
  a.cluster.on('peer_joined', ({ id }) => { events.push(`joined ${id}`) })
  a.cluster.on('peer_left', ({ id }, { outcome }) => { events.push(`left ${id} ${outcome}`) })
  for (const room of ['lobby', 'duel']) {
    a.room(room).on('peer_connected', id => { events.push(`${room} connected ${id}`) })
    a.room(room).on('peer_disconnected', id => { events.push(`${room} disconnected ${id} ${a.hasPeer(id)}`) })
  }
  await joinRoom(b, 'duel')
  events.length = 0
  b.getPeer(one.id).moveTo(b.room('duel'))
  await settled()
  t.same(events.splice(0), [`lobby disconnected ${one.id} true`, `duel connected ${one.id}`])
  t.equal(a.getPeer(one.id), peer)
  t.equal(peer.state, 'open')
  t.equal(peer.room, a.room('duel'))
  t.same([...a.room('lobby').peers()].map(({ id }) => id).includes(one.id), false)
  one.leave()
  await settled()
  t.same(events.sort(), [`duel disconnected ${one.id} true`, 'ended clean', `left ${one.id} clean`])
})

t.test('a change of a room over another node returns its new settings, although they have not arrived yet', async t => {
  let isLate = false
  const late: Array<() => void> = []
  const { nodes: [a, b] } = await openMemoryCluster(t, 2, {}, quickTimings, bus => override(bus, {
    openStore: async (name: string, seconds?: number) => {
      const store = await bus.openStore(name, seconds)
      const watch = async (receive: (entry: StoreEntry) => void, renewed?: () => void): Promise<() => void> =>
        await store.watch(entry => {
          if (isLate) late.push(() => { receive(entry) })
          else receive(entry)
        }, renewed)
      return override(store, { watch })
    }
  }))
  a.openRoom('duel', { maxPeers: 4, emptyTimeout: 600 })
  await settled()
  isLate = true
  const { maxPeers, locked } = await new ClusterNodes(b).changeRoom('duel', { maxPeers: 8, locked: true })
  t.same([maxPeers, locked], [8, true])
  for (const receive of late) receive()
})

t.test('a node that is drained while it joins is draining for the others', async t => {
  const { broker, nodes: [a] } = await openMemoryCluster(t, 1)
  let connect = (): void => {}
  const connected = new Promise<void>(resolve => { connect = resolve })
  const node = new WebSocketServer({
    gdMpApi: true, rooms: { joinPerMinute: 0 }, log: silentLogger, cluster: { servers: 'memory', nodeId: 'late' }
  }, {
    ...memoryMount,
    cluster: {
      timings: quickTimings,
      connect: async () => {
        await connected
        return broker.connect()
      }
    }
  })
  t.teardown(async () => { await node.stop() })
  const listening = node.listen()
  await settled()
  await internalsOf(node).registry.cluster!.drain('maintenance')
  connect()
  await listening
  await until(() => a.cluster.nodes().length === 1)
  t.same(a.cluster.nodes().map(({ isDraining }) => isDraining), [true])
})

t.test('cluster.openRoom opens each name once, and generates names', async t => {
  const { nodes: [a, b] } = await openMemoryCluster(t, 2)
  const named = await a.cluster.openRoom('duel')
  const unnamed = await a.cluster.openRoom()
  t.equal(named.name, 'duel')
  t.match(unnamed.name, /^[A-Z2-9]{5}$/)
  const results = await Promise.allSettled([a.cluster.openRoom('race'), b.cluster.openRoom('race')])
  t.same(results.map(({ status }) => status).sort(), ['fulfilled', 'rejected'])
  t.match(results.find(({ status }) => status === 'rejected'), { reason: { code: 'ERR_ALREADY_EXISTS' } })
})

for (const onBrokerLoss of ['close', 'isolate'] as const) {
  t.test(`the broker is lost for longer than the lease: ${onBrokerLoss}`, async t => {
    simulateTime(t)
    const timings = { ...quickTimings, lease: 1500, silence: 700, ping: 300 }
    const options = { cluster: { servers: 'memory', onBrokerLoss } }
    const { broker, buses, nodes: [a, b] } = await openMemoryCluster(t, 2, options, timings)
    const shared = await joinRoom(a, 'shared')
    const other = await joinRoom(b, 'shared')
    const alone = await joinRoom(b, 'alone')
    broker.cut(buses[1])
    await until(async () => { await other.heard(); return other.closed !== undefined }, () => 'the peer to be closed')
    t.same(other.closed, [1001, 'cluster unavailable'])
    t.notOk(b.cluster.isReady)
    t.equal((await joinRoom(b, 'new')).refusal, 'cluster-unavailable')
    await alone.heard()
    if (onBrokerLoss === 'close') t.same(alone.closed, [1001, 'cluster unavailable'])
    else t.equal(alone.closed, undefined, 'a room that is here alone continues')
    await until(() => !a.hasPeer(other.id), () => 'the node to be lost')
    broker.restore(buses[1])
    await until(() => b.cluster.isReady && a.cluster.nodes().length === 1, () => 'the node to join again')
    await settled()
    if (onBrokerLoss === 'isolate') {
      t.equal(a.hasPeer(alone.id), b.hasPeer(alone.id), 'all nodes agree about the peers that stayed')
      t.equal(alone.closed, undefined)
      t.ok(b.room('alone').isHome)
    }
    t.ok((await joinRoom(b, 'shared')).id > 0)
    t.same((await shared.heard()).filter(line => line.startsWith('del')), [`del ${other.id}`])
  })
}

t.test('a broker whose messages are too small is refused', async t => {
  const broker = new MemoryBroker(64 * 1024)
  const node = new WebSocketServer({ gdMpApi: true, log: silentLogger, cluster: { servers: 'memory' } }, {
    ...memoryMount, cluster: { timings: quickTimings, connect: async () => broker.connect() }
  })
  await t.rejects(node.listen(), { code: 'ERR_INVALID_PARAMETER', message: /max_payload of the NATS server is 65536/ })
  t.notOk(node.isListening())
})

t.test('rooms: {} agrees with rooms: true, rooms: false does not', async t => {
  const { broker } = await openMemoryCluster(t, 1, { rooms: true })
  const another = (nodeId: string, rooms: false | object): WebSocketServer => new WebSocketServer({
    gdMpApi: true, rooms, log: silentLogger, cluster: { servers: 'memory', nodeId }
  }, { ...memoryMount, cluster: { timings: quickTimings, connect: async () => broker.connect() } })
  const same = another('same', {})
  await same.listen()
  await same.stop()
  const message = 'cluster: rooms differs from node node-0: here false, there true'
  await t.rejects(another('other', false).listen(), { code: 'ERR_INVALID_PARAMETER', message })
})
