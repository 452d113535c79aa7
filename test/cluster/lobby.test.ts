import t from 'tap'
import { Lobby } from '../../src/core/room/lobby/lobby.ts'
import { internalsOf } from '../../src/core/server/internals.ts'
import { joinRoom, openMemoryCluster, settled } from '../helper/memory/memory-cluster.ts'

t.test('the lobby of any node shows and matches the rooms of all', async t => {
  const { nodes: [a, b] } = await openMemoryCluster(t, 2)
  const [lobbyA, lobbyB] = [a, b].map(node => new Lobby(internalsOf(node).registry, node.monitor.events))
  const duel = lobbyA.open({ maxPeers: 2, data: { map: 'ice' } }, '192.0.2.1')
  await a.cluster.openRoom('hidden', { listed: false })
  await a.cluster.openRoom('locked', { locked: true })
  await settled()
  t.match([...lobbyB.rooms()], [{ name: duel.name, peerCount: 0, maxPeers: 2, data: { map: 'ice' } }])
  t.equal(lobbyB.find({ map: 'sand' }), undefined)
  t.match(lobbyB.find({ map: 'ice' }), { name: duel.name })

  const one = await joinRoom(a, duel.name)
  t.match([...lobbyB.rooms()], [{ peerCount: 1 }])
  t.match(lobbyB.find({}), { name: duel.name }, 'the seat that was reserved first was taken')
  t.equal(lobbyB.find({}), undefined, 'the last one is reserved')
  await joinRoom(b, duel.name)
  t.same([...lobbyA.rooms()], [])
  t.same([...lobbyB.rooms()], [])
  one.leave()
  await settled()
  t.match([...lobbyA.rooms()], [{ name: duel.name, peerCount: 1 }])
})
