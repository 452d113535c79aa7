import t from 'tap'
import { internalsOf } from '../../src/core/server/internals.ts'
import { openAdminCluster } from '../helper/admin-cluster.ts'
import { openEvents } from '../helper/sockets/event-source.ts'
import { jsonRequest } from '../helper/host.ts'
import { joinRoom, patientTimings, quickTimings, settled } from '../helper/memory/memory-cluster.ts'
import { until } from '../helper/until.ts'

t.test('the feed of every node reports the events of all nodes, each once', async t => {
  const { nodes, apis, urls } = await openAdminCluster(t, 3)
  const streams = []
  for (const url of urls) {
    streams.push(await openEvents(t, `${url}/api/v1/events?types=peer_connected,room_opened,admin`))
  }
  const local = await openEvents(t, `${urls[0]}/api/v1/events?scope=local`)
  const client = await joinRoom(nodes[1], 'arena')
  await apis[2]('/bans', jsonRequest('POST', { address: '198.51.100.1' }))
  for (const stream of streams) {
    t.match((await stream.next()).data, { type: 'room_opened', room: 'arena', node: 'node-1', failover: false })
    t.match((await stream.next()).data, { type: 'peer_connected', id: client.id, node: 'node-1', room: 'arena' })
    t.match((await stream.next()).data, { type: 'admin', action: 'ban', node: 'node-2', status: 201 })
  }
  const own = await joinRoom(nodes[0], 'other')
  t.match((await local.next('peer_connected')).data, { id: own.id, node: 'node-0' }, 'and no peer of another node')
  for (const stream of streams) t.match((await stream.next('peer_connected')).data, { id: own.id })
})

t.test('events of other nodes are replayed', async t => {
  const { nodes, urls } = await openAdminCluster(t, 2)
  const stream = await openEvents(t, `${urls[0]}/api/v1/events`)
  while (stream.events[0]?.id === undefined) await stream.changed()
  const [{ id: last }] = stream.events
  stream.close()
  const client = await joinRoom(nodes[1], 'arena')
  const again = await openEvents(t, `${urls[0]}/api/v1/events?types=peer_connected`, { 'last-event-id': last! })
  t.match((await again.next('peer_connected')).data, { id: client.id, node: 'node-1' })
})

t.test('statistics are the sum of all nodes, or those of one', async t => {
  const { nodes, urls } = await openAdminCluster(t, 3)
  for (const node of nodes) await joinRoom(node, 'arena')
  const all = await openEvents(t, `${urls[0]}/api/v1/events?types=stats`)
  t.match((await all.next('stats')).data, {
    peers: { open: 3, closing: 0 }, rooms: 2, listening: true, node: undefined, nodes: ['node-0', 'node-1', 'node-2']
  })
  const one = await openEvents(t, `${urls[0]}/api/v1/events?types=stats&scope=local`)
  t.match((await one.next('stats')).data, { peers: { open: 1 }, node: 'node-0' })
})

t.test('reports nodes that join and leave, and that the peers of a lost node are gone', async t => {
  const { nodes, urls, broker, buses } = await openAdminCluster(t, 3, {}, { ...quickTimings, silence: 1000, ping: 500 })
  const client = await joinRoom(nodes[2], 'arena')
  const stream = await openEvents(t, `${urls[0]}/api/v1/events?types=node_joined,node_left,peer_disconnected`)
  const { slot } = nodes[1].cluster
  await nodes[1].stop()
  t.match((await stream.next()).data, { type: 'node_left', node: 'node-1', slot, cause: 'left' })
  await nodes[1].listen()
  t.match((await stream.next()).data, { type: 'node_joined', node: 'node-1', slot: nodes[1].cluster.slot })
  broker.cut(buses[2])
  t.teardown(() => { broker.restore(buses[2]) })
  const lost = [await stream.next(), await stream.next()].map(({ data }) => data)
  t.match(lost.find(({ type }) => type === 'peer_disconnected'),
    { id: client.id, node: 'node-2', room: 'arena', cause: 'cluster', code: 1006, wasCleanClose: false })
  t.match(lost.find(({ type }) => type === 'node_left'), { node: 'node-2', cause: 'lost' })
})

t.test('peers of a node that was declared lost and is back are reported as connected again', async t => {
  const timings = { ...patientTimings, silence: 200 }
  const { nodes, urls, broker, buses } = await openAdminCluster(t, 2, {}, timings)
  const [one, two] = [await joinRoom(nodes[1], 'arena'), await joinRoom(nodes[1], 'arena')]
  await settled()
  const stream = await openEvents(t, `${urls[0]}/api/v1/events?types=peer_connected,peer_disconnected`)
  broker.cut(buses[1])
  const lost = [await stream.next(), await stream.next()].map(({ data }) => `${data.type} ${data.id}`)
  t.same(lost.sort(), [one, two].map(({ id }) => `peer_disconnected ${id}`).sort())
  two.leave()
  await until(() => !nodes[1].hasPeer(two.id))
  broker.restore(buses[1])
  const { address, port, protocol } = internalsOf(nodes[1]).registry.peers.get(one.id)!
  t.match((await stream.next()).data,
    { type: 'peer_connected', id: one.id, node: 'node-1', room: 'arena', address, port, protocol })
  one.leave()
  t.match((await stream.next()).data, { type: 'peer_disconnected', id: one.id, node: 'node-1' })
  t.equal(stream.events.filter(({ data }) => data?.node === 'node-1').length, 4)
})

t.test('reports lost messages on every node', async t => {
  const { nodes, urls, broker, buses } = await openAdminCluster(t, 2)
  const client = await joinRoom(nodes[0], 'arena')
  await joinRoom(nodes[1], 'arena')
  const streams = []
  for (const url of urls) streams.push(await openEvents(t, `${url}/api/v1/events?types=cluster_gap`))
  client.sendTo(0, 'first')
  await settled()
  broker.cut(buses[0])
  client.sendTo(0, 'lost 1')
  await settled()
  client.sendTo(0, 'lost 2')
  await settled()
  broker.restore(buses[0])
  client.sendTo(0, 'after')
  for (const stream of streams) {
    t.match((await stream.next()).data,
      { type: 'cluster_gap', node: 'node-1', from: 'node-0', lost: 2, room: 'arena' })
  }
})
