import { jetstreamManager } from '@nats-io/jetstream'
import { connect } from '@nats-io/transport-node'
import t from 'tap'
import { WebSocketServer } from '../../../index.ts'
import type { Bus } from '../../../src/cluster/bus/bus.ts'
import { memoryMount } from '../../helper/memory/memory-client.ts'
import { joinRoom, quickTimings } from '../../helper/memory/memory-cluster.ts'
import { natsTransport, startNats } from '../../helper/programs/nats.ts'
import { silentLogger } from '../../helper/silent-logger.ts'
import { until } from '../../helper/until.ts'

t.test('NATS does not keep the names of rooms that have ended', async t => {
  const nats = await startNats(t)
  const connection = await connect({ servers: nats.url })
  t.teardown(async () => { await connection.close() })
  const { streams } = await jetstreamManager(connection)
  const messages = async (store: string): Promise<number> =>
    (await streams.info(`KV_gdws-default-${store}`)).state.messages
  const nodes: WebSocketServer[] = []
  const buses: Bus[] = []
  for (const nodeId of ['a', 'b']) {
    const node = new WebSocketServer({
      gdMpApi: true,
      rooms: { joinPerMinute: 0 },
      maxPeersPerAddress: 0,
      log: silentLogger,
      cluster: { servers: nats.url, nodeId }
    }, { ...memoryMount, cluster: natsTransport(nats.url, { ...quickTimings, lease: 5000, deleted: 100 }, buses) })
    await node.listen()
    t.teardown(async () => { await node.stop() })
    nodes.push(node)
  }
  for (let number = 0; number < 40; number++) {
    const client = await joinRoom(nodes[number % 2], `room-${number}`)
    client.leave()
  }
  await until(() => nodes[0].roomCount === 1 && nodes[1].roomCount === 1)
  // `main`, and the latest deletion.
  let kept: number[] = []
  await until(async () => {
    kept = await Promise.all(['rooms', 'state'].map(messages))
    return kept[0] <= 2 && kept[1] <= 1
  }, () => `few messages, not ${kept.join(' and ')}`)
  const again = await joinRoom(nodes[1], 'room-0')
  t.equal(again.refusal, undefined)
})
