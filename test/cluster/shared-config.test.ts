import { join } from 'node:path'
import { setImmediate as nextTurn, setTimeout as delay } from 'node:timers/promises'
import { isDeepStrictEqual } from 'node:util'
import t, { type Test } from 'tap'
import type { Bus, KeyStore, StoreEntry } from '../../src/cluster/bus/bus.ts'
import { StateFile } from '../../src/admin/state-file.ts'
import { SharedConfig } from '../../src/cluster/shared-config.ts'
import { internalsOf } from '../../src/core/server/internals.ts'
import { WebSocketServer } from '../../src/core/server/websocket-server.ts'
import type { RuntimeOptions } from '../../src/options/runtime-options.ts'
import { simulateTime } from '../helper/clock.ts'
import { MemoryBroker } from '../helper/memory/memory-bus.ts'
import { memoryMount } from '../helper/memory/memory-client.ts'
import {
  openMemoryCluster, patientTimings, quickTimings, settled, type MemoryCluster
} from '../helper/memory/memory-cluster.ts'
import { override } from '../helper/override.ts'
import { Random, scaled, seed } from '../helper/random/random.ts'
import { silentLogger } from '../helper/silent-logger.ts'
import { temporaryFolder } from '../helper/temporary-folder.ts'
import { until } from '../helper/until.ts'

const ADDRESSES = ['192.0.2.1', '2001:db8::/32']
const BANNED = ['192.0.2.1', '192.0.2.2', '192.0.2.3']
const RUNS = scaled(150)

/** What all nodes of a cluster have in common. */
function shared (server: WebSocketServer): object {
  const { maxPeers, pingInterval } = server.options
  const bans = server.bans().map(({ address, reason }) => ({ address, reason })).sort(byAddress)
  return { maxPeers, pingInterval, bans }
}

function byAddress (one: { address: string }, other: { address: string }): number {
  return one.address < other.address ? -1 : 1
}

/** Changes options of all nodes, as the REST API does. */
function change (node: WebSocketServer, options: RuntimeOptions): void {
  node.change(options)
  internalsOf(node).registry.cluster!.config.optionsChanged(options)
}

async function turns (count: number): Promise<void> {
  for (let turn = 0; turn < count; turn++) await nextTurn()
}

/** A node that keeps its bans and settings in a file. */
interface Restartable {
  readonly server: WebSocketServer
  /** Its connection to the broker. */
  readonly bus: () => Bus
  stop (): Promise<void>
}

/** Starts a process with a state file; without a broker it is in no cluster. */
async function startWithFile (t: Test, file: string, broker?: MemoryBroker): Promise<Restartable> {
  let bus: Bus | undefined
  const server = new WebSocketServer({
    gdMpApi: true,
    rooms: { joinPerMinute: 0 },
    log: silentLogger,
    ...broker && { cluster: { servers: 'memory' } }
  }, {
    ...memoryMount,
    cluster: { timings: patientTimings, connect: async () => (bus = broker!.connect()) }
  })
  const state = new StateFile(file, [{ name: 'peerServer', server }], silentLogger)
  await server.listen()
  let hasStopped = false
  const stop = async (): Promise<void> => {
    if (hasStopped) return
    hasStopped = true
    await server.stop()
    state.flush()
  }
  t.teardown(stop)
  return { server, bus: () => bus!, stop }
}

t.test('changes made while the broker is away outlive a restart, and are shared when it is back', async t => {
  const { broker, nodes: [a] } = await openMemoryCluster(t, 1, {}, patientTimings)
  const file = join(temporaryFolder(t), 'state.json')
  const first = await startWithFile(t, file, broker)
  for (const address of BANNED) a.ban(address)
  change(a, { maxPeers: 100, rooms: { maxRooms: 100 } })
  await settled()
  broker.cut(first.bus())
  first.server.ban('192.0.2.9', { reason: 'while away' })
  first.server.unban(BANNED[0])
  change(first.server, { maxPeers: 50, allowedOrigins: undefined, rooms: { emptyTimeout: 50 } })
  await first.stop()
  a.unban(BANNED[1])

  const second = await startWithFile(t, file, broker)
  await settled()
  for (const node of [a, second.server]) {
    t.same(bannedOn(node), [BANNED[2], '192.0.2.9'])
    t.match(node.options, { maxPeers: 50, rooms: { maxRooms: 100, emptyTimeout: 50 } })
  }
  a.unban('192.0.2.9')
  await settled()
  await second.stop()
  const third = await startWithFile(t, file, broker)
  await settled()
  t.same(bannedOn(third.server), [BANNED[2]], 'what was shared is not shared again')
})

t.test('a ban that was shared before a restart stays lifted, one that has expired is not shared', async t => {
  const { broker, nodes: [a] } = await openMemoryCluster(t, 1, {}, patientTimings)
  const file = join(temporaryFolder(t), 'state.json')
  const first = await startWithFile(t, file, broker)
  first.server.ban('192.0.2.1')
  await until(() => bannedOn(a).length === 1)
  await settled()
  broker.cut(first.bus())
  first.server.ban('192.0.2.2', { seconds: 0.001 })
  await first.stop()
  a.unban('192.0.2.1')
  a.ban('192.0.2.2', { reason: 'later' })
  await until(() => first.server.bans().length === 1)
  const { server } = await startWithFile(t, file, broker)
  await settled()
  for (const node of [a, server]) t.match(node.bans(), [{ address: '192.0.2.2', reason: 'later' }])
})

t.test('a server with bans in its state file brings them into the cluster that it becomes a node of', async t => {
  const { broker, nodes: [a] } = await openMemoryCluster(t, 1, {}, patientTimings)
  change(a, { maxPeers: 100 })
  a.ban('192.0.2.1')
  await settled()
  const file = join(temporaryFolder(t), 'state.json')
  const alone = await startWithFile(t, file)
  alone.server.ban('192.0.2.2')
  alone.server.change({ maxPeers: 7 })
  await alone.stop()
  const { server } = await startWithFile(t, file, broker)
  await settled()
  for (const node of [a, server]) {
    t.same(bannedOn(node), ['192.0.2.1', '192.0.2.2'])
    t.equal(node.options.maxPeers, 100)
  }
})

t.test('a local value of an option stays over a restart until the cluster changes the option', async t => {
  const { broker, nodes: [a] } = await openMemoryCluster(t, 1, {}, patientTimings)
  const file = join(temporaryFolder(t), 'state.json')
  const values = { maxPeers: 200, pingInterval: 20, rooms: { maxRooms: 20 } }
  change(a, values)
  const first = await startWithFile(t, file, broker)
  first.server.change({ maxPeers: 7, pingInterval: 7, rooms: { maxRooms: 7 } })
  await first.stop()
  change(a, { pingInterval: 30 })
  await settled()

  const { server } = await startWithFile(t, file, broker)
  t.match(server.options, { maxPeers: 7, pingInterval: 30, rooms: { maxRooms: 7 } })
  t.match(a.options, { ...values, pingInterval: 30 })
  change(a, { maxPeers: 200 })
  await settled()
  t.equal(server.options.maxPeers, 200, 'also if it is the same value as before')
})

t.test('of different rules of rooms that nodes change in the same turn all stand', async t => {
  const { broker, nodes: [a, b, c] } = await openMemoryCluster(t, 3, {}, patientTimings)
  for (let pause = 0; pause < 6; pause++) {
    change(a, { rooms: { emptyTimeout: 10 + pause } })
    await turns(pause)
    change(b, { rooms: { maxPeersPerRoom: 20 + pause } })
    await settled()
    for (const node of [a, b, c]) {
      t.match(node.options.rooms, { emptyTimeout: 10 + pause, maxPeersPerRoom: 20 + pause, joinPerMinute: 0 })
    }
  }
  const { server } = await startWithFile(t, join(temporaryFolder(t), 'state.json'), broker)
  t.match(server.options.rooms, { emptyTimeout: 15, maxPeersPerRoom: 25 }, 'on a node that joins later, too')
})

t.test('the later of two quick changes wins on all nodes', async t => {
  const { nodes: [a, b] } = await openMemoryCluster(t, 2)
  for (let pause = 0; pause < 6; pause++) {
    a.ban('192.0.2.1')
    change(a, { maxPeers: 10 })
    await turns(pause)
    a.unban('192.0.2.1')
    change(a, { maxPeers: 20 + pause })
    await settled()
    const expected = { maxPeers: 20 + pause, pingInterval: 0, bans: [] }
    for (const node of [a, b]) t.same(shared(node), expected, `${pause} turns`)
  }
})

t.test('a ban that is lifted before its node hears of it from the broker is not in force again', async t => {
  const late = (bus: Bus): Bus => override(bus, {
    openStore: async (name: string, seconds?: number) => {
      const store = await bus.openStore(name, seconds)
      return override(store, {
        watch: async (receive: (entry: StoreEntry) => void, renewed?: () => void) => await store.watch(entry => {
          delay(20).then(() => { receive(entry) })
        }, renewed)
      })
    }
  })
  const { nodes: [a] } = await openMemoryCluster(t, 1, {}, quickTimings, late)
  const heard: string[] = []
  for (const event of ['banned', 'unbanned'] as const) {
    internalsOf(a).monitor.events.on(event, ({ address }) => { heard.push(`${event} ${address}`) })
  }
  a.ban('192.0.2.1')
  await settled()
  a.unban('192.0.2.1')
  await settled()
  await delay(50)
  t.same(heard, ['banned 192.0.2.1', 'unbanned 192.0.2.1'])
  a.ban('192.0.2.1')
  await delay(50)
  t.equal(bannedOn(a).length, 1, 'it can be banned again')
})

/** Can hold back what the watch of bans and options reports to one of the nodes. */
class LateReports {
  readonly #index: number
  #connections = 0
  #held: Array<() => void> | undefined

  constructor (index: number) {
    this.#index = index
  }

  /** For `openMemoryCluster`. */
  readonly wrap = (bus: Bus): Bus => {
    if (this.#connections++ !== this.#index) return bus
    return override(bus, {
      openStore: async (name: string, seconds?: number) => {
        const store = await bus.openStore(name, seconds)
        return name.endsWith('-config') ? this.#wrapStore(store) : store
      }
    })
  }

  #wrapStore (store: KeyStore): KeyStore {
    return override(store, {
      watch: async (receive: (entry: StoreEntry) => void, renewed?: () => void) => {
        const end = await store.watch(entry => { this.#report(() => { receive(entry) }) }, renewed)
        await new Promise<void>(resolve => { this.#report(resolve) })
        return end
      }
    })
  }

  #report (report: () => void): void {
    if (this.#held === undefined) report()
    else this.#held.push(report)
  }

  hold (): void {
    this.#held = []
  }

  release (): void {
    for (const report of this.#held ?? []) report()
    this.#held = undefined
  }
}

t.test('onWritten is called once for all bans of a call', async t => {
  const { nodes: [a, b] } = await openMemoryCluster(t, 2, {}, patientTimings)
  const { config } = internalsOf(a).registry.cluster!
  let written = 0
  config.onWritten.add(() => { written++ })
  const addresses = Array.from({ length: 50 }, (_, at) => `192.0.2.${at}`)
  a.banAll(addresses)
  await until(() => bannedOn(b).length === addresses.length)
  await settled()
  t.same([written, config.saved.unshared], [1, {}])
})

t.test('an expired ban is deleted from the store at the next ban', async t => {
  const { broker, nodes: [a, b] } = await openMemoryCluster(t, 2, {}, patientTimings)
  const store = await broker.connect().openStore('gdws-default-config')
  a.ban('192.0.2.1', { seconds: 0.001 })
  await until(async () => await store.get('ban.192.0.2.1') !== undefined && a.bans().length === 0)
  b.ban('192.0.2.2')
  await until(async () => await store.get('ban.192.0.2.1') === undefined)
  await settled()
  for (const node of [a, b]) t.same(bannedOn(node), ['192.0.2.2'])
})

t.test('a node that was without broker does not lift a new ban of an address whose ban has expired', async t => {
  const { broker, nodes: [a, b], buses } = await openMemoryCluster(t, 2, {}, patientTimings)
  a.ban('192.0.2.1', { seconds: 0.001 })
  await settled()
  await until(() => a.bans().length === 0)
  broker.cut(buses[0])
  a.ban('192.0.2.2')
  b.ban('192.0.2.1', { reason: 'for good' })
  await settled()
  broker.restore(buses[0])
  await until(() => bannedOn(b).includes('192.0.2.2'))
  await settled()
  for (const node of [a, b]) t.same(bannedOn(node), ['192.0.2.1', '192.0.2.2'])
})

t.test('a node does not lift a new ban, which it has not heard of, of an address whose ban has expired', async t => {
  const late = new LateReports(0)
  const { nodes: [a, b] } = await openMemoryCluster(t, 2, {}, patientTimings, late.wrap)
  a.ban('192.0.2.1', { seconds: 0.001 })
  await settled()
  await until(() => a.bans().length === 0)
  late.hold()
  b.ban('192.0.2.1', { reason: 'for good' })
  await settled()
  a.ban('192.0.2.2')
  await settled()
  t.same([bannedOn(a), bannedOn(b)], [['192.0.2.2'], ['192.0.2.1', '192.0.2.2']])
  late.release()
  for (const node of [a, b]) t.same(bannedOn(node), ['192.0.2.1', '192.0.2.2'])

  a.unban('192.0.2.1')
  await settled()
  for (const node of [a, b]) t.same(bannedOn(node), ['192.0.2.2'], 'an operator can lift it')
})

t.test('one of two changes at the same time wins on all nodes', async t => {
  const { nodes: [a, b, c] } = await openMemoryCluster(t, 3)
  for (let pause = 0; pause < 6; pause++) {
    change(a, { maxPeers: 10 + pause })
    a.ban('192.0.2.1', { reason: 'of a' })
    await turns(pause)
    change(b, { maxPeers: 20 + pause })
    b.ban('192.0.2.1', { reason: 'of b' })
    await settled()
    const { maxPeers } = shared(c) as { maxPeers: number }
    t.ok([10, 20].includes(maxPeers - pause))
    for (const node of [a, b]) t.same(shared(node), shared(c), `${pause} turns`)
    c.unban('192.0.2.1')
    await settled()
  }
})

t.test('changes reach all nodes after the broker has lost the store', async t => {
  const { broker, nodes: [a, b, c] } = await openMemoryCluster(t, 3)
  for (let value = 1; value < 20; value++) {
    change(a, { maxPeers: value })
    await settled()
  }
  a.ban('192.0.2.1', { reason: 'before' })
  await settled()
  broker.forget()
  await settled()
  for (const [at, node] of [a, b, c].entries()) {
    change(node, { maxPeers: 100 + at })
    node.ban('192.0.2.1', { reason: `after ${at}` })
    await settled()
    const expected = { maxPeers: 100 + at, pingInterval: 0, bans: [{ address: '192.0.2.1', reason: `after ${at}` }] }
    for (const one of [a, b, c]) t.same(shared(one), expected)
  }
})

/** Three nodes with three bans; `pause` delays each ban that a node creates in the store. */
async function openSlowCluster (
  t: Test, pause: () => Promise<unknown>, timings = { ...patientTimings, lease: 1000 }
): Promise<MemoryCluster> {
  const cluster = await openMemoryCluster(t, 3, {}, timings, bus => override(bus, {
    openStore: async (name: string, seconds?: number) => {
      const store = await bus.openStore(name, seconds)
      return override(store, {
        create: async (key: string, value: Uint8Array) => {
          if (key.startsWith('ban.')) await pause()
          return await store.create(key, value)
        }
      })
    }
  }))
  for (const address of BANNED) cluster.nodes[0].ban(address)
  await until(() => cluster.nodes.every(node => node.cluster.isReady && bannedOn(node).length === BANNED.length))
  return cluster
}

/** The nodes lose the broker for longer than a lease, and the broker loses its stores. */
async function replaceBroker ({ broker, nodes, buses }: MemoryCluster): Promise<void> {
  for (const bus of buses) broker.cut(bus)
  await until(() => nodes.every(node => !node.cluster.isReady))
  broker.forget()
}

function isFirst ({ address }: { address: string }): boolean {
  return address === BANNED[0]
}

function bannedOn (node: WebSocketServer): string[] {
  return node.bans().map(({ address }) => address).sort()
}

t.test('nodes that join a new store lift no bans while one of them writes it', async t => {
  simulateTime(t)
  const cluster = await openSlowCluster(t, async () => await delay(30))
  const { broker, nodes, buses } = cluster
  const lifted: string[] = []
  for (const node of nodes) {
    internalsOf(node).monitor.events.on('unbanned', ({ address }) => {
      lifted.push(`${node.cluster.nodeId}: ${address}`)
    })
  }
  await replaceBroker(cluster)
  for (const bus of buses) broker.restore(bus)
  await until(() => nodes.every(node => node.cluster.isReady))
  t.same(lifted, [])
  for (const node of nodes) t.same(bannedOn(node), BANNED)
})

t.test('bans stay when the node leaves that was writing them to a new store', async t => {
  simulateTime(t)
  let writers = 0
  const cluster = await openSlowCluster(t, async () => {
    writers++
    if (writers === 1) await new Promise(() => {})
  })
  const { broker, nodes: [, ...others], buses } = cluster
  await replaceBroker(cluster)
  broker.restore(buses[0])
  await until(() => writers === 1)
  broker.cut(buses[0])
  for (const bus of buses.slice(1)) broker.restore(bus)
  await until(() => others.every(node => node.cluster.isReady))
  for (const node of others) t.same(bannedOn(node), BANNED)
})

t.test('a ban that was lifted while a node was away stays lifted, however late its watch reports', async t => {
  simulateTime(t)
  const late = new LateReports(0)
  const timings = { ...patientTimings, lease: 1000 }
  const { broker, nodes: [a, b], buses } = await openMemoryCluster(t, 2, {}, timings, late.wrap)
  for (const address of BANNED) a.ban(address)
  await until(() => bannedOn(b).length === BANNED.length)
  broker.cut(buses[0])
  await until(() => !a.cluster.isReady)
  b.unban(BANNED[0])
  late.hold()
  broker.restore(buses[0])
  const restored = performance.now()
  // Longer than a node waits for another one to fill the store.
  await until(() => performance.now() - restored > 3000)
  t.same(bannedOn(b), BANNED.slice(1))
  t.ok(BANNED.slice(1).every(address => bannedOn(a).includes(address)), 'the others are in force on that node')
  late.release()
  await until(() => a.cluster.isReady)
  for (const node of [a, b]) t.same(bannedOn(node), BANNED.slice(1))
})

t.test('what is lifted while another node fills a new store stays lifted', async t => {
  let writers = 0
  const pause = async (): Promise<void> => {
    writers++
    await delay(30)
  }
  const { broker, nodes, buses } = await openSlowCluster(t, pause, patientTimings)
  const [away, late, filling] = buses
  for (const bus of buses) broker.cut(bus)
  broker.forget()
  nodes[0].unban(BANNED[2])
  broker.restore(filling)
  await until(() => writers === 1)
  broker.restore(away)
  broker.restore(late)
  nodes[1].unban(BANNED[1])
  await until(() => writers >= BANNED.length)
  await until(() => nodes.every(node => bannedOn(node).length === 1))
  await delay(100)
  for (const node of nodes) t.same(bannedOn(node), [BANNED[0]])
})

t.test('a change of the time without broker reaches nodes that knew a longer history of the lost store', async t => {
  simulateTime(t)
  const cluster = await openSlowCluster(t, async () => {})
  const { broker, nodes, buses } = cluster
  for (let maxPeers = 1; maxPeers < 20; maxPeers++) {
    change(nodes[0], { maxPeers })
    await settled()
  }
  await replaceBroker(cluster)
  change(nodes[0], { maxPeers: 20 })
  nodes[0].ban(BANNED[0], { reason: 'changed' })
  nodes[0].unban(BANNED[1])
  for (const bus of buses) broker.restore(bus)
  await until(() => nodes.every(node => node.cluster.isReady))
  const expected = { maxPeers: 20, reason: 'changed', banned: [BANNED[0], BANNED[2]] }
  for (const node of nodes) {
    const found = () => ({
      maxPeers: node.options.maxPeers, reason: node.bans().find(isFirst)?.reason, banned: bannedOn(node)
    })
    await until(() => isDeepStrictEqual(found(), expected), () => JSON.stringify(found()))
  }
  t.pass('on all nodes')
})

t.test('a node that leaves while it learns bans and options neither lifts nor changes any', async t => {
  const { broker, nodes: [a] } = await openMemoryCluster(t, 1)
  a.ban('192.0.2.1')
  change(a, { maxPeers: 10 })
  await settled()
  const bus = broker.connect()
  t.teardown(async () => { await bus.close() })
  const store = await bus.openStore('gdws-default-config')
  for (const closesAt of ['watch', 'create'] as const) {
    const heard: string[] = []
    const config = new SharedConfig({
      bans: () => [{ address: '192.0.2.9', reason: '', since: 0, until: undefined }],
      ban: ({ address }) => { heard.push(`ban ${address}`) },
      unban: address => { heard.push(`unban ${address}`) },
      change: options => { heard.push(`change ${JSON.stringify(options)}`) }
    }, silentLogger)
    const closeAt = (method: string): void => {
      if (method !== closesAt) return
      config.close()
      heard.length = 0
    }
    const opened = config.open(override(store, {
      watch: async (receive: (entry: StoreEntry) => void, renewed?: () => void) => {
        closeAt('watch')
        return await store.watch(receive, renewed)
      },
      create: async (key: string, value: Uint8Array) => {
        closeAt('create')
        return await store.create(key, value)
      }
    }))
    await t.rejects(opened, /disconnected/)
    a.ban('192.0.2.2')
    await settled()
    a.unban('192.0.2.2')
    await settled()
    t.same(heard, [], closesAt)
  }
})

t.test(`after random changes on random nodes all agree (SEED=${seed})`, async t => {
  const { nodes } = await openMemoryCluster(t, 3)
  const random = new Random(seed)
  for (let run = 0; run < RUNS; run++) {
    const history = await changeAtRandom(random, nodes)
    await settled()
    const [first, ...others] = nodes.map(shared)
    if (!agree(t, first, others, history)) break
  }
})

function agree (t: Test, first: object, others: readonly object[], history: readonly string[]): boolean {
  return others.every(other => t.same(other, first, 'all nodes agree', { history }))
}

/** Some changes with pauses between them; returns what was done. */
async function changeAtRandom (random: Random, nodes: readonly WebSocketServer[]): Promise<string[]> {
  const history: string[] = []
  for (let count = 1 + random.below(6); count > 0; count--) {
    const node = random.pick(nodes)
    const address = random.pick(ADDRESSES)
    const value = random.below(5)
    if (random.oneIn(3)) change(node, random.oneIn(2) ? { maxPeers: value } : { pingInterval: value })
    else if (random.oneIn(2) || !isBanned(node, address)) node.ban(address, { reason: `reason ${value}` })
    else node.unban(address)
    const pause = random.below(4)
    history.push(`${node.cluster.nodeId} ${address} ${value}, then ${pause} turns`)
    await turns(pause)
  }
  return history
}

function isBanned (node: WebSocketServer, address: string): boolean {
  return node.bans().some(ban => ban.address === address)
}
