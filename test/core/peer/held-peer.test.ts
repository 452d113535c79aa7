import { once } from 'node:events'
import { connect } from 'node:net'
import { setImmediate as nextTurn } from 'node:timers/promises'
import t from 'tap'
import { listeningApp } from '../../helper/app.ts'
import { stopTime } from '../../helper/clock.ts'
import { frame, upgradeRequest } from '../../helper/sockets/raw-socket.ts'
import { withTimeout } from '../../helper/with-timeout.ts'

for (const [how, end] of [['resets', 'resetAndDestroy'], ['closes', 'destroy']] as const) {
  t.test(`detects that a client ${how} while its socket is paused because nobody reads its packets`, async t => {
    const { app, port } = await listeningApp(t, { inputMaxPackets: 8, pingInterval: 0.2 })
    const socket = connect({ port, host: '127.0.0.1' }).on('error', () => {})
    socket.write(upgradeRequest('/ws'))
    await once(socket, 'data')
    const [peer] = app.peerServer.peers()
    socket.write(Buffer.concat(Array.from({ length: 2000 }, (_, i) => frame(2, Buffer.alloc(1000, i)))))
    while (!peer.isPaused) await nextTurn()

    socket[end]()

    await withTimeout(() => 'the end of the peer', peer.ended())
    t.equal(app.peerServer.peerCount, 0)
    t.ok(peer.getAvailablePacketCount() >= 7, 'received packets can still be read')
  })
}

t.test('a peer does not count as silent while its reading is paused', async t => {
  const clock = stopTime(t)
  const { app, port } = await listeningApp(t, { inputMaxPackets: 8, pingInterval: 0.1 })
  const socket = connect({ port, host: '127.0.0.1' })
  t.teardown(() => socket.destroy())
  socket.write(upgradeRequest('/ws'))
  await once(socket, 'data')
  const [peer] = app.peerServer.peers()
  socket.write(Buffer.concat(Array.from({ length: 20 }, (_, i) => frame(2, Buffer.of(i)))))
  while (!peer.isPaused) await nextTurn()
  // Unread packets are dropped after a second.
  clock.advance(900)
  t.ok(peer.isOpen)
  for (let i = 0; i < 20; i++) {
    while (peer.getAvailablePacketCount() === 0) await nextTurn()
    t.equal(peer.getPacket()[0], i)
  }
})
