import t from 'tap'
import type { WebSocketPeer } from '../../../src/core/peer/websocket-peer.ts'
import type { WebSocketServer } from '../../../src/core/server/websocket-server.ts'
import type { ServerOptions } from '../../../src/options/option-types.ts'
import { closePayload, frame } from '../../helper/sockets/raw-frame.ts'
import { FrameClient, nextTurn } from '../../helper/memory/frame-client.ts'
import { stopTime } from '../../helper/clock.ts'
import { header, MemoryClient } from '../../helper/memory/memory-client.ts'
import { openMemoryServer } from '../../helper/memory/memory-server.ts'

/** A plain server with one peer whose queue holds seven packets, and the signals it emits. */
async function plain (options: Partial<ServerOptions> = {}) {
  const server = await openMemoryServer({ inputMaxPackets: 8, closeTimeout: 0.1, ...options })
  const signals: string[] = []
  server.on('data_received', () => { signals.push('data') })
  server.on('client_close_request', (_, code) => { signals.push(`request ${code}`) })
  server.on('client_disconnected', (_, wasClean) => { signals.push(`disconnected ${wasClean}`) })
  const client = new FrameClient(server)
  server.poll()
  const [peer] = server.peers()
  return { server, client, peer, signals }
}

const packets = (count: number, size = 1): Buffer =>
  Buffer.concat(Array.from({ length: count }, (_, i) => frame(2, Buffer.alloc(size, i))))

t.test('a peer whose queue is full leaves when its close frame arrives; its packets can still be read', async t => {
  const { server, client, peer, signals } = await plain()
  client.connection.deliver(packets(20))
  t.ok(peer.isPaused)
  client.close(3001, 'bye')
  t.same(signals.slice(-2), ['request 3001', 'disconnected true'])
  t.equal(server.peerCount, 0)
  t.same(Array.from({ length: 20 }, () => peer.getPacket()[0]), Array.from({ length: 20 }, (_, i) => i))
  t.equal((await client.frames()).at(-1)?.opcode, 8)
  await server.stop()
})

t.test('detects the close frame even if it arrives in pieces while packets are read', async t => {
  const { server, client, peer, signals } = await plain()
  client.connection.deliver(packets(20))
  const close = frame(8, closePayload(1000))
  for (const byte of close.subarray(0, -1)) {
    client.connection.deliver(Buffer.of(byte))
    if (byte % 2 === 0) peer.getPacket()
    await nextTurn()
  }
  t.equal(peer.state, 'open')
  client.connection.deliver(close.subarray(-1))
  t.equal(signals.at(-1), 'disconnected true')
  await server.stop()
})

t.test('a protocol error after packets that do not fit the queue ends the peer', async t => {
  const { server, client, peer, signals } = await plain()
  client.connection.deliver(Buffer.concat([packets(20), frame(3, '')]))
  t.equal(signals.at(-1), 'disconnected false')
  t.equal((await peer.ended()).code, 1002)
  await server.stop()
})

t.test('answers each ping of a paused peer once', async t => {
  stopTime(t)
  const { server, client, peer } = await plain()
  client.connection.deliver(Buffer.concat([packets(20), frame(9, 'first'), packets(2), frame(9, 'second')]))
  t.ok(peer.isPaused)
  t.same(
    (await client.frames()).map(({ opcode, payload }) => [opcode, payload.toString()]),
    [[10, 'first'], [10, 'second']]
  )
  for (let i = 0; i < 22; i++) {
    while (peer.getAvailablePacketCount() === 0) await nextTurn()
    peer.getPacket()
  }
  t.same(await client.frames(), [])
  client.connection.disconnect()
  await server.stop()
})

t.test('a ping that is answered ahead counts once for the rate limit', async t => {
  stopTime(t)
  const { server, client, peer } = await plain({ maxPacketsPerSecond: 40 })
  client.connection.deliver(Buffer.concat([packets(8), ...Array.from({ length: 30 }, () => frame(9, 'ping'))]))
  t.ok(peer.isPaused)
  t.equal((await client.frames()).length, 30)
  for (let i = 0; i < 8; i++) {
    while (peer.getAvailablePacketCount() === 0) await nextTurn()
    peer.getPacket()
  }
  await nextTurn()
  t.notOk(peer.isPaused)
  t.equal(server.monitor.limits['packet-rate'], 0)
  client.connection.deliver(packets(3))
  t.equal(server.monitor.limits['packet-rate'], 1, 'all others count')
  client.connection.disconnect()
  await server.stop()
})

t.test('a ping of a paused peer that breaks the protocol is not answered', async t => {
  const { client, peer } = await plain()
  client.connection.deliver(Buffer.concat([packets(8), frame(9, 'x'.repeat(200))]))
  t.equal((await peer.ended()).code, 1002)
  t.same(await client.receivedFrames(), ['8:03ea'])
})

t.test('reads ahead a bounded amount, then pauses the socket until the application reads', async t => {
  stopTime(t)
  const { server, client, peer } = await plain()
  let sent = 0
  while (!client.connection.isPaused) {
    client.connection.deliver(packets(1, 1000))
    if (++sent > 200) break
  }
  t.ok(sent > 60 && sent < 80, `${sent} packets of 1000 bytes`)
  for (let i = 0; i < sent; i++) {
    while (peer.getAvailablePacketCount() === 0) await nextTurn()
    peer.getPacket()
  }
  t.notOk(client.connection.isPaused)
  client.connection.disconnect()
  await server.stop()
})

t.test('drops and counts unread packets after a second, so that the peer can leave', async t => {
  const clock = stopTime(t)
  const server = await openMemoryServer({ inputMaxPackets: 8, pingInterval: 0 })
  const client = new FrameClient(server)
  const [peer] = server.peers()
  for (let i = 0; i < 300; i++) client.connection.deliver(packets(1, 1000))
  t.ok(client.connection.isPaused)
  t.equal(server.monitor.drops.unread, 0, 'not dropped at first')
  client.close(1000)

  clock.advance(1001)

  t.equal(peer.state, 'ended')
  t.equal(peer.end?.outcome, 'clean')
  t.equal(peer.getAvailablePacketCount(), 7)
  t.equal(server.monitor.drops.unread, 293)
})

t.test('does not drop packets that are read late', async t => {
  const clock = stopTime(t)
  const server = await openMemoryServer({ inputMaxPackets: 8, pingInterval: 0 })
  const client = new FrameClient(server)
  const [peer] = server.peers()
  client.connection.deliver(packets(20))
  t.equal(peer.getPacket()[0], 0)
  clock.advance(60_000)
  await nextTurn()
  t.ok(peer.isPaused)
  t.equal(server.monitor.drops.unread, 0)
})

for (const [how, ask] of [
  ['asks for their number', peer => peer.getAvailablePacketCount()],
  ['finds none at first', peer => { t.throws(() => peer.getPacket(), { code: 'ERR_UNAVAILABLE' }) }]
] as Array<[how: string, ask: (peer: WebSocketPeer) => unknown]>) {
  t.test(`does not drop packets of an application that reads them by a timer and ${how}`, async t => {
    const clock = stopTime(t)
    const server = await openMemoryServer({ inputMaxPackets: 8, pingInterval: 0 })
    const client = new FrameClient(server)
    const [peer] = server.peers()
    ask(peer)
    client.connection.deliver(packets(20))
    clock.advance(60_000)
    await nextTurn()
    t.equal(server.monitor.drops.unread, 0)
    const read: number[] = []
    while (read.length < 20) {
      while (peer.getAvailablePacketCount() > 0) read.push(peer.getPacket()[0])
      await nextTurn()
    }
    t.same(read, Array.from({ length: 20 }, (_, at) => at))
  })
}

t.test('an application that reads peers of one room will read those of another', async t => {
  const clock = stopTime(t)
  const server = await openMemoryServer({ inputMaxPackets: 8, pingInterval: 0, rooms: true })
  const client = new FrameClient(server)
  const [unread] = server.peers()
  unread.moveTo(server.openRoom('other'))
  const reader = new FrameClient(server)
  const [read] = server.room('main').peers()
  reader.connection.deliver(packets(1))
  read.getAvailablePacketCount()
  client.connection.deliver(packets(20))

  clock.advance(5000)

  t.ok(unread.isPaused)
  t.equal(server.monitor.drops.unread, 0)
})

t.test('packets of peers that left fill the queue of the server to at most twice its limits', async t => {
  const server = await openMemoryServer({ gdMpApi: true, closeTimeout: 0.1 })
  server.on('peer_packet', () => {})
  let sent = 0
  for (let i = 0; i < 10; i++) {
    const client = new MemoryClient(server)
    for (let j = 0; j < 60; j++, sent++) client.binary(Buffer.concat([header(client.id, 1), Buffer.alloc(1000)]))
    client.connection.disconnect()
    await nextTurn()
  }
  const unread = server.getAvailablePacketCount()
  t.ok(unread >= 65 && unread <= 2 * 66, `${unread} packets of 1000 bytes`)
  t.equal(server.monitor.drops.unread, sent - unread)
  await server.stop()
})

t.test('a peer that is paused for two reasons stays paused until both are gone', async t => {
  const clock = stopTime(t)
  const { client, peer } = await plain({ maxPacketsPerSecond: 7, pingInterval: 0 })
  client.connection.deliver(Buffer.concat([packets(8), frame(9, 'ping')]))
  t.same(await client.frames(), [], 'over its rate, pings wait too')
  clock.advance(1000)
  t.ok(peer.isPaused)
  t.same((await client.frames()).map(({ payload }) => payload.toString()), ['ping'])
  peer.getPacket()
  await nextTurn()
  t.notOk(peer.isPaused)
  t.equal(peer.getAvailablePacketCount(), 7)
})

t.test('a ping whose pong does not fit the output buffer closes a peer as slow', async t => {
  const { server, client, peer } = await plain({ outputBufferKb: 1 })
  client.connection.stall()
  t.throws(() => { for (;;) peer.putPacket(Buffer.alloc(50)) }, { code: 'ERR_OUT_OF_MEMORY' })
  client.connection.deliver(frame(9, Buffer.alloc(125)))
  t.equal(peer.state, 'closing')
  t.match(await peer.ended(), { cause: 'slow', code: 4008 })
  await server.stop()
})

type Act = (server: WebSocketServer) => void

const polledPauses: Array<[what: string, maxPacketsPerSecond: number, act: Act, code: number]> = [
  ['is within its rate limit again', 5, () => {}, 3001],
  ['is within its rate limit again, but has a full queue', 7, () => {}, 3001],
  ['is disconnected', 5, server => { for (const { id } of server.peers()) server.disconnectPeer(id, 4000) }, 4000]
]

for (const [what, maxPacketsPerSecond, act, code] of polledPauses) {
  t.test(`without autoPoll nothing is signalled outside of poll() when a paused peer ${what}`, async t => {
    const clock = stopTime(t)
    const { server, client, peer, signals } = await plain({ autoPoll: false, pingInterval: 0, maxPacketsPerSecond })
    client.connection.deliver(Buffer.concat([packets(12), frame(8, closePayload(3001))]))
    server.poll()
    t.ok(peer.isPaused)
    const before = [...signals]

    act(server)
    clock.advance(50)
    clock.advance(1000)
    await nextTurn()

    t.same(signals, before)
    t.ok(server.hasPeer(peer.id))
    for (let polls = 0; polls < 20 && peer.state !== 'ended'; polls++) {
      while (peer.getAvailablePacketCount() > 0) peer.getPacket()
      server.poll()
      clock.advance(1000)
    }
    t.equal(signals.at(-1), 'disconnected true')
    t.equal(peer.end?.code, code)
  })
}

for (const autoPoll of [true, false]) {
  t.test(`a peer that is paused for its rate is read when the limit is lifted (autoPoll: ${autoPoll})`, async t => {
    const { server, client, peer, signals } = await plain({ autoPoll, maxBytesPerSecond: 100 })
    client.connection.deliver(Buffer.concat([packets(1, 3000), packets(1)]))
    server.poll()
    t.ok(peer.isPaused)
    server.change({ maxBytesPerSecond: 0 })
    server.change({ maxBytesPerSecond: 0 })
    await nextTurn()
    if (!autoPoll) t.same(signals, ['data'])
    server.poll()
    t.notOk(peer.isPaused)
    t.same(signals, ['data', 'data'])
    await server.stop()
  })

  t.test(`a peer with a full queue is read again when \`packet\` gets a listener (autoPoll: ${autoPoll})`, async t => {
    const clock = stopTime(t)
    const { server, client, peer } = await plain({ autoPoll, pingInterval: 0 })
    client.connection.deliver(packets(20))
    server.poll()
    t.equal(peer.getPacket()[0], 0)
    server.poll()
    await nextTurn()
    clock.advance(3000)
    t.ok(peer.isPaused, 'waits for the application to read')
    const pushed: number[] = []
    server.on('packet', (_id, [first]) => { pushed.push(first) })
    clock.advance(1000)
    await nextTurn()
    server.poll()
    t.notOk(peer.isPaused)
    const unread = Array.from({ length: peer.getAvailablePacketCount() }, () => peer.getPacket()[0])
    t.same([...unread, ...pushed], Array.from({ length: 19 }, (_, at) => at + 1), 'nothing is lost')
    t.equal(unread.length, 8)
    t.equal(server.monitor.drops.unread, 0)
  })
}
