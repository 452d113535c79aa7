import t from 'tap'
import type { Room } from '../../../src/core/room/room.ts'
import { internalsOf } from '../../../src/core/server/internals.ts'
import type { WebSocketServer } from '../../../src/core/server/websocket-server.ts'
import { simulateTime } from '../../helper/clock.ts'
import { HandshakeClient } from '../../helper/sockets/handshake-client.ts'
import { header } from '../../helper/memory/memory-client.ts'
import {
  joinRoom, openMemoryCluster, patientTimings, quickTimings, settled
} from '../../helper/memory/memory-cluster.ts'
import { override } from '../../helper/override.ts'
import { RoomClient } from '../../helper/memory/room-client.ts'
import { until } from '../../helper/until.ts'

t.test('members of a room on two nodes see each other', async t => {
  const { nodes: [a, b] } = await openMemoryCluster(t, 2)
  const one = await joinRoom(a, 'arena')
  const two = await joinRoom(b, 'arena')
  t.not(one.id >> 21, two.id >> 21, 'ids carry the slot of their node')
  t.same([...a.room('arena').peers()].map(({ id }) => id), [one.id, two.id].sort((x, y) => x - y))
  t.same([...a.room('arena').localPeers()].map(({ id }) => id), [one.id])
  one.sendTo(0, 'to all')
  two.sendTo(one.id, 'to one')
  await settled()
  t.same(await two.heard(), [`add ${one.id}`, `${one.id}: to all`])
  t.same(await one.heard(), [`add ${two.id}`, `${two.id}: to one`])
  two.leave()
  await settled()
  t.same(await one.heard(), [`del ${two.id}`])
})

for (const how of ['leaves', 'moves'] as const) {
  t.test(`a peer that gets the place of one that ${how} on another node does not see that one`, async t => {
    const { nodes: [a, b] } = await openMemoryCluster(t, 2)
    const stays = await joinRoom(a, 'arena')
    const goes = await joinRoom(b, 'arena')
    const waits = await joinRoom(a, 'queue')
    for (const client of [stays, goes, waits]) await client.heard()
    const arena = a.room('arena')
    const seen: number[] = []
    arena.once('peer_disconnected', () => {
      seen.push(...[...arena.peers()].map(({ id }) => id))
      t.same([...arena.multiplayer.connected], [stays.id], 'it can no longer be called')
      a.getPeer(waits.id).moveTo(arena)
    })
    if (how === 'leaves') goes.leave()
    else b.getPeer(goes.id).moveTo(b.openRoom('other'))
    await settled()
    t.same(seen, [stays.id, goes.id].sort((x, y) => x - y), 'it is still found')
    t.same(await waits.heard(), [`add ${stays.id}`])
    t.same(await stays.heard(), [`del ${goes.id}`, `add ${waits.id}`])
    t.same([...arena.multiplayer.connected], [stays.id, waits.id])
  })
}

t.test('a room whose last peer moves away on another node closes once that peer is in its new room', async t => {
  const { nodes: [a, b] } = await openMemoryCluster(t, 2)
  const first = await joinRoom(a, 'lobby')
  const moves = await joinRoom(b, 'lobby')
  first.leave()
  const stays = await joinRoom(a, 'arena')
  const met = await joinRoom(b, 'arena')
  const waits = await joinRoom(a, 'queue')
  for (const client of [stays, moves, waits]) await client.heard()
  a.once('room_closed', ({ name }) => {
    t.equal(name, 'lobby')
    a.getPeer(waits.id).moveTo(a.room('arena'))
  })
  b.getPeer(moves.id).moveTo(b.room('arena'))
  await until(() => a.room('arena').peerCount === 4)
  t.same((await waits.heard()).sort(), [moves.id, stays.id, met.id].map(id => `add ${id}`).sort())
  t.same(await stays.heard(), [`add ${moves.id}`, `add ${waits.id}`])
})

t.test('a room has one home: there its server hears and speaks', async t => {
  const { nodes } = await openMemoryCluster(t, 3)
  const opened: string[] = []
  for (const node of nodes) node.on('room_opened', ({ name }, { failover }) => { opened.push(`${name} ${failover}`) })
  const one = await joinRoom(nodes[0], 'arena')
  const two = await joinRoom(nodes[1], 'arena')
  const three = await joinRoom(nodes[2], 'arena')
  t.same(opened, ['arena false'])
  t.same(nodes.map(node => node.room('arena').isHome), [true, false, false])
  const heard: string[] = []
  const room = nodes[0].room('arena')
  room.on('peer_packet', id => { heard.push(`${id}: ${Buffer.from(room.getPacket()).toString()}`) })
  for (const client of [one, two, three]) await client.heard()

  two.sendTo(1, 'to the server')
  two.sendTo(0, 'to all')
  two.sendTo(-1, 'to all but the server')
  three.sendTo(-two.id, 'to all but one')
  await settled()
  t.same(heard.sort(), [`${two.id}: to the server`, `${two.id}: to all`, `${three.id}: to all but one`].sort())
  t.same(await two.heard(), [])
  t.same((await one.heard()).sort(), [
    `${two.id}: to all`, `${two.id}: to all but the server`, `${three.id}: to all but one`
  ].sort())

  await three.heard()
  room.putPacket(Buffer.from('hello'))
  room.setTargetPeer(three.id)
  room.putPacket(Buffer.from('you'))
  room.setTargetPeer(-two.id)
  room.putPacket(Buffer.from('not two'))
  await settled()
  t.same(await two.heard(), ['1: hello'])
  t.same(await three.heard(), ['1: hello', '1: you', '1: not two'])
  t.same(await one.heard(), ['1: hello', '1: not two'])
})

for (const isAnswer of [false, true]) {
  const when = isAnswer ? 'in answer to a packet' : 'of the application'
  t.test(`packets of the server to all and to single peers elsewhere keep their order: ${when}`, async t => {
    const { nodes: [a, b] } = await openMemoryCluster(t, 2)
    const [one, two] = [await joinRoom(a, 'arena'), await joinRoom(b, 'arena')]
    const room = a.room('arena')
    const send = (): void => {
      room.broadcast(0, Buffer.from('1 to all'))
      room.broadcast(two.id, Buffer.from('2 to two'))
      room.broadcast(0, Buffer.from('3 to all'))
      a.getPeer(two.id).putPacket(Buffer.concat([header(1, two.id), Buffer.from('4 to two')]))
      room.broadcast(-one.id, Buffer.from('5 to all'))
    }
    await two.heard()
    if (isAnswer) {
      room.on('peer_packet', send)
      one.sendTo(1, 'begin')
    } else send()
    await settled()
    const texts = ['1 to all', '2 to two', '3 to all', '4 to two', '5 to all']
    t.same(await two.heard(), texts.map(text => `1: ${text}`))
  })
}

t.test('the Room of a node whose last client has left does not close the room, which continues elsewhere', async t => {
  const { nodes: [a, b] } = await openMemoryCluster(t, 2)
  const stays = await joinRoom(a, 'arena')
  const leaves = await joinRoom(b, 'arena')
  const left = b.room('arena')
  await a.room('arena').state.set(Buffer.from('round 3'))
  leaves.leave()
  await settled()
  t.same([left.isOpen, left.peerCount, [...left.peers()], left.hasPeer(stays.id)], [false, 0, [], false])
  t.equal(left.broadcast(0, Buffer.from('nobody')), 0)
  await t.rejects(left.close(4000, 'over'), {
    code: 'ERR_DOES_NOT_EXIST', message: 'room arena is no longer on this node'
  })
  await t.rejects(left.state.get(), { code: 'FAILED' })
  t.same(await stays.heard(), [`add ${leaves.id}`, `del ${leaves.id}`])
  t.equal(stays.closed, undefined)
})

t.test('the Room of a node whose last client has left has no effect on that of the next client', async t => {
  const { nodes: [a, b] } = await openMemoryCluster(t, 2)
  const room = a.openRoom('arena', { emptyTimeout: 600 })
  await settled()
  const leaves = await joinRoom(b, 'arena')
  const left = b.room('arena')
  leaves.leave()
  await settled()
  const next = await joinRoom(b, 'arena')
  await t.rejects(left.close(4000, 'over'), { code: 'ERR_DOES_NOT_EXIST' })
  t.not(b.room('arena'), left)
  await joinRoom(a, 'arena')
  await next.heard()
  t.equal(left.broadcast(0, Buffer.from('of the former one')), 0)
  room.broadcast(0, Buffer.from('hello'))
  await settled()
  t.same([await next.heard(), next.closed], [['1: hello'], undefined])
})

t.test('a peer does not move to a room whose last client here a listener of its last packet moves away', async t => {
  const { nodes: [a, b] } = await openMemoryCluster(t, 2, { inputMaxPackets: 2 })
  await joinRoom(a, 'arena')
  const other = await joinRoom(b, 'arena')
  const moves = await joinRoom(b, 'queue')
  const [arena, queue, main] = ['arena', 'queue', 'main'].map(name => b.room(name))
  let packets = 0
  queue.on('peer_packet', () => { if (++packets === 2) b.getPeer(other.id).moveTo(main) })
  for (const text of ['1', '2']) moves.sendTo(1, text)
  t.equal(packets, 1, 'the other packet waits')
  t.throws(() => { b.getPeer(moves.id).moveTo(arena) }, { code: 'ERR_DOES_NOT_EXIST' })
  t.same([packets, arena.isOpen, queue.peerCount, main.peerCount], [2, false, 1, 1])
})

t.test('a room ends when nobody is left on any node, and its name is free', async t => {
  const { nodes: [a, b] } = await openMemoryCluster(t, 2)
  const closed: string[] = []
  a.on('room_closed', ({ name }) => { closed.push(`a ${name}`) })
  b.on('room_closed', ({ name }) => { closed.push(`b ${name}`) })
  const one = await joinRoom(a, 'arena')
  const two = await joinRoom(b, 'arena')
  one.leave()
  await settled()
  t.same(closed, [])
  t.ok(b.hasRoom('arena'))
  two.leave()
  await settled()
  t.same(closed, ['a arena'])
  t.notOk(a.hasRoom('arena'))
  t.notOk(b.hasRoom('arena'))
  const three = await joinRoom(b, 'arena')
  t.ok(b.room('arena').isHome)
  three.leave()
})

t.test('closing a room closes its members on all nodes', async t => {
  const { nodes } = await openMemoryCluster(t, 3)
  const clients = []
  for (const node of nodes) clients.push(await joinRoom(node, 'arena'))
  const closed = nodes[1].room('arena').close(4000, 'over')
  for (let round = 0; round < 5; round++) {
    await settled()
    for (const client of clients) await client.heard()
  }
  t.same(clients.map(client => client.closed), clients.map(() => [4000, 'over']))
  await closed
  await settled()
  for (const node of nodes) t.notOk(node.hasRoom('arena'))
})

t.test('a client that joins a room over another node while it closes is closed, too', async t => {
  const { nodes: [a, b] } = await openMemoryCluster(t, 2, { closeTimeout: 60 })
  const one = await joinRoom(a, 'arena')
  const closed = a.room('arena').close(4000, 'over')
  const two = await joinRoom(b, 'arena')
  await settled()
  for (const client of [one, two]) {
    await client.heard()
    t.same(client.closed, [4000, 'over'])
  }
  await closed
  await settled()
  t.same([a, b].map(node => node.hasRoom('arena')), [false, false])
})

t.test('limits hold over all nodes', async t => {
  const { nodes: [a, b] } = await openMemoryCluster(t, 2)
  const room = await a.cluster.openRoom('duel', { maxPeers: 2 })
  await settled()
  t.throws(() => { b.openRoom('duel') }, { code: 'ERR_ALREADY_EXISTS' })
  await t.rejects(b.cluster.openRoom('duel'), { code: 'ERR_ALREADY_EXISTS' })
  await joinRoom(b, 'duel')
  await joinRoom(a, 'duel')
  t.equal((await joinRoom(b, 'duel')).refusal, 'room-full')
  t.equal((await joinRoom(a, 'duel')).refusal, 'room-full')
  room.maxPeers = 0
  room.locked = true
  await settled()
  t.equal((await joinRoom(b, 'duel')).refusal, 'room-locked')
  b.room('duel').locked = false
  await settled()
  t.equal(room.locked, false)
  t.equal((await joinRoom(b, 'duel')).refusal, undefined)
})

t.test('clients that authenticate on other nodes keep their seats', async t => {
  simulateTime(t)
  const options = { wire: 'godot4', authTimeout: 6, authenticate: () => new Promise<boolean>(() => {}) } as const
  const { nodes: [a, b] } = await openMemoryCluster(t, 2, options, patientTimings)
  await a.cluster.openRoom('duel', { maxPeers: 1 })
  await settled()
  const enter = async (node: WebSocketServer): Promise<HandshakeClient> => {
    const client = new HandshakeClient(node).request({ url: '/ws/duel' })
    await settled()
    return client
  }
  t.equal((await enter(b)).refusal, undefined)
  t.equal((await enter(a)).refusal, 'room-full')
  const start = performance.now()
  await until(() => performance.now() - start > 5200)
  t.equal((await enter(a)).refusal, 'room-full')
  await until(() => performance.now() - start > 11_200)
  t.equal((await enter(a)).refusal, undefined, 'it was not admitted')
})

t.test('clients that fail to authenticate end only rooms that clients have opened', async t => {
  const options = { wire: 'godot4', authenticate: () => null } as const
  const { nodes: [a, b] } = await openMemoryCluster(t, 2, options, patientTimings)
  const visit = async (node: WebSocketServer, room: string): Promise<void> => {
    const client = new HandshakeClient(node).request({ url: `/ws/${room}` })
    await until(() => client.refusal !== undefined || node.countPeers().pending === 1)
    t.equal(client.refusal, undefined)
    client.connection.disconnect()
    await until(() => node.countPeers().pending === 0)
    await settled()
  }
  await a.cluster.openRoom('duel')
  await settled()
  for (const node of [b, a]) await visit(node, 'duel')
  t.same([a, b].map(node => node.hasRoom('duel')), [true, true])
  t.ok(a.room('duel').isHome)
  await visit(b, 'own')
  t.same([a, b].map(node => node.hasRoom('own')), [false, false])
})

t.test('two nodes that open a room at the same time have one room', async t => {
  const { nodes } = await openMemoryCluster(t, 2)
  const clients = nodes.map(node => new RoomClient(node, '/ws/race'))
  for (let round = 0; round < 5; round++) {
    await settled()
    for (const client of clients) client.unhear(await client.heard())
  }
  t.same(nodes.map(node => node.room('race').isHome).sort(), [false, true])
  t.same(nodes.map(node => node.room('race').peerCount), [2, 2])
})

t.test('a room that a node opened before it joined ends if it is open on another node', async t => {
  const { nodes: [a, b] } = await openMemoryCluster(t, 2)
  a.openRoom('red', { emptyTimeout: 600 })
  await settled()
  await b.stop()
  const own = b.openRoom('red', { maxPeers: 3 })
  await b.listen()
  await settled()
  t.notOk(own.isOpen)
  t.equal((await joinRoom(b, 'red')).refusal, undefined)
  t.equal(a.room('red').peerCount, 1)
})

t.test('a node that was slower to open a room takes part in it like any other', async t => {
  const { nodes: [a, b] } = await openMemoryCluster(t, 2)
  const closed: string[] = []
  a.on('room_closed', ({ name }) => { closed.push(name) })
  const first = joinRoom(b, 'race')
  const own = a.openRoom('race')
  const one = await first
  await until(() => !own.isOpen)
  t.same(closed, ['race'])
  const two = await joinRoom(a, 'race')
  t.equal(two.refusal, undefined)
  one.sendTo(0, 'hello')
  await settled()
  t.ok((await two.heard()).includes(`${one.id}: hello`))
})

t.test('a room that the application opens while a client opens it is one room', async t => {
  const { nodes: [a, b] } = await openMemoryCluster(t, 2)
  const opened: Room[] = []
  a.on('room_opened', room => { opened.push(room) })
  const joining = joinRoom(a, 'duel')
  const own = a.openRoom('duel', { maxPeers: 1 })
  t.ok((await joining).id > 0)
  t.same(opened.map(room => room === own), [true])
  t.equal(a.room('duel'), own)
  t.equal(own.peerCount, 1)
  t.equal((await joinRoom(b, 'duel')).refusal, 'room-full', 'its settings are in effect')
})

t.test('a room that is opened in both ways at the same time is opened once', async t => {
  const { nodes: [a, b] } = await openMemoryCluster(t, 2)
  const claimed = a.cluster.openRoom('final', { locked: true, maxPeers: 8 })
  const own = a.openRoom('final', { maxPeers: 4 })
  await t.rejects(claimed, { code: 'ERR_ALREADY_EXISTS' })
  t.equal(a.room('final'), own)
  await settled()
  t.match(internalsOf(b).registry.cluster!.room('final'), { node: 'node-0', maxPeers: 4, locked: false })
  await own.close()
  await settled()
  t.equal(internalsOf(b).registry.cluster!.room('final'), undefined)
})

t.test('clients enter a room that is being opened once it is open', async t => {
  let [isHeld, release] = [false, (): void => {}]
  const { nodes: [a] } = await openMemoryCluster(t, 1, {}, quickTimings, bus => override(bus, {
    openStore: async (name: string, seconds?: number) => {
      const store = await bus.openStore(name, seconds)
      return override(store, {
        create: async (key: string, value: Uint8Array) => {
          const revision = await store.create(key, value)
          if (isHeld) await new Promise<void>(resolve => { release = resolve })
          return revision
        }
      })
    }
  }))
  const opened: string[] = []
  a.on('room_opened', ({ name, maxPeers }) => { opened.push(`${name} ${maxPeers}`) })
  isHeld = true
  const claims: Record<string, () => unknown> = {
    arena: () => joinRoom(a, 'arena'), duel: () => a.cluster.openRoom('duel', { maxPeers: 2 })
  }
  for (const [room, claim] of Object.entries(claims)) {
    const claimed = claim()
    await settled()
    const second = joinRoom(a, room)
    await settled()
    release()
    await claimed
    t.ok((await second).id > 0)
    t.equal(a.room(room).peerCount, room === 'arena' ? 2 : 1)
  }
  t.same(opened, ['arena 0', 'duel 2'])
})

t.test('maxRooms counts each room of the cluster once', async t => {
  const { nodes: [a, b] } = await openMemoryCluster(t, 2, { rooms: { joinPerMinute: 0, maxRooms: 2 } })
  await joinRoom(a, 'first')
  await joinRoom(b, 'first')
  t.equal((await joinRoom(b, 'second')).refusal, undefined)
  t.equal((await joinRoom(a, 'third')).refusal, 'too-many-rooms')
  t.equal((await joinRoom(b, 'third')).refusal, 'too-many-rooms')
  t.throws(() => { b.openRoom('third') }, { code: 'too-many-rooms' })
})

t.test('packets between peers count as relayed on the node of their receiver, those of the server do not', async t => {
  const { nodes: [a, b] } = await openMemoryCluster(t, 2)
  const one = await joinRoom(a, 'arena')
  const two = await joinRoom(b, 'arena')
  const room = a.room('arena')
  for (const to of [0, one.id, two.id]) {
    room.setTargetPeer(to)
    room.putPacket(Buffer.from('of the server'))
  }
  await settled()
  t.equal((await two.heard()).length, 3, 'with the announcement of the other member')
  t.same([a, b].map(({ monitor }) => monitor.packetsRelayed), [0, 0])
  for (const to of [0, two.id]) one.sendTo(to, 'of a peer')
  await settled()
  t.same([a, b].map(({ monitor }) => monitor.packetsRelayed), [0, 2])
})
