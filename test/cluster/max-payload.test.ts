import t, { type Test } from 'tap'
import type { Bus } from '../../src/cluster/bus/bus.ts'
import { checkSize } from '../../src/cluster/bus/checks.ts'
import { internalsOf } from '../../src/core/server/internals.ts'
import {
  joinRoom, openMemoryCluster, patientTimings, settled, type MemoryCluster
} from '../helper/memory/memory-cluster.ts'
import { override } from '../helper/override.ts'
import { RoomClient } from '../helper/memory/room-client.ts'
import { until } from '../helper/until.ts'

// With the smallest `max_payload` that a node accepts, what exceeds one message is divided.

const maxPayload = 66_560

/** A cluster; `sizes` are the bytes of the largest messages by the last word of their subject. */
async function openSmall (t: Test, count: number): Promise<MemoryCluster & { sizes: Map<string, number> }> {
  const sizes = new Map<string, number>()
  const small = (bus: Bus): Bus => override(bus, {
    maxPayload,
    publish: (subject: string, bytes: Uint8Array) => {
      checkSize(bytes, maxPayload)
      const kind = subject.split('.').at(-1)!
      sizes.set(kind, Math.max(sizes.get(kind) ?? 0, bytes.length))
      bus.publish(subject, bytes)
    }
  })
  return { ...await openMemoryCluster(t, count, { maxPeersPerAddress: 0 }, patientTimings, small), sizes }
}

t.test('packets of one turn to a peer of another node are divided over several messages', async t => {
  const { nodes: [a, b] } = await openSmall(t, 2)
  const one = await joinRoom(a, 'arena')
  const two = await joinRoom(b, 'arena')
  await two.heard()
  const texts = ['x', 'y', 'z'].map(letter => letter.repeat(40_000))
  for (const text of texts) one.sendTo(two.id, text)
  await settled()
  t.same(await two.heard(), texts.map(text => `${one.id}: ${text}`))
})

t.test('packets of one turn to all members but one are divided over several messages', async t => {
  const { nodes: [a, b], sizes } = await openSmall(t, 2)
  await joinRoom(a, 'arena')
  const two = await joinRoom(b, 'arena')
  const three = await joinRoom(b, 'arena')
  await two.heard()
  await three.heard()
  const room = a.room('arena')
  const texts = Array.from({ length: 4000 }, (_, index) => `1: ${index}`)
  for (const index of texts.keys()) room.broadcast(-two.id, Buffer.from(String(index)))
  await settled()
  t.same(await three.heard(), texts)
  t.same(await two.heard(), [])
  t.ok(sizes.get('arena')! > 60_000)
})

t.test('events of one turn are divided over several messages', async t => {
  const { nodes: [a, b], sizes } = await openSmall(t, 2)
  const [from, to] = [a, b].map(node => internalsOf(node).registry.cluster!)
  const received: unknown[] = []
  to.eventReceivers.add({ received: (_node, { at }) => { received.push(at) }, nodeLost: () => {}, nodeBack: () => {} })
  // Of three bytes each.
  const data = { text: '€'.repeat(1000) }
  for (let at = 1; at <= 30; at++) from.shareEvent({ type: 'test', at, data })
  await settled()
  t.same(received, Array.from({ length: 30 }, (_, index) => index + 1))
  t.ok(Math.max(...sizes.values()) > 30_000)
})

t.test('1000 peers and rooms are divided over several responses and heartbeats', async t => {
  const { nodes: [a, b, c], sizes } = await openSmall(t, 3)
  await c.stop()
  const names = Array.from({ length: 1000 }, (_, index) => `room-${index}-`.padEnd(64, 'x'))
  for (const name of names) a.openRoom(name, { emptyTimeout: 600 })
  await settled()
  const clients = names.map(name => new RoomClient(b, `/ws/${name}`))
  await until(() => [...a.cluster.peers()].length === clients.length)
  await c.listen()
  t.equal([...c.cluster.peers()].length, clients.length)

  for (const name of names) a.room(name).broadcast(0, Buffer.from('hello'))
  await until(() => sizes.get('hb')! > 50_000)
})

t.test('messages that exceed a smaller max_payload after a reconnect are dropped, and reported as lost', async t => {
  let limit = 1_048_576
  const wrap = (bus: Bus): Bus => override(bus, {
    get maxPayload () { return limit },
    publish: (subject: string, bytes: Uint8Array) => {
      checkSize(bytes, limit)
      bus.publish(subject, bytes)
    }
  })
  const { nodes: [a, b] } = await openMemoryCluster(t, 2, {}, patientTimings, wrap)
  const one = await joinRoom(a, 'arena')
  const two = await joinRoom(b, 'arena')
  await two.heard()
  const gaps: Array<[number, string]> = []
  b.cluster.on('gap', (_node, lost, room) => { gaps.push([lost, room]) })
  limit = 50_000
  one.sendTo(0, 'x'.repeat(60_000))
  await settled()
  one.sendTo(two.id, 'x'.repeat(60_000))
  await settled()
  for (const to of [0, two.id]) one.sendTo(to, 'after')
  // A heartbeat may report the losses before these packets arrive.
  const packets: string[] = []
  await until(async () => {
    packets.push(...(await two.heard()).filter(line => line.includes(':')))
    return gaps.length === 2 && packets.length === 2
  })
  t.same(gaps, [[1, 'arena'], [1, '']])
  t.same(packets, [`${one.id}: after`, `${one.id}: after`])
})
