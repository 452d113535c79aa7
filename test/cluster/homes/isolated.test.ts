import Fastify from 'fastify'
import t, { type Test } from 'tap'
import { adminRoutes, WebSocketServer } from '../../../index.ts'
import { BusError, type Bus } from '../../../src/cluster/bus/bus.ts'
import { leaseKey } from '../../../src/cluster/membership/lease-value.ts'
import { internalsOf } from '../../../src/core/server/internals.ts'
import { openAdminCluster } from '../../helper/admin-cluster.ts'
import { listen } from '../../helper/app.ts'
import { simulateTime } from '../../helper/clock.ts'
import { openEvents } from '../../helper/sockets/event-source.ts'
import { jsonRequest } from '../../helper/host.ts'
import { memoryMount } from '../../helper/memory/memory-client.ts'
import {
  joinRoom, openMemoryCluster, patientTimings, quickTimings, settled
} from '../../helper/memory/memory-cluster.ts'
import { override } from '../../helper/override.ts'
import { silentLogger } from '../../helper/silent-logger.ts'
import { until } from '../../helper/until.ts'

/** A node that has lost the broker soon leaves the cluster, but for its own rooms. */
const timings = { ...quickTimings, lease: 1500, silence: 700, ping: 300, hello: 300 }
const isolate = { cluster: { servers: 'memory', onBrokerLoss: 'isolate' as const } }

t.test('a node that has lost the cluster says that it does not know of the others', async t => {
  simulateTime(t)
  const { nodes: [a, b], apis: [api], broker, buses } = await openAdminCluster(t, 2, isolate, timings)
  await b.cluster.openRoom('far')
  const other = await joinRoom(b, 'arena')
  const { nodeId } = b.cluster
  broker.cut(buses[0])
  await until(() => !a.cluster.isReady)
  for (const [path, init] of [
    [`/peers/${other.id}/exists`], ['/rooms/far', jsonRequest('PATCH', { locked: true })],
    ['/rooms/far', { method: 'DELETE' }]
  ] as Array<[string, RequestInit?]>) {
    const answer = await api(path, init)
    t.match([answer.status, await answer.json()], [503, { code: 'cluster-unavailable' }], path)
  }
  t.match(await (await api('/rooms')).json(), { partial: true, unreachable: [nodeId] })
  broker.restore(buses[0])
})

t.test('a node that has lost the cluster again does not list nodes that were gone when it was back', async t => {
  simulateTime(t)
  const { nodes: [a, b, c], broker, buses } = await openMemoryCluster(t, 3, {}, timings)
  const listed = (): string[] => Array.from(internalsOf(a).registry.cluster!.knownNodes(), ({ id }) => id).sort()
  const lose = async (): Promise<void> => {
    broker.cut(buses[0])
    await until(() => !a.cluster.isReady)
  }
  await lose()
  t.same(listed(), ['node-1', 'node-2'])
  await c.stop()
  broker.restore(buses[0])
  await until(() => a.cluster.isReady && b.cluster.isReady)
  await lose()
  t.same(listed(), ['node-1'])
  broker.restore(buses[0])
})

t.test('a listener of ready finds the node in the cluster', async t => {
  simulateTime(t)
  const { nodes: [a], broker, buses } = await openMemoryCluster(t, 2, {}, timings)
  const seen: boolean[] = []
  a.cluster.on('ready', () => { seen.push(a.cluster.isReady, a.cluster.nodes().length === 1) })
  broker.cut(buses[0])
  await until(() => !a.cluster.isReady)
  broker.restore(buses[0])
  await until(() => seen.length > 0)
  t.same(seen, [true, true])
})

t.test('peers that stayed on a node are closed when it comes back with another slot', async t => {
  simulateTime(t)
  const { nodes: [a, b], broker, buses } = await openMemoryCluster(t, 2, isolate, timings)
  const alone = await joinRoom(b, 'alone')
  const { slot } = b.cluster
  broker.cut(buses[1])
  await until(() => !b.cluster.isReady && a.cluster.nodes().length === 0)
  const store = await broker.connect().openStore('gdws-default-nodes')
  await store.put(leaseKey(slot), Buffer.from(JSON.stringify({ nodeId: 'x', epoch: 1, hasLeft: true })))
  t.equal(alone.closed, undefined)
  broker.restore(buses[1])
  await until(async () => {
    await alone.heard()
    return alone.closed !== undefined
  })
  t.same(alone.closed, [1001, 'the cluster is back'])
  t.not(b.cluster.slot, slot)
})

/** A bus that calls back before it opens a store, or asks one for the age of a key. */
function observe (bus: Bus, before: (request: string) => void): Bus {
  return override(bus, {
    openStore: async (name: string, seconds?: number) => {
      before(`open ${name}`)
      const store = await bus.openStore(name, seconds)
      return override(store, {
        age: async (key: string) => {
          before('age')
          return await store.age(key)
        }
      })
    }
  })
}

function timeOut (): void {
  throw new BusError('timeout', 'test')
}

/** How joining again fails: at which request, and what happens then. */
const failures: Array<[title: string, request: string, fail: (cut: () => void) => void]> = [
  ['the broker does not respond when the node has claimed its slot', 'age', timeOut],
  ['the broker does not respond when the node holds its slot', 'open gdws-default-rooms', timeOut],
  ['the connection is lost when the node holds its slot', 'open gdws-default-rooms', cut => { cut() }]
]

for (const [title, request, fail] of failures) {
  t.test(`peers stay on a node whose first attempt to join again fails: ${title}`, async t => {
    simulateTime(t)
    let state: 'joined' | 'away' | 'failed' = 'joined'
    const wrap = (bus: Bus): Bus => observe(bus, asked => {
      if (state !== 'away' || asked !== request) return
      state = 'failed'
      fail(() => { broker.cut(buses[1]) })
    })
    const { nodes: [a, b], broker, buses } = await openMemoryCluster(t, 2, isolate, timings, wrap)
    const alone = await joinRoom(b, 'alone')
    const { slot } = b.cluster
    const signals: string[] = []
    for (const signal of ['lost', 'ready'] as const) b.cluster.on(signal, () => { signals.push(signal) })
    broker.cut(buses[1])
    await until(() => !b.cluster.isReady && a.cluster.nodes().length === 0)
    state = 'away'
    broker.restore(buses[1])
    await until(() => state === 'failed' && (b.cluster.isReady || b.cluster.slot === 0))
    if (!buses[1].isConnected) broker.restore(buses[1])
    await until(() => b.cluster.isReady)
    t.same([b.cluster.slot, signals], [slot, ['lost', 'ready']])
    await alone.heard()
    t.equal(alone.closed, undefined)
  })
}

t.test('peers closed because their node lost the cluster are not announced again when it rejoins first', async t => {
  simulateTime(t)
  const options = { closeTimeout: 60, lastWords: false }
  const { nodes: [a, b], broker, buses } = await openMemoryCluster(t, 2, options, timings)
  const silent = await joinRoom(b, 'arena')
  const seen: string[] = []
  a.cluster.on('peer_joined', ({ id }) => { seen.push(`joined ${id}`) })
  a.cluster.on('peer_left', ({ id }) => { seen.push(`left ${id}`) })
  broker.cut(buses[1])
  await until(() => !b.cluster.isReady && a.cluster.nodes().length === 0)
  t.equal(b.peerCount, 1, 'it has not answered the close frame')
  broker.restore(buses[1])
  await until(() => b.cluster.isReady && a.cluster.nodes().length === 1)
  const late = await joinRoom(b, 'arena')
  await until(() => seen.includes(`joined ${late.id}`))
  t.same(seen, [`left ${silent.id}`, `joined ${late.id}`])
  for (const client of [silent, late]) client.disconnect()
  await until(() => seen.includes(`left ${late.id}`))
  t.same(seen, [`left ${silent.id}`, `joined ${late.id}`, `left ${late.id}`])
})

t.test('packets that listeners of lost send are not dropped when a node finds its slot lost as it sends', async t => {
  simulateTime(t)
  const { nodes: [a, b] } = await openMemoryCluster(t, 2, isolate, timings)
  await b.cluster.openRoom('arena', { emptyTimeout: 600 })
  const [sender, receiver] = [await joinRoom(a, 'arena'), await joinRoom(a, 'arena')]
  a.cluster.on('lost', () => { a.room('arena').broadcast(0, Buffer.from('wait')) })
  const { now } = performance
  performance.now = () => now() + timings.lease
  sender.sendTo(0, 'shot')
  internalsOf(a).registry.rooms.find('arena')!.outbox.flush()
  performance.now = now
  await settled()
  t.same((await receiver.heard()).filter(line => line.includes(':')), [`${sender.id}: shot`, '1: wait'])
})

t.test('a node that finds the home of main gone is its home', async t => {
  simulateTime(t)
  const { broker, buses } = await openMemoryCluster(t, 1, {}, timings)
  broker.cut(buses[0])
  const options = { gdMpApi: true, log: silentLogger, cluster: { servers: 'memory', nodeId: 'late' } }
  const connection = { timings, connect: async () => broker.connect() }
  const late = new WebSocketServer(options, { ...memoryMount, cluster: connection })
  t.teardown(async () => { await late.stop() })
  await late.listen()
  await until(() => late.room('main').isHome)
  t.same(late.cluster.nodes(), [])
})

/** Serves the events of a node; returns their URL. */
async function serveEvents (t: Test, node: WebSocketServer, eventHistory?: number): Promise<string> {
  const app = Fastify({ forceCloseConnections: true })
  app.decorate('peerServer', node)
  await app.register(adminRoutes, { prefix: '/api', auth: false, eventHistory })
  return `http://127.0.0.1:${await listen(t, app)}/api/events`
}

t.test('without a history a node hears of the others only while somebody listens, also what it has missed', async t => {
  const { nodes: [a, b], broker, buses } = await openMemoryCluster(t, 2, {}, patientTimings)
  const url = await serveEvents(t, a, 0)
  await serveEvents(t, b)
  const { eventReceivers } = internalsOf(a).registry.cluster!
  t.equal(eventReceivers.size, 0)
  const stream = await openEvents(t, `${url}?types=peer_connected,cluster_gap`)
  await until(() => eventReceivers.size === 1)
  const first = await joinRoom(b, 'main')
  t.match((await stream.next()).data, { type: 'peer_connected', id: first.id, node: 'node-1' })

  broker.cut(buses[1])
  await joinRoom(b, 'main')
  broker.restore(buses[1])
  await settled()
  const last = await joinRoom(b, 'main')
  t.match((await stream.next('peer_connected')).data, { id: last.id })
  const gaps = stream.events.filter(({ event }) => event === 'cluster_gap').map(({ data }) => data)
  t.match(gaps, [{ from: 'node-1', lost: 1 }, { from: 'node-1', lost: 1 }], 'of peers, and of events')

  stream.close()
  await until(() => eventReceivers.size === 0)
})
