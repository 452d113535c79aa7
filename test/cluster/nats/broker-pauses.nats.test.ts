import { once } from 'node:events'
import t, { type Test } from 'tap'
import { WebSocket } from 'ws'
import { WebSocketServer } from '../../../index.ts'
import type { Bus } from '../../../src/cluster/bus/bus.ts'
import { internalsOf } from '../../../src/core/server/internals.ts'
import { header } from '../../helper/memory/memory-client.ts'
import { quickTimings } from '../../helper/memory/memory-cluster.ts'
import { natsTransport, startNats, type NatsServer } from '../../helper/programs/nats.ts'
import { silentLogger } from '../../helper/silent-logger.ts'
import { until } from '../../helper/until.ts'

const SIZE = 32 * 1024
const COUNT = 600
/** No node is lost while the broker stands still on a slow machine; a new cluster waits for as long as a lease. */
const timings = { ...quickTimings, lease: 8000, silence: 60_000 }

interface Node { readonly server: WebSocketServer, readonly bus: Bus, readonly socket: WebSocket }

/** Starts nodes with a client each; `heard` gets what the client of the last one receives. */
async function startNodes (t: Test, nats: NatsServer, ids: readonly string[], heard: (packet: Buffer) => void) {
  const nodes: Node[] = []
  const buses: Bus[] = []
  t.teardown(async () => {
    nats.signal('SIGCONT')
    await Promise.all(nodes.map(async ({ server }) => { await server.stop() }))
  })
  for (const nodeId of ids) {
    const server = new WebSocketServer({
      gdMpApi: true,
      bindIp: '127.0.0.1',
      closeTimeout: 0.5,
      log: silentLogger,
      outputBufferKb: 512,
      cluster: { servers: nats.url, nodeId }
    }, { cluster: natsTransport(nats.url, timings, buses) })
    await server.listen(0)
    const socket = new WebSocket(`ws://127.0.0.1:${server.port}/ws`, { perMessageDeflate: false })
    socket.on('message', (data: Buffer) => { if (nodeId === ids.at(-1)) heard(data) })
    await once(socket, 'message')
    nodes.push({ server, bus: buses.at(-1)!, socket })
  }
  return nodes
}

/** Resolves with false, without having checked anything, if a node has lost its slot meanwhile. */
async function floods (t: Test, nats: NatsServer, ids: readonly string[]): Promise<boolean> {
  const received: number[] = []
  const nodes = await startNodes(t, nats, ids, data => { if (data[0] === 0) received.push(data.readUInt32LE(9)) })
  const [{ server: a, bus, socket }, { server: b }] = nodes
  let isLost = false
  for (const { server } of nodes) server.cluster.on('lost', () => { isLost = true })
  const links = nodes.map(({ server }) => internalsOf(server).registry.cluster!)
  const isGone = (): boolean => isLost || links.some(({ leaseAge }) => leaseAge === undefined)
  const [sender] = [...a.peers()]
  const [receiver] = [...b.peers()]
  await until(() => isGone() || (a.hasPeer(receiver.id) && b.hasPeer(sender.id)))

  let lost = 0
  b.cluster.on('gap', (_node, count) => { lost += count })
  let sent = 0
  const send = (size: number): void => {
    const packet = Buffer.alloc(size)
    header(sender.id, 0).copy(packet)
    packet.writeUInt32LE(sent++, 9)
    socket.send(packet)
  }
  // On a busy machine the connection may be given up before the broker lags that far behind.
  while (!sender.isPaused && !isGone()) {
    // A node that does not renew its lease in time closes its peers.
    await until(() => isGone() || (bus.isConnected && links.every(({ leaseAge = Infinity }) => leaseAge < 0.5)))
    nats.signal('SIGSTOP')
    for (let number = 0; number < COUNT; number++) send(SIZE)
    await until(() => isGone() || sender.isPaused || !bus.isConnected, () => 'the sender to be paused')
    if (!sender.isPaused) nats.signal('SIGCONT')
  }
  const large = sent
  const { packetsIn } = sender
  nats.signal('SIGCONT')
  // The connection may also be given up now, and packets be lost.
  await until(() => {
    if (!isGone() && !sender.isPaused) send(100)
    return isGone() || received.at(-1)! >= large
  }, () => `a packet after ${large}, got ${received.length} of ${sent}`)
  const last = sent - 1
  await until(() => isGone() || received.at(-1) === last,
    () => `the last of ${sent} packets, got ${received.length}`)
  for (const { socket } of nodes) socket.terminate()
  if (isGone()) return false
  t.ok(packetsIn < large, `paused after ${packetsIn} packets`)
  t.same(received, [...new Set(received)].sort((one, other) => one - other), 'once and in order')
  t.equal(received.length < sent, lost > 0, `${sent - received.length} packets are missing`)
  t.notOk(sender.isPaused)
  t.equal(a.monitor.drops['too-big'], 0)
  return true
}

t.test('while the broker does not keep up senders are paused, and every loss is reported', async t => {
  const nats = await startNats(t)
  // On a busy machine the broker may stand still for longer than a lease: the nodes have closed their peers then.
  for (let time = 1; !await floods(t, nats, [`a${time}`, `b${time}`]); time++) {
    if (time === 5) throw new Error('the nodes have lost their slots five times')
  }
})
