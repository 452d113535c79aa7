import t from 'tap'
import type { PeerOutbox } from '../../../../src/core/peer/peer-outbox.ts'
import { Backpressure } from '../../../../src/core/room/relay/backpressure.ts'
import { WebSocketServer } from '../../../../src/core/server/websocket-server.ts'
import { simulateTime, stopTime } from '../../../helper/clock.ts'
import { nextTurn } from '../../../helper/memory/frame-client.ts'
import { header, MemoryClient } from '../../../helper/memory/memory-client.ts'
import { connectRawWebSocket, frame } from '../../../helper/sockets/raw-socket.ts'
import { SlowReader } from '../../../helper/sockets/slow-reader.ts'
import { openMemoryServer } from '../../../helper/memory/memory-server.ts'

/** A relay whose members each know their id. */
async function room (size: number) {
  const server = await openMemoryServer({ gdMpApi: true, pingInterval: 0 })
  const members = Array.from({ length: size }, () => new MemoryClient(server))
  for (const member of members) await member.messages()
  const isPaused = ({ id }: MemoryClient): boolean => server.getPeer(id).isPaused
  return { server, members, isPaused }
}

/** Sends packets to all until its reading is paused, `most` at most; returns how many. */
async function sendUntilPaused (sender: MemoryClient, isPaused: (member: MemoryClient) => boolean, most = 100) {
  let sent = 0
  while (sent < most && !isPaused(sender)) {
    sender.binary(Buffer.concat([header(sender.id, 0), Buffer.alloc(8000, sent++)]))
    await nextTurn()
  }
  return sent
}

const payloads = async (member: MemoryClient): Promise<number[]> =>
  (await member.messages()).filter(message => message.length > 8000).map(message => parseInt(message.slice(-2), 16))

t.test('a sending member is paused while a receiver lags behind, and no packet is lost', async t => {
  const { server, members: [sender, receiver, other], isPaused } = await room(3)
  receiver.connection.stall()
  const sent = await sendUntilPaused(sender, isPaused)
  t.ok(sent > 3 && sent < 10, `paused after ${sent} packets`)
  t.notOk(isPaused(other), 'one that does not send is not paused')
  for (let i = sent; i < 20; i++) sender.binary(Buffer.concat([header(sender.id, 0), Buffer.alloc(8000, i)]))
  await nextTurn()
  const before = await payloads(other)
  t.ok(before.length <= sent, 'what it sends meanwhile waits')

  receiver.connection.unstall()
  await nextTurn()
  await nextTurn()

  t.notOk(isPaused(sender))
  t.same(await payloads(receiver), Array.from({ length: 20 }, (_, i) => i))
  t.same([...before, ...await payloads(other)], Array.from({ length: 20 }, (_, i) => i))
  t.equal(server.peerCount, 3)
  await server.stop()
})

t.test('a receiver that accepts nothing for two seconds is closed with 4008, and the room continues', async t => {
  const clock = stopTime(t)
  const { server, members: [sender, receiver, other], isPaused } = await room(3)
  receiver.connection.stall()
  await sendUntilPaused(sender, isPaused)
  clock.advance(1900)
  await nextTurn()
  t.ok(isPaused(sender))
  t.equal(server.getPeer(receiver.id).state, 'open')
  const end = server.getPeer(receiver.id).ended()

  clock.advance(200)
  await nextTurn()

  t.notOk(isPaused(sender))
  await payloads(other)
  sender.binary(Buffer.concat([header(sender.id, 0), Buffer.alloc(8000, 77)]))
  t.same(await payloads(other), [77])
  t.equal(server.monitor.limits['slow-peer'], 0, 'counted when it has ended')
  clock.advance(3000)
  t.match(await end, { cause: 'slow', code: 4008 })
  t.equal(server.monitor.limits['slow-peer'], 1)
  server.stop().catch(() => {})
  clock.advance(10_000)
})

for (const gdMpApi of [false, true]) {
  t.test(`a burst of putPacket throws ERR_OUT_OF_MEMORY and closes no peer, gdMpApi ${gdMpApi}`, async t => {
    for (const size of [60_000, 30_000, 1000]) {
      const server = await openMemoryServer({ gdMpApi, pingInterval: 0 })
      const client = new MemoryClient(server)
      const peer = server.getPeer(client.id)
      await client.frames()
      client.connection.stall()
      const packet = Buffer.alloc(size)
      for (let turn = 0; turn < 3; turn++) {
        t.throws(() => { for (let i = 0; i < 1000; i++) peer.putPacket(packet) }, { code: 'ERR_OUT_OF_MEMORY' })
        await nextTurn()
        t.equal(peer.state, 'open', `${size} bytes, turn ${turn}`)
      }
      t.ok(peer.getCurrentOutboundBufferedAmount() < 3 * 65_536)
      client.connection.unstall()
      await nextTurn()
      peer.putPacket(Buffer.from('next'))
      t.equal((await client.frames()).at(-1)?.payload.toString(), 'next')
      await server.stop()
    }
  })
}

t.test('senders are paused for at most two seconds for a receiver that accepts too little', async t => {
  const clock = stopTime(t)
  const { server, members: [sender, receiver], isPaused } = await room(2)
  receiver.connection.stall()
  await sendUntilPaused(sender, isPaused)
  clock.advance(1000)
  receiver.connection.unstall()
  receiver.connection.stall()
  await nextTurn()
  t.ok(isPaused(sender))

  clock.advance(1100)
  await nextTurn()

  t.notOk(isPaused(sender))
  t.equal(server.getPeer(receiver.id).state, 'open', 'it accepted something')
  await sendUntilPaused(sender, isPaused)
  t.equal(server.getPeer(receiver.id).state, 'closing', 'but now its output buffer has its limit again')
  server.stop().catch(() => {})
  clock.advance(10_000)
})

t.test('packets for one receiver: senders wait for it beyond its limit, and no longer after two seconds', async t => {
  const clock = stopTime(t)
  const { server, members: [receiver, ...senders], isPaused } = await room(4)
  const send = async (sender: MemoryClient): Promise<void> => {
    sender.binary(Buffer.concat([header(sender.id, receiver.id), Buffer.alloc(60_000)]))
    await nextTurn()
  }
  const peer = server.getPeer(receiver.id)
  receiver.connection.stall()
  await send(senders[0])
  await send(senders[1])
  t.ok(peer.getCurrentOutboundBufferedAmount() > 2 * 60_000)
  await send(senders[2])
  t.ok(isPaused(senders[2]))
  t.equal(peer.state, 'open')

  clock.advance(1000)
  receiver.connection.unstall()
  receiver.connection.stall()
  clock.advance(1100)
  await nextTurn()
  t.notOk(senders.some(isPaused))
  await send(senders[0])
  await send(senders[1])
  t.equal(peer.state, 'closing')
  clock.advance(3000)
  t.match(await peer.ended(), { cause: 'slow', code: 4008 })
  server.stop().catch(() => {})
  clock.advance(10_000)
})

t.test('a room runs at the speed of readers of 4 MB/s: none is closed, none misses a packet', async t => {
  simulateTime(t)
  const server = new WebSocketServer({ gdMpApi: true, closeTimeout: 0.3, pingInterval: 0 })
  t.teardown(async () => { await server.stop() })
  await server.listen(0)
  const sender = await connectRawWebSocket(t, server.port)
  const id = (await sender.frame()).payload.readInt32LE(9)
  const readers = await Promise.all(Array.from({ length: 4 }, async () => await connectRawWebSocket(t, server.port)))
  const slow = readers.map(reader => new SlowReader(reader, 4_000_000))

  const PACKETS = 192
  for (let i = 0; i < PACKETS; i++) sender.send(frame(2, Buffer.concat([header(id, 0), Buffer.alloc(32_000, i)])))
  const deadline = performance.now() + 60_000
  const numbers = ({ messages }: SlowReader): number[] =>
    messages.filter(({ length }) => length > 32_000).map(message => message[message.length - 1])
  while (slow.some(reader => numbers(reader).length < PACKETS) && performance.now() < deadline &&
    server.peerCount === 5) {
    await new Promise(resolve => setTimeout(resolve, 20))
  }

  t.equal(server.peerCount, 5)
  t.equal(server.monitor.limits['slow-peer'], 0)
  for (const reader of slow) t.same(numbers(reader), Array.from({ length: PACKETS }, (_, i) => i))
})

t.test('a receiver is awaited for two seconds, even if others lag behind when another wait ends', async t => {
  const clock = stopTime(t)
  const closed: string[] = []
  const backpressure = new Backpressure({ settings: { options: { gdMpApi: true } }, defer: setImmediate })
  const waitFor = (name: string): void => {
    const host = { closeSlow: () => { closed.push(name); backpressure.stopWaitingFor(receiver) } }
    const receiver = { confirmations: 0, connection: { unsentBytes: 9 }, host } as unknown as PeerOutbox
    backpressure.waitFor(receiver)
  }
  waitFor('first')
  clock.advance(100)
  waitFor('second')
  clock.advance(1900)
  waitFor('third')
  await nextTurn()
  t.same(closed, ['first'])

  clock.advance(100)
  await nextTurn()
  t.same(closed, ['first', 'second'])

  clock.advance(1900)
  await nextTurn()
  t.same(closed, ['first', 'second', 'third'])
  t.equal(clock.waiting(), 0)
})
