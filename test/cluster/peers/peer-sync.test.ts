import t, { type Test } from 'tap'
import { BusError, type Bus } from '../../../src/cluster/bus/bus.ts'
import { encodeHeartbeat } from '../../../src/cluster/membership/node-heartbeat.ts'
import {
  joinRoom, openMemoryCluster, patientTimings, settled, type MemoryCluster
} from '../../helper/memory-cluster.ts'
import { override } from '../../helper/override.ts'
import { until } from '../../helper/until.ts'

// A node that is lost, or does not answer, while another one asks it for its peers.

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
  /** It is connected again, and joins anew. */
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

/** The second node has lost the first one, which joins anew, and waits for its answer to this command. */
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

t.test('peers that a node answers with after it was lost are not added', async t => {
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
  t.test(`a node that joins anew while it was asked before joins once: ${outcome}`, async t => {
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
