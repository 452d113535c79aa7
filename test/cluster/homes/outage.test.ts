import { setImmediate as nextTurn } from 'node:timers/promises'
import { isDeepStrictEqual } from 'node:util'
import t, { type Test } from 'tap'
import { BusError, type Bus, type StoreEntry } from '../../../src/cluster/bus/bus.ts'
import { decodeJson } from '../../../src/cluster/message/json.ts'
import type { DirectoryEntry } from '../../../src/cluster/homes/room-directory.ts'
import { internalsOf } from '../../../src/core/server/internals.ts'
import type { ClusterLink, PeerFacts } from '../../../src/core/server/cluster-link.ts'
import type { WebSocketServer } from '../../../src/core/server/websocket-server.ts'
import { simulateTime } from '../../helper/clock.ts'
import {
  joinRoom, openMemoryCluster, patientTimings, settled, type MemoryCluster
} from '../../helper/memory/memory-cluster.ts'
import { override } from '../../helper/override.ts'
import type { RoomClient } from '../../helper/memory/room-client.ts'
import { silentLogger } from '../../helper/silent-logger.ts'
import { until } from '../../helper/until.ts'

// What becomes of rooms when all nodes of a cluster have lost the broker for longer than their leases.

const isolate = { cluster: { servers: 'memory', onBrokerLoss: 'isolate' as const } }
const timings = { ...patientTimings, lease: 1500 }

const linkOf = (node: WebSocketServer): ClusterLink => internalsOf(node).registry.cluster!

/** The home of each room and the limit of its peers, as a node knows them. */
function roomsOf (node: WebSocketServer): Record<string, readonly [home: string | undefined, maxPeers: number]> {
  const rooms = [...linkOf(node).rooms()].map(({ name, node, maxPeers }) => [name, [node, maxPeers]] as const)
  return Object.fromEntries(rooms.sort(([one], [other]) => one < other ? -1 : 1))
}

async function cutAll ({ broker, buses, nodes }: MemoryCluster): Promise<void> {
  for (const bus of buses) broker.cut(bus)
  await until(() => nodes.every(({ cluster }) => !cluster.isReady))
}

async function restoreAll ({ broker, buses, nodes }: MemoryCluster): Promise<void> {
  for (const bus of buses) broker.restore(bus)
  await until(() => nodes.every(({ cluster }) => cluster.isReady))
}

/** Two nodes, each the home of a room without peers. */
async function openRooms (t: Test, options = {}): Promise<MemoryCluster> {
  const cluster = await openMemoryCluster(t, 2, options, timings)
  for (const [at, node] of cluster.nodes.entries()) node.openRoom(`room-${at}`, { emptyTimeout: 600, maxPeers: 3 + at })
  await until(() => cluster.nodes.every(node => Object.keys(roomsOf(node)).length === 3))
  return cluster
}

for (const stores of ['has kept', 'has lost']) {
  t.test(`rooms have their homes again, and players can join them; the broker ${stores} its stores`, async t => {
    simulateTime(t)
    const cluster = await openRooms(t)
    const { broker, nodes } = cluster
    await nodes[1].room('room-1').state.set(new Uint8Array([7]))
    const failovers: string[] = []
    for (const node of nodes) {
      // The first node that is back is the home of `main`.
      node.on('room_opened', ({ name }, { failover }) => { if (failover && name !== 'main') failovers.push(name) })
    }
    await cutAll(cluster)
    if (stores === 'has lost') broker.forget()
    await restoreAll(cluster)
    for (const node of nodes) {
      await until(() => roomsOf(node)['room-0']?.[0] === 'node-0' && roomsOf(node)['room-1']?.[0] === 'node-1',
        () => JSON.stringify(roomsOf(node)))
      t.match(roomsOf(node), { main: [String], 'room-0': ['node-0', 3], 'room-1': ['node-1', 4] })
    }
    await linkOf(nodes[0]).changeRoom('room-1', { maxPeers: 9 })
    await until(() => nodes.every(node => roomsOf(node)['room-1'][1] === 9))
    for (const room of ['main', 'room-0', 'room-1']) {
      for (const node of nodes) t.ok((await joinRoom(node, room)).id > 0, `${room} by ${node.cluster.nodeId}`)
    }
    t.same(failovers, [], 'no room has moved')
    if (stores === 'has kept') t.same(await nodes[1].room('room-1').state.get(), new Uint8Array([7]))
  })
}

t.test('a room that continues without the cluster does not see its server leave', async t => {
  simulateTime(t)
  const cluster = await openRooms(t, isolate)
  const [a] = cluster.nodes
  const player = await joinRoom(a, 'room-0')
  await cutAll(cluster)
  await restoreAll(cluster)
  await until(() => roomsOf(a)['room-0'][0] === a.cluster.nodeId)
  await settled()
  t.same((await player.heard()).filter(line => line !== `id ${player.id}` && line !== 'add 1'), [])
  t.equal(player.closed, undefined)
})

/** What a client heard of the server (id 1). */
async function heardOfServer (client: RoomClient): Promise<string[]> {
  return (await client.heard()).filter(line => line.endsWith(' 1'))
}

/** A node soon takes another one that has no broker for lost. */
const quick = { ...timings, silence: 500, ping: 200 }

/** Holds requests that contain a text, of the nodes whose bus `isFrom` accepts, from `hold` until `fail`. */
function holdRequests (text: string, isFrom: (bus: Bus) => boolean) {
  let isHeld = false
  const held: Array<(error: Error) => void> = []
  return {
    wrap: (bus: Bus): Bus => override(bus, {
      request: async (subject: string, bytes: Uint8Array, milliseconds: number) => {
        const isPassed = !isHeld || !isFrom(bus) || !Buffer.from(bytes).includes(text)
        if (isPassed) return await bus.request(subject, bytes, milliseconds)
        return await new Promise<Uint8Array>((_resolve, reject) => { held.push(reject) })
      }
    }),
    hold: () => { isHeld = true },
    get count () { return held.length },
    fail: (error: Error) => {
      isHeld = false
      for (const reject of held) reject(error)
    }
  }
}

/** Two nodes that go on without the cluster; each soon takes the other for lost when that has no broker. */
async function openIsolated (t: Test): Promise<MemoryCluster & { readonly events: string[] }> {
  simulateTime(t)
  const cluster = await openMemoryCluster(t, 2, isolate, quick)
  return { ...cluster, events: followRooms(cluster) }
}

t.test('a room whose home was on another node is opened on the node that kept its members', async t => {
  const { broker, buses: [bus], nodes: [a, b], events } = await openIsolated(t)
  await b.cluster.openRoom('arena')
  const player = await joinRoom(a, 'arena')
  broker.cut(bus)
  await until(() => !a.cluster.isReady && roomsOf(b).arena === undefined)
  t.same(await heardOfServer(player), [])
  broker.restore(bus)
  await until(() => a.cluster.isReady && roomsOf(b).arena !== undefined)
  t.ok(a.room('arena').isHome)
  t.same(events, ['node-1 opened arena', 'node-1 closed arena', 'node-0 took over arena'])
  t.same(await heardOfServer(player), ['del 1', 'add 1'])
})

t.test('players of a room that another node has opened meanwhile see its server leave and join', async t => {
  const { broker, buses: [bus], nodes: [a, b], events } = await openIsolated(t)
  const player = await joinRoom(a, 'arena')
  broker.cut(bus)
  await until(() => !a.cluster.isReady && roomsOf(b).arena === undefined)
  await joinRoom(b, 'arena')
  broker.restore(bus)
  await until(() => a.cluster.isReady && b.room('arena').peerCount === 2)
  t.ok(b.room('arena').isHome)
  t.same(events, ['node-0 opened arena', 'node-1 opened arena'])
  t.same(await heardOfServer(player), ['del 1', 'add 1'])
})

t.test('players of a room whose home has seen them leave meanwhile see its server leave and join', async t => {
  const { broker, buses: [bus], nodes: [a, b], events } = await openIsolated(t)
  await b.cluster.openRoom('arena', { emptyTimeout: 600 })
  const player = await joinRoom(a, 'arena')
  broker.cut(bus)
  await until(() => !a.cluster.isReady && b.room('arena').peerCount === 0)
  broker.restore(bus)
  await until(() => a.cluster.isReady && b.room('arena').peerCount === 1)
  t.ok(b.room('arena').isHome)
  t.same(events, ['node-1 opened arena'])
  t.same(await heardOfServer(player), ['del 1', 'add 1'])
})

t.test('players of a room that its home has ended and reopened meanwhile see its server leave and join', async t => {
  const { broker, buses: [bus], nodes: [a, b], events } = await openIsolated(t)
  await b.cluster.openRoom('arena', { emptyTimeout: 1 })
  const player = await joinRoom(a, 'arena')
  broker.cut(bus)
  await until(() => !a.cluster.isReady && roomsOf(b).arena === undefined)
  await b.cluster.openRoom('arena', { emptyTimeout: 600 })
  broker.restore(bus)
  await until(() => a.cluster.isReady && b.room('arena').peerCount === 1)
  t.ok(b.room('arena').isHome)
  t.same(events, ['node-1 opened arena', 'node-1 closed arena', 'node-1 opened arena'])
  t.same(await heardOfServer(player), ['del 1', 'add 1'])
})

t.test('a node that is lost again before it is back has the same peers, and is reported once', async t => {
  simulateTime(t)
  const requests = holdRequests('"peers"', bus => bus === busOfB)
  const { broker, buses: [bus, busOfB], nodes: [a, b] } = await openMemoryCluster(t, 2, isolate, quick, requests.wrap)
  const told: string[] = []
  const tell = (what: string) => (node: string, peers: readonly PeerFacts[]): void => {
    told.push([what, node, ...peers.map(({ id }) => id)].join(' '))
  }
  linkOf(b).eventReceivers.add({ received: () => {}, nodeLost: tell('lost'), nodeBack: tell('back') })
  let losses = 0
  b.cluster.on('node_left', () => { losses++ })
  await b.cluster.openRoom('arena', { emptyTimeout: 600 })
  const player = await joinRoom(a, 'arena')
  broker.cut(bus)
  await until(() => !a.cluster.isReady && b.room('arena').peerCount === 0)
  requests.hold()
  broker.restore(bus)
  await until(() => requests.count > 0)
  // The other requests have responses: joining does not fail.
  await settled()
  broker.cut(bus)
  await until(() => losses === 2)
  requests.fail(new BusError('disconnected', 'test'))
  broker.restore(bus)
  await until(() => a.cluster.isReady && b.room('arena').peerCount === 1)
  await settled()
  t.same(await heardOfServer(player), ['del 1', 'add 1'])
  const { nodeId } = a.cluster
  t.same(told, [`lost ${nodeId} ${player.id}`, `back ${nodeId} ${player.id}`])
})

t.test('players whose node is back, but could not join at first, see their server leave and join', async t => {
  simulateTime(t)
  const requests = holdRequests('"sent"', bus => bus === busOfB)
  const { broker, buses: [bus, busOfB], nodes: [a, b] } = await openMemoryCluster(t, 2, isolate, quick, requests.wrap)
  await b.cluster.openRoom('arena', { emptyTimeout: 600 })
  const player = await joinRoom(a, 'arena')
  broker.cut(bus)
  await until(() => !a.cluster.isReady && b.room('arena').peerCount === 0)
  requests.hold()
  broker.restore(bus)
  await until(() => requests.count > 0 && b.room('arena').peerCount === 1)
  let departures = 0
  b.room('arena').on('peer_disconnected', () => { departures++ })
  requests.fail(new BusError('timeout', 'test'))
  await until(() => a.cluster.isReady && departures === 1 && b.room('arena').peerCount === 1)
  await settled()
  // Twice: each time the server has forgotten the player.
  t.same(await heardOfServer(player), ['del 1', 'add 1', 'del 1', 'add 1'])
})

t.test('players see their server leave and join although its node knows theirs before theirs knows it', async t => {
  simulateTime(t)
  let isHeld = false
  let isAsked = false
  const held: Array<() => void> = []
  const wrap = (bus: Bus): Bus => override(bus, {
    request: async (subject: string, bytes: Uint8Array, milliseconds: number) => {
      const isLookup = isHeld && bus === busOfA && a.cluster.slot > 0 && subject.endsWith('.ping')
      if (isLookup) await new Promise<void>(resolve => { held.push(resolve) })
      isAsked ||= isHeld && bus === busOfB && Buffer.from(bytes).includes('"peers"')
      return await bus.request(subject, bytes, milliseconds)
    }
  })
  const { broker, buses: [busOfA, busOfB], nodes: [a, b] } = await openMemoryCluster(t, 2, isolate, quick, wrap)
  await b.cluster.openRoom('arena', { emptyTimeout: 600 })
  const player = await joinRoom(a, 'arena')
  broker.cut(busOfA)
  await until(() => !a.cluster.isReady && b.room('arena').peerCount === 0)
  isHeld = true
  broker.restore(busOfA)
  await until(() => isAsked && held.length > 0)
  await settled()
  isHeld = false
  for (const release of held) release()
  await until(() => a.cluster.isReady && b.room('arena').peerCount === 1)
  await settled()
  t.same(await heardOfServer(player), ['del 1', 'add 1'])
})

t.test('a room of which another node has kept the players waits for that node, with its state', async t => {
  const cluster = await openIsolated(t)
  const { broker, buses, nodes: [a, b], events } = cluster
  const room = await b.cluster.openRoom('arena')
  await room.state.set(Buffer.from('round 3'))
  await joinRoom(a, 'arena')
  await cutAll(cluster)
  t.notOk(b.hasRoom('arena'))
  broker.restore(buses[1])
  await until(() => b.cluster.isReady)
  await settled()
  broker.restore(buses[0])
  await until(() => a.cluster.isReady && a.room('arena').isHome)
  t.same(events, ['node-1 opened arena', 'node-1 closed arena', 'node-0 took over arena'])
  t.equal(Buffer.from((await a.room('arena').state.get())!).toString(), 'round 3')
})

t.test('a room that has ended in an outage is removed although other nodes may have kept players', async t => {
  const cluster = await openIsolated(t)
  const { broker, buses, nodes: [, b] } = cluster
  await b.cluster.openRoom('arena', { emptyTimeout: 600 })
  await cutAll(cluster)
  await b.room('arena').close()
  broker.restore(buses[1])
  await until(() => b.cluster.isReady && roomsOf(b).arena === undefined)
  t.ok((await joinRoom(b, 'arena')).id > 0)
})

t.test('changes during an outage, and the ends of rooms, are known to all nodes afterwards', async t => {
  simulateTime(t)
  const cluster = await openRooms(t)
  const { broker, buses, nodes: [a, b] } = cluster
  await cutAll(cluster)
  a.room('main').maxPeers = 7
  a.room('room-0').maxPeers = 8
  await b.room('room-1').close()
  broker.restore(buses[0])
  await until(() => a.cluster.isReady)
  await restoreAll(cluster)
  for (const node of cluster.nodes) {
    await until(() => isDeepStrictEqual(roomsOf(node), { main: ['node-0', 7], 'room-0': ['node-0', 8] }),
      () => JSON.stringify(roomsOf(node)))
  }
  t.equal((await b.cluster.openRoom('room-1')).name, 'room-1')
})

t.test('a setting of main that changes while a node claims it again is known to all nodes', async t => {
  simulateTime(t)
  let claiming = (_room: string): void => {}
  const cluster = await openMemoryCluster(t, 2, {}, timings, bus => override(bus, {
    openStore: async (name: string, seconds?: number) => {
      const store = await bus.openStore(name, seconds)
      const create = async (key: string, value: Uint8Array): Promise<number | undefined> => {
        claiming(key)
        return await store.create(key, value)
      }
      return name.endsWith('rooms') ? override(store, { create }) : store
    }
  }))
  const { broker, buses: [bus], nodes: [a] } = cluster
  await cutAll(cluster)
  broker.forget()
  claiming = room => { if (room === 'main') a.room('main').maxPeers = 7 }
  broker.restore(bus)
  await until(() => a.cluster.isReady)
  await restoreAll(cluster)
  for (const node of cluster.nodes) {
    await until(() => roomsOf(node).main[1] === 7, () => JSON.stringify(roomsOf(node)))
  }
  t.equal(roomsOf(a).main[0], a.cluster.nodeId)
})

t.test('rooms of a node that does not come back end, so that they can be opened again', async t => {
  simulateTime(t)
  const cluster = await openRooms(t)
  const { broker, buses: [, bus], nodes: [, b] } = cluster
  await cutAll(cluster)
  broker.restore(bus)
  await until(() => b.cluster.isReady)
  await until(() => roomsOf(b)['room-0'] === undefined && roomsOf(b).main[0] !== undefined)
  t.match(roomsOf(b), { main: ['node-1'], 'room-1': ['node-1', 4] })
  t.ok((await joinRoom(b, 'room-0')).id > 0)
  await until(() => roomsOf(b)['room-0']?.[0] === 'node-1')
})

t.test('a node refuses requests about a room that has its home elsewhere', async t => {
  simulateTime(t)
  const { nodes: [a, b] } = await openRooms(t)
  const { commands } = linkOf(b)
  for (const command of ['enter', 'change-room']) {
    const asked = commands.ask(a.cluster.slot, command, { room: 'room-1', address: '192.0.2.7', changes: {} })
    await t.rejects(asked, { code: 'cluster-unavailable' }, command)
  }
})

t.test('a room that has ended while a node was away is forgotten there, although the store is another one', async t => {
  simulateTime(t)
  let isSilent = false
  const warnings: string[] = []
  const log = { ...silentLogger, warn: (_details: object, message: string) => { warnings.push(message) } }
  const { broker, buses, nodes: [a, b] } = await openMemoryCluster(t, 2, { log }, patientTimings, bus => override(bus, {
    openStore: async (name: string) => {
      const store = await bus.openStore(name)
      return override(store, {
        get: async (key: string) => {
          if (isSilent) throw new BusError('timeout', key)
          return await store.get(key)
        }
      })
    }
  }))
  a.openRoom('room-0', { emptyTimeout: 600 })
  await until(() => roomsOf(b)['room-0'] !== undefined)
  broker.cut(buses[1])
  await a.room('room-0').close()
  await settled()
  broker.forget()
  await settled()
  isSilent = true
  broker.restore(buses[1])
  await until(() => warnings.includes('looking up rooms failed'))
  t.ok(roomsOf(b)['room-0'], 'it may still be there')
  isSilent = false
  await until(() => roomsOf(b)['room-0'] === undefined)
})

/** What happens to rooms other than `main` on each node: `node-0 opened arena`. */
function followRooms ({ nodes }: MemoryCluster): string[] {
  const events: string[] = []
  for (const [at, node] of nodes.entries()) {
    const add = (what: string, name: string): void => { if (name !== 'main') events.push(`node-${at} ${what} ${name}`) }
    node.on('room_opened', ({ name }, { failover }) => { add(failover ? 'took over' : 'opened', name) })
    node.on('room_closed', ({ name }) => { add('closed', name) })
  }
  return events
}

t.test('a room without players that another node has opened in the meantime ends when its node is back', async t => {
  simulateTime(t)
  const cluster = await openMemoryCluster(t, 2, {}, { ...timings, silence: 500, ping: 200 })
  const { broker, buses: [bus], nodes: [a, b] } = cluster
  const events = followRooms(cluster)
  const waiting = await a.cluster.openRoom('arena')
  await settled()
  broker.cut(bus)
  await until(() => !a.cluster.isReady && roomsOf(b).arena === undefined)
  const player = await joinRoom(b, 'arena')
  broker.restore(bus)
  await until(() => a.cluster.isReady && !waiting.isOpen)
  t.same(events.splice(0), ['node-0 opened arena', 'node-1 opened arena', 'node-0 closed arena'])
  t.equal((await joinRoom(a, 'arena')).refusal, undefined)
  t.ok(b.room('arena').isHome)
  for (const node of cluster.nodes) t.equal(node.room('arena').peerCount, 2)
  player.leave()
  await settled()
  t.ok(b.hasRoom('arena'))
  await b.room('arena').close()
  await until(() => cluster.nodes.every(node => roomsOf(node).arena === undefined))
  t.same(events, ['node-1 closed arena'])
})

t.test('a node that loses the cluster does not report the end of rooms that continue at their home', async t => {
  simulateTime(t)
  const cluster = await openMemoryCluster(t, 2, {}, timings)
  const { broker, buses: [, bus], nodes: [a, b] } = cluster
  const events = followRooms(cluster)
  await joinRoom(a, 'arena')
  const player = await joinRoom(b, 'arena')
  broker.cut(bus)
  await until(() => !b.cluster.isReady)
  await until(async () => {
    await player.heard()
    return !b.hasRoom('arena')
  })
  t.same(events, ['node-0 opened arena'])
})

/** Two nodes; the second one is the home of `main`, and the first one waits for its list of rooms as it joins again. */
interface Rejoining extends MemoryCluster {
  /** The first node learns the rooms. */
  release (): void
  /** The broker does not respond to renewals of its lease. */
  refuseRenewals (isRefused: boolean): void
}

async function openRejoining (t: Test): Promise<Rejoining> {
  simulateTime(t)
  let [isRefused, isHeld, isWaiting] = [false, false, false]
  let release = (): void => {}
  const wrap = (bus: Bus): Bus => override(bus, {
    openStore: async (name: string, seconds?: number) => {
      const store = await bus.openStore(name, seconds)
      return override(store, {
        watch: async (receive: (entry: StoreEntry) => void, renewed?: () => void) => {
          if (isHeld && name.endsWith('rooms')) {
            isWaiting = true
            await new Promise<void>(resolve => { release = resolve })
          }
          return await store.watch(receive, renewed)
        },
        update: async (key: string, value: Uint8Array, revision: number) => {
          if (isRefused && name.endsWith('nodes')) throw new BusError('timeout', key)
          return await store.update(key, value, revision)
        }
      })
    }
  })
  let count = 0
  const cluster = await openMemoryCluster(t, 2, {}, { ...timings, silence: 500, ping: 200 },
    bus => count++ === 0 ? wrap(bus) : bus)
  const { broker, buses: [bus], nodes: [a, b] } = cluster
  b.openRoom('old', { emptyTimeout: 600 })
  broker.cut(bus)
  await until(() => !a.cluster.isReady && roomsOf(b).main[0] === 'node-1')
  isHeld = true
  broker.restore(bus)
  await until(() => isWaiting)
  return {
    ...cluster,
    release: () => {
      isHeld = false
      release()
    },
    refuseRenewals: isNow => { isRefused = isNow }
  }
}

t.test('a node that loses its slot while it joins again takes no room from another node', async t => {
  const { broker, nodes: [a, b], release, refuseRenewals } = await openRejoining(t)
  t.ok(a.cluster.slot > 0)
  refuseRenewals(true)
  await until(() => a.cluster.slot === 0)
  release()
  await settled()
  const bus = broker.connect()
  t.teardown(async () => { await bus.close() })
  const store = await bus.openStore('gdws-default-rooms')
  t.equal(decodeJson<DirectoryEntry>((await store.get('main'))!.value!).slot, b.cluster.slot)
  refuseRenewals(false)
  await until(() => a.cluster.isReady)
  t.match(roomsOf(a), { main: ['node-1'], old: ['node-1'] })
})

t.test('a node that stops while it joins again knows no rooms of others, not even when it listens again', async t => {
  const { nodes: [a, b], release } = await openRejoining(t)
  const stopped = a.stop()
  for (let turn = 0; turn < 2; turn++) await nextTurn()
  release()
  await stopped
  await settled()
  t.same(Object.keys(roomsOf(a)), ['main'])
  await b.room('old').close()
  await a.listen()
  t.same(Object.keys(roomsOf(a)), ['main'])
  t.ok((await joinRoom(a, 'old')).id > 0)
})
