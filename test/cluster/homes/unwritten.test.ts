import { setImmediate as nextTurn, setTimeout as delay } from 'node:timers/promises'
import t, { type Test } from 'tap'
import { decodeJson } from '../../../src/cluster/message/json.ts'
import { BusError, type Bus, type KeyStore } from '../../../src/cluster/bus/bus.ts'
import type { Room } from '../../../src/core/room/room.ts'
import type { ClusterLink } from '../../../src/core/server/cluster-link.ts'
import { internalsOf } from '../../../src/core/server/internals.ts'
import type { WebSocketServer } from '../../../src/core/server/websocket-server.ts'
import { GodotError } from '../../../src/error.ts'
import type { RoomOptions } from '../../../src/options/option-types.ts'
import { simulateTime } from '../../helper/clock.ts'
import {
  joinRoom, openMemoryCluster, patientTimings, settled, type MemoryCluster
} from '../../helper/memory/memory-cluster.ts'
import { override } from '../../helper/override.ts'
import { silentLogger } from '../../helper/silent-logger.ts'
import { until } from '../../helper/until.ts'

// What could not be written to the stores is written as soon as they respond again.

/** `silent`: nothing is done, as in NATS while its servers elect a leader; `answers lost`: requests take effect. */
type Stores = 'ready' | 'silent' | 'answers lost'

interface Cluster extends MemoryCluster { stores: Stores }

async function openCluster (t: Test): Promise<Cluster> {
  const state: { stores: Stores } = { stores: 'ready' }
  const cluster = await openMemoryCluster(t, 3, {}, patientTimings, bus => withStores(bus, () => state.stores))
  return Object.assign(state, cluster)
}

/** The same connection; `stores` returns the state of the stores for a key. */
function withStores (bus: Bus, stores: (key: string) => Stores): Bus {
  return override(bus, {
    openStore: async (name: string, seconds?: number) => {
      const store = await bus.openStore(name, seconds)
      const faulty = <Name extends 'create' | 'update' | 'put' | 'delete' | 'get'>(name: Name): KeyStore[Name] =>
        (async (...args: [string, never, never]) => {
          const result = stores(args[0]) === 'silent' ? undefined : await store[name](...args)
          if (stores(args[0]) !== 'ready') throw new BusError('timeout', name)
          return result
        }) as KeyStore[Name]
      return override(store, {
        create: faulty('create'),
        update: faulty('update'),
        put: faulty('put'),
        delete: faulty('delete'),
        get: faulty('get')
      })
    }
  })
}

const linkOf = (node: WebSocketServer): ClusterLink => internalsOf(node).registry.cluster!

function openArena (node: WebSocketServer): Room {
  return node.openRoom('arena', { maxPeers: 7, emptyTimeout: 600 })
}

/** The limit of that room as each node knows it. */
function limits (nodes: readonly WebSocketServer[]): Array<number | undefined> {
  return nodes.map(node => linkOf(node).room('arena')?.maxPeers)
}

function isUnlocked (nodes: readonly WebSocketServer[]): boolean {
  return nodes.every(node => linkOf(node).room('arena')?.locked === false)
}

/** What happens on the first node while it may not be able to write, and how all nodes know of it. */
const changes: Record<string, {
  readonly before?: (nodes: readonly WebSocketServer[]) => unknown
  readonly change: (node: WebSocketServer) => unknown
  readonly isKnown: (nodes: readonly WebSocketServer[]) => boolean
}> = {
  'a room that is opened': {
    change: openArena,
    isKnown: nodes => limits(nodes).every(limit => limit === 7)
  },
  'settings that change right after a room was opened': {
    change: node => { openArena(node).maxPeers = 8 },
    isKnown: nodes => limits(nodes).every(limit => limit === 8)
  },
  'settings of a room': {
    before: ([node]) => { openArena(node) },
    change: node => { node.room('arena').maxPeers = 8 },
    isKnown: nodes => limits(nodes).every(limit => limit === 8)
  },
  'settings of a room that has its home on another node': {
    before: async ([node, home]) => {
      openArena(home)
      await settled()
      await joinRoom(node, 'arena')
    },
    change: node => { node.room('arena').maxPeers = 8 },
    isKnown: nodes => limits(nodes).every(limit => limit === 8)
  },
  'settings that an administrator changes': {
    before: ([node]) => { openArena(node) },
    change: node => { linkOf(node).changeRoom('arena', { maxPeers: 8 }).catch(() => {}) },
    isKnown: nodes => limits(nodes).every(limit => limit === 8)
  },
  'a room that ends in the turn in which it is opened': {
    change: async node => { await openArena(node).close() },
    isKnown: nodes => limits(nodes).every(limit => limit === undefined)
  },
  'a room that is opened, closed and opened again': {
    change: node => {
      openArena(node).close()
      openArena(node).maxPeers = 9
    },
    isKnown: nodes => limits(nodes).every(limit => limit === 9)
  },
  'a room that is closed and opened again with other settings': {
    before: ([node]) => { node.openRoom('arena', { maxPeers: 7, locked: true, emptyTimeout: 600 }) },
    change: node => {
      node.room('arena').close()
      node.openRoom('arena', { maxPeers: 9, emptyTimeout: 600 })
    },
    isKnown: nodes => limits(nodes).every(limit => limit === 9) && isUnlocked(nodes)
  },
  'a room that is opened, closed and opened again with other settings': {
    change: node => {
      node.openRoom('arena', { maxPeers: 7, locked: true, emptyTimeout: 600 }).close()
      node.openRoom('arena', { maxPeers: 9, emptyTimeout: 600 })
    },
    isKnown: nodes => limits(nodes).every(limit => limit === 9) && isUnlocked(nodes)
  },
  'the end of a room': {
    before: ([node]) => { openArena(node) },
    change: async node => { await node.room('arena').close() },
    isKnown: nodes => limits(nodes).every(limit => limit === undefined)
  },
  'the end of a room with peers on another node': {
    before: async ([node, other]) => {
      openArena(node)
      await settled()
      await joinRoom(other, 'arena')
    },
    change: node => { node.room('arena').close(4001, 'over') },
    isKnown: nodes => limits(nodes).every(limit => limit === undefined) && nodes[1].peerCount === 0
  },
  'a ban': {
    change: node => { node.ban('192.0.2.1') },
    isKnown: nodes => nodes.every(node => node.bans().length > 0)
  }
}

for (const [what, { before, change, isKnown }] of Object.entries(changes)) {
  for (const stores of ['ready', 'silent', 'answers lost'] as const) {
    t.test(`${what}, stores: ${stores}`, async t => {
      const cluster = await openCluster(t)
      await before?.(cluster.nodes)
      await settled()
      cluster.stores = stores
      await change(cluster.nodes[0])
      await settled()
      cluster.stores = 'ready'
      await until(() => isKnown(cluster.nodes))
      await checkAgreement(t, cluster)
    })
  }

  t.test(`${what}, while the node is disconnected`, async t => {
    const cluster = await openCluster(t)
    const { broker, buses, nodes } = cluster
    await before?.(nodes)
    await settled()
    broker.cut(buses[0])
    await change(nodes[0])
    await settled()
    broker.restore(buses[0])
    await until(() => isKnown(nodes))
    await checkAgreement(t, cluster)
  })
}

/** What the nodes know is in the store, and nothing else is. */
async function checkAgreement (t: Test, cluster: Cluster): Promise<void> {
  await settled()
  t.equal(await storedLimit(cluster), limits(cluster.nodes)[0])
}

/** The limit of the room in the store. */
async function storedLimit ({ broker }: Cluster): Promise<number | undefined> {
  const bus = broker.connect()
  const store = await bus.openStore('gdws-default-rooms')
  const entry = await store.get('arena')
  await bus.close()
  return entry && decodeJson<{ options: RoomOptions }>(entry.value!).options.maxPeers
}

t.test('nodes agree when a room is opened on one while a room of its name ends on another', async t => {
  for (let opens = 0; opens < 6; opens++) {
    for (let ends = 0; ends < 10; ends++) {
      const cluster = await openCluster(t)
      const [a, b] = cluster.nodes
      const room = openArena(a)
      for (let turn = 0; turn < opens; turn++) await nextTurn()
      try {
        openArena(b)
      } catch (error) {
        if ((error as GodotError).code !== 'ERR_ALREADY_EXISTS') throw error
      }
      for (let turn = 0; turn < ends; turn++) await nextTurn()
      room.close()
      await settled()
      await settled()
      const open = cluster.nodes.filter(node => internalsOf(node).registry.rooms.find('arena') !== undefined)
      const known = cluster.nodes.map(node => linkOf(node).room('arena')?.node)
      t.same(new Set(known), new Set([open[0]?.cluster.nodeId]), `${opens} and ${ends} turns`)
      await checkAgreement(t, cluster)
      await Promise.all(cluster.nodes.map(async node => { await node.stop() }))
    }
  }
})

t.test('a room that could not be opened, as the response was lost, can be opened by another node', async t => {
  const cluster = await openCluster(t)
  const [a, b] = cluster.nodes
  cluster.stores = 'answers lost'
  await t.rejects(a.cluster.openRoom('arena'), { code: 'cluster-unavailable' })
  cluster.stores = 'ready'
  await until(() => limits(cluster.nodes).every(limit => limit === undefined))
  await settled()
  t.equal((await b.cluster.openRoom('arena')).name, 'arena')
})

t.test('a room whose home leaves while the stores do not respond gets another one', async t => {
  const cluster = await openCluster(t)
  const [a, b] = cluster.nodes
  openArena(a)
  await settled()
  await joinRoom(b, 'arena')
  cluster.stores = 'silent'
  await a.stop()
  await settled()
  t.equal(linkOf(b).room('arena')?.node, undefined)
  cluster.stores = 'ready'
  await until(() => linkOf(b).room('arena')?.node === 'node-1')
})

t.test('stores that do not respond are logged once for all rooms that need another home', async t => {
  let stores: Stores = 'ready'
  const warnings: string[] = []
  const log = { ...silentLogger, warn: (_details: object, message: string) => { warnings.push(message) } }
  const { nodes: [a, b] } = await openMemoryCluster(t, 2, { log }, patientTimings, bus => withStores(bus, () => stores))
  for (const room of ['one', 'two', 'three']) {
    a.openRoom(room, { emptyTimeout: 600 })
    await settled()
    await joinRoom(b, room)
  }
  stores = 'silent'
  await a.stop()
  const failed = 'finding a home for a room failed'
  await until(() => warnings.includes(failed))
  for (let heartbeat = 0; heartbeat < 5; heartbeat++) await delay(patientTimings.heartbeat)
  t.same(warnings.filter(message => message.startsWith(failed)), [failed])
  await b.stop()
  t.ok(warnings.includes(`${failed} repeatedly`))
})

t.test('a room without peers whose home leaves while the stores do not respond ends', async t => {
  const cluster = await openCluster(t)
  const [a, ...others] = cluster.nodes
  openArena(a)
  await settled()
  cluster.stores = 'silent'
  await a.stop()
  await settled()
  cluster.stores = 'ready'
  await until(async () =>
    limits(others).every(limit => limit === undefined) && await storedLimit(cluster) === undefined)
})

t.test('a ban that was not written again before the node lost its slot is written when it is back', async t => {
  simulateTime(t)
  let bans: Stores = 'ready'
  const timings = { ...patientTimings, lease: 300 }
  const { broker, buses, nodes: [node] } = await openMemoryCluster(t, 1, {}, timings, bus =>
    withStores(bus, key => key.startsWith('ban.') ? bans : 'ready'))
  const lost = new Promise<void>(resolve => { node.cluster.once('lost', () => { resolve() }) })
  node.ban('192.0.2.1')
  await settled()
  bans = 'silent'
  broker.forget()
  await settled()
  broker.cut(buses[0])
  await lost
  bans = 'ready'
  broker.restore(buses[0])
  await until(() => node.cluster.isReady)
  t.same(node.bans().map(({ address }) => address), ['192.0.2.1'])
  const bus = broker.connect()
  t.teardown(async () => { await bus.close() })
  const store = await bus.openStore('gdws-default-config')
  await until(async () => await store.get('ban.192.0.2.1') !== undefined)
})

t.test('gives up on what another node rejects, and still writes everything else', async t => {
  const errors: unknown[] = []
  const log = { ...silentLogger, error: ({ room }: { room?: string }) => { errors.push(room) } }
  const { broker, buses, nodes } = await openMemoryCluster(t, 2, { log }, patientTimings)
  const [a, b] = nodes
  openArena(b)
  await settled()
  await joinRoom(a, 'arena')
  linkOf(b).commands.handle('change-room', () => { throw new GodotError('ERR_DOES_NOT_EXIST') })
  a.room('arena').maxPeers = 8
  await settled()
  broker.cut(buses[0])
  a.openRoom('later', { emptyTimeout: 600 })
  await settled()
  broker.restore(buses[0])
  await until(() => linkOf(b).room('later') !== undefined)
  t.same(errors, ['arena'])
})

t.test('rooms and bans that the broker has lost are written again, even if its stores respond late', async t => {
  const cluster = await openCluster(t)
  const { broker, nodes } = cluster
  for (const node of nodes) await joinRoom(node, 'arena')
  nodes[0].ban('192.0.2.1')
  await settled()
  cluster.stores = 'silent'
  broker.forget()
  await settled()
  cluster.stores = 'ready'
  const bus = broker.connect()
  t.teardown(async () => { await bus.close() })
  for (const [name, key] of [['rooms', 'arena'], ['rooms', 'main'], ['config', 'ban.192.0.2.1']]) {
    const store = await bus.openStore(`gdws-default-${name}`)
    await until(async () => await store.get(key) !== undefined, () => `${key} in the store ${name}`)
  }
})
