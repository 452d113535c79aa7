import { setImmediate as nextTurn } from 'node:timers/promises'
import type { Test } from 'tap'
import type { Bus } from '../../../src/cluster/bus/bus.ts'
import { defaultTimings, type Timings } from '../../../src/cluster/membership/timings.ts'
import { WebSocketServer } from '../../../src/core/server/websocket-server.ts'
import type { ServerOptions } from '../../../src/options/option-types.ts'
import { MemoryBroker } from './memory-bus.ts'
import { memoryMount } from './memory-client.ts'
import { RoomClient } from './room-client.ts'
import { silentLogger } from '../silent-logger.ts'
import { until } from '../until.ts'

/** Servers of one process that are the nodes of a cluster, without sockets. */
export interface MemoryCluster {
  readonly broker: MemoryBroker
  readonly nodes: readonly WebSocketServer[]
  /** The connection of each node. */
  readonly buses: readonly Bus[]
}

/** Heartbeats in quick succession; a lease that a busy machine does not lose. */
export const quickTimings: Timings = {
  ...defaultTimings, heartbeat: 50, lease: 10_000, quarantine: 1000, silence: 5000, ping: 2000, hello: 5000
}

/** No node is lost, however long it does not respond. */
export const patientTimings = { ...quickTimings, lease: 600_000, silence: 600_000 }

/** Opens a cluster; the test stops it. `wrap` is given the connection of each node. */
export async function openMemoryCluster (
  t: Test,
  count: number,
  options: Partial<ServerOptions> = {},
  timings: Timings = quickTimings,
  wrap: (bus: Bus) => Bus = bus => bus
): Promise<MemoryCluster> {
  const broker = new MemoryBroker()
  const buses: Bus[] = []
  const nodes: WebSocketServer[] = []
  // A node that loses its slot while it joins, on a busy machine, does not join.
  const current = { ...timings, lease: patientTimings.lease }
  for (let index = 0; index < count; index++) {
    const node = new WebSocketServer({
      gdMpApi: true,
      rooms: { joinPerMinute: 0 },
      pingInterval: 0,
      closeTimeout: 0.2,
      handshakeTimeout: 60,
      log: silentLogger,
      cluster: { servers: 'memory', nodeId: `node-${index}` },
      ...options
    }, {
      ...memoryMount,
      cluster: {
        timings: current,
        connect: async () => {
          const bus = broker.connect()
          buses[index] = bus
          return wrap(bus)
        }
      }
    })
    await node.listen()
    nodes.push(node)
  }
  current.lease = timings.lease
  t.teardown(async () => { await Promise.all(nodes.map(async node => { await node.stop() })) })
  return { broker, nodes, buses }
}

/** Waits until the nodes have exchanged everything. */
export async function settled (): Promise<void> {
  for (let turn = 0; turn < 12; turn++) await nextTurn()
}

/** Joins a room through a node; what the client hears of its own id is read already. */
export async function joinRoom (node: WebSocketServer, room: string): Promise<RoomClient> {
  const client = new RoomClient(node, `/ws/${room}`)
  const heard: string[] = []
  await until(async () => {
    heard.push(...await client.heard())
    return client.id !== 0 || client.refusal !== undefined
  }, () => `an answer of room ${room}`)
  client.unhear(heard.filter(line => line !== `id ${client.id}` && line !== 'add 1'))
  await settled()
  return client
}
