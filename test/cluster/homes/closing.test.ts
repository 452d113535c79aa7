import t, { type Test } from 'tap'
import { BusError, type Bus, type BusMessage } from '../../../src/cluster/bus/bus.ts'
import type { ClusterLink } from '../../../src/core/server/cluster-link.ts'
import { internalsOf } from '../../../src/core/server/internals.ts'
import type { WebSocketServer } from '../../../src/core/server/websocket-server.ts'
import {
  joinRoom, openMemoryCluster, patientTimings, settled, type MemoryCluster
} from '../../helper/memory/memory-cluster.ts'
import { override } from '../../helper/override.ts'
import type { RoomClient } from '../../helper/memory/room-client.ts'
import { until } from '../../helper/until.ts'

// A room that is closed on any node is closed on all of them, whatever that node knows of its members.

const linkOf = (node: WebSocketServer): ClusterLink => internalsOf(node).registry.cluster!

/** Waits until the clients, which answer close frames, are closed and no node knows the room. */
async function untilClosed (nodes: readonly WebSocketServer[], clients: readonly RoomClient[]): Promise<void> {
  await until(async () => {
    for (const client of clients) await client.heard()
    return clients.every(({ closed }) => closed !== undefined)
  }, () => `close codes, not ${JSON.stringify(clients.map(({ closed }) => closed))}`)
  await until(() => nodes.every(node => linkOf(node).room('arena') === undefined))
}

interface Cluster extends MemoryCluster {
  /** The first node hears of joins and leaves only when this is over. */
  hearLate (isLate: boolean): void
  /** The second node, the home of the room, gets no response of the third one. */
  refuseRequests (isRefused: boolean): void
}

/** Three nodes; the second one is the home of room `arena`. */
async function openCluster (t: Test): Promise<Cluster> {
  const late: Array<() => void> = []
  let [isLate, index, refused] = [false, 0, '']
  const wrap = (bus: Bus): Bus => {
    const at = index++
    return override(bus, {
      subscribe: (subject: string, receive: (message: BusMessage) => void) => bus.subscribe(subject, message => {
        // Heartbeats would reveal that an event is missing.
        if (at !== 0 || !isLate || !/\.(ev\.\*|hb)$/.test(subject)) return receive(message)
        const copy = { ...message, bytes: message.bytes.slice() }
        late.push(() => { receive(copy) })
      }),
      request: async (subject: string, bytes: Uint8Array, milliseconds: number) => {
        if (at === 1 && subject === refused) throw new BusError('timeout', subject)
        return await bus.request(subject, bytes, milliseconds)
      }
    })
  }
  const cluster = await openMemoryCluster(t, 3, {}, patientTimings, wrap)
  const [, home, third] = cluster.nodes
  home.openRoom('arena', { emptyTimeout: 600 })
  await settled()
  return {
    ...cluster,
    hearLate: isNow => {
      isLate = isNow
      if (!isLate) for (const receive of late.splice(0)) receive()
    },
    refuseRequests: isNow => { refused = isNow ? `gdws.default.n.${third.cluster.slot}.cmd` : '' }
  }
}

for (const [who, close] of [
  ['an administrator', async (node: WebSocketServer) => { await linkOf(node).closeRoom('arena', 4000, 'over') }],
  ['an application', async (node: WebSocketServer) => { node.room('arena').close(4000, 'over') }]
] as const) {
  t.test(`${who} closes a room with a member that only its home knows of yet`, async t => {
    const { nodes, hearLate } = await openCluster(t)
    const [a, b, c] = nodes
    const clients = [await joinRoom(a, 'arena'), await joinRoom(b, 'arena')]
    hearLate(true)
    clients.push(await joinRoom(c, 'arena'))
    t.equal(a.room('arena').peerCount, 2)
    await close(a)
    await settled()
    hearLate(false)
    await untilClosed(nodes, clients)
    t.same(clients.map(({ closed }) => closed), clients.map(() => [4000, 'over']))
  })
}

for (const at of [0, 1]) {
  const where = at === 1 ? 'its home' : 'another node'
  t.test(`a node that does not respond closes the room later; closed by an administrator on ${where}`, async t => {
    const { broker, buses, nodes } = await openCluster(t)
    const clients = [await joinRoom(nodes[at], 'arena'), await joinRoom(nodes[2], 'arena')]
    broker.cut(buses[2])
    t.same(await linkOf(nodes[at]).closeRoom('arena', 4000, 'over'), ['node-2'])
    broker.restore(buses[2])
    await untilClosed(nodes, clients)
    t.same(clients.map(({ closed }) => closed), clients.map(() => [4000, 'over']))
  })
}

t.test('a node that is asked again does not close the next room of the name', async t => {
  const { broker, buses, nodes, refuseRequests } = await openCluster(t)
  const [a, b, c] = nodes
  const first = await joinRoom(c, 'arena')
  refuseRequests(true)
  const unreachable = linkOf(b).closeRoom('arena', 4000, 'over')
  await settled()
  first.disconnect()
  await until(() => nodes.every(node => linkOf(node).room('arena') === undefined))
  t.same(await unreachable, ['node-2'])
  const next = await joinRoom(c, 'arena')
  refuseRequests(false)
  // What has failed before is tried again first.
  broker.cut(buses[1])
  b.openRoom('later')
  await settled()
  broker.restore(buses[1])
  await until(() => linkOf(a).room('later') !== undefined)
  await next.heard()
  t.equal(next.closed, undefined)
  t.ok(c.room('arena').isOpen)
})

t.test('a room that has ended has no effect on the next one of its name', async t => {
  const { nodes } = await openMemoryCluster(t, 2)
  const first = await joinRoom(nodes[0], 'arena')
  const ended = nodes[0].room('arena')
  first.leave()
  await untilClosed(nodes, [])
  const [here, there] = [await joinRoom(nodes[0], 'arena'), await joinRoom(nodes[1], 'arena')]

  ended.locked = true
  await ended.close(4000, 'over')
  await settled()

  for (const client of [here, there]) await client.heard()
  t.same([here.closed, there.closed], [undefined, undefined])
  t.same(nodes.map(node => node.room('arena').locked), [false, false])
  t.equal(linkOf(nodes[1]).room('arena')?.locked, false)
})
