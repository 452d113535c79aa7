import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import t, { type Test } from 'tap'
import { shortRun } from '../../../scripts/test/short-run.mjs'
import type { KeyStore } from '../../../src/cluster/bus/bus.ts'
import { connectNats } from '../../../src/cluster/bus/nats-bus.ts'
import { leaseKey } from '../../../src/cluster/membership/lease-value.ts'
import { defaultTimings, type Timings } from '../../../src/cluster/membership/timings.ts'
import { startNats, type NatsServer } from '../../helper/programs/nats.ts'
import { silentLogger } from '../../helper/silent-logger.ts'
import { until } from '../../helper/until.ts'

/** Nodes outlive stalls of some seconds. */
const calmTimings: Timings = { ...defaultTimings, lease: 6000, ping: 4000, hello: 10_000 }
const shortTimings: Timings = {
  ...defaultTimings, heartbeat: 200, lease: 1500, quarantine: 5000, silence: 1000, ping: 300, hello: 1000
}

interface Told {
  readonly event: string
  readonly slot: number | undefined
  readonly epoch: number | undefined
}

/** A node of a cluster in a process of its own. */
class Member {
  readonly id: string
  readonly told: Told[] = []
  readonly #process: ChildProcess

  constructor (t: Test, url: string, id: string, timings: Timings) {
    this.id = id
    const script = join(import.meta.dirname, 'member.js')
    const args = ['--enable-source-maps', script, url, id, JSON.stringify(timings)]
    this.#process = spawn(process.execPath, [...shortRun, ...args], { stdio: ['ignore', 'pipe', 'inherit'] })
    createInterface(this.#process.stdout!).on('line', line => { this.told.push(JSON.parse(line) as Told) })
    t.teardown(async () => {
      if (this.#process.exitCode !== null || this.#process.signalCode !== null) return
      this.#process.kill('SIGCONT')
      this.#process.kill('SIGKILL')
      await once(this.#process, 'exit')
    })
  }

  get events (): string[] {
    return this.told.map(({ event }) => event)
  }

  /** Number of calls. */
  times (event: string): number {
    return this.events.filter(told => told === event).length
  }

  /** SIGUSR2 stops it like SIGSTOP, but only after everything that it has published has reached the broker. */
  signal (signal: NodeJS.Signals): void {
    this.#process.kill(signal)
  }

  /** Resolves once this was reported to it. */
  async toldOf (event: string, times = 1): Promise<void> {
    await until(() => this.times(event) >= times, () => `${event} of ${this.id}, got ${this.events.join()}`)
  }

  /** Its slot and epoch when this was reported to it. */
  leaseWhen (event: string, times = 1): { slot: number, epoch: number } {
    const { slot = 0, epoch = 0 } = this.told.filter(told => told.event === event)[times - 1]
    return { slot, epoch }
  }
}

async function start (t: Test, server: NatsServer, names: string, timings: Timings): Promise<Member[]> {
  const members: Member[] = []
  for (const name of names) {
    members.push(new Member(t, server.url, name, timings))
    // On a new broker the first one waits until it is certain that no slot is in use.
    if (members.length === 1) await members[0].toldOf('ready')
  }
  await Promise.all(members.map(async member => {
    await Promise.all(members.filter(other => other !== member).map(({ id }) => member.toldOf(`joined ${id}`)))
    await member.toldOf('ready')
  }))
  return members
}

/** Writes down who speaks for which slot, in order. */
async function watchOwners (t: Test, server: NatsServer): Promise<string[]> {
  const bus = await connectNats({ servers: server.url }, silentLogger)
  t.teardown(() => bus.close())
  const owners: string[] = []
  bus.subscribe('test.owner', ({ bytes }) => {
    const owner = new TextDecoder().decode(bytes)
    if (owners.at(-1) !== owner) owners.push(owner)
  })
  await bus.flush()
  return owners
}

/** Those that speak for a slot, one after the other. */
function ownersOf (owners: readonly string[], slot: number): string[] {
  const ids = owners.filter(owner => owner.startsWith(`${slot} `)).map(owner => owner.split(' ')[1])
  return ids.filter((id, index) => id !== ids[index - 1])
}

t.test('a killed node is lost to all others, once; one that leaves has left', async t => {
  const server = await startNats(t)
  const [a, b, c, d] = await start(t, server, 'abcd', calmTimings)
  d.signal('SIGKILL')
  await Promise.all([a, b, c].map(member => member.toldOf('left d lost')))
  c.signal('SIGTERM')
  await Promise.all([a, b].map(member => member.toldOf('left c left')))

  const again = new Member(t, server.url, 'd', calmTimings)
  await Promise.all([again.toldOf('ready'), a.toldOf('joined d', 2), b.toldOf('joined d', 2)])
  const expected = ['joined c', 'joined d', 'joined d', 'left c left', 'left d lost', 'ready']
  t.same([...a.events].sort(), ['joined b', ...expected])
  t.same([...b.events].sort(), ['joined a', ...expected])
})

t.test('a node stopped for longer than its lease is fenced before it speaks, and joins with a new lease', async t => {
  const server = await startNats(t)
  const [a, b] = await start(t, server, 'ab', calmTimings)
  const owners = await watchOwners(t, server)
  const { slot, epoch } = b.leaseWhen('ready')
  await until(() => owners.includes(`${slot} b ${epoch}`))
  const stopped = Date.now()
  b.signal('SIGUSR2')
  await a.toldOf('left b lost')
  await until(() => Date.now() - stopped > calmTimings.lease + calmTimings.heartbeat)
  owners.length = 0
  b.signal('SIGCONT')
  await b.toldOf('ready', 2)
  const lease = b.leaseWhen('ready', 2)
  await until(() => owners.includes(`${lease.slot} b ${lease.epoch}`))
  t.not(lease.epoch, epoch)
  t.notOk(owners.includes(`${slot} b ${epoch}`), 'it says nothing by its old lease')
  t.same(b.events, ['joined a', 'ready', 'fenced', 'left a lost', 'joined a', 'ready'])
  await a.toldOf('joined b', 2)
  t.same(a.events, ['ready', 'joined b', 'left b lost', 'joined b'])
})

t.test('a slot has one owner at a time, although its old one was only stopped', async t => {
  const timings = { ...shortTimings, lease: 5000, quarantine: 7000 }
  const server = await startNats(t)
  const { slot } = await occupyAllBut(t, server, timings)
  const owners = await watchOwners(t, server)
  const first = new Member(t, server.url, 'first', timings)
  await first.toldOf('ready')
  await until(() => ownersOf(owners, slot).length > 0)
  first.signal('SIGUSR2')
  const second = new Member(t, server.url, 'second', timings)
  await second.toldOf('ready')
  await until(() => ownersOf(owners, slot).length > 1)
  first.signal('SIGCONT')
  await first.toldOf('fenced')
  t.same(ownersOf(owners, slot), ['first', 'second'])
})

/** Slots that are occupied, and how many of them at once. */
const [OCCUPIED, BATCH] = [1022, 64]

/** Keeps one slot free; the others are as in quarantine. */
async function occupyAllBut (t: Test, server: NatsServer, timings: Timings): Promise<{ slot: number }> {
  const bus = await connectNats({ servers: server.url }, silentLogger)
  const store = await bus.openStore('gdws-test-nodes', (timings.lease + timings.quarantine) / 1000)
  const left = Buffer.from(JSON.stringify({ nodeId: 'x', epoch: 1, hasLeft: true }))
  const put = async (slot: number): Promise<void> => {
    await until(async () => await store.put(leaseKey(slot), left).then(() => true, () => false))
  }
  const occupy = async (): Promise<void> => {
    // The broker has others to answer meanwhile.
    for (let slot = 1; slot <= OCCUPIED; slot += BATCH) {
      await Promise.all(Array.from({ length: Math.min(BATCH, OCCUPIED - slot + 1) }, (_, i) => put(slot + i)))
    }
  }
  let occupied = occupy()
  const again = setInterval(() => { occupied = occupied.then(occupy) }, (timings.lease + timings.quarantine) / 3)
  t.teardown(async () => {
    clearInterval(again)
    await occupied
    await bus.close()
  })
  await occupied
  return { slot: OCCUPIED + 1 }
}

/** The revisions of the leases of all members; 0 without a lease. */
async function revisionsOf (store: KeyStore, members: readonly Member[]): Promise<number[]> {
  return await Promise.all(members.map(async member => {
    const entry = await store.get(leaseKey(member.leaseWhen('ready').slot))
    return entry?.revision ?? 0
  }))
}

/** Resolves once all members have renewed their leases this many times. */
async function renewed (t: Test, server: NatsServer, members: readonly Member[], timings: Timings, times: number) {
  const bus = await connectNats({ servers: server.url }, silentLogger)
  t.teardown(() => bus.close())
  const store = await bus.openStore('gdws-test-nodes', (timings.lease + timings.quarantine) / 1000)
  for (let time = 0; time < times; time++) {
    const before = await revisionsOf(store, members)
    await until(async () => (await revisionsOf(store, members)).every((revision, at) => revision > before[at]))
  }
}

t.test('no node is fenced when a broker is killed and restarted within the lease', async t => {
  const timings = { ...shortTimings, lease: 10_000, silence: 60_000 }
  const server = await startNats(t)
  const members = await start(t, server, 'abc', timings)
  for (const forgets of [false, true]) {
    await server.kill()
    if (forgets) await server.forget()
    await server.start()
    const owners = await watchOwners(t, server)
    await until(() => members.every(({ id }) => owners.some(owner => owner.includes(` ${id} `))))
    await renewed(t, server, members, timings, 2)
    for (const { events } of members) t.equal(events.length, 3, events.join())
  }
})

t.test('a broker that is away for longer fences all; they join again with new leases', async t => {
  const server = await startNats(t)
  const members = await start(t, server, 'abc', { ...shortTimings, lease: 5000 })
  await server.kill()
  await Promise.all(members.map(member => member.toldOf('fenced')))
  await server.start()
  // On a busy machine a node may be lost more than once.
  await until(() => members.every(member => {
    const others = members.filter(other => other !== member)
    return member.times('ready') >= 2 && member.times('ready') === member.times('fenced') + 1 &&
      others.every(({ id }) => member.times(`joined ${id}`) === member.times(`left ${id} lost`) + 1)
  }), () => members.map(({ events }) => events.join()).join('; '))
  const leases = members.map(member => [member.leaseWhen('ready'), member.leaseWhen('ready', member.times('ready'))])
  t.ok(leases.every(([before, after]) => before.epoch !== after.epoch))
  t.equal(new Set(leases.map(([, { slot }]) => slot)).size, 3)
})
