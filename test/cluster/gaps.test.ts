import t from 'tap'
import type { Bus } from '../../src/cluster/bus/bus.ts'
import { BusError } from '../../src/cluster/bus/bus.ts'
import { internalsOf } from '../../src/core/server/internals.ts'
import type { WebSocketServer } from '../../src/core/server/websocket-server.ts'
import {
  joinRoom, openMemoryCluster, patientTimings, quickTimings, settled, type MemoryCluster
} from '../helper/memory/memory-cluster.ts'
import { silentLogger } from '../helper/silent-logger.ts'
import { override } from '../helper/override.ts'
import type { RoomClient } from '../helper/memory/room-client.ts'
import { until } from '../helper/until.ts'

/** What a node reports as lost from now on: by which node, how many messages, to which room. */
function gapsOf (node: WebSocketServer): Array<[node: string, lost: number, room: string]> {
  const gaps: Array<[string, number, string]> = []
  node.cluster.on('gap', ({ id }, lost, room) => { gaps.push([id, lost, room]) })
  return gaps
}

/** Cuts the first node off while a client of it sends a packet to all, and one to a client of another node. */
async function losePackets ({ broker, buses }: MemoryCluster, one: RoomClient, two: RoomClient): Promise<void> {
  broker.cut(buses[0])
  one.sendTo(0, 'lost')
  await settled()
  one.sendTo(two.id, 'lost, too')
  await settled()
  broker.restore(buses[0])
}

t.test('packets to all that are lost between nodes are reported, and the sender\'s node leaves and joins', async t => {
  const { broker, buses, nodes: [a, b] } = await openMemoryCluster(t, 2)
  const one = await joinRoom(a, 'arena')
  const two = await joinRoom(b, 'arena')
  one.sendTo(0, 'first')
  await settled()
  await two.heard()
  const gaps = gapsOf(b)
  broker.cut(buses[0])
  one.sendTo(0, 'lost 1')
  await settled()
  one.sendTo(0, 'lost 2')
  await settled()
  broker.restore(buses[0])
  one.sendTo(0, 'after')
  await settled()
  t.same(gaps, [['node-0', 2, 'arena']])
  t.same(await two.heard(), [`del ${one.id}`, `add ${one.id}`, `${one.id}: after`])
})

t.test('losses of many rooms are reported one by one, and logged once per burst', async t => {
  const warnings: unknown[] = []
  const warn = (details: object, message: string): void => { warnings.push([message, details]) }
  const { broker, buses, nodes: [a, b] } = await openMemoryCluster(t, 2, { log: { ...silentLogger, warn } })
  const senders = [await joinRoom(a, 'one'), await joinRoom(a, 'two'), await joinRoom(a, 'three')]
  for (const room of ['one', 'two', 'three']) await joinRoom(b, room)
  const gaps = gapsOf(b)
  for (const text of ['first', 'lost', 'after']) {
    if (text === 'lost') broker.cut(buses[0])
    for (const sender of senders) sender.sendTo(0, text)
    await settled()
    if (text === 'lost') broker.restore(buses[0])
  }
  t.same(gaps.sort(), ['one', 'three', 'two'].map(room => ['node-0', 1, room]))
  t.match(warnings, [['messages of a node were lost', { node: 'node-0', lost: 1, room: String }]])
  t.equal(warnings.length, 1)
})

for (const order of ['sender', 'receiver']) {
  t.test(`reports the loss of a node's first packets if the ${order} has joined first`, async t => {
    const cluster = await openMemoryCluster(t, 2)
    const [a, b] = cluster.nodes
    const early = order === 'receiver' ? await joinRoom(b, 'arena') : undefined
    const one = await joinRoom(a, 'arena')
    const two = early ?? await joinRoom(b, 'arena')
    const gaps = gapsOf(b)
    await losePackets(cluster, one, two)
    one.sendTo(0, 'after')
    one.sendTo(two.id, 'after that')
    await settled()
    t.same(gaps, [['node-0', 1, 'arena'], ['node-0', 1, '']])
  })
}

for (const hadMember of [false, true]) {
  const members = hadMember ? 'no longer has members' : 'never had members'
  t.test(`reports the loss of first packets from a node that ${members} in the room`, async t => {
    const { broker, buses, nodes: [a, b] } = await openMemoryCluster(t, 2)
    const room = await a.cluster.openRoom('arena')
    const one = hadMember ? await joinRoom(a, 'arena') : undefined
    const two = await joinRoom(b, 'arena')
    one?.leave()
    await settled()
    const gaps = gapsOf(b)
    room.setTargetPeer(0)
    broker.cut(buses[0])
    room.putPacket(Buffer.from('lost'))
    await settled()
    broker.restore(buses[0])
    room.putPacket(Buffer.from('after'))
    await settled()
    t.same(gaps, [['node-0', 1, 'arena']])
    t.equal((await two.heard()).at(-1), '1: after')
  })
}

for (const hadMember of [false, true]) {
  const members = hadMember ? 'no longer has members' : 'never had members'
  t.test(`reports the loss of a first packet to main from a node that ${members} there`, async t => {
    const { broker, buses, nodes: [a, b] } = await openMemoryCluster(t, 2)
    const one = await joinRoom(a, 'main')
    if (hadMember) {
      const two = await joinRoom(b, 'main')
      two.leave()
      await until(() => !a.hasPeer(two.id))
    }
    await one.heard()
    const gaps = gapsOf(a)
    broker.cut(buses[1])
    b.broadcast(0, Buffer.from('lost'))
    await settled()
    broker.restore(buses[1])
    b.broadcast(0, Buffer.from('after'))
    await settled()
    t.same(gaps, [['node-1', 1, 'main']])
    t.same(await one.heard(), ['1: after'])
  })
}

t.test('packets arrive from a node whose room ended and was opened again there while it was cut off', async t => {
  const { broker, buses, nodes: [a, b] } = await openMemoryCluster(t, 2)
  const one = await joinRoom(a, 'arena')
  const two = await joinRoom(b, 'arena')
  for (const text of ['one', 'two', 'three']) {
    two.sendTo(0, text)
    await settled()
  }
  await one.heard()
  const gaps = gapsOf(a)
  broker.cut(buses[1])
  two.leave()
  await until(() => internalsOf(b).registry.rooms.find('arena') === undefined)
  const three = await joinRoom(b, 'arena')
  broker.restore(buses[1])
  await until(() => a.hasPeer(three.id) && !a.hasPeer(two.id))
  t.same(await one.heard(), [`add ${three.id}`, `del ${two.id}`])
  for (const text of ['four', 'five', 'six', 'seven']) {
    three.sendTo(0, text)
    await settled()
  }
  t.same(await one.heard(), ['four', 'five', 'six', 'seven'].map(text => `${three.id}: ${text}`))
  t.same(gaps, [['node-1', 2, '']], 'only those about peers were lost')
})

t.test('a heartbeat reveals that the last packet of a node that has left the room was lost', async t => {
  let isSilent = false
  const wrap = (bus: Bus): Bus => override(bus, {
    publish: (subject, bytes) => { if (!isSilent || !subject.endsWith('.hb')) bus.publish(subject, bytes) }
  })
  const { broker, buses, nodes: [a, b] } = await openMemoryCluster(t, 2, {}, quickTimings, wrap)
  const one = await joinRoom(a, 'arena')
  const two = await joinRoom(b, 'arena')
  two.sendTo(0, 'first')
  await settled()
  const gaps = gapsOf(a)
  isSilent = true
  broker.cut(buses[1])
  two.sendTo(0, 'lost')
  await settled()
  broker.restore(buses[1])
  two.leave()
  await until(() => !a.hasPeer(two.id))
  t.same(gaps, [])
  isSilent = false
  await until(() => gaps.length > 0)
  t.same(gaps, [['node-1', 1, 'arena']])
  t.same(await one.heard(), [`add ${two.id}`, `${two.id}: first`, `del ${two.id}`])
})

t.test('a node that does not know that another one declared it lost gets its packets, and hears of a gap', async t => {
  const timings = { ...patientTimings, silence: 200 }
  const { broker, buses, nodes: [a, b] } = await openMemoryCluster(t, 2, {}, timings)
  const [one, two] = [await joinRoom(a, 'arena'), await joinRoom(b, 'arena')]
  const isKnown = (): boolean => a.cluster.nodes().length === 1
  for (const text of ['one', 'two']) {
    one.sendTo(two.id, text)
    await settled()
  }
  const signals: string[] = []
  for (const name of ['node_left', 'lost'] as const) b.cluster.on(name, () => { signals.push(name) })
  const gaps = gapsOf(b)
  await two.heard()
  broker.cut(buses[1])
  await until(() => !isKnown())
  one.sendTo(0, 'not sent')
  await settled()
  broker.restore(buses[1])
  await until(isKnown)
  await one.heard()
  await until(() => gaps.length > 0)
  one.sendTo(two.id, 'three')
  two.sendTo(one.id, 'four')
  await settled()
  const heard = await two.heard()
  t.same(heard.filter(line => !/ 1$/.test(line)), [`del ${one.id}`, `add ${one.id}`, `${one.id}: three`])
  t.same(heard.filter(line => / 1$/.test(line)), ['del 1', 'add 1'], 'it sees the server leave and join')
  t.same(await one.heard(), [`${two.id}: four`])
  t.same(gaps, [['node-0', 1, '']])
  t.same(signals, [], 'it has not lost its slot')
})

t.test('a node that did not respond is asked again for the number of its last packet', async t => {
  let answers = false
  let asked = 0
  const wrap = (bus: Bus): Bus => override(bus, {
    request: async (subject: string, bytes: Uint8Array, milliseconds: number) => {
      const isAsking = new TextDecoder().decode(bytes).includes('"room":"arena"')
      if (isAsking) asked++
      if (isAsking && !answers) throw new BusError('timeout', subject)
      return await bus.request(subject, bytes, milliseconds)
    }
  })
  const { broker, buses, nodes: [a, b] } = await openMemoryCluster(t, 2, {}, quickTimings, wrap)
  const one = await joinRoom(a, 'arena')
  await joinRoom(b, 'arena')
  await until(() => asked > 3)
  answers = true
  const before = asked
  await until(() => asked > before + 1)
  await settled()
  const gaps = gapsOf(b)
  broker.cut(buses[0])
  one.sendTo(0, 'lost')
  await settled()
  broker.restore(buses[0])
  await until(() => gaps.length > 0)
  t.same(gaps, [['node-0', 1, 'arena']])
})

t.test('a heartbeat reveals that the first event of a node was lost', async t => {
  const { broker, buses, nodes: [a, b] } = await openMemoryCluster(t, 2)
  const cluster = internalsOf(a).registry.cluster!
  const gaps = gapsOf(b)
  broker.cut(buses[0])
  cluster.shareEvent({ type: 'room_opened', at: 1, data: { room: 'arena' } })
  await settled()
  broker.restore(buses[0])
  await until(() => gaps.length > 0)
  t.same(gaps, [['node-0', 1, '']])
})

t.test('packets that were sent before a node opened the room do not count as lost', async t => {
  const { nodes: [a, b, c] } = await openMemoryCluster(t, 3)
  const one = await joinRoom(a, 'arena')
  await joinRoom(c, 'arena')
  for (const text of ['one', 'two', 'three']) {
    one.sendTo(0, text)
    await settled()
  }
  const gaps = gapsOf(b)
  const two = await joinRoom(b, 'arena')
  await two.heard()
  one.sendTo(0, 'four')
  await settled()
  t.same(await two.heard(), [`${one.id}: four`])
  t.same(gaps, [])
})

t.test('a heartbeat reveals that the last packets before a silence were lost', async t => {
  const cluster = await openMemoryCluster(t, 2)
  const [a, b] = cluster.nodes
  const one = await joinRoom(a, 'arena')
  const two = await joinRoom(b, 'arena')
  one.sendTo(0, 'first')
  one.sendTo(two.id, 'to one')
  await settled()
  await two.heard()
  const gaps = gapsOf(b)
  await losePackets(cluster, one, two)
  await until(() => gaps.length === 2)
  t.same(gaps.sort(), [['node-0', 1, ''], ['node-0', 1, 'arena']])
  await settled()
  t.same(new Set(await two.heard()), new Set([`del ${one.id}`, `add ${one.id}`]))
})

t.test('when the home of a room detects a gap, members on the other node see the server rejoin', async t => {
  const { broker, buses, nodes: [a, b] } = await openMemoryCluster(t, 2)
  const one = await joinRoom(a, 'arena')
  const two = await joinRoom(b, 'arena')
  const others = [await joinRoom(a, 'ice'), await joinRoom(b, 'other')]
  const { multiplayer } = a.room('arena')
  const seen: string[] = []
  multiplayer.on('network_peer_connected', id => { seen.push(`add ${id}`) })
  multiplayer.on('network_peer_disconnected', id => { seen.push(`del ${id}`) })
  two.sendTo(0, 'first')
  await settled()
  for (const client of [one, two, ...others]) await client.heard()
  broker.cut(buses[1])
  two.sendTo(0, 'lost')
  await settled()
  broker.restore(buses[1])
  two.sendTo(0, 'after')
  await settled()
  t.same(seen, [`del ${two.id}`, `add ${two.id}`])
  t.same(await one.heard(), [`del ${two.id}`, `add ${two.id}`, `${two.id}: after`])
  t.same(await two.heard(), ['del 1', 'add 1'])
  for (const other of others) t.same(await other.heard(), [])
})

t.test('lost joins and leaves are recovered', async t => {
  const { broker, buses, nodes: [a, b] } = await openMemoryCluster(t, 2)
  const one = await joinRoom(a, 'arena')
  const two = await joinRoom(b, 'arena')
  await two.heard()
  broker.cut(buses[0])
  const three = await joinRoom(a, 'main')
  one.leave()
  await settled()
  broker.restore(buses[0])
  await until(() => !b.hasPeer(one.id) && b.hasPeer(three.id))
  t.same(await two.heard(), [`del ${one.id}`])
})

t.test('with onGap close the members here are closed', async t => {
  const options = { cluster: { servers: 'memory', onGap: 'close' as const } }
  const { broker, buses, nodes: [a, b] } = await openMemoryCluster(t, 2, options)
  const one = await joinRoom(a, 'arena')
  const two = await joinRoom(b, 'arena')
  one.sendTo(0, 'first')
  await settled()
  broker.cut(buses[0])
  one.sendTo(0, 'lost')
  await settled()
  broker.restore(buses[0])
  one.sendTo(0, 'after')
  while (two.closed === undefined) await two.heard()
  t.same(two.closed, [1001, 'messages were lost'])
})

t.test('a room that is entered again while its first numbers are being requested reports no gap', async t => {
  const late: Array<() => void> = []
  let isLate = false
  const wrap = (bus: Bus): Bus => override(bus, {
    request: async (...request: Parameters<Bus['request']>) => {
      const response = await bus.request(...request)
      if (isLate) await new Promise<void>(resolve => { late.push(resolve) })
      return response
    }
  })
  const { nodes: [a, b] } = await openMemoryCluster(t, 2, {}, patientTimings, wrap)
  const one = await joinRoom(a, 'arena')
  const gaps = gapsOf(b)
  isLate = true
  const first = await joinRoom(b, 'arena')
  t.ok(late.length > 0)
  first.leave()
  one.sendTo(0, 'to nobody there')
  await settled()
  const second = await joinRoom(b, 'arena')
  isLate = false
  for (const respond of late) respond()
  await settled()
  await second.heard()
  one.sendTo(0, 'hello')
  await settled()
  t.same([gaps, await second.heard()], [[], [`${one.id}: hello`]])
})
