import t, { type Test } from 'tap'
import { feedOf } from '../../src/admin/event-feed.ts'
import type { Bus } from '../../src/cluster/bus/bus.ts'
import { joinRoom, openMemoryCluster, settled } from '../helper/memory/memory-cluster.ts'

// The formulas of docs/scale.md, with its letters.
const ROOM_HEAD = 30
const NOTE = 13
const NODE_HEAD = 10
const PACKET_HEAD = 14
const RELAY_HEAD = 9
const frame = (payload: number): number => payload + RELAY_HEAD + (payload + RELAY_HEAD < 126 ? 2 : 4)

interface Message { readonly subject: string, readonly size: number }

/** Follows what the nodes say on these subjects. */
function follow (bus: Bus, ...subjects: string[]): () => Message[] {
  const messages: Message[] = []
  for (const pattern of subjects) {
    bus.subscribe(pattern, ({ subject, bytes }) => { messages.push({ subject, size: bytes.length }) })
  }
  return () => messages.splice(0)
}

async function openRoom (t: Test) {
  const { broker, nodes } = await openMemoryCluster(t, 3)
  const packets = follow(broker.connect(), 'gdws.default.room.*', 'gdws.default.n.*.pkt')
  const events = follow(broker.connect(), 'gdws.default.ev.*')
  const clients = []
  for (const node of nodes) clients.push(await joinRoom(node, 'arena'))
  await settled()
  return { nodes, clients, packets, events }
}

t.test('a packet to all is one message, whatever the number of members and nodes', async t => {
  const { nodes, clients: [one, two], packets } = await openRoom(t)
  for (let more = 0; more < 10; more++) await joinRoom(nodes[1], 'arena')
  packets()
  for (const size of [64, 1000]) {
    // At the home of the room, and elsewhere, from where it is also for the server.
    one.sendTo(0, 'x'.repeat(size))
    await settled()
    t.same(packets(), [{ subject: 'gdws.default.room.arena', size: ROOM_HEAD + frame(size) }])
    two.sendTo(0, 'x'.repeat(size))
    await settled()
    t.same(packets(), [{ subject: 'gdws.default.room.arena', size: ROOM_HEAD + NOTE + frame(size) }])
  }
})

t.test('packets of one turn share a message', async t => {
  const { clients: [one], packets } = await openRoom(t)
  packets()
  for (let packet = 0; packet < 10; packet++) one.sendTo(0, 'x'.repeat(64))
  await settled()
  t.same(packets(), [{ subject: 'gdws.default.room.arena', size: ROOM_HEAD + 10 * frame(64) }])
})

t.test('packets for single members are a message to their node', async t => {
  const { nodes, clients: [one, two], packets } = await openRoom(t)
  packets()
  for (let packet = 0; packet < 10; packet++) one.sendTo(two.id, 'x'.repeat(64))
  await settled()
  t.same(packets(), [{
    subject: `gdws.default.n.${nodes[1].cluster.slot}.pkt`,
    size: NODE_HEAD + 10 * (PACKET_HEAD + 'arena'.length + RELAY_HEAD + 64)
  }])
})

t.test('a room whose members are all on one node sends nothing', async t => {
  const { nodes, packets } = await openRoom(t)
  packets()
  const [one, two] = [await joinRoom(nodes[2], 'ice'), await joinRoom(nodes[2], 'ice')]
  one.sendTo(0, 'to all')
  one.sendTo(two.id, 'to one')
  two.sendTo(1, 'to the server')
  await settled()
  t.same(packets(), [])
})

t.test('a join and a leave are a message each, of about 150 bytes', async t => {
  const { nodes, events } = await openRoom(t)
  events()
  const one = await joinRoom(nodes[0], 'arena')
  one.leave()
  await settled()
  const sizes = events().map(({ size }) => size)
  t.equal(sizes.length, 2)
  for (const size of sizes) t.ok(size > 100 && size < 200, `${size} bytes`)
})

t.test('events for operators add about 200 bytes for a join, and 500 for a leave with its close request', async t => {
  const { broker, nodes } = await openMemoryCluster(t, 3)
  const messages = follow(broker.connect(), 'gdws.default.feed.*')
  const feed = feedOf(nodes[0], { maxEvents: 10, maxBytes: 10_000 })
  t.teardown(() => { feed.close() })
  const size = (): number => messages().reduce((sum, { size }) => sum + size, 0)
  const one = await joinRoom(nodes[0], 'main')
  await settled()
  t.equal(Math.round(size() / 100), 2)
  one.leave()
  await settled()
  t.equal(Math.round(size() / 100), 5)
})
