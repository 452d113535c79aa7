import t, { type Test } from 'tap'
import { BusError, type Bus, type StoreEntry } from '../../../src/cluster/bus/bus.ts'
import type { WebSocketServer } from '../../../src/core/server/websocket-server.ts'
import type { GodotError } from '../../../src/error.ts'
import { joinRoom, openMemoryCluster, patientTimings, settled } from '../../helper/memory/memory-cluster.ts'
import { override } from '../../helper/override.ts'
import { RoomClient } from '../../helper/memory/room-client.ts'
import { until } from '../../helper/until.ts'

// maxRooms and joinPerMinute of a node hold although it asks the store before it opens a room.

interface Cluster {
  readonly nodes: readonly WebSocketServer[]
  /** The stores do not respond. */
  silence (isSilent: boolean): void
}

async function openCluster (t: Test, rooms: { maxRooms?: number, joinPerMinute?: number }): Promise<Cluster> {
  let isSilent = false
  const wrap = (bus: Bus): Bus => override(bus, {
    openStore: async (name: string, seconds?: number) => {
      const store = await bus.openStore(name, seconds)
      return override(store, {
        create: async (key, value) => {
          if (isSilent) throw new BusError('timeout', key)
          return await store.create(key, value)
        }
      })
    }
  })
  const { nodes } = await openMemoryCluster(t, 2, { rooms: { joinPerMinute: 0, ...rooms } }, patientTimings, wrap)
  return { nodes, silence: isNow => { isSilent = isNow } }
}

/** Clients of one address that join rooms of these names in one turn; why they were refused, sorted. */
async function joinAll (node: WebSocketServer, names: readonly string[]): Promise<string[]> {
  const clients = names.map(name => new RoomClient(node, `/ws/${name}`))
  await until(async () => {
    for (const client of clients) await client.heard()
    return clients.every(({ id, refusal }) => id !== 0 || refusal !== undefined)
  })
  return clients.map(({ refusal }) => refusal ?? 'joined').sort()
}

const ten = Array.from({ length: 10 }, (_, index) => `room-${index}`)

function repeated (text: string, count: number): string[] {
  return Array.from({ length: count }, () => text)
}

t.test('clients that open rooms at the same time do not exceed maxRooms', async t => {
  const { nodes: [a, b] } = await openCluster(t, { maxRooms: 5 })
  b.openRoom('there')
  await settled()
  a.openRoom('here')
  t.same(await joinAll(a, ten), [...repeated('joined', 3), ...repeated('too-many-rooms', 7)])
  t.equal(a.roomCount, 5)
})

t.test('rooms that an application opens at the same time do not exceed maxRooms', async t => {
  const { nodes: [a] } = await openCluster(t, { maxRooms: 5 })
  const opened = await Promise.allSettled(ten.map(async name => await a.cluster.openRoom(name)))
  t.equal(opened.filter(({ status }) => status === 'fulfilled').length, 5)
  for (const one of opened) if (one.status === 'rejected') t.equal((one.reason as GodotError).code, 'too-many-rooms')
})

t.test('rooms that could not be opened, and those that have ended, do not count', async t => {
  const { nodes: [a], silence } = await openCluster(t, { maxRooms: 1 })
  silence(true)
  t.same(await joinAll(a, ['first']), ['cluster-unavailable'])
  silence(false)
  await (await a.cluster.openRoom('second')).close()
  await settled()
  t.ok(await a.cluster.openRoom('third'))
})

t.test('clients of an address that open rooms at the same time do not exceed joinPerMinute', async t => {
  const { nodes: [a] } = await openCluster(t, { joinPerMinute: 3 })
  t.same(await joinAll(a, ten), [...repeated('joined', 3), ...repeated('room-rate', 7)])
})

t.test('a room that could not be opened does not count for joinPerMinute', async t => {
  const { nodes: [a], silence } = await openCluster(t, { joinPerMinute: 1 })
  silence(true)
  t.same(await joinAll(a, ['first']), ['cluster-unavailable'])
  silence(false)
  t.equal((await joinRoom(a, 'second')).refusal, undefined)
  t.equal((await joinRoom(a, 'third')).refusal, 'room-rate')
})

t.test('a room that is open on another node does not count for joinPerMinute', async t => {
  const { nodes: [a, b] } = await openCluster(t, { joinPerMinute: 1 })
  for (const name of ten) b.openRoom(name)
  await settled()
  t.same(await joinAll(a, ten), repeated('joined', 10))
  t.equal((await joinRoom(a, 'own')).refusal, undefined)
})

t.test('with create admin, clients can enter a room that another node has just opened', async t => {
  let isLate = false
  const late = (bus: Bus): Bus => override(bus, {
    openStore: async (name: string, seconds?: number) => {
      const store = await bus.openStore(name, seconds)
      return override(store, {
        watch: async (receive: (entry: StoreEntry) => void, renewed?: () => void) =>
          await store.watch(entry => { if (!isLate) receive(entry) }, renewed)
      })
    }
  })
  const { nodes: [a, b] } = await openMemoryCluster(t, 2, { rooms: { create: 'admin' } }, patientTimings, late)
  isLate = true
  await a.cluster.openRoom('arena')
  const client = new RoomClient(b, '/ws/arena')
  await until(async () => {
    await client.heard()
    return client.id !== 0 || client.refusal !== undefined
  })
  t.equal(client.refusal, undefined)
  t.equal(b.room('arena').isHome, false)
  t.same(await joinAll(b, ['elsewhere']), ['room-not-found'])
})
