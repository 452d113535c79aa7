// The only file that imports prom-client: its successor needs Node 22 (docs/dependencies.md).
import { collectDefaultMetrics, Counter, Gauge, Histogram, Registry } from 'prom-client'
import type { TrafficTotals } from './feed-event.ts'
import { Traffic } from './traffic.ts'
import type { PeerEnd } from '../core/peer/peer-end.ts'
import type { PeerRegistry } from '../core/server/peer-registry.ts'
import { internalsOf } from '../core/server/internals.ts'
import type { NamedServer, WebSocketServer } from '../core/server/websocket-server.ts'
import { closeCode } from '../protocol/websocket/close-code.ts'

/** What the names of all metrics of servers begin with. */
export const PREFIX = 'peer_server_'
const HANDSHAKE_SECONDS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5]
const CLOSE_SECONDS = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10]

/** A registry of prom-client, as far as it is read here. */
export interface MetricsRegistry {
  /** Media type of the text. */
  readonly contentType: string
  /** All metrics in the text format of Prometheus. */
  metrics (): Promise<string>
  /** Adds a metric. */
  registerMetric (metric: any): void
}

/**
 * Adds the metrics of servers to a registry of prom-client, and the error responses of the HTTP server by code. By
 * default it is a new one, which has the metrics of the process as well.
 */
export function addServerMetrics (
  named: readonly NamedServer[],
  problems: Readonly<Record<string, number>> = {},
  registry: MetricsRegistry = processRegistry()
): MetricsRegistry {
  const target = registry as Registry
  countEvents(named, target)
  addProblems(problems, target)
  const snapshots = new Map(named.map(({ server }) => [server, snapshotOf(server, new Traffic(server))]))
  for (const reading of readings(server => snapshots.get(server)!())) addReading(target, named, reading)
  return registry
}

/** A registry with the process metrics of prom-client, except those that iterate over every socket at every scrape. */
function processRegistry (): Registry {
  const registry = new Registry()
  collectDefaultMetrics({ register: registry })
  for (const kind of ['handles', 'requests', 'resources']) {
    for (const suffix of ['', '_total']) registry.removeSingleMetric(`nodejs_active_${kind}${suffix}`)
  }
  return registry
}

// ---- counted as it happens, never per packet ----

function countEvents (named: readonly NamedServer[], registry: Registry): void {
  const registers = [registry]
  const joins = new Counter({
    name: `${PREFIX}joins_total`,
    help: 'Clients that joined',
    labelNames: ['server'],
    registers
  })
  const leaves = new Counter({
    name: `${PREFIX}leaves_total`,
    help: 'Peers that disconnected, by cause and close code; 3xxx and 4xxx stand for those that games choose',
    labelNames: ['server', 'cause', 'code'],
    registers
  })
  const refusals = new Counter({
    name: `${PREFIX}refusals_total`,
    help: 'Refused handshakes, by reason',
    labelNames: ['server', 'reason'],
    registers
  })
  const gaps = new Counter({
    name: `${PREFIX}cluster_lost_messages_total`,
    help: 'Messages of other nodes of the cluster that were lost on their way to this one',
    labelNames: ['server'],
    registers
  })
  const handshakes = new Histogram({
    name: `${PREFIX}handshake_duration_seconds`,
    help: 'Time from the first byte of a client to the response that completes its handshake',
    labelNames: ['server'],
    buckets: HANDSHAKE_SECONDS,
    registers
  })
  const closes = new Histogram({
    name: `${PREFIX}close_duration_seconds`,
    help: 'Time from the first close frame to the disconnect of the peer, by outcome',
    labelNames: ['server', 'outcome'],
    buckets: CLOSE_SECONDS,
    registers
  })
  for (const { name: server, server: measured } of named) {
    const { events } = measured.monitor
    joins.inc({ server }, 0)
    handshakes.zero({ server })
    events.on('accepted', seconds => { handshakes.observe({ server }, seconds) })
    events.on('joined', () => { joins.inc({ server }) })
    events.on('left', (_peer, { cause, code, outcome, seconds }) => {
      leaves.inc({ server, cause, code: codeLabel(code) })
      closes.observe({ server, outcome }, seconds)
    })
    const { cluster } = registryOf(measured)
    // Prometheus does not see the increase of a counter that appears with its first value.
    if (cluster !== undefined) gaps.inc({ server }, 0)
    cluster?.api.on('gap', (_node, lost) => { gaps.inc({ server }, lost) })
    events.on('refused', reason => { refusals.inc({ server, reason }) })
  }
}

const ownCodes: ReadonlySet<PeerEnd['code']> = new Set(Object.values(closeCode))

/** Clients can choose from thousands of codes; all but the well-known ones share a label per range. */
function codeLabel (code: number): string {
  return code < 3000 || ownCodes.has(code) ? String(code) : code < 4000 ? '3xxx' : '4xxx'
}

// ---- read from the server at every scrape ----

/** A metric that is read at a scrape: one value, or one for each value of its label; undefined: it has none. */
type Reading = { readonly name: string, readonly help: string } &
  (
    { readonly read: (server: WebSocketServer) => number | undefined } |
    { readonly label: string, readonly read: (server: WebSocketServer) => Readonly<Record<string, number>> }
  )

function readings (at: (server: WebSocketServer) => Snapshot): Reading[] {
  return [...stateReadings(at), ...trafficReadings(at), ...clusterReadings]
}

/** Without option `cluster` they have no values. */
const clusterReadings: Reading[] = [
  {
    name: 'cluster_nodes',
    help: 'Nodes of the cluster by state: ready, or draining; this one is joining while it is not in the cluster',
    label: 'state',
    read: server => {
      const { cluster } = registryOf(server)
      if (cluster === undefined) return {}
      const { api: { isReady }, isDraining } = cluster
      const own = !isReady ? 'joining' : isDraining ? 'draining' : 'ready'
      const others = isReady ? [...cluster.knownNodes()] : []
      const states = [own, ...others.map(node => node.isDraining ? 'draining' : 'ready')]
      return Object.fromEntries(['ready', 'draining', 'joining'].map(state =>
        [state, states.filter(one => one === state).length]))
    }
  },
  {
    name: 'cluster_lease_age_seconds',
    help: 'Time since the broker confirmed that this node is in the cluster; without a value while it is not',
    read: server => registryOf(server).cluster?.leaseAge
  },
  {
    name: 'cluster_sent_messages_total',
    help: 'Messages to other nodes of the cluster, by kind',
    label: 'kind',
    read: server => registryOf(server).cluster?.traffic.messages ?? {}
  },
  {
    name: 'cluster_sent_bytes_total',
    help: 'Bytes of messages to other nodes of the cluster, by kind',
    label: 'kind',
    read: server => registryOf(server).cluster?.traffic.bytes ?? {}
  }
]

function registryOf (server: WebSocketServer): PeerRegistry {
  return internalsOf(server).registry
}

function stateReadings (at: (server: WebSocketServer) => Snapshot): Reading[] {
  return [
    {
      name: 'peers',
      help: 'Peers by state, and pending handshakes',
      label: 'state',
      read: server => at(server).states
    },
    {
      name: 'rooms',
      help: 'Number of rooms, including main; in a cluster those that have their home on this node',
      read: server => internalsOf(server).rooms.homeCount
    },
    {
      name: 'paused_peers',
      help: 'Peers that are not being read: input buffer full, or rate limited',
      read: server => at(server).paused
    },
    {
      name: 'listening',
      help: 'Whether the server is listening (1) or not (0)',
      read: server => Number(server.isListening())
    },
    {
      name: 'refusing',
      help: 'Whether the server refuses new connections (1) or not (0)',
      read: server => Number(server.refuseNewConnections)
    }
  ]
}

function trafficReadings (at: (server: WebSocketServer) => Snapshot): Reading[] {
  return [
    {
      name: 'received_packets_total',
      help: 'Packets received from clients that have joined',
      read: server => at(server).traffic.packetsIn
    },
    {
      name: 'received_bytes_total',
      help: 'Payload bytes received from clients that have joined',
      read: server => at(server).traffic.bytesIn
    },
    {
      name: 'sent_packets_total',
      help: 'Packets sent to clients that have joined',
      read: server => at(server).traffic.packetsOut
    },
    {
      name: 'sent_bytes_total',
      help: 'Payload bytes sent to clients that have joined',
      read: server => at(server).traffic.bytesOut
    },
    {
      name: 'relayed_packets_total',
      help: 'Packets relayed between peers, counted per recipient; in a cluster, on the recipient\'s node',
      read: server => server.monitor.packetsRelayed
    },
    {
      name: 'dropped_packets_total',
      help: 'Dropped packets, by reason; also of clients that do not join',
      label: 'reason',
      read: server => server.monitor.drops
    },
    { name: 'limit_hits_total', help: 'Limit hits, by limit', label: 'limit', read: server => server.monitor.limits },
    {
      name: 'remote_method_failures_total',
      help: 'Failed handlers of remote methods and properties',
      read: server => server.monitor.failures
    },
    {
      name: 'callback_failures_total',
      help: 'Failed listeners of signals, and failures of onHandshake and authenticate, by callback',
      label: 'callback',
      read: server => server.monitor.callbackFailures
    },
    {
      name: 'input_queue_packets',
      help: 'Packets waiting to be read by the application',
      read: server => at(server).unread
    },
    { name: 'output_buffer_bytes', help: 'Bytes queued for sending, all peers', read: server => at(server).buffered },
    {
      name: 'output_buffer_max_bytes',
      help: 'Bytes queued for sending, maximum over peers',
      read: server => at(server).maxBuffered
    }
  ]
}

function addReading (registry: Registry, named: readonly NamedServer[], { name, help, ...reading }: Reading): void {
  const labelNames = ['server', ...('label' in reading ? [reading.label] : [])]
  const Kind = name.endsWith('_total') ? Counter : Gauge
  // oxlint-disable-next-line no-new
  new Kind({
    name: PREFIX + name,
    help,
    labelNames,
    registers: [registry],
    collect () {
      this.reset()
      for (const { name, server } of named) {
        if (!('label' in reading)) {
          const value = reading.read(server)
          if (value !== undefined) this.inc({ server: name }, value)
        } else {
          for (const [value, count] of Object.entries(reading.read(server))) {
            this.inc({ server: name, [reading.label]: value }, count)
          }
        }
      }
    }
  })
}

function addProblems (problems: Readonly<Record<string, number>>, registry: Registry): void {
  // oxlint-disable-next-line no-new
  new Counter({
    name: `${PREFIX}http_problems_total`,
    help: 'Error responses of the REST API and of the other parts, by code',
    labelNames: ['code'],
    registers: [registry],
    collect () {
      this.reset()
      for (const [code, count] of Object.entries(problems)) this.inc({ code }, count)
    }
  })
}

/** Everything that one pass over the peers finds. */
interface Snapshot {
  readonly states: Record<'open' | 'closing' | 'pending', number>
  readonly traffic: TrafficTotals
  readonly paused: number
  readonly unread: number
  readonly buffered: number
  readonly maxBuffered: number
}

/** Passes over the peers once for all metrics of a scrape, which are read synchronously. */
function snapshotOf (server: WebSocketServer, traffic: Traffic): () => Snapshot {
  let snapshot: Snapshot | undefined
  return () => {
    if (snapshot === undefined) {
      snapshot = scan(server, traffic)
      queueMicrotask(() => { snapshot = undefined })
    }
    return snapshot
  }
}

/** Packets that wait for the server itself. */
function unreadByRooms (server: WebSocketServer): number {
  let unread = 0
  for (const { inbox } of internalsOf(server).rooms) unread += inbox.unreadPackets
  return unread
}

function scan (server: WebSocketServer, traffic: Traffic): Snapshot {
  let [paused, unread, buffered, maxBuffered] = [0, unreadByRooms(server), 0, 0]
  // Not `getAvailablePacketCount` of a peer, which counts as reading: unread packets would wait, not be dropped.
  for (const { isPaused, unreadPackets, outbox: { bufferedAmount: waiting } } of internalsOf(server).registry.peers) {
    paused += Number(isPaused)
    unread += unreadPackets
    buffered += waiting
    maxBuffered = Math.max(maxBuffered, waiting)
  }
  return { states: server.countPeers(), traffic: traffic.totals, paused, unread, buffered, maxBuffered }
}
