import { once } from 'node:events'
import { setImmediate as nextTurn } from 'node:timers/promises'
import t, { type Test } from 'tap'
import { WebSocket } from 'ws'
import { addServerMetrics } from '../../src/admin/server-metrics.ts'
import type { ServerOptions } from '../../src/options/option-types.ts'
import { startHost } from '../helper/host.ts'
import { lintMetrics, parseMetrics, valueOf } from '../helper/prometheus.ts'
import { connectRaw, upgradeRequest } from '../helper/sockets/raw-socket.ts'
import { nextSignal } from '../helper/next-signal.ts'
import { until } from '../helper/until.ts'

async function start (t: Test, options: Partial<ServerOptions> = {}) {
  const { server } = await startHost(t, { server: options })
  const registry = addServerMetrics([{ name: 'peerServer', server }])
  const scrape = async () => {
    const metrics = parseMetrics(await registry.metrics())
    return (key: string) => {
      const [, name, labels = ''] = /^(\w+)(?:\{(.*)\})?$/.exec(key) as string[]
      return valueOf(metrics, `peer_server_${name}{${['server="peerServer"', labels].filter(text => text !== '')
        .join(',')}}`)
    }
  }
  const join = async () => {
    const joined = nextSignal(server, server.options.gdMpApi ? 'peer_connected' : 'client_connected')
    const client = new Client(`ws://127.0.0.1:${server.port}/ws`)
    t.teardown(() => { client.socket.terminate() })
    client.id = (await joined)[0]
    await once(client.socket, 'open')
    return client
  }
  return { registry, server, scrape, join }
}

/** A client that counts the packets it receives. */
class Client {
  readonly socket: WebSocket
  id = 0
  packets = 0
  bytes = 0

  constructor (url: string) {
    this.socket = new WebSocket(url)
    this.socket.on('message', (data: Buffer) => {
      this.packets++
      this.bytes += data.length
    })
  }

  /** Sends `count` packets of `size` bytes to a target; returns the number of bytes. */
  send (target: number, count: number, size: number): number {
    const packet = Buffer.alloc(9 + size)
    packet.writeInt32LE(this.id, 1)
    packet.writeInt32LE(target, 5)
    for (let i = 0; i < count; i++) this.socket.send(packet)
    return count * packet.length
  }
}

t.test('names follow the conventions of Prometheus, and no metric is per peer', async t => {
  const { registry, join } = await start(t)
  const client = await join()
  const text = await registry.metrics()
  t.same(lintMetrics(parseMetrics(text)), [])
  t.notMatch(text, new RegExp(`${client.id}|127\\.0\\.0\\.1`))
  t.match(text, /^nodejs_eventloop_lag_p99_seconds /m)
  t.match(text, /^process_resident_memory_bytes /m)
})

t.test('the linter of the tests finds what promtool finds', async t => {
  const text = [
    '# HELP jobs Jobs', '# TYPE jobs counter', 'jobs 1',
    '# HELP queue_total Queue', '# TYPE queue_total gauge', 'queue_total 1',
    '# HELP wait_ms Wait', '# TYPE wait_ms gauge', 'wait_ms 1',
    '# HELP run_gauge_minutes Run', '# TYPE run_gauge_minutes gauge', 'run_gauge_minutes 1', ''
  ].join('\n')
  t.same(lintMetrics(parseMetrics(text)), [
    'jobs is a counter without suffix _total',
    'queue_total is not a counter, but ends in _total',
    'wait_ms abbreviates a unit',
    'run_gauge_minutes contains its type',
    'run_gauge_minutes does not use the base unit'
  ])
  for (const broken of [
    '# HELP a A\n# TYPE a gauge\na 1\na 1\n',
    '# HELP a A\n# TYPE a gauge\nb 1\n',
    '# HELP a A\n# TYPE a gauge\na{x=1} 1\n',
    '# HELP a A\na 1'
  ]) {
    t.throws(() => parseMetrics(broken), broken)
  }
})

t.test('every app has its own registry', async t => {
  const [one, other] = [await start(t), await start(t)]
  await one.join()
  t.equal((await one.scrape())('joins_total'), 1)
  t.equal((await other.scrape())('joins_total'), 0)
})

t.test('totals only grow under load, and finally equal what the clients sent and received', async t => {
  const { scrape, join, server } = await start(t, { gdMpApi: true })
  const clients: Client[] = []
  for (let i = 0; i < 12; i++) clients.push(await join())
  let [packets, bytes, relayed] = [0, 0, 0]
  const over = new AbortController()
  let scrapes = 0
  const scraper = (async () => {
    for (let last = 0; !over.signal.aborted; scrapes++) {
      const read = await scrape()
      t.ok(read('sent_packets_total') >= last)
      last = read('sent_packets_total')
      await new Promise(resolve => setTimeout(resolve, 2))
    }
  })()

  const load = (senders: Client[], count: number) => {
    for (const [i, client] of senders.entries()) {
      bytes += client.send(0, count, 10 + i)
      bytes += client.send(-senders[(i + 1) % senders.length].id, count, 20)
      bytes += client.send(senders[(i + 1) % senders.length].id, count, 30)
      packets += 3 * count
      relayed += count * (senders.length - 1) + count * (senders.length - 2) + count
    }
  }
  const settled = async () => {
    await until(async () => {
      const read = await scrape()
      return read('relayed_packets_total') >= relayed && read('output_buffer_bytes') === 0 &&
        got('packets') >= read('sent_packets_total')
    })
  }
  const loadUntilScraped = async (times: number) => {
    const before = scrapes
    const isEnough = () => scrapes >= before + times
    for (; !isEnough(); await settled()) load(clients, 30)
  }
  const gone = { packets: 0, bytes: 0 }
  const got = (what: 'packets' | 'bytes') => clients.reduce((sum, client) => sum + client[what], gone[what])
  const compare = async () => {
    await settled()
    const read = await scrape()
    t.same({
      received: [read('received_packets_total'), read('received_bytes_total')],
      sent: [read('sent_packets_total'), read('sent_bytes_total')],
      relayed: read('relayed_packets_total')
    }, { received: [packets, bytes], sent: [got('packets'), got('bytes')], relayed })
  }

  await loadUntilScraped(6)
  await compare()

  // Half of them leave; their packets stay in the totals.
  for (const client of clients.splice(0, 6)) {
    const left = nextSignal(server, 'peer_disconnected')
    client.socket.close()
    await left
    await once(client.socket, 'close')
    gone.packets += client.packets
    gone.bytes += client.bytes
  }
  await compare()
  await loadUntilScraped(6)
  await compare()
  over.abort()
  await scraper
  const read = await scrape()
  t.equal(read('joins_total'), 12)
  t.equal(read('leaves_total{cause="client",code="1005"}'), 6)
  t.equal(read('peers{state="open"}'), 6)
})

t.test('counts disconnects by cause and code; codes of applications by range', async t => {
  const { scrape, join, server } = await start(t)
  const leave = async (end: (client: Client) => void) => {
    const client = await join()
    const left = nextSignal(server, 'client_disconnected')
    end(client)
    await left
  }
  await leave(({ socket }) => { socket.close(1000) })
  await leave(({ socket }) => { socket.close(4321) })
  await leave(({ socket }) => { socket.close(4322) })
  await leave(({ socket }) => { socket.close(3333) })
  await leave(({ socket }) => { socket.terminate() })
  await leave(({ id }) => { server.disconnectPeer(id, 4008) })
  const read = await scrape()
  t.same(['client",code="1000', 'client",code="4xxx', 'client",code="3xxx', 'reset",code="1006', 'server",code="4008']
    .map(labels => read(`leaves_total{cause="${labels}"}`)), [1, 2, 1, 1, 1])
  t.equal(read('close_duration_seconds_count{outcome="clean"}'), 5)
  t.equal(read('close_duration_seconds_count{outcome="reset"}'), 1)
  t.equal(read('handshake_duration_seconds_count'), 6)
  t.ok(read('handshake_duration_seconds_sum') > 0)
  t.ok(read('handshake_duration_seconds_sum') < 5)
})

t.test('counts refusals, limits and drops by reason', async t => {
  const { scrape, join, server } = await start(t, { gdMpApi: true, inputBufferKb: 1 })
  const client = await join()
  client.socket.send(Buffer.alloc(3))
  const left = nextSignal(server, 'peer_disconnected')
  client.socket.send(Buffer.alloc(5000))
  client.socket.on('error', () => {})
  await left
  server.refuseNewConnections = true
  const refused = await connectRaw(t, server.port)
  refused.send(upgradeRequest('/ws'))
  t.equal((await refused.head()).status, 503)
  const read = await scrape()
  t.same([read(
    'dropped_packets_total{reason="short-packet"}'
  ), read('limit_hits_total{limit="message-too-big"}'), read('refusals_total{reason="refusing-connections"}'),
  read('refusing'), read('listening'), read('dropped_packets_total{reason="own-target"}')], [1, 1, 1, 1, 1, 0])
})

t.test('counts the rooms, without a series for each', async t => {
  const { registry, scrape, server } = await start(t, { rooms: true })
  t.equal((await scrape())('rooms'), 1)
  await server.openRoom('arena-7').close()
  server.openRoom('arena-8')
  t.equal((await scrape())('rooms'), 2)
  t.notMatch(await registry.metrics(), /arena-/)
})

t.test('shows unread packets and buffered bytes', async t => {
  const { scrape, join, server } = await start(t, { outputBufferKb: 1024 })
  const [a, b] = [await join(), await join()]
  for (let i = 0; i < 7; i++) a.socket.send('wait')
  await until(async () => (await scrape())('input_queue_packets') >= 7)
  b.socket.pause()
  const peer = server.getPeer(b.id)
  while (peer.getCurrentOutboundBufferedAmount() < 300_000) {
    peer.putPacket(Buffer.alloc(60_000))
    await nextTurn()
  }
  const read = await scrape()
  t.equal(read('input_queue_packets'), 7)
  t.equal(read('output_buffer_bytes'), peer.getCurrentOutboundBufferedAmount())
  t.equal(read('output_buffer_max_bytes'), peer.getCurrentOutboundBufferedAmount())
})
