import { createSecureContext } from 'node:tls'
import t from 'tap'
import { WebSocketServer } from '../../index.ts'
import { leafKeys, pem } from '../helper/sockets/keys.ts'
import { connectRawTls } from '../helper/sockets/raw-socket.ts'
import { cases } from './cases.ts'
import { conform, echo, options } from './conform.ts'

t.test('an echo server with its own listener follows RFC 6455', async t => {
  const server = new WebSocketServer(options)
  t.teardown(async () => { await server.stop() })
  echo(server)
  await server.listen(0)
  await conform(t, server)
})

t.test('an echo server follows RFC 6455 over TLS', async t => {
  const server = new WebSocketServer({ ...options, ...leafKeys })
  t.teardown(async () => { await server.stop() })
  echo(server)
  await server.listen(0)
  const secureContext = createSecureContext({ ca: pem('root.pem') })
  // Resumed sessions spare each connection the RSA signature.
  let session: Buffer | undefined
  await conform(t, server, async (t, port) => {
    const raw = await connectRawTls(t, port, { secureContext, ...(session === undefined ? {} : { session }) })
    raw.socket.setNoDelay(true)
    raw.socket.once('session', (ticket: Buffer) => { session = ticket })
    return raw
  }, { cases, headers: {}, isSampled: true })
  t.ok(session)
})
