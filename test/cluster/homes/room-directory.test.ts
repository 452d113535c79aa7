import { setImmediate as nextTurn } from 'node:timers/promises'
import t, { type Test } from 'tap'
import { BusError, type KeyStore } from '../../../src/cluster/bus/bus.ts'
import type { Lease } from '../../../src/cluster/membership/lease.ts'
import { decodeJson, encodeJson } from '../../../src/cluster/message/json.ts'
import { RoomDirectory } from '../../../src/cluster/homes/room-directory.ts'
import { keyOf } from '../../../src/cluster/subjects.ts'
import type { WebSocketServer } from '../../../src/core/server/websocket-server.ts'
import type { RoomFacts } from '../../../src/core/server/cluster-link.ts'
import { internalsOf } from '../../../src/core/server/internals.ts'
import { MemoryBroker } from '../../helper/memory/memory-bus.ts'
import {
  joinRoom, openMemoryCluster, quickTimings, settled, type MemoryCluster
} from '../../helper/memory/memory-cluster.ts'
import { override } from '../../helper/override.ts'
import type { RoomClient } from '../../helper/memory/room-client.ts'
import { until } from '../../helper/until.ts'

/** What a node knows of a room. */
function known (server: WebSocketServer, room: string): RoomFacts | undefined {
  return internalsOf(server).registry.cluster!.room(room)
}

/** A cluster with a room that the first node is the home of, whose broker has lost what it kept. */
async function openForgotten (t: Test): Promise<MemoryCluster> {
  const cluster = await openMemoryCluster(t, 3)
  const { broker, nodes: [a, b] } = cluster
  for (const node of [a, b]) await joinRoom(node, 'arena')
  // Revisions of the new store are lower for long.
  for (let maxPeers = 10; maxPeers < 40; maxPeers++) {
    a.room('arena').maxPeers = maxPeers
    await settled()
  }
  broker.forget()
  await settled()
  return cluster
}

t.test('settings of a room reach all nodes after the broker has lost its entry', async t => {
  const { nodes } = await openForgotten(t)
  nodes[0].room('arena').maxPeers = 5
  await settled()
  t.same(nodes.map(node => known(node, 'arena')?.maxPeers), [5, 5, 5])
  nodes[1].room('arena').maxPeers = 6
  await settled()
  t.same(nodes.map(node => known(node, 'arena')?.maxPeers), [6, 6, 6], 'changed on another node')
})

t.test('settings that change in the turns after the broker has lost their entry reach all nodes', async t => {
  const { broker, nodes } = await openForgotten(t)
  for (let turns = 0; turns < 6; turns++) {
    broker.forget()
    for (let turn = 0; turn < turns; turn++) await nextTurn()
    nodes[0].room('arena').maxPeers = 40 + turns
    await settled()
    t.same(nodes.map(node => known(node, 'arena')?.maxPeers), [40 + turns, 40 + turns, 40 + turns], `${turns} turns`)
  }
})

t.test('the end of a room reaches all nodes after the broker has lost its entry', async t => {
  const { nodes } = await openForgotten(t)
  await nodes[0].room('arena').close()
  await settled()
  t.same(nodes.map(node => known(node, 'arena')), [undefined, undefined, undefined])
})

t.test('a room whose entry the broker has lost gets another home when its node leaves', async t => {
  const { nodes: [a, b, c] } = await openForgotten(t)
  await a.stop()
  await settled()
  t.same([b, c].map(node => known(node, 'arena')?.node), ['node-1', 'node-1'])
})

t.test('a room whose home leaves while the broker has lost its entry gets another one, too', async t => {
  const timings = { ...quickTimings, silence: 700, ping: 300 }
  const { broker, buses, nodes: [a, b, c] } = await openMemoryCluster(t, 3, {}, timings)
  for (const node of [a, b]) await joinRoom(node, 'arena')
  broker.cut(buses[0])
  broker.forget()
  await settled()
  const left = new Promise(resolve => { b.cluster.once('node_left', resolve) })
  await a.stop()
  await left
  await settled()
  t.same([b, c].map(node => known(node, 'arena')?.node), ['node-1', 'node-1'])
})

t.test('members of a room whose entry is removed stay: one of their nodes is its home', async t => {
  const { buses, nodes } = await openMemoryCluster(t, 3)
  const members: RoomClient[] = []
  for (const node of nodes) members.push(await joinRoom(node, 'arena'))
  const store = await buses[0].openStore('gdws-default-rooms')
  await store.delete(keyOf('arena'))
  await settled()
  const [home, ...others] = nodes.map(node => known(node, 'arena')?.node)
  t.same(others, [home, home])
  for (const member of members) {
    await member.heard()
    t.equal(member.closed, undefined)
    member.sendTo(1, 'hello')
  }
  await settled()
  const room = nodes.find(node => node.cluster.nodeId === home)!.room('arena')
  t.equal(room.getAvailablePacketCount(), members.length, 'its server hears all of them')
})

t.test('main has a home again when its entry is removed', async t => {
  const { buses, nodes } = await openMemoryCluster(t, 3)
  const store = await buses[0].openStore('gdws-default-rooms')
  await store.delete(keyOf('main'))
  await settled()
  const [home, ...others] = nodes.map(node => known(node, 'main')?.node)
  t.same(others, [home, home])
  t.ok(await store.get(keyOf('main')))
})

t.test('main keeps its home when it is closed while a change is still to be written', async t => {
  const { broker, buses, nodes } = await openMemoryCluster(t, 2)
  const [a] = nodes
  await joinRoom(a, 'main')
  broker.cut(buses[0])
  a.room('main').maxPeers = 7
  await settled()
  const closed = a.room('main').close()
  broker.restore(buses[0])
  const isWritten = (node: WebSocketServer): boolean => known(node, 'main')?.maxPeers === 7
  await until(() => nodes.every(isWritten), () => JSON.stringify(nodes.map(node => known(node, 'main'))))
  await closed
  t.same(nodes.map(node => known(node, 'main')?.node), ['node-0', 'node-0'])
})

t.test('an entry of a room that has ended on its node is removed', async t => {
  const { buses, nodes } = await openMemoryCluster(t, 2)
  const store = await buses[0].openStore('gdws-default-rooms')
  const main = decodeJson<object>((await store.get(keyOf('main')))!.value!)
  await store.put(keyOf('arena'), encodeJson(main))
  await until(async () => (await store.get(keyOf('arena')))?.value === undefined)
  await until(() => nodes.every(node => known(node, 'arena') === undefined))
  for (const node of nodes) t.ok((await joinRoom(node, 'arena')).id > 0)
})

interface OpenDirectory { directory: RoomDirectory, broker: MemoryBroker, store: KeyStore, lease: Lease }

/** A directory of a node that is the home of a room, and the store that it shares with others. */
async function openDirectory (t: Test, wrap = (store: KeyStore): KeyStore => store): Promise<OpenDirectory> {
  const broker = new MemoryBroker()
  const bus = broker.connect()
  t.teardown(async () => { await bus.close() })
  const store = await bus.openStore('rooms')
  const lease = { slot: 1, epoch: 7 }
  const directory = new RoomDirectory({ lease, entryChanged () {}, renewed () {} })
  await directory.open(wrap(store))
  await directory.claim('arena', {}, 0)
  return { directory, broker, store, lease }
}

for (const [whose, other, remains] of [
  ['by this node ends', {}, undefined], ['by another node stays', { slot: 2 }, 2]
] as const) {
  t.test(`an entry that is written again ${whose} when it is removed`, async t => {
    const { directory, store, lease } = await openDirectory(t)
    const entry = { ...lease, ...other, options: {}, openedAt: 0 }
    // It has this revision before the directory hears of it.
    await Promise.all([store.put(keyOf('arena'), encodeJson(entry)), directory.remove('arena')])
    t.equal((await store.get(keyOf('arena')))?.value && 2, remains)
    t.equal(directory.get('arena')?.slot, remains)
  })
}

t.test('a room that is written again can be changed before the broker reports it', async t => {
  let reads = 0
  const { directory, broker, store, lease } = await openDirectory(t, store => override(store, {
    watch: async (_receive: unknown, renewed?: () => void) => await store.watch(() => {}, renewed),
    get: async (key: string) => {
      reads++
      return await store.get(key)
    }
  }))
  broker.forget()
  await directory.restore()
  await directory.change('arena', { maxPeers: 5 })
  t.equal(reads, 0, 'its revision is known')
  t.match(decodeJson((await store.get(keyOf('arena')))!.value!), { ...lease, options: { maxPeers: 5 } })
})

t.test('a room that ends while a node reads its entry is unknown there, and can be opened again', async t => {
  const { directory, store, lease } = await openDirectory(t, store => override(store, {
    get: async (key: string) => {
      const found = await store.get(key)
      await store.delete(key)
      await settled()
      return found
    }
  }))
  const end = async (room: string): Promise<void> => {
    await store.put(keyOf(room), encodeJson({ slot: 2, epoch: 7, options: {}, openedAt: 0 }))
    await directory.read(room)
  }
  await end('elsewhere')
  t.equal(directory.get('elsewhere'), undefined)
  await end('arena')
  t.equal(directory.get('arena'), undefined)
  await store.put(keyOf('elsewhere'), encodeJson({ slot: 2, epoch: 7, options: {}, openedAt: 0 }))
  t.equal(await directory.claim('elsewhere', {}, 0), true, 'it has ended since the first attempt')
  t.match(directory.get('elsewhere'), lease)
})

t.test('an entry that the broker does not remove is known until it does', async t => {
  let isSilent = true
  const { directory, store } = await openDirectory(t, store => override(store, {
    delete: async (key: string, revision?: number) => {
      if (isSilent) throw new BusError('timeout', key)
      return await store.delete(key, revision)
    }
  }))
  await t.rejects(directory.remove('arena'), { name: 'BusError', fault: 'timeout' })
  t.ok(directory.get('arena'))
  isSilent = false
  t.equal(await directory.remove('arena'), true)
  t.equal(directory.get('arena'), undefined)
  t.equal(await store.get(keyOf('arena')), undefined)
})

t.test('changes of a room do not wait for those of other rooms, and waiting changes are written together', async t => {
  let answer = (): void => {}
  const answered = new Promise<void>(resolve => { answer = resolve })
  const written: string[] = []
  const { directory, store } = await openDirectory(t, store => override(store, {
    update: async (key: string, value: Uint8Array, revision: number) => {
      const isFirst = written.push(key) === 1
      if (isFirst) await answered
      return await store.update(key, value, revision)
    }
  }))
  await directory.claim('ice', {}, 0)
  const changes = [directory.change('arena', { maxPeers: 1 })]
  await settled()
  for (let maxPeers = 2; maxPeers <= 5; maxPeers++) {
    changes.push(directory.change('arena', { maxPeers }), directory.change('arena', { data: { maxPeers } }))
  }
  changes.push(directory.change('arena', { locked: true }))
  await directory.change('ice', { maxPeers: 7 })
  t.match(directory.get('ice'), { options: { maxPeers: 7 } })
  answer()
  await Promise.all(changes)
  t.same(written, ['arena', 'ice', 'arena'])
  const options = { maxPeers: 5, data: { maxPeers: 5 }, locked: true }
  t.same(decodeJson<object>((await store.get(keyOf('arena')))!.value!), { ...directory.get('arena'), options })
  await directory.change('arena', { locked: false })
  t.match(directory.get('arena'), { options: { ...options, locked: false } })
})

t.test('a failed change does not fail the next change of the room', async t => {
  let failures = 1
  const { directory } = await openDirectory(t, store => override(store, {
    update: async (key: string, value: Uint8Array, revision: number) => {
      if (failures-- > 0) throw new BusError('timeout', key)
      return await store.update(key, value, revision)
    }
  }))
  const failing = t.rejects(directory.change('arena', { maxPeers: 1 }), { name: 'BusError', fault: 'timeout' })
  await Promise.resolve()
  await Promise.resolve()
  await directory.change('arena', { locked: true })
  await failing
  t.match(directory.get('arena'), { options: { locked: true } })
})
