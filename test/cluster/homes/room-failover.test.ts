import t, { type Test } from 'tap'
import type { Bus, BusMessage } from '../../../src/cluster/bus/bus.ts'
import { defaultTimings } from '../../../src/cluster/membership/timings.ts'
import { internalsOf } from '../../../src/core/server/internals.ts'
import { WebSocketServer } from '../../../src/core/server/websocket-server.ts'
import { stopTime } from '../../helper/clock.ts'
import { memoryMount } from '../../helper/memory/memory-client.ts'
import { joinRoom, openMemoryCluster, settled, type MemoryCluster } from '../../helper/memory/memory-cluster.ts'
import { override } from '../../helper/override.ts'
import { silentLogger } from '../../helper/silent-logger.ts'

// Rooms without members elsewhere whose home was lost: nobody ends them before the lease of their home has ended.

const STEP = 50
const PATIENCE = 6 * defaultTimings.heartbeat

interface Cluster extends MemoryCluster {
  /** Advances the clock by this number of milliseconds. */
  pass (milliseconds: number): Promise<void>
}

/** Two nodes that have joined long ago; the second one is the home of room `arena`, which has a state. */
async function openCluster (t: Test, lease: number, wrap?: (bus: Bus) => Bus): Promise<Cluster> {
  const clock = stopTime(t)
  const pass = async (milliseconds: number): Promise<void> => {
    for (let passed = 0; passed < milliseconds; passed += STEP) {
      clock.advance(STEP)
      await settled()
    }
  }
  const cluster = await openMemoryCluster(t, 2, {}, { ...defaultTimings, lease }, wrap)
  await pass(PATIENCE)
  const room = await cluster.nodes[1].cluster.openRoom('arena', { emptyTimeout: 600 })
  await room.state.set(Buffer.from('round 3'))
  await settled()
  return { ...cluster, pass }
}

/** Whether a node knows the room. */
function knows (node: WebSocketServer): boolean {
  return internalsOf(node).registry.cluster!.room('arena') !== undefined
}

t.test('a room stays, with its state, until the lease of its lost home is certain to have ended', async t => {
  const lease = 10_000
  const { broker, buses: [, bus], nodes: [a, b], pass } = await openCluster(t, lease)
  broker.cut(bus)
  await pass(defaultTimings.silence + 2 * defaultTimings.heartbeat)
  t.same([a.cluster.nodes(), knows(a)], [[], true])
  broker.restore(bus)
  await pass(defaultTimings.heartbeat)
  t.equal(a.cluster.nodes().length, 1)
  const room = b.room('arena')
  t.ok(room.isHome)
  t.equal(Buffer.from((await room.state.get())!).toString(), 'round 3')

  broker.cut(bus)
  await pass(lease)
  t.ok(knows(a))
  await pass(lease)
  t.notOk(knows(a))
})

t.test('nodes that join do not shorten the time for which a room waits for its home', async t => {
  const { broker, buses, nodes: [a], pass } = await openCluster(t, defaultTimings.lease)
  for (const bus of buses) broker.cut(bus)
  await pass(defaultTimings.lease)
  t.notOk(a.cluster.isReady)
  broker.restore(buses[0])
  while (!a.cluster.isReady) await pass(STEP)
  const network = broker.connect()
  t.teardown(async () => { await network.close() })
  for (let joined = 0; joined < 10; joined++) network.publish('gdws.default.hello', Buffer.from('1'))
  await settled()
  t.ok(knows(a))
  await pass(PATIENCE)
  t.notOk(knows(a))
})

t.test('a node asks for each room of a lost home once, however late the broker answers', async t => {
  const asked: string[] = []
  const { broker, buses: [, bus], nodes: [a], pass } = await openCluster(t, defaultTimings.lease, bus => override(bus, {
    openStore: async (name: string, seconds?: number) => {
      const store = await bus.openStore(name, seconds)
      return name.endsWith('rooms') ? override(store, { update: (key: string) => hang(asked, key) }) : store
    }
  }))
  const player = await joinRoom(a, 'arena')
  broker.cut(bus)
  await pass(10 * defaultTimings.heartbeat)
  t.same(a.cluster.nodes(), [])
  t.same(asked, ['arena'])
  player.disconnect()
})

/** A request that is never answered. */
function hang (asked: string[], key: string): Promise<never> {
  asked.push(key)
  return new Promise(() => {})
}

type SetBusy = (isBusy: boolean) => void

interface LateJoin {
  readonly late: WebSocketServer
  readonly home: WebSocketServer
  readonly setBusy: SetBusy
  /** The home loses its connection for good. */
  crash (): void
  readonly pass: Cluster['pass']
}

/** A node that joins a cluster of one node, which then is busy, or gone in some way. */
async function joinAfter (
  t: Test, change: (home: WebSocketServer, cluster: MemoryCluster, setBusy: SetBusy) => unknown
): Promise<LateJoin> {
  const clock = stopTime(t)
  let isBusy = false
  const waiting: Array<() => void> = []
  const cluster = await openMemoryCluster(t, 1, {}, defaultTimings, bus => override(bus, {
    subscribe: (subject: string, receive: (message: BusMessage) => void) => bus.subscribe(subject, message => {
      if (isBusy) waiting.push(() => { receive(message) })
      else receive(message)
    })
  }))
  const setBusy = (isNow: boolean): void => {
    isBusy = isNow
    if (!isBusy) for (const receive of waiting.splice(0)) receive()
  }
  const pass = async (milliseconds: number): Promise<void> => {
    for (let passed = 0; passed < milliseconds; passed += STEP) {
      clock.advance(STEP)
      await settled()
    }
  }
  await pass(defaultTimings.heartbeat)
  const { broker, buses, nodes: [home] } = cluster
  await change(home, cluster, setBusy)
  const late = new WebSocketServer(
    { gdMpApi: true, rooms: { joinPerMinute: 0 }, log: silentLogger, cluster: { servers: 'memory', nodeId: 'late' } },
    { ...memoryMount, cluster: { timings: defaultTimings, connect: async () => broker.connect() } })
  t.teardown(async () => { await late.stop() })
  const listening = late.listen()
  while (!late.isListening()) await pass(STEP)
  await listening
  return { late, home, setBusy, crash: () => { broker.cut(buses[0]) }, pass }
}

const homeOfMain = (node: WebSocketServer): string | undefined =>
  internalsOf(node).registry.cluster!.room('main')?.node

t.test('a node that joins leaves main to its home, which is only too busy to respond', async t => {
  const { late, home, setBusy, pass } = await joinAfter(t, (_home, _cluster, setBusy) => { setBusy(true) })
  t.equal(homeOfMain(late), undefined, 'it is not known whether it is alive')
  setBusy(false)
  await pass(defaultTimings.lease)
  t.same([home, late].map(homeOfMain), ['node-0', 'node-0'])
  t.ok(home.room('main').isHome)
})

t.test('a node that joins leaves all rooms to a home that sends heartbeats, however late it answers', async t => {
  const opened: string[] = []
  const { late, home, setBusy, pass } = await joinAfter(t, async (home, _cluster, setBusy) => {
    const room = await home.cluster.openRoom('arena', { emptyTimeout: 600 })
    await room.state.set(Buffer.from('round 3'))
    await settled()
    home.on('room_opened', ({ name }) => { opened.push(name) })
    setBusy(true)
  })
  await pass(10 * defaultTimings.heartbeat)
  t.same([late.cluster.nodes(), homeOfMain(late), knows(late)], [[], undefined, true])
  setBusy(false)
  await pass(defaultTimings.lease)
  t.same([home, late].map(homeOfMain), ['node-0', 'node-0'])
  t.equal(Buffer.from((await home.room('arena').state.get())!).toString(), 'round 3')
  t.same(opened, [])
})

t.test('a home that sends heartbeats but does not answer loses its rooms as soon as it crashes', async t => {
  const { late, pass, crash } = await joinAfter(t, async (home, _cluster, setBusy) => {
    await home.cluster.openRoom('arena', { emptyTimeout: 600 })
    setBusy(true)
  })
  await pass(10 * defaultTimings.heartbeat)
  t.ok(knows(late))
  crash()
  await pass(defaultTimings.silence + 2 * defaultTimings.heartbeat)
  t.same([homeOfMain(late), knows(late)], ['late', false])
})

t.test('a node that joins takes main over once the lease of its home, which does not respond, has ended', async t => {
  const { late, pass } = await joinAfter(t, (_home, { broker, buses: [bus] }) => { broker.cut(bus) })
  t.equal(homeOfMain(late), undefined)
  await pass(defaultTimings.lease + defaultTimings.heartbeat)
  t.equal(homeOfMain(late), 'late')
})

t.test('a node that joins takes main over at once if its home has left', async t => {
  const { late } = await joinAfter(t, async home => { await home.stop() })
  t.equal(homeOfMain(late), 'late')
})
