import t, { type Test } from 'tap'
import { BusError, type Bus, type KeyStore } from '../../../src/cluster/bus/bus.ts'
import { encodeLease, leaseKey, readLeases, type LeaseValue } from '../../../src/cluster/membership/lease-value.ts'
import { SlotLease } from '../../../src/cluster/membership/slot-lease.ts'
import { defaultTimings, type Timings } from '../../../src/cluster/membership/timings.ts'
import { simulateTime } from '../../helper/clock.ts'
import { MemoryBroker } from '../../helper/memory/memory-bus.ts'
import { override } from '../../helper/override.ts'
import { until } from '../../helper/until.ts'

const timings: Timings = { ...defaultTimings, heartbeat: 40, lease: 200, quarantine: 400 }
const owner = { nodeId: 'a', instance: 1, version: '1', agreement: '{}' }

interface Claimed {
  readonly broker: MemoryBroker
  readonly bus: Bus
  readonly store: KeyStore
  readonly lease: SlotLease
  readonly lost: number[]
}

async function claim (t: Test, broker = new MemoryBroker(), taken: number[] = []): Promise<Claimed> {
  const bus = broker.connect()
  const store = await bus.openStore('nodes', (timings.lease + timings.quarantine) / 1000)
  const lost: number[] = []
  const lease = await SlotLease.claim(store, taken, owner, timings, () => { lost.push(performance.now()) })
  t.teardown(() => lease.leave())
  return { broker, bus, store, lease, lost }
}

/** The broker is back, but was away for so long that the lease has ended. */
async function claimAndLose (t: Test): Promise<Claimed> {
  const claimed = await claim(t)
  const { broker, bus, lease } = claimed
  broker.cut(bus)
  await until(() => !lease.holdsSlot())
  broker.restore(bus)
  return claimed
}

/** The node claims a slot again; it had `slot` before. */
async function claimAgain (t: Test, store: KeyStore, { slot }: SlotLease): Promise<SlotLease> {
  const lease = await SlotLease.claim(store, [slot], owner, timings, () => {}, slot)
  t.teardown(() => lease.leave())
  return lease
}

/** All slots but these. */
function allBut (...free: number[]): number[] {
  return Array.from({ length: 1023 }, (_, i) => i + 1).filter(slot => !free.includes(slot))
}

async function revisionOf ({ store, lease }: Claimed): Promise<number> {
  return (await store.get(leaseKey(lease.slot)))?.revision ?? 0
}

/** Resolves when the broker has acknowledged renewals from now on. */
async function renewed (claimed: Claimed): Promise<void> {
  const before = await revisionOf(claimed)
  await until(async () => await revisionOf(claimed) > before + 1)
}

/** A test in simulated time. */
function test (name: string, run: (t: Test) => Promise<void>): void {
  t.test(name, async t => {
    simulateTime(t)
    await run(t)
  })
}

/** Keeps this process from doing anything, as SIGSTOP does. */
function stopFor (milliseconds: number): void {
  const started = performance.now()
  while (performance.now() - started < milliseconds);
}

test('claims a slot from 1 to 1,023 and keeps it', async t => {
  const claimed = await claim(t)
  const { lease, store } = claimed
  t.ok(lease.slot >= 1 && lease.slot <= 1023)
  const started = performance.now()
  await until(() => performance.now() - started > 2 * timings.lease)
  t.ok(lease.holdsSlot())
  await renewed(claimed)
  t.match(await readLeases(store), new Map([[lease.slot, { ...owner, epoch: lease.epoch, hasLeft: false }]]))
})

test('takes the only free slot while others compete for it', async t => {
  const broker = new MemoryBroker()
  const claims = await Promise.allSettled([1, 2, 3].map(() => claim(t, broker, allBut(7, 9))))
  const slots = claims.flatMap(claim => claim.status === 'fulfilled' ? [claim.value.lease.slot] : [])
  t.same(slots.sort(), [7, 9])
  t.match(claims.find(claim => claim.status === 'rejected'), {
    reason: { code: 'cluster-unavailable', message: /all 1023 slots are taken/ }
  })
})

test('is lost when the broker does not acknowledge renewals, once', async t => {
  const { broker, bus, lease, lost } = await claim(t)
  const cut = performance.now()
  broker.cut(bus)
  await until(() => lost.length > 0)
  const elapsed = lost[0] - cut
  t.ok(elapsed > timings.lease - timings.heartbeat - 20, `${elapsed} ms`)
  t.notOk(lease.holdsSlot())
  broker.restore(bus)
  lease.renew()
  await bus.flush()
  t.notOk(lease.holdsSlot())
  t.equal(lost.length, 1)
})

test('outlives an interruption that is shorter', async t => {
  const claimed = await claim(t)
  const { broker, bus, lease, lost } = claimed
  broker.cut(bus)
  const started = performance.now()
  await until(() => performance.now() - started > timings.lease / 4)
  broker.restore(bus)
  lease.renew()
  await renewed(claimed)
  t.same(lost, [])
})

t.test('a process that was stopped loses it before it does anything else', async t => {
  const { lease, lost } = await claim(t)
  stopFor(timings.lease)
  t.notOk(lease.holdsSlot())
  t.equal(lost.length, 1)
})

test('a freed slot is given to nobody until the quarantine is over', async t => {
  for (const hasLeft of [true, false]) {
    const broker = new MemoryBroker()
    const { bus, lease } = await claim(t, broker, allBut(5))
    const started = performance.now()
    if (hasLeft) await lease.leave()
    else broker.cut(bus)
    await until(() => !lease.holdsSlot())
    const store = await broker.connect().openStore('nodes')
    t.equal((await readLeases(store)).get(5)?.hasLeft, hasLeft)
    await until(async () => await claim(t, broker, allBut(5)).then(() => true, () => false))
    const elapsed = performance.now() - started
    t.ok(elapsed > timings.quarantine + timings.lease - timings.heartbeat - 20, `${elapsed} ms`)
  }
})

test('is lost at once when another node has the slot', async t => {
  const { store, lease, lost } = await claim(t)
  const other: LeaseValue = { ...owner, nodeId: 'b', epoch: lease.epoch + 1, startedAt: 0, hasLeft: false }
  const started = performance.now()
  await store.put(leaseKey(lease.slot), encodeLease(other))
  await until(() => lost.length > 0)
  const elapsed = lost[0] - started
  t.ok(elapsed < timings.lease / 2, `${elapsed} ms`)
})

test('is kept when the response to a renewal was lost', async t => {
  const claimed = await claim(t)
  const { store, lease, lost } = claimed
  await store.put(leaseKey(lease.slot), encodeLease(lease.value))
  await renewed(claimed)
  await renewed(claimed)
  t.same(lost, [])
})

test('is kept when the broker forgets it; nobody gets a slot until it is certain that none is in use', async t => {
  const broker = new MemoryBroker()
  const claimed = await claim(t, broker, allBut(5))
  broker.forget()
  const started = performance.now()
  const second = claim(t, broker, allBut(6))
  await renewed(claimed)
  t.same(claimed.lost, [])
  t.ok((await second).lease.holdsSlot())
  const elapsed = performance.now() - started
  t.ok(elapsed > timings.lease - timings.heartbeat, `${elapsed} ms`)
})

test('a slot that the broker forgot is claimed again only when its old owner has lost it', async t => {
  const broker = new MemoryBroker()
  const first = await claim(t, broker, allBut(5))
  await renewed(first)
  broker.cut(first.bus)
  broker.forget()
  const second = claim(t, broker, allBut(5))
  broker.restore(first.bus)
  t.ok(first.lease.holdsSlot())
  t.ok((await second).lease.holdsSlot())
  t.notOk(first.lease.holdsSlot())
})

test('a claim fails when the old owner renews its lease, as revisions start over', async t => {
  const broker = new MemoryBroker()
  const first = await claim(t, broker, allBut(5))
  t.equal(await revisionOf(first), 1)
  broker.forget()
  await t.rejects(claim(t, broker, allBut(5)))
  t.ok(first.lease.holdsSlot())
})

test('a claim fails when the broker is lost before it is complete', async t => {
  const broker = new MemoryBroker()
  broker.forget()
  const bus = broker.connect()
  const store = await bus.openStore('nodes', 1)
  const lost: string[] = []
  const claim = SlotLease.claim(store, [], owner, timings, () => { lost.push('lost') })
  const claiming = t.rejects(claim, { name: 'BusError' })
  await until(async () => (await readLeases(store)).size > 0)
  broker.cut(bus)
  await claiming
  t.same(lost, [])
})

test('a node gets its previous slot again, although the response to its first claim was lost', async t => {
  const { store, lease } = await claimAndLose(t)
  const answers = override(store, {
    update: async (key: string, value: Uint8Array, revision: number) => {
      await store.update(key, value, revision)
      throw new BusError('timeout', key)
    }
  })
  await t.rejects(claimAgain(t, answers, lease), { name: 'BusError' })
  const second = await claimAgain(t, store, lease)
  t.equal(second.slot, lease.slot)
})

test('a node gets its previous slot again, although a renewal of its last lease is late', async t => {
  const { store, lease } = await claimAndLose(t)
  let renewals = 2
  const late = override(store, {
    update: async (key: string, value: Uint8Array, revision: number) => {
      if (renewals-- > 0) await store.put(key, encodeLease(lease.value))
      return await store.update(key, value, revision)
    }
  })
  const second = await claimAgain(t, late, lease)
  t.equal(second.slot, lease.slot)
})

test('a node does not get its previous slot again if another node has it, even one with its id', async t => {
  const { store, lease } = await claimAndLose(t)
  await store.put(leaseKey(lease.slot), encodeLease({ ...lease.value, instance: 2 }))
  const second = await claimAgain(t, store, lease)
  t.not(second.slot, lease.slot)
})
