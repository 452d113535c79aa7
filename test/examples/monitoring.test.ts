import { readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import Fastify from 'fastify'
import t from 'tap'
import app from '../../app.ts'
import { parseMetrics } from '../helper/prometheus.ts'

const read = (file: string): string => readFileSync(resolve(import.meta.dirname, '../../examples/monitoring', file), 'utf8')
const dashboard = JSON.parse(read('grafana-dashboard.json'))
const exprs: string[] = [
  ...dashboard.panels.flatMap(({ targets }: any) => targets.map(({ expr }: any) => expr)),
  ...[...read('alerts.yml').matchAll(/expr: (?:\|\n((?: {10}.*\n)+)|(.*))/g)].map(([, block, line]) => block ?? line)
]

t.test('every metric that the dashboard and the alerts ask for is one of the service, with these labels', async t => {
  const service = Fastify()
  t.teardown(async () => { await service.close() })
  await service.register(app, { server: {}, admin: { auth: false } })
  const metrics = parseMetrics((await service.inject('/metrics')).body)
  t.ok(exprs.length > 30)
  for (const expr of exprs) {
    for (const [name] of expr.matchAll(/\b(peer_server|nodejs|process)_\w+/g)) {
      const base = metrics.has(name) ? name : name.replace(/_(bucket|sum|count)$/, '')
      t.ok(metrics.has(base), name)
      if (base !== name) t.equal(metrics.get(base)?.type, 'histogram', name)
      if (/_total$/.test(name)) t.match(expr, `rate(${name}`, 'a counter is looked at as a rate')
    }
  }
})

t.test('every metric of a server is on the dashboard', async t => {
  const service = Fastify()
  t.teardown(async () => { await service.close() })
  await service.register(app, { server: {}, admin: { auth: false } })
  const text = exprs.join('\n')
  for (const name of parseMetrics((await service.inject('/metrics')).body).keys()) if (name.startsWith('peer_server_')) t.match(text, name)
})
