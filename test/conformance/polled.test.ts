import Fastify from 'fastify'
import t from 'tap'
import peerServer from '../../index.ts'
import { connectRaw } from '../helper/sockets/raw-socket.ts'
import { cases } from './cases.ts'
import { conform, echoFromQueue, options } from './conform.ts'

t.test('a polled server that echoes from packet queues follows RFC 6455', async t => {
  const app = Fastify()
  await app.register(peerServer, { ...options, autoPoll: false })
  echoFromQueue(app.peerServer)
  await app.listen({ port: 0, host: '127.0.0.1' })
  let timer = setImmediate(function again () {
    app.peerServer.poll()
    timer = setImmediate(again)
  })
  t.teardown(async () => {
    clearImmediate(timer)
    await app.close()
  })
  await conform(t, app.peerServer, connectRaw, { cases, headers: {}, isSampled: true })
})
