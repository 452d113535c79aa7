import t, { type Test } from 'tap'
import { BusError, type Bus } from '../../src/cluster/bus/bus.ts'
import { WebSocketServer } from '../../src/core/server/websocket-server.ts'
import { MemoryBroker } from '../helper/memory/memory-bus.ts'
import { memoryMount } from '../helper/memory/memory-client.ts'
import { joinRoom, openMemoryCluster, patientTimings, settled } from '../helper/memory/memory-cluster.ts'
import { override } from '../helper/override.ts'
import { silentLogger } from '../helper/silent-logger.ts'
import { until } from '../helper/until.ts'
import { withTimeout } from '../helper/with-timeout.ts'

const roomsOf = (node: WebSocketServer): string[] => Array.from(node.rooms(), ({ name }) => name)

t.test('a node that stops no longer knows the peers of others, and its rooms end', async t => {
  const { nodes: [a, b] } = await openMemoryCluster(t, 2, {}, patientTimings)
  await joinRoom(a, 'arena')
  const two = await joinRoom(b, 'arena')
  const three = await joinRoom(b, 'main')
  const room = a.room('arena')
  const main = room.multiplayer.node('/root/Main', { scores: Map })
  const heard: string[] = []
  room.on('peer_disconnected', id => {
    heard.push(id === two.id ? 'peer elsewhere' : 'peer here')
    // Nobody hears it.
    room.broadcast(0, Buffer.from('scores'))
    main.rset('scores', new Map())
  })
  room.on('closed', () => { heard.push('closed') })
  await a.stop()
  t.same(heard, ['peer here', 'peer elsewhere', 'closed'])
  t.same(roomsOf(a), ['main'])
  t.same([...a.cluster.peers()], [])
  t.equal(a.broadcast(0, Buffer.from('nobody')), 0)
  t.ok(b.hasPeer(two.id), 'they stay on their own node')
  await until(() => b.room('arena').isHome)

  await a.listen()
  await settled()
  t.same(Array.from(a.cluster.peers(), ({ id }) => id).sort(), [two.id, three.id].sort())
  t.same(roomsOf(a), ['main'])
  two.leave()
  await until(() => !a.hasPeer(two.id))
  await settled()
  t.same([roomsOf(a), roomsOf(b)], [['main'], ['main']])
})

t.test('peers that left while their node and this one were away are not there when it listens again', async t => {
  const { nodes: [a, b, c] } = await openMemoryCluster(t, 3, {}, patientTimings)
  await joinRoom(a, 'arena')
  const two = await joinRoom(b, 'arena')
  await a.stop()
  await b.stop()
  await a.listen()
  await settled()
  t.same(roomsOf(a), ['main'])
  t.notOk(a.hasPeer(two.id))
  t.same([...a.cluster.peers(), ...c.cluster.peers()], [])
})

t.test('a node stays in the cluster until its first stop is over, and a later one does not wait to join', async t => {
  let connections = 0
  const openStore = async (): Promise<never> => await new Promise<never>(() => {})
  const wrap = (bus: Bus): Bus => ++connections <= 2 ? bus : override(bus, { openStore })
  const { nodes: [a, b] } = await openMemoryCluster(t, 2, {}, patientTimings, wrap)
  const one = await joinRoom(a, 'arena')
  const two = await joinRoom(b, 'arena')
  const ends: unknown[] = []
  b.cluster.on('peer_left', ({ id }, { cause, outcome }) => { ends.push([id, cause, outcome]) })
  one.stall()
  const stopped = a.stop()
  const listening = t.rejects(a.listen(), { code: 'cluster-unavailable' })
  await withTimeout(() => 'the later stop', a.stop(), 20)
  await Promise.all([stopped, listening])
  await until(() => !b.hasPeer(one.id))
  t.same(ends, [[one.id, 'stop', 'timeout']])
  t.ok(b.hasPeer(two.id))
  t.equal(connections, 3)
})

/** A node that connects to its broker in this way; the test stops it. */
function openNode (t: Test, connect: () => Promise<Bus>): WebSocketServer {
  const options = { gdMpApi: true, log: silentLogger, cluster: { servers: 'memory', nodeId: 'node' } }
  const node = new WebSocketServer(options, { ...memoryMount, cluster: { timings: patientTimings, connect } })
  t.teardown(async () => { await node.stop() })
  return node
}

t.test('stop does not wait for a broker that does not respond to a joining node', async t => {
  const broker = new MemoryBroker()
  const answers: Array<(bus: Bus) => void> = []
  const node = openNode(t, async () => await new Promise<Bus>(resolve => { answers.push(resolve) }))
  const listening = t.rejects(node.listen(), { code: 'cluster-unavailable' })
  await until(() => answers.length === 1)
  await node.stop()
  await listening
  t.notOk(node.isListening())

  const again = node.listen()
  const late = broker.connect()
  answers[0](late)
  await until(() => answers.length === 2)
  t.notOk(late.isConnected)
  answers[1](broker.connect())
  await again
  t.ok(node.cluster.isReady)
})

for (const request of ['watch', 'create', 'age'] as const) {
  t.test(`stop does not wait for a store that does not respond to ${request} of a joining node`, async t => {
    const broker = new MemoryBroker()
    const waiting: Array<(error: BusError) => void> = []
    const silent = async (): Promise<never> => await new Promise<never>((_resolve, reject) => { waiting.push(reject) })
    const node = openNode(t, async () => {
      const bus = broker.connect()
      return override(bus, {
        openStore: async (name: string, seconds?: number) =>
          override(await bus.openStore(name, seconds), { [request]: silent }),
        close: async () => {
          for (const fail of waiting) fail(new BusError('disconnected', request))
          await bus.close()
        }
      })
    })
    const listening = t.rejects(node.listen(), { code: 'cluster-unavailable' })
    await until(() => waiting.length > 0)
    await node.stop()
    await listening
    t.same([node.isListening(), node.cluster.isReady], [false, false])
  })
}
