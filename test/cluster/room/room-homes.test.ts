import t, { type Test } from 'tap'
import type { KeyStore, StoreEntry } from '../../../src/cluster/bus/bus.ts'
import { encodeHeartbeat } from '../../../src/cluster/membership/node-heartbeat.ts'
import { encodeJson } from '../../../src/cluster/message/json.ts'
import { internalsOf } from '../../../src/core/server/internals.ts'
import { simulateTime } from '../../helper/clock.ts'
import {
  joinRoom, openMemoryCluster, patientTimings, settled, type MemoryCluster
} from '../../helper/memory-cluster.ts'
import { override } from '../../helper/override.ts'
import { until } from '../../helper/until.ts'

// The state of a room is its home's to write and to delete.

/** A store of the cluster. */
async function openStore (t: Test, { broker }: MemoryCluster, name: 'rooms' | 'state'): Promise<KeyStore> {
  const bus = broker.connect()
  t.teardown(async () => { await bus.close() })
  return await bus.openStore(`gdws-default-${name}`)
}

/** The state of room `arena` in the cluster, as text. */
async function stateIn (store: KeyStore): Promise<string | undefined> {
  const entry = await store.get('arena')
  return entry && Buffer.from(entry.value!).toString()
}

t.test('a home that was stopped for longer than its lease does not write the state of its room', async t => {
  const cluster = await openMemoryCluster(t, 2, {}, patientTimings)
  const states = await openStore(t, cluster, 'state')
  const [a] = cluster.nodes
  const room = await a.cluster.openRoom('arena')
  await room.state.set(Buffer.from('round 3'))
  const { now } = performance
  performance.now = () => now.call(performance) + patientTimings.lease
  const written = room.state.set(Buffer.from('round 4'))
  performance.now = now
  await t.rejects(written, { code: 'cluster-unavailable' })
  t.equal(await stateIn(states), 'round 3')
  t.notOk(a.cluster.isReady)
})

t.test('the state of a room cannot be written once it is closed', async t => {
  const cluster = await openMemoryCluster(t, 2, {}, patientTimings)
  const [a, b] = cluster.nodes
  const closed = await a.cluster.openRoom('arena')
  await closed.state.set(Buffer.from('round 3'))
  await closed.close()
  await t.rejects(closed.state.set(Buffer.from('late')), { code: 'FAILED', message: 'room arena is closed' })
  await settled()
  const again = await b.cluster.openRoom('arena')
  t.equal(await again.state.get(), undefined)
  await again.close()
  await settled()
  const here = a.openRoom('arena')
  await t.rejects(closed.state.set(Buffer.from('late')), { code: 'FAILED', message: 'room arena is closed' })
  t.equal(await here.state.get(), undefined)
})

t.test('the state of a room can be written in the turn in which it is opened', async t => {
  const { nodes: [a, b] } = await openMemoryCluster(t, 2, {}, patientTimings)
  const opened = a.openRoom('arena')
  await opened.state.set(Buffer.from('round 1'))
  t.equal(Buffer.from((await opened.state.get())!).toString(), 'round 1')
  t.equal(internalsOf(b).registry.cluster!.room('arena')?.node, 'node-0')
})

t.test('the state of a room is neither written nor read by a node that has lost the cluster', async t => {
  const { broker, buses: [bus], nodes: [a] } = await openMemoryCluster(t, 1, {}, { ...patientTimings, lease: 600 })
  const room = await a.cluster.openRoom('arena', { emptyTimeout: 600 })
  broker.cut(bus)
  await until(() => !a.cluster.isReady)
  await t.rejects(room.state.set(Buffer.from('round 1')), { code: 'cluster-unavailable' })
  await t.rejects(room.state.get(), { code: 'cluster-unavailable' })
})

for (const [how, timings, isLost] of [
  ['was disconnected from the broker', patientTimings, false],
  ['had lost the cluster', { ...patientTimings, lease: 600 }, true]
] as const) {
  t.test(`a new room has no state of one that ended while its node ${how}`, async t => {
    simulateTime(t)
    const cluster = await openMemoryCluster(t, 2, {}, timings)
    const { broker, buses, nodes: [a, b] } = cluster
    const states = await openStore(t, cluster, 'state')
    const room = await a.cluster.openRoom('arena', { emptyTimeout: 600 })
    await room.state.set(Buffer.from('round 3'))
    for (const bus of buses) broker.cut(bus)
    if (isLost) await until(() => !a.cluster.isReady && !b.cluster.isReady)
    await room.close()
    const next = a.openRoom('arena', { emptyTimeout: 600, maxPeers: 9 })
    for (const bus of buses) broker.restore(bus)
    await until(() => internalsOf(b).registry.cluster!.room('arena')?.maxPeers === 9)
    t.ok(next.isHome)
    t.equal(await next.state.get(), undefined)
    await until(async () => await stateIn(states) === undefined)
    await next.state.set(Buffer.from('round 1'))
    await settled()
    t.equal(await stateIn(states), 'round 1')
  })
}

t.test('a state that another node has written since its room ended here stays', async t => {
  simulateTime(t)
  const cluster = await openMemoryCluster(t, 2, {}, { ...patientTimings, lease: 600, silence: 800 })
  const { broker, buses, nodes: [a, b] } = cluster
  const states = await openStore(t, cluster, 'state')
  const room = await a.cluster.openRoom('arena', { emptyTimeout: 600 })
  await joinRoom(b, 'arena')
  await room.state.set(Buffer.from('round 3'))
  broker.cut(buses[0])
  await until(() => !a.cluster.isReady && b.room('arena').isHome)
  await room.close()
  await b.room('arena').state.set(Buffer.from('round 4'))
  broker.restore(buses[0])
  await until(() => a.cluster.isReady)
  await settled()
  t.equal(await stateIn(states), 'round 4')
  t.equal(Buffer.from((await b.room('arena').state.get())!).toString(), 'round 4')
})

t.test('a node that ends a room without members leaves its state if another node has the room by now', async t => {
  let isDeaf = false
  const cluster = await openMemoryCluster(t, 2, {}, patientTimings, bus => override(bus, {
    openStore: async (name: string, seconds?: number) => {
      const store = await bus.openStore(name, seconds)
      const watch = async (receive: (entry: StoreEntry) => void, renewed?: () => void): Promise<() => void> =>
        await store.watch(entry => { if (!isDeaf) receive(entry) }, renewed)
      return override(store, { watch })
    }
  }))
  const { broker, buses: [bus], nodes: [a, b] } = cluster
  const [rooms, states] = [await openStore(t, cluster, 'rooms'), await openStore(t, cluster, 'state')]
  await a.cluster.openRoom('arena', { emptyTimeout: 600 })
  await settled()
  isDeaf = true
  broker.cut(bus)
  await rooms.put('arena', encodeJson({ slot: 1023, epoch: 1, options: { maxPeers: 9 }, openedAt: 0 }))
  await states.put('arena', Buffer.from('round 3'))
  const [node] = b.cluster.nodes()
  const network = broker.connect()
  t.teardown(async () => { await network.close() })
  network.publish('gdws.default.hb', encodeHeartbeat({ node, isLeaving: true, bytes: new Uint8Array(0) }))
  await until(() => internalsOf(b).registry.cluster!.room('arena')?.maxPeers === 9)
  await settled()
  t.equal(await stateIn(states), 'round 3')
})

t.test('settings that change while a room is claimed are written, though a new store is reported later', async t => {
  let held: Array<() => void> | undefined
  const cluster = await openMemoryCluster(t, 2, {}, patientTimings, bus => override(bus, {
    openStore: async (name: string, seconds?: number) => {
      const store = await bus.openStore(name, seconds)
      const later = (report: () => void): void => { if (held === undefined) report(); else held.push(report) }
      const watch = async (receive: (entry: StoreEntry) => void, renewed = (): void => {}): Promise<() => void> =>
        await store.watch(entry => { later(() => { receive(entry) }) }, () => { later(renewed) })
      return name.endsWith('rooms') ? override(store, { watch }) : store
    }
  }))
  const { broker, nodes: [a, b] } = cluster
  // Revisions of the new store are lower.
  const other = await a.cluster.openRoom('duel', { emptyTimeout: 600 })
  for (let maxPeers = 1; maxPeers < 9; maxPeers++) {
    other.maxPeers = maxPeers
    await settled()
  }
  const reports: Array<() => void> = held = []
  broker.forget()
  await settled()
  const room = a.openRoom('arena', { emptyTimeout: 600, maxPeers: 9 })
  room.maxPeers = 18
  await settled()
  held = undefined
  for (const report of reports) report()
  await until(() => internalsOf(b).registry.cluster!.room('arena')?.maxPeers === 18)
  t.equal(room.maxPeers, 18)
})
