import Fastify from 'fastify'
import type { FastifyInstance } from 'fastify'
import t, { type Test } from 'tap'
import peerServer from '../../index.ts'
import { connectNats } from '../../src/cluster/bus/nats-bus.ts'
import { pem } from '../helper/keys.ts'
import { startNats } from '../helper/nats.ts'
import { RelaySocket } from '../helper/relay-socket.ts'
import { silentLogger } from '../helper/silent-logger.ts'
import { skipWithout } from '../helper/skip-without.ts'
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
  const enter = async (path: string): Promise<RelaySocket> =>
    await RelaySocket.connect(t, `wss://localhost:${port}${path}`, options)

  await t.test('all clients of a room land on one node, which is its home; messages stay there', async t => {
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

  await t.test('when a node is gone, clients of its rooms land on one other node', async t => {
    const lost = nodes.find(node => localPeers(node, 'arena-0') > 0)!
    await lost.close()
    const left = nodes.filter(node => node !== lost)
    const clients = [await enter('/ws/arena-0'), await enter('/ws/arena-0'), await enter('/ws/arena-0')]
    checkHome(t, left, 'arena-0', clients)
  })
})

/** Starts a node of the cluster, an app that trusts the proxy. */
async function startNode (t: Test, servers: string, nodeId: string): Promise<FastifyInstance> {
  const app = Fastify({ trustProxy: PROXY })
  t.teardown(async () => { await app.close() })
  await app.register(peerServer, {
    path: '/ws', gdMpApi: true, rooms: true, closeTimeout: 0.3, log: silentLogger, cluster: { servers, nodeId }
  })
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
