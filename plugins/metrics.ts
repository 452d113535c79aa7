import fp from 'fastify-plugin'
import { collectDefaultMetrics, Counter, Gauge, Histogram, Registry } from 'prom-client'
import { Traffic, type TrafficTotals } from '../src/admin/traffic.ts'
import type { PeerEnd } from '../src/core/peer/peer-end.ts'
import { internalsOf } from '../src/core/server/internals.ts'
import type { WebSocketServer } from '../src/core/server/websocket-server.ts'
import { defaultOptions } from '../src/options.ts'
import { closeCode } from '../src/protocol/websocket/close-code.ts'

declare module 'fastify' {
  interface FastifyInstance { metrics: Registry }
}

const PREFIX = 'peer_server_'
const HANDSHAKE_SECONDS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5]
const CLOSE_SECONDS = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10]

/** A server, and its name: that of its decorator, which every one of its metrics has as a label. */
interface Named { readonly name: string, readonly server: WebSocketServer }

/** Adds `app.metrics`, a registry of its own for this app: what Prometheus wants to know of its servers (`peerServer` unless given) and of the process. */
export default fp<{ servers?: readonly string[] }>(async (app, { servers = [defaultOptions.name] }) => {
  const registry = new Registry()
  app.decorate('metrics', registry)
  addProcess(registry)
  const named = servers.map(name => ({ name, server: app.getDecorator<WebSocketServer>(name) }))
  countEvents(named, registry)
  const moments = new Map(named.map(({ server }) => [server, momentOf(server, new Traffic(server))]))
  for (const reading of readings(server => moments.get(server)!())) addReading(registry, named, reading)
}, { name: 'peer-server-metrics', fastify: '^5.3.0' })

/** What prom-client knows of the process, but not what walks over every socket at every scrape. */
function addProcess (registry: Registry): void {
  collectDefaultMetrics({ register: registry })
  for (const kind of ['handles', 'requests', 'resources']) {
    for (const suffix of ['', '_total']) registry.removeSingleMetric(`nodejs_active_${kind}${suffix}`)
  }
}

// ---- what is counted as it happens: nothing of it per packet ----

function countEvents (named: readonly Named[], registry: Registry): void {
  const registers = [registry]
  const joins = new Counter({ name: `${PREFIX}joins_total`, help: 'Clients that became peers', labelNames: ['server'], registers })
  const leaves = new Counter({ name: `${PREFIX}leaves_total`, help: 'Peers that have gone, by cause and close code', labelNames: ['server', 'cause', 'code'], registers })
  const refusals = new Counter({ name: `${PREFIX}refusals_total`, help: 'Handshakes that were refused, by reason', labelNames: ['server', 'reason'], registers })
  const handshakes = new Histogram({ name: `${PREFIX}handshake_duration_seconds`, help: 'Time from the first byte of a client to the answer that makes it a peer', labelNames: ['server'], buckets: HANDSHAKE_SECONDS, registers })
  const closes = new Histogram({ name: `${PREFIX}close_duration_seconds`, help: 'Time from the first close frame to the end of the peer, by outcome', labelNames: ['server', 'outcome'], buckets: CLOSE_SECONDS, registers })
  for (const { name: server, server: { monitor: { events } } } of named) {
    joins.inc({ server }, 0)
    handshakes.zero({ server })
    events.on('accepted', seconds => { handshakes.observe({ server }, seconds) })
    events.on('joined', () => { joins.inc({ server }) })
    events.on('left', (_peer, { cause, code, outcome, seconds }) => {
      leaves.inc({ server, cause, code: codeLabel(code) })
      closes.observe({ server, outcome }, seconds)
    })
    events.on('refused', reason => { refusals.inc({ server, reason }) })
  }
}

const ownCodes: ReadonlySet<PeerEnd['code']> = new Set(Object.values(closeCode))

/** Clients choose from thousands of codes: those that we know stand for themselves, the others for their range. */
function codeLabel (code: number): string {
  return code < 3000 || ownCodes.has(code) ? String(code) : code < 4000 ? '3xxx' : '4xxx'
}

// ---- what is read off the server when somebody asks ----

/** A metric that is read: one value, or one for each value of its label. */
type Reading = { readonly name: string, readonly help: string } &
  ({ readonly read: (server: WebSocketServer) => number } | { readonly label: string, readonly read: (server: WebSocketServer) => Readonly<Record<string, number>> })

function readings (at: (server: WebSocketServer) => Moment): Reading[] {
  return [
    { name: 'peers', help: 'Peers by state, and handshakes under way (pending)', label: 'state', read: server => at(server).states },
    { name: 'held_peers', help: 'Peers that are not read, for what they sent finds no room or they sent too much', read: server => at(server).held },
    { name: 'listening', help: 'Whether the server listens', read: server => Number(server.isListening()) },
    { name: 'refusing', help: 'Whether the server refuses new connections', read: server => Number(server.refuseNewConnections) },
    { name: 'received_packets_total', help: 'Packets that came from clients', read: server => at(server).traffic.packetsIn },
    { name: 'received_bytes_total', help: 'Payload bytes that came from clients', read: server => at(server).traffic.bytesIn },
    { name: 'sent_packets_total', help: 'Packets sent to clients', read: server => at(server).traffic.packetsOut },
    { name: 'sent_bytes_total', help: 'Payload bytes sent to clients', read: server => at(server).traffic.bytesOut },
    { name: 'relayed_packets_total', help: 'Packets that went from one peer to another; one for many counts for each of them', read: server => server.monitor.packetsRelayed },
    { name: 'dropped_packets_total', help: 'Packets that went nowhere, by reason', label: 'reason', read: server => server.monitor.drops },
    { name: 'limit_hits_total', help: 'How often each limit was hit', label: 'limit', read: server => server.monitor.limits },
    { name: 'remote_method_failures_total', help: 'How often a handler of a remote method or property failed', read: server => server.monitor.failures },
    { name: 'input_queue_packets', help: 'Packets of peers that wait to be read by the application', read: server => at(server).unread },
    { name: 'output_buffer_bytes', help: 'Bytes that wait to go out, of all peers', read: server => at(server).buffered },
    { name: 'output_buffer_max_bytes', help: 'Bytes that wait to go out, of the peer with most of them', read: server => at(server).maxBuffered }
  ]
}

function addReading (registry: Registry, named: readonly Named[], { name, help, ...reading }: Reading): void {
  const labelNames = ['server', ...('label' in reading ? [reading.label] : [])]
  const Kind = name.endsWith('_total') ? Counter : Gauge
  // eslint-disable-next-line no-new
  new Kind({
    name: PREFIX + name,
    help,
    labelNames,
    registers: [registry],
    collect () {
      this.reset()
      for (const { name, server } of named) {
        if (!('label' in reading)) this.inc({ server: name }, reading.read(server))
        else for (const [value, count] of Object.entries(reading.read(server))) this.inc({ server: name, [reading.label]: value }, count)
      }
    }
  })
}

/** Everything that is found in one walk over the peers. */
interface Moment {
  readonly states: Record<'open' | 'closing' | 'pending', number>
  readonly traffic: TrafficTotals
  readonly held: number
  readonly unread: number
  readonly buffered: number
  readonly maxBuffered: number
}

/** Looks at the peers once for all the metrics of a scrape, which are read in one go. */
function momentOf (server: WebSocketServer, traffic: Traffic): () => Moment {
  let moment: Moment | undefined
  return () => {
    if (moment === undefined) {
      moment = look(server, traffic)
      queueMicrotask(() => { moment = undefined })
    }
    return moment
  }
}

function look (server: WebSocketServer, traffic: Traffic): Moment {
  let [held, unread, buffered, maxBuffered] = [0, internalsOf(server).room.inbox.length, 0, 0]
  for (const peer of server.peers()) {
    const waiting = peer.getCurrentOutboundBufferedAmount()
    held += Number(peer.isPaused)
    unread += peer.getAvailablePacketCount()
    buffered += waiting
    maxBuffered = Math.max(maxBuffered, waiting)
  }
  return { states: server.countPeers(), traffic: traffic.totals, held, unread, buffered, maxBuffered }
}
