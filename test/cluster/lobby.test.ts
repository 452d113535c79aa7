import Fastify from 'fastify'
import t from 'tap'
import { lobbyRoutes } from '../../index.ts'
import { RemotePeer } from '../../src/cluster/peers/remote-peer.ts'
import { Lobby } from '../../src/core/room/lobby/lobby.ts'
import { internalsOf } from '../../src/core/server/internals.ts'
import { joinRoom, openMemoryCluster, settled } from '../helper/memory/memory-cluster.ts'
import { until } from '../helper/until.ts'

/** Rooms that are opened before and after it have different times. */
async function nextMillisecond (): Promise<void> {
  const now = Date.now()
  await until(() => Date.now() > now)
}

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

t.test('the lobby needs no public object of a peer of another node: there may be a million of them', async t => {
  const { nodes: [a, b] } = await openMemoryCluster(t, 2)
  const lobby = new Lobby(internalsOf(b).registry, b.monitor.events)
  const { get } = Object.getOwnPropertyDescriptor(RemotePeer.prototype, 'peer')!
  let objects = 0
  Object.defineProperty(RemotePeer.prototype, 'peer', {
    configurable: true,
    get (this: RemotePeer) {
      objects++
      return get!.call(this)
    }
  })
  t.teardown(() => { Object.defineProperty(RemotePeer.prototype, 'peer', { configurable: true, get }) })
  const { name } = lobby.open({}, '192.0.2.1')
  await settled()
  await joinRoom(a, name)
  t.equal(b.room(name).peerCount, 1)
  t.equal(objects, 0)
})

t.test('a cursor of the lobby is valid on every node, and the order stays when clients join there', async t => {
  const { nodes } = await openMemoryCluster(t, 2)
  const [a, b] = nodes
  const lists = await Promise.all(nodes.map(async node => {
    const app = Fastify()
    t.teardown(async () => { await app.close() })
    app.decorate('peerServer', node)
    await app.register(lobbyRoutes, { prefix: '/lobby' })
    return async (query: string) => (await app.inject(`/lobby/rooms?${query}`)).json()
  }))
  for (const [index, name] of ['first', 'second', 'third'].entries()) {
    await nodes[index % 2].cluster.openRoom(name)
    await nextMillisecond()
  }
  await settled()
  const names: string[] = []
  let cursor: string | null = ''
  for (let page = 0; cursor !== null; page++) {
    const { items, nextCursor, meta } = await lists[page % 2](`limit=1${cursor === '' ? '' : `&cursor=${cursor}`}`)
    t.equal(meta.count, 3)
    names.push(...items.map(({ name }: { name: string }) => name))
    cursor = nextCursor
    // From now on this node has a part of the room.
    if (page === 0) for (const [node, room] of [[a, 'second'], [b, 'first']] as const) await joinRoom(node, room)
  }
  t.same(names, ['third', 'second', 'first'])
  t.same((await lists[0]('')).items.map(({ name }: { name: string }) => name), names)
})
