import t, { type Test } from 'tap'
import { BusError, type Bus } from '../../../src/cluster/bus/bus.ts'
import { encodeHeartbeat } from '../../../src/cluster/membership/node-heartbeat.ts'
import {
  joinRoom, openMemoryCluster, patientTimings, settled, type MemoryCluster
} from '../../helper/memory/memory-cluster.ts'
import { override } from '../../helper/override.ts'
import { until } from '../../helper/until.ts'

// A node that is lost, or does not respond, while another one asks it for its peers.

/** What becomes of the answers of a node to a command: they arrive at once, or wait until they are let through. */
class Answers {
  #command: string | undefined
  readonly #waiting: Array<{ resolve: () => void, reject: (error: Error) => void }> = []

  /** Those to this command wait. */
  hold (command: string): void {
    this.#command = command
  }

  get waiting (): number {
    return this.#waiting.length
  }

  /** The first that waits arrives. */
  pass (): void {
    this.#waiting.shift()!.resolve()
  }

  /** The first that waits is lost. */
  lose (): void {
    this.#waiting.shift()!.reject(new BusError('timeout', 'the answer was lost'))
  }

  /** None waits from now on. */
  release (): void {
    this.#command = undefined
  }

  wrap (bus: Bus): Bus {
    return override(bus, {
      request: async (subject, bytes, milliseconds) => {
        const answer = await bus.request(subject, bytes, milliseconds)
        const text = new TextDecoder().decode(bytes)
        if (this.#command === undefined || !text.includes(`"command":"${this.#command}"`)) return answer
        // A node that joins is asked about `main`; a question about the messages to another room is another one.
        if (text.includes('"room"') && !text.includes('"room":"main"')) return answer
        await new Promise<void>((resolve, reject) => { this.#waiting.push({ resolve, reject }) })
        return answer
      }
    })
  }
}

interface Cluster extends MemoryCluster {
  /** To the questions of the second node. */
  readonly answers: Answers
  /** Signals of the second node. */
  readonly signals: string[]
  /** The first node is disconnected, and to the second one it has left. */
  loseFirst (): Promise<void>
  /** It is connected again, and joins again. */
  restoreFirst (): void
}

/** Two nodes, and two peers of the first one. */
async function openCluster (t: Test): Promise<Cluster> {
  const answers = new Answers()
  let count = 0
  const wrap = (bus: Bus): Bus => count++ === 1 ? answers.wrap(bus) : bus
  const cluster = await openMemoryCluster(t, 2, {}, patientTimings, wrap)
  const [a, b] = cluster.nodes
  await joinRoom(a, 'arena')
  await joinRoom(a, 'arena')
  const signals: string[] = []
  for (const name of ['node_joined', 'node_left', 'peer_joined', 'peer_left'] as const) {
    b.cluster.on(name, () => { signals.push(name) })
  }
  const [node] = b.cluster.nodes()
  const network = cluster.broker.connect()
  t.teardown(async () => { await network.close() })
  const [bus] = cluster.buses
  const loseFirst = async (): Promise<void> => {
    cluster.broker.cut(bus)
    network.publish('gdws.default.hb', encodeHeartbeat({ node, isLeaving: true, bytes: new Uint8Array(0) }))
    await settled()
  }
  return { ...cluster, answers, signals, loseFirst, restoreFirst: () => { cluster.broker.restore(bus) } }
}

/** The second node has lost the first one, which joins again, and waits for its response to this command. */
async function joinAgain (t: Test, cluster: Cluster, command: string): Promise<void> {
  const { answers, signals, loseFirst, restoreFirst } = cluster
  answers.hold(command)
  await loseFirst()
  t.same(signals.splice(0), ['peer_left', 'peer_left', 'node_left'])
  restoreFirst()
  await until(() => answers.waiting === 1)
}

const joined = ['peer_joined', 'peer_joined', 'node_joined']

/** The second node knows the first one and its peers in the end. */
async function checkJoined (t: Test, { answers, signals, nodes: [, b] }: Cluster): Promise<void> {
  answers.release()
  await until(() => b.cluster.nodes().length === 1)
  t.same(signals, joined)
  t.equal([...b.cluster.peers()].length, 2)
}

t.test('peers in the response of a node that was lost in the meantime are not added', async t => {
  const cluster = await openCluster(t)
  const { answers, loseFirst, restoreFirst, nodes: [, b], signals } = cluster
  await joinAgain(t, cluster, 'peers')
  await loseFirst()
  t.same(signals.splice(0), ['node_left'])
  answers.pass()
  await settled()
  t.same(signals, [])
  t.same([...b.cluster.peers()], [])
  restoreFirst()
  await checkJoined(t, cluster)
})

for (const outcome of ['pass', 'lose'] as const) {
  t.test(`a node that joins again while it is being asked joins once: ${outcome}`, async t => {
    const cluster = await openCluster(t)
    const { answers, loseFirst, restoreFirst, signals } = cluster
    await joinAgain(t, cluster, 'sent')
    answers.release()
    await loseFirst()
    t.same(signals.splice(0), ['peer_joined', 'peer_joined', 'peer_left', 'peer_left', 'node_left'])
    restoreFirst()
    await until(() => signals.includes('node_joined'))
    answers[outcome]()
    await settled()
    await checkJoined(t, cluster)
  })
}

t.test('peers of a node that could not be added are gone', async t => {
  const cluster = await openCluster(t)
  const { answers, broker, buses: [bus], nodes: [, b], signals } = cluster
  await joinAgain(t, cluster, 'sent')
  t.same(signals.splice(0), ['peer_joined', 'peer_joined'])
  broker.cut(bus)
  answers.lose()
  await settled()
  t.same(signals.splice(0), ['peer_left', 'peer_left'])
  t.same([...b.cluster.peers()], [])
  broker.restore(bus)
  await checkJoined(t, cluster)
})

/** What the first node publishes on subjects that end like this is lost; returns a function that ends it. */
function lose ({ buses: [bus] }: MemoryCluster, end: RegExp): () => void {
  const publish = bus.publish.bind(bus)
  bus.publish = (subject, bytes) => { if (!end.test(subject)) publish(subject, bytes) }
  return () => { bus.publish = publish }
}

const EVENTS = /\.ev\.\d+$/
const EVENTS_AND_HEARTBEATS = /\.(ev\.\d+|hb)$/

interface Ice {
  /** What its server has got since the last call. */
  packets (): string[]
  /** What the second node has reported as lost. */
  readonly gaps: Array<[node: string, lost: number, room: string]>
}

/** Opens room `ice`, which has its home on the second node. */
async function openIce ({ nodes: [, b] }: Cluster): Promise<Ice> {
  const room = await b.cluster.openRoom('ice')
  const packets: string[] = []
  room.on('peer_packet', id => { packets.push(`${id}: ${Buffer.from(room.getPacket()).toString()}`) })
  const gaps: Ice['gaps'] = []
  b.cluster.on('gap', (node, lost, room) => { gaps.push([node.id, lost, room]) })
  return { gaps, packets: () => packets.splice(0) }
}

t.test('packets of a peer follow its join while the peers of its node are read again', async t => {
  const cluster = await openCluster(t)
  const { answers, broker, nodes: [a, b] } = cluster
  const { packets, gaps } = await openIce(cluster)
  const two = await joinRoom(b, 'ice')
  answers.hold('peers')
  const endLoss = lose(cluster, EVENTS)
  await joinRoom(a, 'arena')
  endLoss()
  await until(() => answers.waiting === 1)
  const one = await joinRoom(a, 'ice')
  await two.heard()
  one.sendTo(0, 'to all')
  one.sendTo(1, 'to the server')
  await settled()
  one.sendTo(two.id, 'to two')
  await settled()
  one.leave()
  const network = broker.connect()
  t.teardown(async () => { await network.close() })
  let heartbeats = 0
  network.subscribe('gdws.default.hb', () => { heartbeats++ })
  await until(() => heartbeats > 4)
  t.same([await two.heard(), packets()], [[], []])
  answers.pass()
  await settled()
  t.same(await two.heard(), [`add ${one.id}`, `${one.id}: to all`, `${one.id}: to two`, `del ${one.id}`])
  t.same(packets(), [`${one.id}: to all`, `${one.id}: to the server`])
  t.same(gaps, [['node-0', 1, '']])
})

for (const [to, name] of [[0, 'to all'], [1, 'to the server']] as const) {
  t.test(`packets whose sender is not known are reported as lost to the server: ${name}`, async t => {
    const cluster = await openCluster(t)
    const { answers, nodes: [a] } = cluster
    const { packets, gaps } = await openIce(cluster)
    const endLoss = lose(cluster, EVENTS_AND_HEARTBEATS)
    const one = await joinRoom(a, 'ice')
    answers.hold('peers')
    one.sendTo(to, 'lost')
    one.sendTo(to, 'lost, too')
    await until(() => answers.waiting === 1)
    t.same(gaps, [['node-0', 2, 'ice']])
    one.sendTo(to, 'arrives')
    await settled()
    t.same(packets(), [])
    answers.release()
    answers.pass()
    endLoss()
    await settled()
    t.same(packets(), [`${one.id}: arrives`])
    t.same(gaps.splice(1), [['node-0', 1, '']])
  })
}
