import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { FastifyOtelInstrumentation } from '@fastify/otel'
import { trace } from '@opentelemetry/api'
import { InMemorySpanExporter, BasicTracerProvider, SimpleSpanProcessor } from '@opentelemetry/sdk-trace-base'
import Fastify from 'fastify'
import t from 'tap'
import { WebSocket } from 'ws'
import peerServer, { adminRoutes } from '../../../index.ts'
import { until } from '../../helper/until.ts'

t.test('a handshake is a span, and its join carries the trace id', async t => {
  const exporter = new InMemorySpanExporter()
  const provider = new BasicTracerProvider({ spanProcessors: [new SimpleSpanProcessor(exporter)] })
  const otel = new FastifyOtelInstrumentation({ registerOnInitialization: false })
  otel.setTracerProvider(provider)
  const lines: any[] = []
  const app = Fastify({ logger: { level: 'info', stream: { write: text => { lines.push(JSON.parse(text)) } } } })
  t.teardown(async () => {
    await app.close()
    trace.disable()
  })
  await app.register(otel.plugin())
  await app.register(peerServer, { closeTimeout: 0.3 })
  await app.register(adminRoutes, { prefix: '/api/v1', auth: false })
  await app.listen({ port: 0, host: '127.0.0.1' })
  const { port } = app.server.address() as AddressInfo

  const socket = new WebSocket(`ws://127.0.0.1:${port}/ws`)
  t.teardown(() => { socket.terminate() })
  await once(socket, 'open')
  const spanOf = async (route: string) => {
    const find = () => exporter.getFinishedSpans().find(({ attributes }) => attributes['http.route'] === route)
    await until(() => find() !== undefined, () => `a span of ${route}`)
    return find()!
  }
  const handshake = await spanOf('/ws')
  const { traceId } = handshake.spanContext()
  t.match(traceId, /^[0-9a-f]{32}$/)
  t.match(lines.find(({ msg }) => msg === 'peer joined'), { traceId, address: '127.0.0.1' })
  socket.close()
  await until(() => lines.some(({ msg }) => msg === 'peer left'))
  t.match(lines.find(({ msg }) => msg === 'peer left'), { traceId })

  t.equal((await fetch(`http://127.0.0.1:${port}/api/v1/peers`)).status, 200)
  t.ok(await spanOf('/api/v1/peers'), 'requests of the REST API are spans, too')
})

t.test('without @fastify/otel joins have no trace id', async t => {
  const lines: any[] = []
  const app = Fastify({ logger: { level: 'info', stream: { write: text => { lines.push(JSON.parse(text)) } } } })
  t.teardown(async () => { await app.close() })
  await app.register(peerServer, { closeTimeout: 0.3 })
  await app.listen({ port: 0, host: '127.0.0.1' })
  const socket = new WebSocket(`ws://127.0.0.1:${app.peerServer.port}/ws`)
  t.teardown(() => { socket.terminate() })
  await once(socket, 'open')
  t.notOk('traceId' in lines.find(({ msg }) => msg === 'peer joined'))
})
