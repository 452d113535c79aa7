// The text of docs/metrics.md, from the metrics that a registry has.
import { addServerMetrics, PREFIX } from '../../src/admin/server-metrics.ts'
import type { LocalNode } from '../../src/cluster/local-node.ts'
import type { WebSocketServer } from '../../src/core/server/websocket-server.ts'
import { cell, table } from './markdown.ts'

/** A metric of prom-client, as far as the page shows it. */
interface Metric { readonly name: string, readonly help: string, readonly labelNames: readonly string[] }

/** What belongs together: the first pattern that matches the name after the prefix. */
const groups: Readonly<Record<string, RegExp>> = {
  'The cluster': /^cluster_/,
  'Peers and rooms': /^(peers|rooms|paused_peers|listening|refusing|joins|leaves)/,
  Handshakes: /^(handshake|refusals|limit_hits|close_duration)/,
  Packets: /packets|bytes/,
  Errors: /./
}

/** Groups in the order of the page. */
const order = ['Peers and rooms', 'Handshakes', 'Packets', 'Errors', 'The cluster']

const intro = `\
\`GET /metrics\` is in the text format of Prometheus. The service serves it, in an app of your own the plugin
\`metrics\` does ([fastify.md](fastify.md#parts)). [operations.md](operations.md#metrics) says how to scrape it;
[examples/monitoring](../examples/monitoring) has alerts and a Grafana dashboard.

Label \`server\` is option \`name\` of the server: \`peerServer\`, or \`godot4\` for the endpoint of \`WS4_PATH\`. No
metric has a label for the room, the peer or the address, so their number is bounded. Nothing is counted per packet:
counters of traffic are read from the peers at a scrape. In a cluster each node has its own metrics: sum them over the
nodes, but take the maximum of \`peer_server_output_buffer_max_bytes\`, and \`peer_server_cluster_nodes\` of one node.

Beside these there are the usual metrics of the process (\`process_*\`, \`nodejs_*\`), unless option \`registry\` of
the plugin names a registry that the app has already.`

type PeerState = keyof ReturnType<WebSocketServer['countPeers']>
type MessageKind = keyof LocalNode['traffic']['messages']

const peerStates: Record<PeerState, string> = {
  open: 'has joined', closing: 'is being closed', pending: 'handshake or authentication in progress'
}
const nodeStates = {
  ready: 'accepts clients', draining: 'closes its peers and accepts no clients', joining: 'not in the cluster'
}
const messageKinds: Record<MessageKind, string> = {
  rooms: 'to every node with peers in a room',
  packets: 'for single peers of another node',
  peers: 'which peers have joined and left',
  events: 'events for operators'
}

/** Each label, the metric that it is of unless its values are always the same, and its values. */
const labels: ReadonlyArray<readonly [label: string, metric: string, values: string]> = [
  ['cause', '', 'as in [events.md](events.md#values)'],
  ['outcome', '', 'as in [events.md](events.md#values)'],
  ['limit', '', 'as in [events.md](events.md#values)'],
  ['reason', 'refusals_total', 'a code of [errors.md](errors.md)'],
  ['reason', 'dropped_packets_total', 'as of `dropped` in [events.md](events.md#values)'],
  ['code', 'leaves_total', 'a [close code](errors.md#close-codes), `3xxx` or `4xxx`'],
  ['code', 'http_problems_total', 'a code of [errors.md](errors.md)'],
  ['callback', '', '`listener` (of a signal), `onHandshake`, `authenticate`'],
  ['state', 'peers', listed(peerStates)],
  ['state', 'cluster_nodes', listed(nodeStates)],
  ['kind', '', listed(messageKinds)]
]

/** Lines of the page. */
export function metricsPage (): string[] {
  const registry = addServerMetrics([]) as unknown as { getMetricsAsArray (): Metric[] }
  const metrics = registry.getMetricsAsArray().filter(({ name }) => name.startsWith(PREFIX))
  return [intro, ...order.flatMap(title => {
    const rows = metrics.filter(metric => groupOf(metric) === title).map(rowOf)
    return ['', `## ${title}`, '', ...table(['metric', 'type', 'labels', 'meaning'], rows)]
  }), '', '## Labels', '', ...table(['label', 'of', 'values'], labels.map(labelRow))]
}

/** Values and what they mean. */
function listed (values: Readonly<Record<string, string>>): string {
  return Object.entries(values).map(([value, meaning]) => `\`${value}\` (${meaning})`).join(', ')
}

function labelRow ([label, metric, values]: typeof labels[number]): string[] {
  return [`\`${label}\``, metric === '' ? '' : `\`${PREFIX}${metric}\``, values]
}

function groupOf ({ name }: Metric): string {
  return Object.entries(groups).find(([, pattern]) => pattern.test(name.slice(PREFIX.length)))![0]
}

function rowOf (metric: Metric): string[] {
  const { name, help, labelNames } = metric
  const labels = labelNames.filter(label => label !== 'server' && label !== 'le').map(label => `\`${label}\``)
  return [`\`${name}\``, metric.constructor.name.toLowerCase(), labels.join(', '), cell(help)]
}
