import t from 'tap'
import { WebSocketServer } from '../../../index.ts'
import type { Bus } from '../../../src/cluster/bus/bus.ts'
import { internalsOf } from '../../../src/core/server/internals.ts'
import { memoryMount } from '../../helper/memory/memory-client.ts'
import { joinRoom, quickTimings } from '../../helper/memory/memory-cluster.ts'
import { natsTransport, startNats } from '../../helper/programs/nats.ts'
import { silentLogger } from '../../helper/silent-logger.ts'
import { until } from '../../helper/until.ts'

/** A new cluster waits for as long as a lease, and the broker must be back within it. */
const timings = { ...quickTimings, lease: 20_000, silence: 60_000 }

t.test('rooms and bans stay the same on all nodes when a broker has lost its stores in a restart', async t => {
  const nats = await startNats(t)
  const nodes: WebSocketServer[] = []
  const buses: Bus[] = []
  t.teardown(async () => { await Promise.all(nodes.map(async node => { await node.stop() })) })
  for (const nodeId of ['a', 'b']) {
    const node = new WebSocketServer({
      gdMpApi: true,
      rooms: { joinPerMinute: 0 },
      pingInterval: 0,
      closeTimeout: 0.2,
      log: silentLogger,
      cluster: { servers: nats.url, nodeId }
    }, { ...memoryMount, cluster: natsTransport(nats.url, timings, buses) })
    await node.listen()
    nodes.push(node)
  }
  const [a, b] = nodes
  const links = nodes.map(node => internalsOf(node).registry.cluster!)
  for (const node of nodes) await joinRoom(node, 'arena')
  // What b knows then has high revisions.
  for (let maxPeers = 10; maxPeers < 30; maxPeers++) {
    a.room('arena').change({ maxPeers })
    a.ban('192.0.2.1', { reason: `${maxPeers}` })
    await until(() => links[1].room('arena')?.maxPeers === maxPeers && b.bans()[0]?.reason === `${maxPeers}`)
  }

  await nats.kill()
  await until(() => buses.every(bus => !bus.isConnected))
  await nats.forget()
  await nats.start()
  await until(() => buses.every(bus => bus.isConnected))

  a.room('arena').change({ maxPeers: 5 })
  a.ban('192.0.2.1', { reason: 'again' })
  await until(() => links[1].room('arena')?.maxPeers === 5, () => `5, not ${links[1].room('arena')?.maxPeers}`)
  await until(() => b.bans()[0].reason === 'again', () => `the ban of a, not ${b.bans()[0].reason}`)
  a.unban('192.0.2.1')
  await until(() => b.bans().length === 0)
  await a.stop()
  await until(() => links[1].room('arena')?.node === 'b', () => `b as home, not ${links[1].room('arena')?.node}`)
  t.pass('as before')
})
