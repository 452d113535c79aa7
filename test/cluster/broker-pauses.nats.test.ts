import { once } from 'node:events'
import t from 'tap'
import { WebSocket } from 'ws'
import { WebSocketServer } from '../../index.ts'
import { header } from '../helper/memory-client.ts'
import { startNats } from '../helper/nats.ts'
import { silentLogger } from '../helper/silent-logger.ts'
import { until } from '../helper/until.ts'

const SIZE = 256 * 1024
const COUNT = 75

t.test('while the broker does not keep up senders are paused, and every loss is reported', async t => {
  const nats = await startNats(t)
  const nodes: WebSocketServer[] = []
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
      inputBufferKb: 512,
      outputBufferKb: 512,
      cluster: { servers: nats.url, nodeId }
    })
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
  let closeCode: number | undefined
  sockets[0].on('close', code => { closeCode = code })
  const packets = Array.from({ length: COUNT }, (_, number) => {
    const packet = Buffer.alloc(SIZE)
    header(sender.id, 0).copy(packet)
    packet.writeUInt32LE(number, 9)
    return packet
  })
  nats.signal('SIGSTOP')
  for (const packet of packets) sockets[0].send(packet)
  await until(() => sender.isPaused, () => 'the sender to be paused')
  t.ok(sender.packetsIn < COUNT, `paused after ${sender.packetsIn} packets`)
  nats.signal('SIGCONT')
  // On a busy machine the broker may be stopped for so long that its connection is given up: then the loss is reported
  // as a gap, or the node has lost its slot and has closed its peers.
  await until(() => received.at(-1) === COUNT - 1 || lost > 0 || closeCode !== undefined,
    () => `the last of ${COUNT} packets, or the report of a loss; got ${received.length}`)
  t.same(received, [...new Set(received)].sort((one, other) => one - other), 'once and in order')
  t.equal(received.length === COUNT, lost === 0 && closeCode === undefined, `${COUNT - received.length} are missing`)
  t.ok([undefined, 1012].includes(closeCode), `closed with ${closeCode}`)
  await until(() => !sender.isPaused, () => 'the sender to go on')
  t.equal(a.monitor.drops['too-big'], 0)
  for (const socket of sockets) socket.terminate()
})
