import type { WireName } from './wire.ts'

/** One run of the generator, which gets it as JSON. */
export interface Job {
  readonly kind: 'echo' | 'room' | 'handshakes' | 'churn' | 'idle' | 'rooms' | 'peak'
  readonly port: number
  /** Process id of the server, to read its CPU time and memory. */
  readonly pid: number
  /** The nodes of a cluster, in place of `port` and `pid`. */
  readonly cluster?: ClusterJob
  readonly wire: WireName
  /** Whether clients connect with TLS. */
  readonly secure?: boolean
  /** URL path of the endpoint. */
  readonly path: string
  readonly connections: number
  /** Number of rooms of `connections` clients each. */
  readonly rooms?: number
  /** Number of clients of a room that send; default: all. */
  readonly senders?: number
  /** Messages that a client keeps in flight. */
  readonly window: number
  /** Payload of a frame in bytes. */
  readonly size: number
  /** Messages per second of each sender of a room; default: as fast as deliveries arrive. */
  readonly rate?: number
  /** Number of additional idle clients, in a room that others join and leave: its members. */
  readonly idle?: number
  /** Idle clients in one room; default: all. */
  readonly idleRoomSize?: number
  /** Whether the server collects garbage on SIGUSR2. */
  readonly collects?: boolean
  /** Duration of the warm-up in seconds. */
  readonly warm: number
  /** Duration of the measurement in seconds. */
  readonly seconds: number
}

/** How clients are spread over the nodes of a cluster. */
export interface ClusterJob {
  readonly nodes: ReadonlyArray<{ readonly port: number, readonly pid: number }>
  /** Process id of the broker. */
  readonly broker: number
  /** Whether the members of a room are on all nodes in turn (`spanning`), or the rooms are (`affine`). */
  readonly layout: 'spanning' | 'affine'
}

/** Results of a run of the generator. */
export interface Figures {
  /** Echoes, deliveries or handshakes per second. */
  readonly perSecond: number
  /** Latency percentiles in microseconds. */
  readonly p50: number
  readonly p99: number
  /** CPU usage of server and generator; 1 is one core. */
  readonly serverCpu: number
  readonly generatorCpu: number
  /** CPU time of the server in microseconds per echo, delivery or handshake. */
  readonly cpuEach: number
  /** The same of the broker of a cluster, and the bytes that it read and wrote. */
  readonly brokerCpuEach?: number
  readonly brokerBytesEach?: number
  /** Memory growth of the server in KiB per idle client. */
  readonly memoryEach?: number
  /** Growth of the server's memory from idle to the peak, in MiB. */
  readonly peakMib?: number
  /** Number of unexpected messages. */
  readonly faults: number
}
