import Fastify from 'fastify'
import t from 'tap'
import peerServer from '../../index.ts'
import { cases } from './cases.ts'
import { conform, echo, options } from './conform.ts'

t.test('the table has at least 300 cases', async t => {
  t.ok(cases.length >= 300, `${cases.length}`)
})

t.test('an echo server in a Fastify app follows RFC 6455', async t => {
  const app = Fastify()
  t.teardown(async () => { await app.close() })
  await app.register(peerServer, options)
  echo(app.peerServer)
  await app.listen({ port: 0, host: '127.0.0.1' })
  await conform(t, app.peerServer)
})
