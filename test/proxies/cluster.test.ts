import Fastify from 'fastify'
import type { FastifyInstance } from 'fastify'
import t, { type Test } from 'tap'
import peerServer, { adminRoutes, lobbyRoutes } from '../../index.ts'
import { connectNats } from '../../src/cluster/bus/nats-bus.ts'
import { upgradeHeaders } from '../helper/sockets/handshake-client.ts'
import { pem } from '../helper/sockets/keys.ts'
import { startNats } from '../helper/programs/nats.ts'
import { RelaySocket } from '../helper/sockets/relay-socket.ts'
import { silentLogger } from '../helper/silent-logger.ts'
import { skipWithout } from '../helper/programs/skip-without.ts'
import { until } from '../helper/until.ts'
import { ask } from './contract.ts'
import { nginx, nginxFile, nginxSite } from './kinds.ts'
import { startProgram } from './start.ts'

const PROXY = '127.0.0.1'
const CLIENT = '127.0.0.2'
const ROOMS = 12

const skip = [skipWithout('nginx'), skipWithout('nats-server')].find(({ skip }) => skip !== false)

t.test('nginx with hosting/nginx/cluster.conf keeps a room on one node', { ...skip, timeout: 120_000 }, async t => {
  const broker = await startNats(t)
  const traffic = await countTraffic(t, broker.url)
  const nodes: FastifyInstance[] = []
  for (const nodeId of ['a', 'b', 'c']) nodes.push(await startNode(t, broker.url, nodeId))
  const port = await startNginx(t, nodes.map(portOf))
  const options = { ca: pem('root.pem'), localAddress: CLIENT, family: 4 }
  const site = { url: `https://localhost:${port}` }
  const enter = async (path: string): Promise<RelaySocket> =>
    await RelaySocket.connect(t, `wss://localhost:${port}${path}`, options)

  await t.test('all clients of a room are on one node, which is its home; messages stay there', async t => {
    const used = new Set<FastifyInstance>()
    for (let number = 0; number < ROOMS; number++) {
      // Clients that cannot change the path have the room in the query.
      const path = number % 2 === 0 ? `/ws/arena-${number}` : `/ws?room=arena-${number}`
      const clients = [await enter(path), await enter(path), await enter(path)]
      used.add(checkHome(t, nodes, `arena-${number}`, clients))
      for (const client of clients) client.sendTo(0, `from ${client.id}`)
      for (const client of clients) {
        for (const { id } of clients) if (client.id !== id) await client.until(`${id}: from ${id}`)
      }
    }
    t.ok(used.size > 1, `${used.size} nodes have rooms`)
  })

  await t.test('of all rooms, only one that is on several nodes uses the broker', async t => {
    const clients = await Promise.all(nodes.map(async node =>
      await RelaySocket.connect(t, `ws://127.0.0.1:${portOf(node)}/ws/spread`)))
    for (const client of clients) {
      await Promise.all(clients.map(async ({ id }) => { if (id !== client.id) await client.until(`add ${id}`) }))
    }
    // What a node has sent before arrives before this.
    for (const client of clients) client.sendTo(0, 'to all')
    await traffic.until(nodes.length)
    t.same(traffic.subjects.sort(), nodes.map(() => 'gdws.default.room.spread'))
  })

  await t.test('the REST API and the dashboard stay on one node, which `stop` and `listen` concern', async t => {
    const { body: { node } } = await ask(site, '/api/v1/server')
    for (const path of [
      '/api/v1/peers', '/api/v1/rooms/arena-0', '/dashboard', '/dashboard/app.js', '/docs', '/docs/', '/metrics',
      '/openapi.json', '/asyncapi.json'
    ]) t.equal((await ask(site, path)).headers.node, node, path)
    for (const [command, listening] of [['stop', false], ['listen', true]] as const) {
      t.equal((await ask(site, `/api/v1/server/${command}`, { method: 'POST' })).status, 200)
      t.match((await ask(site, '/api/v1/server')).body, { node, listening })
    }
  })

  await t.test('a full room refuses a client; its node is still asked for others', async t => {
    const client = await enter('/ws/full')
    const node = nodes.find(node => localPeers(node, 'full') > 0)!
    const room = await enterRoomOn(node, enter)
    node.peerServer.room('full').maxPeers = 1
    const { status, body } = await ask(site, '/ws/full', { headers: upgradeHeaders })
    t.match({ status, body }, { status: 503, body: { code: 'room-full' } })
    await enter(`/ws/${room}`)
    t.equal(localPeers(node, room), 2)
    t.same(client.heard.slice(2), [])
  })

  await t.test('when a node is drained, its clients and those of its lobby land on others', async t => {
    const match = async () => await ask(site, '/lobby/match', { method: 'POST' })
    const { headers } = await match()
    const drained = nodes.find(({ peerServer }) => peerServer.cluster.nodeId === headers.node)!
    const room = await enterRoomOn(drained, enter)
    const old = await enter(`/ws/${room}`)
    t.equal((await ask(site, `/api/v1/nodes/${headers.node}/drain`, { method: 'POST' })).status, 202)
    await old.until('close 1001')
    await roomEnds(nodes, room)
    const clients = [await enter(`/ws/${room}`), await enter(`/ws/${room}`), await enter(`/ws/${room}`)]
    checkHome(t, nodes.filter(node => node !== drained), room, clients)
    t.equal((await match()).status, 200)
    await drained.peerServer.stop()
    await drained.peerServer.listen()
  })

  await t.test('when a node is gone, clients of its rooms land on one other node, and the REST API moves', async t => {
    const [lost, ...left] = nodes
    const room = await enterRoomOn(lost, enter)
    await lost.close()
    await roomEnds(left, room)
    const clients = [await enter(`/ws/${room}`), await enter(`/ws/${room}`), await enter(`/ws/${room}`)]
    checkHome(t, left, room, clients)
    t.equal((await ask(site, '/api/v1/server')).body.node, left[0].peerServer.cluster.nodeId)
  })
})

let roomsEntered = 0

/** A client enters a new room that nginx sends to this node; the name of the room. */
async function enterRoomOn (node: FastifyInstance, enter: (path: string) => Promise<RelaySocket>): Promise<string> {
  for (;;) {
    const room = `new-${roomsEntered++}`
    await enter(`/ws/${room}`)
    if (localPeers(node, room) > 0) return room
  }
}

/** Resolves when these nodes know that the room has ended. */
async function roomEnds (nodes: FastifyInstance[], room: string): Promise<void> {
  await until(() => !nodes.some(({ peerServer }) => peerServer.hasRoom(room)))
}

/** Starts a node of the cluster, an app that trusts the proxy and names the node in its responses. */
async function startNode (t: Test, servers: string, nodeId: string): Promise<FastifyInstance> {
  const app = Fastify({ trustProxy: PROXY })
  t.teardown(async () => { await app.close() })
  app.addHook('onRequest', async (_, reply) => { reply.header('node', nodeId) })
  await app.register(peerServer, {
    path: '/ws', gdMpApi: true, rooms: true, closeTimeout: 0.3, log: silentLogger, cluster: { servers, nodeId }
  })
  await app.register(adminRoutes, { prefix: '/api/v1', auth: false })
  await app.register(lobbyRoutes, { prefix: '/lobby' })
  await app.listen({ port: 0, host: '127.0.0.1' })
  return app
}

/** Starts nginx with the configuration of a cluster, and returns its port. */
async function startNginx (t: Test, ports: number[]): Promise<number> {
  const nodes = Object.fromEntries(ports.map((port, at) => [`node-${at + 1}:3000`, `127.0.0.1:${port}`]))
  const { port } = await startProgram(t, nginx, (folder, port) => nginxFile(nginxSite(
    'nginx/cluster.conf', folder, port, nodes)))
  return port
}

/** Messages of rooms and to single peers that the broker has got. */
async function countTraffic (t: Test, servers: string) {
  const bus = await connectNats({ servers }, silentLogger)
  t.teardown(() => bus.close())
  const subjects: string[] = []
  let changed = (): void => {}
  for (const pattern of ['gdws.default.room.*', 'gdws.default.n.*.pkt']) {
    bus.subscribe(pattern, ({ subject }) => {
      subjects.push(subject)
      changed()
    })
  }
  await bus.flush()
  return {
    subjects,
    /** Resolves when there were this many. */
    until: async (count: number): Promise<void> => {
      await new Promise<void>(resolve => {
        changed = () => { if (subjects.length >= count) resolve() }
        changed()
      })
    }
  }
}

/** Checks that all of these clients are on one node, with their own address, and that it is the home of the room. */
function checkHome (t: Test, nodes: FastifyInstance[], room: string, clients: RelaySocket[]): FastifyInstance {
  const [home, ...others] = nodes.filter(node => localPeers(node, room) > 0)
  t.same(others, [], room)
  const { peerServer } = home
  const ids = [...peerServer.room(room).localPeers()].map(({ id }) => id)
  t.ok(peerServer.room(room).isHome, `${room} has its home where its clients are`)
  t.same(ids, clients.map(({ id }) => id).sort((a, b) => a - b))
  t.same(new Set(ids.map(id => peerServer.getPeerAddress(id))), new Set([CLIENT]))
  return home
}

function localPeers ({ peerServer }: FastifyInstance, room: string): number {
  if (!peerServer.hasRoom(room)) return 0
  try {
    return [...peerServer.room(room).localPeers()].length
  } catch {
    // The room is on other nodes only.
    return 0
  }
}

function portOf ({ peerServer }: FastifyInstance): number {
  return peerServer.port
}
