import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import t, { type Test } from 'tap'
import { addressesOf, AdditionalAddress } from '../../src/transport/additional-address.ts'
import { connectRaw } from '../helper/sockets/raw-socket.ts'
import { useTwoAddresses } from '../helper/programs/two-addresses.ts'

/** An HTTP server on 127.0.0.1, and its further address ::1. */
async function openServer (t: Test) {
  const server = createServer((request, response) => { response.end(request.url) })
  const further = new AdditionalAddress(server)
  server.listen(0, '127.0.0.1')
  t.teardown(async () => {
    server.close()
    server.closeAllConnections()
    await further.close()
  })
  await once(server, 'listening')
  return { server, further, port: (server.address() as AddressInfo).port }
}

t.test('localhost has several addresses, any other host is one', async t => {
  t.teardown(useTwoAddresses())
  t.same(await addressesOf('localhost'), ['127.0.0.1', '::1'])
  t.same(await addressesOf('127.0.0.2'), ['127.0.0.2'])
  t.same(await addressesOf('no such host'), ['no such host'])
})

t.test('the server handles its connections, which close waits for', async t => {
  const { server, further, port } = await openServer(t)
  await further.listen('::1', port)
  const raw = await connectRaw(t, port, '::1')
  raw.send('GET /a HTTP/1.1\r\nHost: localhost\r\n\r\n')
  t.match(await raw.response(), { status: 200, body: '/a' })
  let isClosed = false
  const closed = further.close().then(() => { isClosed = true })
  await t.rejects(connectRaw(t, port, '::1'), { code: 'ECONNREFUSED' })
  raw.send('GET /b HTTP/1.1\r\nHost: localhost\r\n\r\n')
  t.match(await raw.response(), { body: '/b' })
  t.notOk(isClosed)
  server.closeAllConnections()
  await closed
})

t.test('rejects an address that is taken', async t => {
  const { port } = await openServer(t)
  const { further } = await openServer(t)
  await t.rejects(further.listen('127.0.0.1', port), { code: 'EADDRINUSE' })
})
