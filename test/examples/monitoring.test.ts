import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import Fastify from 'fastify'
import t, { type Test } from 'tap'
import { root } from '../../scripts/root.ts'
import app from '../../app.ts'
import { openAdminCluster } from '../helper/admin-cluster.ts'
import { simulateTime } from '../helper/clock.ts'
import { quickTimings } from '../helper/memory/memory-cluster.ts'
import { MemoryConnection } from '../helper/memory/memory-connection.ts'
import { parseMetrics, valueOf } from '../helper/prometheus.ts'
import { nextSignal } from '../helper/next-signal.ts'
import { accept } from '../helper/internals.ts'
import { until } from '../helper/until.ts'
import { internalsOf } from '../../src/core/server/internals.ts'

const read = (file: string): string => readFileSync(join(root, 'examples/monitoring', file), 'utf8')
const dashboard = JSON.parse(read('grafana-dashboard.json'))
const exprs: string[] = [
  ...dashboard.panels.flatMap(({ targets }: any) => targets.map(({ expr }: any) => expr)),
  ...[...read('alerts.yml').matchAll(/expr: (?:\|\n((?: {10}.*\n)+)|(.*))/g)].map(([, block, line]) => block ?? line)
]

/** The metrics of a service on which every kind of thing has happened once. */
async function busyMetrics (t: Test) {
  const service = Fastify()
  t.teardown(async () => { await service.close() })
  await service.register(app, { server: {}, admin: { auth: false } })
  await service.ready()
  const { peerServer } = service
  const connection = new MemoryConnection()
  accept(peerServer, connection)
  const left = nextSignal(peerServer, 'client_disconnected')
  connection.destroy()
  await left
  const headers = { 'content-type': 'text/xml' }
  await service.inject({ method: 'POST', url: '/api/v1/peers/disconnect', headers, payload: 'x' })
  internalsOf(peerServer).monitor.events.emit('refused', 'refusing-connections', '192.0.2.1')
  return parseMetrics((await service.inject('/metrics')).body)
}

/** Names of labels of metrics that have no values without a cluster. */
const ofCluster = ['server', 'kind', 'state']

/** Names of labels that Prometheus itself adds. */
const added = ['job', 'instance']

t.test('the service has all metrics of the dashboard and the alerts, with their labels', async t => {
  const metrics = await busyMetrics(t)
  t.ok(exprs.length > 30)
  for (const expr of exprs) {
    for (const [name] of expr.matchAll(/\b(peer_server|nodejs|process)_\w+/g)) {
      const base = metrics.has(name) ? name : name.replace(/_(bucket|sum|count)$/, '')
      t.ok(metrics.has(base), name)
      t.equal(metrics.get(base)?.type === 'histogram', base !== name, name)
      t.ok(!name.endsWith('_total') || expr.includes(`rate(${name}`), `a counter is looked at as a rate: ${name}`)
    }
    const [, base] = /\b((?:peer_server|nodejs|process)_\w+?)(?:_bucket)?\b/.exec(expr) ?? []
    if (base === undefined) continue
    const labels = base.startsWith('peer_server_cluster_')
      ? ofCluster
      : [...metrics.get(base)!.samples.keys()].flatMap(key => [...key.matchAll(/(\w+)="/g)].map(([, label]) => label))
    const asked = [...expr.matchAll(/(\w+)(?:=~|!=|!~|=)"/g), ...[
      ...expr.matchAll(/by \(([^)]*)\)/g)
    ].flatMap(([, list]) => [...list.matchAll(/(\w+)/g)])].map(([, label]) => label)
    for (const label of asked) t.ok([...labels, ...added].includes(label), `${base} has ${label}`)
  }
})

t.test('alert summaries only use labels of their expression', async t => {
  let summaries = 0
  for (const [, expr, summary] of read('alerts.yml').matchAll(/expr: ([\s\S]*?)\n +for:[\s\S]*?summary: (.*)/g)) {
    const kept = /by \(([^)]*)\)/.exec(expr)?.[1].split(', ')
    summaries++
    for (const [, label] of summary.matchAll(/\$labels\.(\w+)/g)) {
      t.ok(kept === undefined || kept.includes(label), `${label} in ${summary}`)
    }
  }
  t.ok(summaries > 5, `${summaries} summaries`)
})

t.test('a node that has lost the broker meets the condition of an alert, one in the cluster does not', async t => {
  simulateTime(t)
  const { nodes: [node], urls: [url], broker, buses } = await openAdminCluster(t, 2, {}, {
    ...quickTimings, lease: 1500, silence: 700, ping: 300, hello: 300
  })
  const [, name] = /alert: PeerServerOutsideCluster\n +expr: (\w+)\{state="joining"\} > 0\n/.exec(read('alerts.yml'))!
  const value = async (): Promise<number> => {
    const metrics = parseMetrics(await (await fetch(`${url}/metrics`)).text())
    return valueOf(metrics, `${name}{server="peerServer",state="joining"}`)
  }
  t.equal(await value(), 0)
  broker.cut(buses[0])
  await until(() => !node.cluster.isReady)
  t.equal(await value(), 1)
  broker.restore(buses[0])
})

t.test('the alerts use the job name of prometheus.yml', async t => {
  const [, job] = /job_name: (.*)/.exec(read('prometheus.yml')) as string[]
  for (const [, asked] of exprs.join('\n').matchAll(/job="([^"]*)"/g)) t.equal(asked, job)
})

t.test('the dashboard shows every metric of a server', async t => {
  const service = Fastify()
  t.teardown(async () => { await service.close() })
  await service.register(app, { server: {}, admin: { auth: false } })
  const text = exprs.join('\n')
  const names = [...parseMetrics((await service.inject('/metrics')).body).keys()]
    .filter(name => name.startsWith('peer_server_'))
  t.ok(names.length >= 20, `${names.length} metrics`)
  for (const name of names) t.match(text, name)
})
