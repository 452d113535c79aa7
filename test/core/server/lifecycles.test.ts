import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { setImmediate as nextTurn } from 'node:timers/promises'
import t from 'tap'
import { closePayload, frame, upgradeRequest } from '../../helper/sockets/raw-socket.ts'
import { Random, scaled, seed } from '../../helper/random/random.ts'
import { listeningApp } from '../../helper/app.ts'
import { until } from '../../helper/until.ts'

const LIVES = scaled(1500)
const AT_ONCE = 50

t.test(`${LIVES} random clients: one connect and one disconnect signal each, and no leaks`, async t => {
  const { app, port } = await listeningApp(t, { closeTimeout: 0.2, inputMaxPackets: 8 })
  const server = app.peerServer
  const random = new Random(seed)
  const lives = new Map<number, string[]>()
  server.on('client_connected', id => { lives.set(id, ['connected', ...lives.get(id) ?? []]) })
  server.on('client_disconnected', id => { lives.get(id)!.push('disconnected') })
  server.on('data_received', id => {
    const peer = server.getPeer(id)
    // Some packets stay unread for a while, so that queues fill and sockets pause.
    if (random.oneIn(3)) return
    const packet = peer.getPacket()
    if (peer.isOpen) peer.putPacket(packet)
    if (random.oneIn(40) && peer.isOpen) server.disconnectPeer(id, 4000 + random.below(100), 'random disconnect')
  })

  const sweep = setInterval(() => {
    for (const peer of server.peers()) while (peer.getAvailablePacketCount() > 0) peer.getPacket()
  }, 20)
  let begun = 0
  const live = async (): Promise<void> => {
    while (begun < LIVES) {
      begun++
      await oneLife(random, port)
    }
  }
  await Promise.all(Array.from({ length: AT_ONCE }, live))
  await until(() => server.peerCount === 0)

  clearInterval(sweep)

  t.ok(lives.size > LIVES / 2, `${lives.size} peers, seed ${seed}`)
  t.same([...lives].filter(([, signals]) => signals.join() !== 'connected,disconnected'), [], `seed ${seed}`)
  t.equal(server.countPeers().pending, 0)
  await app.close()
  // A socket that is destroyed is released in the turn after.
  await until(() => !resources().includes('TCPSocketWrap'))
  t.notOk(resources().includes('Timeout'), `no timer is left: ${resources().join()}`)
})

/** What a client may do, a row each; `undefined` ends its life. */
const acts: Array<(random: Random, socket: Socket) => boolean> = [
  (random, socket) => socket.write(frame(1 + random.below(2), 'x'.repeat(random.below(300)))),
  (random, socket) =>
    socket.write(Buffer.concat(Array.from({ length: random.below(30) }, (_, i) => frame(2, Buffer.of(i))))),
  (_, socket) => socket.write(frame(9, 'ping')),
  (random, socket) => socket.write(frame(2, 'y'.repeat(200)).subarray(0, random.below(100)))
]

const ends: Array<(random: Random, socket: Socket) => void> = [
  (random, socket) => { socket.write(frame(8, closePayload(random.pick([1000, 1001, 3000, 4999]), 'bye'))) },
  (_, socket) => { socket.end() },
  (_, socket) => { socket.resetAndDestroy() },
  (_, socket) => { socket.destroy() },
  (_, socket) => { socket.write(frame(3, 'reserved opcode')) },
  (_, socket) => { socket.write(frame(8, closePayload(999))) }
]

async function oneLife (random: Random, port: number): Promise<void> {
  const socket = connect({ port, host: '127.0.0.1' })
  const closed = new Promise<void>(resolve => { socket.once('close', () => { resolve() }) })
  socket.on('error', () => {})
  await once(socket, 'connect').catch(() => {})
  socket.write(random.oneIn(20) ? 'GET /ws HTTP/1.1\r\nHost: x\r\n\r\n' : upgradeRequest('/ws'))
  // Some do not wait for the answer.
  if (!random.oneIn(4)) await Promise.race([once(socket, 'data').catch(() => {}), closed])
  socket.on('data', data => { if (random.oneIn(2) && data.at(-2) === 0x88) socket.write(frame(8, closePayload(1000))) })
  for (let i = random.below(4); i > 0 && socket.writable; i--) {
    random.pick(acts)(random, socket)
    if (random.oneIn(2)) await nextTurn()
  }
  if (socket.writable) random.pick(ends)(random, socket)
  const cut = setTimeout(() => { socket.destroy() }, 400)
  await closed
  clearTimeout(cut)
}

function resources (): string[] {
  return process.getActiveResourcesInfo()
}
