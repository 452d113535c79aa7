import { startBroker } from './broker.ts'
import type { ClusterCase } from './cases.ts'
import type { Figures } from '../load/job.ts'
import { generate } from '../processes/measure.ts'
import type { Timing } from '../processes/measure.ts'
import { startServer } from '../processes/server.ts'
import type { Server } from '../processes/server.ts'

const ROOMS = 3
const ROOM_SIZE = 32

/** One measurement with a new broker, new node processes and a new generator process. */
export async function measureCluster (
  { system, layout, count, load }: ClusterCase, timing: Timing
): Promise<Figures> {
  const { peer } = system
  const broker = await startBroker(system.broker)
  const nodes: Server[] = []
  try {
    for (let index = 0; index < count; index++) {
      const options = system.options(broker.url, index)
      nodes.push(await startServer(peer, { mode: 'relay', options }))
    }
    const cluster = { nodes: nodes.map(({ port, pid }) => ({ port, pid })), broker: broker.pid, layout: layout.name }
    const [{ port, pid }] = nodes
    return await generate({
      kind: 'rooms',
      connections: ROOM_SIZE,
      rooms: ROOMS,
      window: 4,
      size: 64,
      ...load.job,
      ...timing,
      port,
      pid,
      cluster,
      wire: peer.wires.relay,
      path: peer.path
    })
  } finally {
    await Promise.all(nodes.map(async node => { await node.stop() }))
    await broker.stop()
  }
}
