import { setImmediate as nextTurn } from 'node:timers/promises'
import t, { type Test } from 'tap'
import { BusError, type Bus, type BusMessage } from '../../../src/cluster/bus/bus.ts'
import { Membership, type MembershipOptions } from '../../../src/cluster/membership/membership.ts'
import { encodeHeartbeat } from '../../../src/cluster/membership/node-heartbeat.ts'
import { readLeases } from '../../../src/cluster/membership/lease-value.ts'
import { defaultTimings } from '../../../src/cluster/membership/timings.ts'
import { Subjects } from '../../../src/cluster/subjects.ts'
import { simulateTime } from '../../helper/clock.ts'
import { RecordingHost } from '../../helper/memory/cluster-host.ts'
import { MemoryBroker } from '../../helper/memory/memory-bus.ts'
import { override } from '../../helper/override.ts'
import { silentLogger } from '../../helper/silent-logger.ts'
import { until } from '../../helper/until.ts'

const timings = { ...defaultTimings, heartbeat: 40, lease: 500, quarantine: 400, silence: 150, ping: 60, hello: 300 }
/** Here a node that was lost can come back before its lease ends. */
const longLease = { ...timings, lease: 3000 }

class Node {
  readonly broker: MemoryBroker
  readonly bus: Bus
  readonly host = new RecordingHost()
  readonly membership: Membership
  /** Warnings and errors in its log, with how many there were of one that was repeated. */
  readonly logged: Array<[message: string, hits?: number]> = []

  constructor (
    t: Test, broker: MemoryBroker, nodeId: string, options: Partial<MembershipOptions> = {},
    wrap: (bus: Bus) => Bus = bus => bus
  ) {
    this.broker = broker
    this.bus = broker.connect()
    const all = { namespace: 'test', nodeId, version: '1', timings, ...options }
    const record = ({ hits }: { hits?: number }, message: string): void => {
      this.logged.push(hits === undefined ? [message] : [message, hits])
    }
    this.membership = new Membership(wrap(this.bus), all, this.host, { ...silentLogger, warn: record, error: record })
    t.teardown(async () => {
      await this.membership.leave()
      await this.bus.close()
    })
  }

  get told (): string[] {
    return this.host.told
  }

  get others (): string[] {
    return this.membership.nodes().map(({ id }) => id).sort()
  }

  get slot (): number {
    return this.membership.self?.slot ?? 0
  }

  cut (): void {
    this.broker.cut(this.bus)
  }

  restore (): void {
    this.broker.restore(this.bus)
  }

  /** Waits until this has been reported to it this many times. */
  async toldOf (what: string, times = 1): Promise<void> {
    await until(() => this.told.filter(entry => entry === what).length >= times)
  }
}

/** Nodes a, b, c that have joined one after the other. */
async function start (t: Test, names: string, options: Partial<MembershipOptions> = {}): Promise<Node[]> {
  const broker = new MemoryBroker()
  const nodes = [...names].map(name => new Node(t, broker, name, options))
  for (const { membership } of nodes) await membership.start()
  await until(() => nodes.every(({ others }) => others.length === names.length - 1))
  return nodes
}

/** A test in simulated time. */
function test (name: string, run: (t: Test) => Promise<void>): void {
  t.test(name, async t => {
    simulateTime(t)
    await run(t)
  })
}

async function pass (milliseconds: number): Promise<void> {
  const started = performance.now()
  await until(() => performance.now() - started > milliseconds)
}

test('a single node is ready with a slot of its own', async t => {
  const [{ membership, told }] = await start(t, 'a')
  t.ok(membership.isReady && membership.holdsSlot())
  t.match(membership.self, { id: 'a', isDraining: false })
  t.same([told, membership.nodes()], [[], []])
})

test('a node that is ready knows all others, and they know it', async t => {
  const nodes = await start(t, 'abc')
  t.same(nodes.map(({ told }) => [...told].sort()), [
    ['joined b', 'joined c'], ['joined a', 'joined c'], ['joined a', 'joined b']
  ])
  t.equal(new Set(nodes.map(({ slot }) => slot)).size, 3)
  const [a, b] = nodes
  t.same(a.membership.nodes().find(({ id }) => id === 'b'), b.membership.self)
  t.equal(a.membership.epochOf(b.slot), b.membership.self?.epoch)
  await until(() => a.host.heartbeats.size === 2)
  t.equal(a.host.heartbeats.get('b'), 'alive\n')
})

test('nodes that start together join each other', async t => {
  const broker = new MemoryBroker()
  const nodes = [...'abcdef'].map(name => new Node(t, broker, name))
  await Promise.all(nodes.map(async ({ membership }) => { await membership.start() }))
  await until(() => nodes.every(({ others }) => others.length === 5))
  t.ok(nodes.every(({ told }) => told.length === 5))
})

test('start waits until the host has admitted every other node', async t => {
  const [a] = await start(t, 'a')
  const b = new Node(t, a.broker, 'b')
  let admit = (): void => {}
  b.host.admission = () => new Promise(resolve => { admit = resolve })
  const started = b.membership.start()
  await b.toldOf('joined a')
  await b.bus.flush()
  t.notOk(b.membership.isReady)
  t.same(b.others, [])
  admit()
  await started
  t.ok(b.membership.isReady)
  t.same(b.others, ['a'])
})

test('a node whose admission fails is admitted at its next heartbeat', async t => {
  const [a] = await start(t, 'a')
  let failures = 2
  a.host.admission = async () => { if (failures-- > 0) throw new Error('no snapshot') }
  const b = new Node(t, a.broker, 'b')
  await b.membership.start()
  await until(() => a.others.length === 1)
  t.same(a.told, ['joined b', 'joined b', 'joined b'])
})

test('a node that leaves has left at once', async t => {
  const [a, b] = await start(t, 'ab')
  await b.membership.leave()
  await a.toldOf('left b left')
  t.same(a.told, ['joined b', 'left b left'])
  t.equal(a.membership.epochOf(b.slot), undefined)
  t.same([b.membership.self, b.membership.isReady, b.told], [undefined, false, ['joined a']])
})

test('a node that crashes is lost, once', async t => {
  const [a, b, c] = await start(t, 'abc')
  c.cut()
  await Promise.all([a.toldOf('left c lost'), b.toldOf('left c lost')])
  await pass(3 * timings.silence)
  t.same([a.told, b.told], [['joined b', 'joined c', 'left c lost'], ['joined a', 'joined c', 'left c lost']])
})

test('a node that is silent but answers stays', async t => {
  const [a, b] = await start(t, 'ab')
  const slow = { ...timings, heartbeat: 450 }
  const c = new Node(t, a.broker, 'c', { timings: slow })
  await c.membership.start()
  await a.toldOf('joined c')
  await pass(4 * timings.silence)
  t.same(a.told, ['joined b', 'joined c'])
  t.same(b.others, ['a', 'c'])
})

test('a node that is lost while it is being admitted has left', async t => {
  const [a] = await start(t, 'a')
  a.host.admission = () => new Promise(() => {})
  const b = new Node(t, a.broker, 'b')
  await b.membership.start()
  await a.toldOf('joined b')
  b.cut()
  await a.toldOf('left b lost')
  t.same(a.told, ['joined b', 'left b lost'])
})

test('that a lost node could not be admitted is not logged', async t => {
  const [a] = await start(t, 'a')
  let fail = (): void => {}
  a.host.admission = () => new Promise((_resolve, reject) => { fail = () => { reject(new Error('no snapshot')) } })
  const b = new Node(t, a.broker, 'b')
  await b.membership.start()
  await a.toldOf('joined b')
  await b.membership.leave()
  await a.toldOf('left b left')
  fail()
  await pass(timings.heartbeat)
  t.same([a.told, a.logged], [['joined b', 'left b left'], []])
})

test('a node without a broker for longer than its lease is fenced and joins again with a new lease', async t => {
  const [a, b] = await start(t, 'ab')
  const { slot, epoch } = b.membership.self!
  const interrupted = performance.now()
  b.cut()
  await b.toldOf('fenced')
  const elapsed = performance.now() - interrupted
  t.ok(elapsed > timings.lease - 2 * timings.heartbeat, `${elapsed} ms`)
  t.notOk(b.membership.holdsSlot() || b.membership.isReady)
  await a.toldOf('left b lost')
  b.restore()
  await until(() => b.membership.isReady && a.others.length === 1)
  t.equal(b.slot, slot, 'nobody else has taken its slot')
  t.not(b.membership.self!.epoch, epoch)
  t.same(b.told, ['joined a', 'fenced', 'left a lost', 'joined a'])
  t.same(a.told, ['joined b', 'left b lost', 'joined b'])
})

test('nobody notices that the broker is lost for a moment', async t => {
  const nodes = await start(t, 'abc')
  for (const node of nodes) node.cut()
  await pass(timings.silence * 1.5)
  for (const node of nodes) node.restore()
  await pass(timings.silence * 2)
  t.same(nodes.map(({ told }) => told.length), [2, 2, 2])
  t.ok(nodes.every(({ membership }) => membership.holdsSlot()))
})

test('a node that was lost and is heard again joins again', async t => {
  const [a, b] = await start(t, 'ab', { timings: longLease })
  const { slot } = b
  b.cut()
  await a.toldOf('left b lost')
  b.restore()
  await a.toldOf('joined b', 2)
  t.same(a.told, ['joined b', 'left b lost', 'joined b'])
  t.same(b.told, ['joined a'])
  t.equal(b.slot, slot)
})

test('a broker that forgets all leases fences nobody; others can join', async t => {
  const [a, b] = await start(t, 'ab')
  const slots = [a.slot, b.slot]
  a.broker.forget()
  const c = new Node(t, a.broker, 'c')
  await c.membership.start()
  await until(() => c.others.length === 2 && a.others.length === 2)
  t.same([a.slot, b.slot], slots)
  t.same([a.told, b.told], [['joined b', 'joined c'], ['joined a', 'joined c']])
  const leases = await readLeases(await a.bus.openStore('gdws-test-nodes'))
  t.same([...leases.keys()].sort(), [a.slot, b.slot, c.slot].sort())
})

test('a node that was started again with its id replaces the lost one at once', async t => {
  const [a, b] = await start(t, 'ab')
  b.cut()
  const again = new Node(t, a.broker, 'b')
  await again.membership.start()
  await a.toldOf('joined b', 2)
  t.same(a.told, ['joined b', 'left b lost', 'joined b'])
  t.same(again.told, ['joined a'])
})

test('a node that does not agree with a live one refuses to start', async t => {
  const [a] = await start(t, 'a')
  a.host.agreement = '{"rooms":true,"wires":["godot-3"]}'
  await a.membership.leave()
  const b = new Node(t, a.broker, 'b')
  b.host.agreement = '{"rooms":true,"wires":["godot-3"]}'
  await b.membership.start()
  const cases: Array<[string, Partial<MembershipOptions>, string, RegExp]> = [
    ['c', {}, '{"rooms":false,"wires":["godot-3"]}', /^cluster: rooms differs from node b: here false, there true$/],
    ['c', {}, '{"rooms":true}', /^cluster: wires differs from node b: here undefined, there \["godot-3"\]$/],
    ['c', { version: '2' }, b.host.agreement, /^cluster: version 2 differs from 1 of node b$/],
    ['b', {}, b.host.agreement, /^cluster: another node has the id b$/]
  ]
  for (const [name, options, agreement, message] of cases) {
    const node = new Node(t, a.broker, name, options)
    node.host.agreement = agreement
    await t.rejects(node.membership.start(), { code: 'ERR_INVALID_PARAMETER', message })
    t.equal(node.membership.self, undefined)
  }
  t.same(b.told, [])
})

/** A node handles messages this many milliseconds after they have arrived. */
function busy (bus: Bus, milliseconds: number): Bus {
  return override(bus, {
    subscribe: (subject: string, receive: (message: BusMessage) => void) => bus.subscribe(subject, message => {
      setTimeout(() => { receive(message) }, milliseconds)
    })
  })
}

/** Nobody answers a node. */
function unanswered (bus: Bus): Bus {
  return override(bus, { request: async (subject: string) => { throw new BusError('timeout', subject) } })
}

test('a node that answers late joins', async t => {
  const [a] = await start(t, 'a')
  const b = new Node(t, a.broker, 'b', {}, bus => busy(bus, 2 * timings.ping))
  await b.membership.start()
  await a.toldOf('joined b')
  t.same(a.others, ['b'])
})

test('a node that sends heartbeats is heard while it cannot join, until it stops', async t => {
  const [a] = await start(t, 'a')
  a.host.admission = async () => { throw new Error('no snapshot') }
  const b = new Node(t, a.broker, 'b', {}, bus => busy(bus, 4 * timings.hello))
  await b.membership.start()
  const lease = b.membership.self!
  await until(() => a.membership.isHeard(lease))
  await pass(4 * timings.silence)
  t.same([a.told, a.membership.isHeard(lease)], [[], true])
  b.cut()
  await until(() => !a.membership.isHeard(lease))

  const c = new Node(t, a.broker, 'c')
  await c.membership.start()
  await a.toldOf('joined c', 2)
  await until(() => a.membership.isHeard(c.membership.self!), () => 'a failed admission')
  t.notOk(a.membership.isHeard({ ...c.membership.self!, epoch: 0 }), 'an earlier lease')
  const left = c.membership.self!
  await c.membership.leave()
  await until(() => !a.membership.isHeard(left))
})

const otherHasId = { code: 'ERR_INVALID_PARAMETER', message: 'cluster: another node has the id a' }

test('of two nodes with one id that start at the same time one does not start', async t => {
  for (let turns = 0; turns < 16; turns++) {
    const [c] = await start(t, 'c')
    const nodes = [new Node(t, c.broker, 'a'), new Node(t, c.broker, 'a')]
    const starts = [nodes[0].membership.start()]
    for (let turn = 0; turn < turns; turn++) await nextTurn()
    starts.push(nodes[1].membership.start())
    const results = await Promise.allSettled(starts)
    const refused = results.flatMap(result => result.status === 'rejected' ? [result.reason] : [])
    t.match(refused, [otherHasId], `${turns} turns`)
    t.same(nodes.filter(({ membership }) => membership.isReady).length, refused.length, `${turns} turns`)
    await until(() => c.others.length === 1)
    await pass(4 * timings.heartbeat)
    t.match(c.told.at(-1), 'joined a', `${turns} turns`)
  }
})

test('of two nodes with other settings that start at the same time one does not start', async t => {
  for (let turns = 0; turns < 16; turns++) {
    const broker = new MemoryBroker()
    const nodes = [new Node(t, broker, 'a'), new Node(t, broker, 'b')]
    nodes[1].host.agreement = '{"rooms":true}'
    const starts = [nodes[0].membership.start()]
    for (let turn = 0; turn < turns; turn++) await nextTurn()
    starts.push(nodes[1].membership.start())
    const results = await Promise.allSettled(starts)
    const refused = results.flatMap(result => result.status === 'rejected' ? [result.reason] : [])
    t.match(refused, [{ code: 'ERR_INVALID_PARAMETER', message: /^cluster: rooms differs from node [ab]: here / }])
    t.same(nodes.filter(({ membership }) => membership.isReady).length, 1, `${turns} turns`)
  }
})

/** What a node answers to one that joins and has this id and slot. */
async function ask (by: Node, node: Node, nodeId: string, slot: number): Promise<string> {
  const question = Buffer.from(JSON.stringify({ nodeId, slot, version: '1', agreement: '{}' }))
  const answer = await by.bus.request(new Subjects('test').ping(node.slot), question, 10_000)
  return Buffer.from(answer).toString()
}

function epochOf (node: Node): string {
  return String(node.membership.self?.epoch)
}

test('a node that joins leaves its id to another one in a lower slot, until it is ready', async t => {
  const [c] = await start(t, 'c')
  const a = new Node(t, c.broker, 'a')
  let admit = (): void => {}
  a.host.admission = () => new Promise(resolve => { admit = resolve })
  const started = a.membership.start()
  await a.toldOf('joined c')
  t.equal(await ask(c, a, 'b', 0), epochOf(a))
  t.equal(await ask(c, a, 'a', 1024), epochOf(a))
  t.equal(await ask(c, a, 'a', 0), '')
  t.equal(await ask(c, a, 'a', 1024), '', 'it gives up in any case')
  admit()
  await t.rejects(started, otherHasId)
  t.equal(a.host.isReady, false)

  const again = new Node(t, c.broker, 'a')
  await again.membership.start()
  t.equal(await ask(c, again, 'a', 0), epochOf(again))
})

test('a node with other settings that got no answer when it came is ignored', async t => {
  const [a] = await start(t, 'a')
  const b = new Node(t, a.broker, 'b', {}, unanswered)
  b.host.agreement = '{"rooms":true}'
  await b.membership.start()
  await pass(4 * timings.heartbeat)
  t.same([a.told, b.told], [[], []])
})

/** What fails with every heartbeat: how it begins, and at which of two nodes. */
const repeated: Record<string, (a: Node, b: Node) => Promise<Node>> = {
  'joining the cluster again failed': async (a, b) => {
    await b.membership.start()
    b.cut()
    await b.toldOf('fenced')
    return b
  },
  'adding a node failed': async (a, b) => {
    a.host.admission = async () => { throw new Error('no snapshot') }
    await b.membership.start()
    return a
  },
  'node ignored: its settings differ': async (a, b) => {
    b.host.agreement = '{"rooms":true}'
    await b.membership.start()
    return a
  }
}

for (const [message, begin] of Object.entries(repeated)) {
  test(`logs once what repeats, and in the end how often it did: ${message}`, async t => {
    const broker = new MemoryBroker()
    const isAnswered = !message.includes('ignored')
    const [a, b] = [new Node(t, broker, 'a'), new Node(t, broker, 'b', {}, isAnswered ? undefined : unanswered)]
    await a.membership.start()
    const node = await begin(a, b)
    const about = () => node.logged.filter(([text]) => text.startsWith(message))
    await until(() => about().length > 0)
    await pass(20 * timings.heartbeat)
    t.same(about(), [[message]])
    await node.membership.leave()
    const [, [text, hits = 0]] = about()
    t.equal(text, `${message} repeatedly`)
    t.ok(hits >= 3, `${hits} times`)
  })
}

test('a node that has joined again reports how often that failed', async t => {
  const [, b] = await start(t, 'ab')
  b.cut()
  await b.toldOf('fenced')
  await pass(20 * timings.heartbeat)
  b.restore()
  await until(() => b.membership.isReady)
  t.match(b.logged.at(-1), ['joining the cluster again failed repeatedly', Number])
})

test('announces that it is about to leave', async t => {
  const [a, b] = await start(t, 'ab')
  b.membership.setDraining()
  await until(() => a.host.drained.includes('b'))
  t.match(a.membership.nodes(), [{ id: 'b', isDraining: true }])
  t.match(b.membership.self, { isDraining: true })
})

test('clusters of different namespaces do not see each other', async t => {
  const [a] = await start(t, 'a')
  const b = new Node(t, a.broker, 'b', { namespace: 'other' })
  await b.membership.start()
  await pass(4 * timings.heartbeat)
  t.same([a.told, b.told], [[], []])
})

test('ignores heartbeats that are malformed, late, or of another epoch than the lease', async t => {
  const [a, b] = await start(t, 'ab')
  const intruder = a.broker.connect()
  const node = { id: 'x', slot: b.slot, epoch: 1, isDraining: false, startedAt: 0 }
  const late = { node: { ...node, slot: b.slot === 1023 ? 1022 : 1023 }, isLeaving: false, bytes: new Uint8Array(0) }
  intruder.publish('gdws.test.hb', new Uint8Array([1, 2, 3]))
  intruder.publish('gdws.test.hb', encodeHeartbeat(late))
  for (const isLeaving of [false, true]) {
    intruder.publish('gdws.test.hb', encodeHeartbeat({ node, isLeaving, bytes: new Uint8Array(0) }))
  }
  await intruder.flush()
  await pass(4 * timings.heartbeat)
  t.same(a.told, ['joined b'])
  t.equal(a.membership.epochOf(b.slot), b.membership.self?.epoch)
})

test('a late heartbeat of a lost node does not bring it back', async t => {
  const [a, b] = await start(t, 'ab')
  const node = b.membership.self!
  b.cut()
  await a.toldOf('left b lost')
  const network = a.broker.connect()
  network.publish('gdws.test.hb', encodeHeartbeat({ node, isLeaving: false, bytes: new Uint8Array(0) }))
  await network.flush()
  await pass(2 * timings.ping)
  const leases = await readLeases(await a.bus.openStore('gdws-test-nodes'))
  t.equal(leases.get(node.slot)?.epoch, node.epoch, 'its lease has not expired')
  t.same(a.told, ['joined b', 'left b lost'])
})

test('does not start without a broker', async t => {
  const node = new Node(t, new MemoryBroker(), 'a')
  node.cut()
  await t.rejects(node.membership.start(), { code: 'cluster-unavailable', message: /^cluster: disconnected/ })
  t.equal(node.membership.self, undefined)
})

test('does not start when the broker is lost while it joins', async t => {
  const [a] = await start(t, 'a')
  const b = new Node(t, a.broker, 'b')
  b.host.admission = async () => {
    b.cut()
    await until(() => !b.membership.holdsSlot())
  }
  await t.rejects(b.membership.start(), { code: 'cluster-unavailable' })
  t.same(b.told, ['joined a', 'fenced', 'left a lost'])
})

test('a node that fails to get ready has lost its slot', async t => {
  const [a] = await start(t, 'a')
  const b = new Node(t, a.broker, 'b')
  b.host.prepare = async () => { throw new Error('no rooms') }
  await t.rejects(b.membership.start(), { message: 'no rooms' })
  t.same(b.told, ['joined a', 'fenced', 'left a lost'])
  t.equal(b.membership.self, undefined)
})

test('a node that leaves while it joins again stays out', async t => {
  const [a, b] = await start(t, 'ab')
  b.cut()
  await b.toldOf('fenced')
  b.host.admission = async () => { await b.membership.leave() }
  b.restore()
  await b.toldOf('joined a', 2)
  await a.toldOf('left b lost')
  await until(() => a.others.length === 0)
  await pass(4 * timings.heartbeat)
  t.same([b.membership.self, b.membership.isReady, a.others], [undefined, false, []])
})
