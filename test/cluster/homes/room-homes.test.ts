import t, { type Test } from 'tap'
import { BusError, type KeyStore, type StoreEntry } from '../../../src/cluster/bus/bus.ts'
import { encodeHeartbeat } from '../../../src/cluster/membership/node-heartbeat.ts'
import { decodeJson, encodeJson } from '../../../src/cluster/message/json.ts'
import type { DirectoryEntry } from '../../../src/cluster/homes/room-directory.ts'
import { internalsOf } from '../../../src/core/server/internals.ts'
import type { WebSocketServer } from '../../../src/core/server/websocket-server.ts'
import { simulateTime } from '../../helper/clock.ts'
import {
  joinRoom, openMemoryCluster, patientTimings, settled, type MemoryCluster
} from '../../helper/memory/memory-cluster.ts'
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
  t.test(`a new room does not inherit the state of one that ended while its node ${how}`, async t => {
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

t.test('a home that joins again before it was declared lost leaves its room and the state to members', async t => {
  simulateTime(t)
  let release: (() => void) | undefined
  let [isHeld, count] = [false, 0]
  const cluster = await openMemoryCluster(t, 2, {}, { ...patientTimings, lease: 600 }, bus => {
    const isFirst = count++ === 0
    return override(bus, {
      openStore: async (name: string, seconds?: number) => {
        const store = await bus.openStore(name, seconds)
        if (!isFirst || !name.endsWith('nodes')) return store
        return override(store, {
          get: async (key: string) => {
            if (isHeld) await new Promise<void>(resolve => { release = resolve })
            return await store.get(key)
          }
        })
      }
    })
  })
  const { broker, buses, nodes: [a, b] } = cluster
  const states = await openStore(t, cluster, 'state')
  const room = await b.cluster.openRoom('arena')
  const player = await joinRoom(a, 'arena')
  await room.state.set(Buffer.from('round 3'))
  // The first node does not notice that the other one has another lease.
  isHeld = true
  broker.cut(buses[1])
  await until(() => !b.cluster.isReady && !b.hasRoom('arena'))
  broker.restore(buses[1])
  await until(() => b.cluster.isReady && release !== undefined)
  await settled()
  t.equal(await stateIn(states), 'round 3')
  isHeld = false
  release!()
  await until(() => a.room('arena').isHome)
  await settled()
  for (const node of [a, b]) t.equal(internalsOf(node).registry.cluster!.room('arena')?.node, 'node-0')
  t.equal(Buffer.from((await a.room('arena').state.get())!).toString(), 'round 3')
  player.disconnect()
  await until(async () => await stateIn(states) === undefined)
})

t.test('a home that often fails to join again continues its rooms', async t => {
  simulateTime(t)
  let failures = 0
  const { broker, buses: [bus], nodes: [a] } = await openMemoryCluster(t, 1, {
    cluster: { servers: 'memory', nodeId: 'node-0', onBrokerLoss: 'isolate' }
  }, { ...patientTimings, lease: 600 }, bus => override(bus, {
    openStore: async (name: string, seconds?: number) => {
      const store = await bus.openStore(name, seconds)
      if (failures === 0 || !name.endsWith('rooms')) return store
      return override(store, {
        watch: async () => {
          failures--
          throw new BusError('timeout', name)
        }
      })
    }
  }))
  await a.cluster.openRoom('arena', { emptyTimeout: 600 })
  const [player, other] = [await joinRoom(a, 'arena'), await joinRoom(a, 'main')]
  const opened: string[] = []
  a.on('room_opened', ({ name }) => { opened.push(name) })
  failures = 20
  broker.cut(bus)
  await until(() => !a.cluster.isReady)
  broker.restore(bus)
  await until(() => a.cluster.isReady)
  await settled()
  t.equal(failures, 0)
  t.same(opened, [])
  for (const room of ['main', 'arena']) t.ok(a.room(room).isHome)
  for (const client of [player, other]) t.equal(client.closed, undefined)
})

t.test('a home that was stopped for longer than its lease does not delete the state of its room', async t => {
  const deleted: string[] = []
  const cluster = await openMemoryCluster(t, 1, {}, patientTimings, bus => override(bus, {
    openStore: async (name: string, seconds?: number) => {
      const store = await bus.openStore(name, seconds)
      return override(store, {
        delete: async (key: string, revision?: number) => {
          deleted.push(`${key} of ${name}`)
          return await store.delete(key, revision)
        }
      })
    }
  }))
  const { nodes: [a] } = cluster
  const room = await a.cluster.openRoom('arena')
  await room.state.set(Buffer.from('round 3'))
  const { now } = performance
  performance.now = () => now.call(performance) + patientTimings.lease
  await room.close()
  for (let turn = 0; turn < 5; turn++) await Promise.resolve()
  performance.now = now
  t.same(deleted, [])
  t.notOk(a.cluster.isReady)
  await until(() => deleted.length === 2)
  t.same(deleted, ['arena of gdws-default-state', 'arena of gdws-default-rooms'], 'when it has joined again')
})

interface FaultyCluster extends MemoryCluster {
  /** What precedes the deletion of a state by the second node. */
  readonly faulty: { wait?: (() => Promise<unknown>) | undefined }
}

/** Two nodes. */
async function openFaulty (t: Test): Promise<FaultyCluster> {
  const faulty: FaultyCluster['faulty'] = {}
  let count = 0
  const cluster = await openMemoryCluster(t, 2, {}, patientTimings, bus => {
    const isSecond = count++ === 1
    return override(bus, {
      openStore: async (name: string, seconds?: number) => {
        const store = await bus.openStore(name, seconds)
        if (!isSecond || !name.endsWith('state')) return store
        return override(store, {
          delete: async (key: string, revision?: number) => {
            await faulty.wait?.()
            return await store.delete(key, revision)
          }
        })
      }
    })
  })
  return { ...cluster, faulty }
}

async function noAnswer (): Promise<void> {
  throw new BusError('timeout', 'state')
}

t.test('a room whose state cannot be deleted keeps its name, so that no other room has the state', async t => {
  const cluster = await openFaulty(t)
  const { faulty, nodes: [a, b] } = cluster
  const states = await openStore(t, cluster, 'state')
  const room = await b.cluster.openRoom('arena')
  await room.state.set(Buffer.from('round 3'))
  faulty.wait = noAnswer
  await room.close()
  await settled()
  await t.rejects(a.cluster.openRoom('arena'), { code: 'ERR_ALREADY_EXISTS' })
  faulty.wait = undefined
  await until(() => !a.hasRoom('arena'))
  const next = await a.cluster.openRoom('arena')
  t.equal(await next.state.get(), undefined)
  t.equal(await stateIn(states), undefined)
})

for (const [how, open] of [
  ['at once', async (node: WebSocketServer) => node.openRoom('arena', { emptyTimeout: 600 })],
  ['as the only one of its name', async (node: WebSocketServer) => await node.cluster.openRoom('arena')]
] as const) {
  t.test(`the node of a room whose state is not deleted yet can open the next one ${how}`, async t => {
    const cluster = await openFaulty(t)
    const { faulty, nodes: [a, b] } = cluster
    const [states, rooms] = [await openStore(t, cluster, 'state'), await openStore(t, cluster, 'rooms')]
    const room = await b.cluster.openRoom('arena', { maxPeers: 9 })
    await room.state.set(Buffer.from('round 3'))
    faulty.wait = noAnswer
    await room.close()
    await until(() => Date.now() > room.openedAt)
    const before = Date.now()
    const next = await open(b)
    t.equal(await next.state.get(), undefined)
    await until(() => internalsOf(a).registry.cluster!.room('arena')?.maxPeers === 0)
    const { openedAt } = internalsOf(a).registry.cluster!.room('arena')!
    t.ok(openedAt >= before && openedAt <= next.openedAt)
    faulty.wait = undefined
    await until(async () => await stateIn(states) === undefined)
    await next.state.set(Buffer.from('round 1'))
    await settled()
    t.equal(await stateIn(states), 'round 1')
    t.ok(next.isOpen)
    await next.close()
    await until(async () => await stateIn(states) === undefined && await rooms.get('arena') === undefined)
  })
}

t.test('a state is not written once its room is closed, though it had to wait for the deletion of another', async t => {
  const cluster = await openFaulty(t)
  const { faulty, nodes: [a, b] } = cluster
  const states = await openStore(t, cluster, 'state')
  let release = (): void => {}
  const released = new Promise<void>(resolve => { release = resolve })
  faulty.wait = async () => { await released }
  await (await b.cluster.openRoom('arena')).close()
  const second = b.openRoom('arena')
  const written = second.state.set(Buffer.from('round 3'))
  await settled()
  const closed = second.close()
  faulty.wait = undefined
  release()
  await t.rejects(written, { code: 'FAILED', message: 'room arena is closed' })
  await closed
  await until(() => !a.hasRoom('arena'))
  t.equal(await stateIn(states), undefined)
})

t.test('a state that is written before the deletion of another is confirmed is deleted with its room', async t => {
  let answer: (() => void) | undefined
  let isHeld = false
  const cluster = await openMemoryCluster(t, 2, {}, patientTimings, bus => override(bus, {
    openStore: async (name: string, seconds?: number) => {
      const store = await bus.openStore(name, seconds)
      return override(store, {
        delete: async (key: string, revision?: number) => {
          const isDeleted = await store.delete(key, revision)
          if (isHeld && answer === undefined) await new Promise<void>(resolve => { answer = resolve })
          return isDeleted
        }
      })
    }
  }))
  const { nodes: [a, b] } = cluster
  const states = await openStore(t, cluster, 'state')
  const first = await b.cluster.openRoom('arena')
  isHeld = true
  await first.close()
  await until(() => answer !== undefined)
  const second = b.openRoom('arena')
  await second.state.set(Buffer.from('round 3'))
  await second.close()
  answer!()
  await until(() => !a.hasRoom('arena'))
  t.equal(await stateIn(states), undefined)
})

t.test('the node that removes a room without members does not leave its state to the next room', async t => {
  const cluster = await openFaulty(t)
  const { faulty, nodes: [a, b] } = cluster
  const [states, rooms] = [await openStore(t, cluster, 'state'), await openStore(t, cluster, 'rooms')]
  const room = await a.cluster.openRoom('arena')
  await room.state.set(Buffer.from('round 3'))
  faulty.wait = noAnswer
  await a.stop()
  await until(() => internalsOf(b).registry.cluster!.room('arena')?.node === 'node-1')
  await settled()
  t.ok(await rooms.get('arena'))
  faulty.wait = undefined
  await until(async () => await rooms.get('arena') === undefined)
  t.equal(await stateIn(states), undefined)
})

t.test('a node that stops removes its rooms and their states', async t => {
  const cluster = await openMemoryCluster(t, 1, {}, patientTimings)
  const [states, rooms] = [await openStore(t, cluster, 'state'), await openStore(t, cluster, 'rooms')]
  const [a] = cluster.nodes
  await joinRoom(a, 'arena')
  await a.room('arena').state.set(Buffer.from('round 3'))
  await a.stop()
  t.same([await stateIn(states), await rooms.get('arena')], [undefined, undefined])
})

/** A cluster of two nodes whose watches report nothing while `isDeaf`. */
async function openDeaf (t: Test): Promise<MemoryCluster & { isDeaf: boolean }> {
  const hearing = { isDeaf: false }
  const cluster = await openMemoryCluster(t, 2, {}, patientTimings, bus => override(bus, {
    openStore: async (name: string, seconds?: number) => {
      const store = await bus.openStore(name, seconds)
      const watch = async (receive: (entry: StoreEntry) => void, renewed?: () => void): Promise<() => void> =>
        await store.watch(entry => { if (!hearing.isDeaf) receive(entry) }, renewed)
      return override(store, { watch })
    }
  }))
  return Object.assign(hearing, cluster)
}

t.test('a node that ends a room without members leaves its state if another node has the room by now', async t => {
  const cluster = await openDeaf(t)
  const { broker, buses: [bus], nodes: [a, b] } = cluster
  const [rooms, states] = [await openStore(t, cluster, 'rooms'), await openStore(t, cluster, 'state')]
  await a.cluster.openRoom('arena', { emptyTimeout: 600 })
  await settled()
  cluster.isDeaf = true
  broker.cut(bus)
  await rooms.put('arena', encodeJson({ slot: 1023, epoch: 1, options: { maxPeers: 9 }, openedAt: 0 }))
  await states.put('arena', Buffer.from('round 3'))
  const [node] = b.cluster.nodes()
  const network = broker.connect()
  t.teardown(async () => { await network.close() })
  network.publish('gdws.default.hb', encodeHeartbeat({ node, isLeaving: true, bytes: new Uint8Array(0) }))
  await until(() => internalsOf(b).registry.cluster!.room('arena')?.maxPeers === 9)
  // With each heartbeat it looks for a home of the room.
  let heartbeats = 0
  network.subscribe('gdws.default.hb', () => { heartbeats++ })
  await until(() => heartbeats >= 6)
  t.equal(await stateIn(states), 'round 3')
})

t.test('a room has its own settings though the broker still has the entry of the one before', async t => {
  const cluster = await openDeaf(t)
  const { nodes: [a, b] } = cluster
  const rooms = await openStore(t, cluster, 'rooms')
  const main = decodeJson<DirectoryEntry>((await rooms.get('main'))!.value!)
  cluster.isDeaf = true
  await rooms.put('arena', encodeJson({ ...main, options: { maxPeers: 7, locked: true } }))
  await settled()
  cluster.isDeaf = false
  a.openRoom('arena', { maxPeers: 9 })
  await until(() => internalsOf(b).registry.cluster!.room('arena')?.maxPeers === 9)
  t.equal(internalsOf(b).registry.cluster!.room('arena')?.locked, false)
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
