import type { WireName } from './wire.ts'

/** What one run of the generator does; it gets it as JSON. */
export interface Job {
  readonly kind: 'echo' | 'room' | 'handshakes' | 'idle'
  readonly port: number
  /** Process of the server, whose CPU time and memory are read. */
  readonly pid: number
  readonly wire: WireName
  /** URL path of the endpoint. */
  readonly path: string
  readonly connections: number
  /** How many of a room's clients send; all unless given. */
  readonly senders?: number
  /** Messages that a client keeps under way. */
  readonly window: number
  /** Bytes of a message, the payload of its frame. */
  readonly size: number
  /** Messages a second that each sender of a room sends, whatever comes back. */
  readonly rate?: number
  /** Idle clients that are there beside those that talk. */
  readonly idle?: number
  /** Whether the server collects its garbage on SIGUSR2. */
  readonly collects?: boolean
  /** Seconds before anything counts, and seconds that count. */
  readonly warm: number
  readonly seconds: number
}

/** What a run of the generator found. */
export interface Figures {
  /** Echoes, deliveries or handshakes a second. */
  readonly perSecond: number
  /** Microseconds until half of them, and 99 of 100, were back. */
  readonly p50: number
  readonly p99: number
  /** Share of a core that the server and the generator used. */
  readonly serverCpu: number
  readonly generatorCpu: number
  /** Microseconds of the server's CPU time for each of them. */
  readonly cpuEach: number
  /** KiB by which the server's memory grew for each idle client. */
  readonly memoryEach?: number
  /** Messages that were not what they should be. */
  readonly faults: number
}
