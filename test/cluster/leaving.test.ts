import t from 'tap'
import type { WebSocketServer } from '../../src/core/server/websocket-server.ts'
import { joinRoom, openMemoryCluster, patientTimings, settled } from '../helper/memory/memory-cluster.ts'
import { until } from '../helper/until.ts'

const roomsOf = (node: WebSocketServer): string[] => Array.from(node.rooms(), ({ name }) => name)

t.test('a node that stops no longer knows the peers of others, and its rooms end', async t => {
  const { nodes: [a, b] } = await openMemoryCluster(t, 2, {}, patientTimings)
  await joinRoom(a, 'arena')
  const two = await joinRoom(b, 'arena')
  const three = await joinRoom(b, 'main')
  const room = a.room('arena')
  const main = room.multiplayer.node('/root/Main', { scores: Map })
  const heard: string[] = []
  room.on('peer_disconnected', id => {
    heard.push(id === two.id ? 'peer elsewhere' : 'peer here')
    // Nobody hears it.
    room.broadcast(0, Buffer.from('scores'))
    main.rset('scores', new Map())
  })
  room.on('closed', () => { heard.push('closed') })
  await a.stop()
  t.same(heard, ['peer here', 'peer elsewhere', 'closed'])
  t.same(roomsOf(a), ['main'])
  t.same([...a.cluster.peers()], [])
  t.equal(a.broadcast(0, Buffer.from('nobody')), 0)
  t.ok(b.hasPeer(two.id), 'they stay on their own node')
  await until(() => b.room('arena').isHome)

  await a.listen()
  await settled()
  t.same(Array.from(a.cluster.peers(), ({ id }) => id).sort(), [two.id, three.id].sort())
  t.same(roomsOf(a), ['main'])
  two.leave()
  await until(() => !a.hasPeer(two.id))
  await settled()
  t.same([roomsOf(a), roomsOf(b)], [['main'], ['main']])
})

t.test('peers that left while their node and this one were away are not there when it listens again', async t => {
  const { nodes: [a, b, c] } = await openMemoryCluster(t, 3, {}, patientTimings)
  await joinRoom(a, 'arena')
  const two = await joinRoom(b, 'arena')
  await a.stop()
  await b.stop()
  await a.listen()
  await settled()
  t.same(roomsOf(a), ['main'])
  t.notOk(a.hasPeer(two.id))
  t.same([...a.cluster.peers(), ...c.cluster.peers()], [])
})
