import type { BrokerName } from './broker.ts'
import type { ClusterJob, Job } from '../load/job.ts'
import { node, peers } from '../peers.ts'
import type { Peer } from '../peers.ts'

/** Servers with a broker. */
export interface System {
  readonly name: string
  readonly peer: Peer
  readonly broker: BrokerName
  /** Options of a node. */
  readonly options: (broker: string, index: number) => object
  /** The loads that it is measured with; default: all. */
  readonly only?: readonly string[]
}

/** How rooms are spread over nodes. */
export interface Layout {
  readonly name: ClusterJob['layout']
  readonly title: string
  /** Fewest nodes for which it differs from others. */
  readonly nodes: number
}

/** What clients do. */
export interface Load {
  readonly name: string
  readonly title: string
  readonly job: Partial<Job>
}

/** One measurement. */
export interface ClusterCase {
  readonly name: string
  readonly system: System
  readonly layout: Layout
  readonly count: number
  readonly load: Load
}

const us = peers.find(({ name }) => name === 'us-own')!

const socketIo: Peer = {
  name: 'socket.io',
  title: 'Socket.IO',
  path: '/socket.io/?EIO=4&transport=websocket',
  runtime: 'node',
  wires: { echo: 'socket.io-binary', relay: 'socket.io-binary', announce: 'socket.io-binary' },
  command: task => node('socket-io-cluster')(task, JSON.stringify(task.options)),
  isOptional: true
}

/** One row per system. */
export const systems: readonly System[] = [
  { name: 'us', peer: us, broker: 'nats', options: nodeOptions },
  {
    name: 'us-hold',
    peer: { ...us, name: 'us-hold', title: '**this server, own listener, holdTime 16**' },
    broker: 'nats',
    options: (broker, index) => ({ ...nodeOptions(broker, index), holdTime: 16 }),
    only: ['rate']
  },
  {
    name: 'us-packets',
    peer: {
      ...us,
      name: 'us-packets',
      title: 'this server, a NATS message per packet',
      command: task => node('us-per-packet')(task, JSON.stringify({ ...task.options, port: task.port }))
    },
    broker: 'nats',
    options: nodeOptions
  },
  socketIoWith('redis', '@socket.io/redis-adapter'),
  socketIoWith('redis-streams', '@socket.io/redis-streams-adapter')
]

/** One row per layout. */
export const layouts: readonly Layout[] = [
  { name: 'spanning', title: 'rooms span all nodes', nodes: 1 },
  { name: 'affine', title: 'each room on one node', nodes: 2 }
]

/** One row per load; the rooms are spread evenly over one and three nodes. */
export const loads: readonly Load[] = [
  { name: 'busy', title: '3 rooms of 32, 4 in flight each', job: { window: 4 } },
  { name: 'rate', title: '3 rooms of 32, 10 messages per second each', job: { rate: 10 } }
]

function nodeOptions (servers: string, index: number): object {
  return {
    rooms: { joinPerMinute: 0 },
    maxPeersPerAddress: 0,
    pingInterval: 0,
    cluster: { servers, nodeId: `node-${index + 1}` }
  }
}

function socketIoWith (adapter: string, packageName: string): System {
  return {
    name: adapter,
    peer: { ...socketIo, name: `socket.io-${adapter}`, title: `Socket.IO, ${adapter}`, package: packageName },
    broker: 'redis',
    options: servers => ({ servers, adapter })
  }
}
