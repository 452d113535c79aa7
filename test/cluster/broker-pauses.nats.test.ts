import { once } from 'node:events'
import t from 'tap'
import { WebSocket } from 'ws'
import { WebSocketServer } from '../../index.ts'
import type { Bus } from '../../src/cluster/bus/bus.ts'
import { internalsOf } from '../../src/core/server/internals.ts'
import { header } from '../helper/memory-client.ts'
import { quickTimings } from '../helper/memory-cluster.ts'
import { natsTransport, startNats } from '../helper/nats.ts'
import { silentLogger } from '../helper/silent-logger.ts'
import { until } from '../helper/until.ts'

const SIZE = 32 * 1024
const COUNT = 600
/** No node is lost while the broker stands still on a slow machine; a new cluster waits for as long as a lease. */
const timings = { ...quickTimings, lease: 8000, silence: 60_000 }

t.test('while the broker does not keep up senders are paused, and every loss is reported', async t => {
  const nats = await startNats(t)
  const nodes: WebSocketServer[] = []
  const buses: Bus[] = []
  t.teardown(async () => {
    nats.signal('SIGCONT')
    await Promise.all(nodes.map(async node => { await node.stop() }))
  })
  const sockets: WebSocket[] = []
  const received: number[] = []
  for (const nodeId of ['a', 'b']) {
    const node = new WebSocketServer({
      gdMpApi: true,
      bindIp: '127.0.0.1',
      closeTimeout: 0.5,
      log: silentLogger,
      outputBufferKb: 512,
      cluster: { servers: nats.url, nodeId }
    }, { cluster: natsTransport(nats.url, timings, buses) })
    await node.listen(0)
    nodes.push(node)
    const socket = new WebSocket(`ws://127.0.0.1:${node.port}/ws`, { perMessageDeflate: false })
    socket.on('message', (data: Buffer) => {
      if (nodeId === 'b' && data[0] === 0) received.push(data.readUInt32LE(9))
    })
    await once(socket, 'message')
    sockets.push(socket)
  }
  const [a, b] = nodes
  const [sender] = [...a.peers()]
  const [receiver] = [...b.peers()]
  await until(() => a.hasPeer(receiver.id) && b.hasPeer(sender.id))

  let lost = 0
  b.cluster.on('gap', (_node, count) => { lost += count })
  let sent = 0
  const send = (size: number): void => {
    const packet = Buffer.alloc(size)
    header(sender.id, 0).copy(packet)
    packet.writeUInt32LE(sent++, 9)
    sockets[0].send(packet)
  }
  const links = nodes.map(node => internalsOf(node).registry.cluster!)
  // On a busy machine the connection may be given up before the broker lags that far behind.
  while (!sender.isPaused && sockets[0].readyState === WebSocket.OPEN) {
    // A node that does not renew its lease in time closes its peers.
    await until(() => buses[0].isConnected && links.every(({ leaseAge = Infinity }) => leaseAge < 0.5))
    nats.signal('SIGSTOP')
    for (let number = 0; number < COUNT; number++) send(SIZE)
    await until(() => sender.isPaused || !buses[0].isConnected, () => 'the sender to be paused')
    if (!sender.isPaused) nats.signal('SIGCONT')
  }
  const large = sent
  t.ok(sender.packetsIn < large, `paused after ${sender.packetsIn} packets`)
  nats.signal('SIGCONT')
  // The connection may also be given up now, and packets be lost.
  await until(() => {
    if (!sender.isPaused) send(100)
    return received.at(-1)! >= large
  }, () => `a packet after ${large}, got ${received.length} of ${sent}`)
  const last = sent - 1
  await until(() => received.at(-1) === last, () => `the last of ${sent} packets, got ${received.length}`)
  t.same(received, [...new Set(received)].sort((one, other) => one - other), 'once and in order')
  t.equal(received.length < sent, lost > 0, `${sent - received.length} packets are missing`)
  t.notOk(sender.isPaused)
  t.equal(a.monitor.drops['too-big'], 0)
  for (const socket of sockets) socket.terminate()
})
