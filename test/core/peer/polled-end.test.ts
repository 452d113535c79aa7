import { setImmediate as nextTurn } from 'node:timers/promises'
import t from 'tap'
import { internalsOf } from '../../../src/core/server/internals.ts'
import { FrameClient } from '../../helper/memory/frame-client.ts'
import { header } from '../../helper/memory/memory-client.ts'
import { closePayload, frame } from '../../helper/sockets/raw-frame.ts'
import { withTimeout } from '../../helper/with-timeout.ts'
import { openMemoryServer } from '../../helper/memory/memory-server.ts'

/** `isDraining`: the application reads after the poll, and does not listen to data_received. */
async function polled (isDraining = false) {
  const server = await openMemoryServer({ autoPoll: false, closeTimeout: 0.2 })
  const signals: string[] = []
  if (!isDraining) server.on('data_received', () => { signals.push('data') })
  server.on('client_close_request', (_, code) => { signals.push(`request ${code}`) })
  server.on('client_disconnected', (_, wasClean) => { signals.push(`disconnected ${wasClean}`) })
  const client = new FrameClient(server)
  server.poll()
  const [peer] = server.peers()
  return { server, client, peer, signals }
}

const ends: Array<[what: string, bytes: Buffer]> = [
  ['a close frame', frame(8, closePayload(1000))],
  ['a protocol error', frame(3, 'reserved opcode')],
  ['packets and a close frame', Buffer.concat([frame(2, 'packet'), frame(8, closePayload(1000))])],
  ['packets', frame(2, 'packet')]
]

for (const [what, bytes] of ends) {
  t.test(`stop() resolves when ${what} and the end of the connection arrived between two polls`, async t => {
    const { server, client, signals } = await polled()
    client.connection.deliver(bytes)
    client.connection.disconnect()
    await nextTurn()
    server.poll()
    server.poll()
    t.equal(server.peerCount, 0)
    t.equal(signals.filter(signal => signal.startsWith('disconnected')).length, 1)
    await withTimeout(() => 'stop', server.stop())
  })
}

t.test('a packet that arrives together with the close frame can be read and answered after the poll', async t => {
  const { server, client, peer, signals } = await polled(true)
  client.connection.deliver(Buffer.concat([frame(2, 'question'), frame(8, closePayload(1000))]))

  server.poll()

  t.same(signals, [])
  t.ok(server.hasPeer(peer.id))
  t.equal(Buffer.from(peer.getPacket()).toString(), 'question')
  peer.putPacket(Buffer.from('answer'))
  server.poll()
  t.same(signals, ['request 1000', 'disconnected true'])
  t.notOk(server.hasPeer(peer.id))
  t.same((await client.frames()).map(({ opcode }) => opcode), [2, 8])
  await server.stop()
})

t.test('with a listener of data_received, everything happens in one poll, as in Godot', async t => {
  const { server, client, signals } = await polled()
  client.connection.deliver(Buffer.concat([frame(2, 'one'), frame(2, 'two'), frame(8, closePayload(1000))]))
  server.poll()
  t.same(signals, ['data', 'data', 'request 1000', 'disconnected true'])
  await server.stop()
})

t.test('unread packets delay the end by one poll only', async t => {
  const { server, client, peer, signals } = await polled(true)
  client.connection.deliver(frame(2, 'packet'))
  client.connection.disconnect()
  await nextTurn()
  server.poll()
  t.same(signals, [])
  server.poll()
  t.same(signals, ['disconnected false'])
  t.equal(peer.getAvailablePacketCount(), 1, 'still readable')
  await server.stop()
})

t.test('packets that multiplayer mode has left unread do not delay the end of peers in plain mode', async t => {
  const { server, signals } = await polled(true)
  await server.stop()
  await server.listen(undefined, [], true)
  const sender = new FrameClient(server)
  server.poll()
  sender.binary(header(server.peers().next().value!.id, 1))
  server.poll()
  t.equal(internalsOf(server).registry.rooms.main.inbox.unreadPackets, 1)
  await server.stop()
  await server.listen(undefined, [], false)
  signals.length = 0
  const next = new FrameClient(server)
  server.poll()
  next.close(1000)
  server.poll()
  t.same(signals, ['request 1000', 'disconnected true'])
  await server.stop()
})
