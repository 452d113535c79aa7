import { once } from 'node:events'
import { createServer, type IncomingMessage } from 'node:http'
import type { AddressInfo } from 'node:net'
import { PassThrough } from 'node:stream'
import Fastify from 'fastify'
import t from 'tap'
import { adminRoutes } from '../../index.ts'
import { LiveView } from '../../src/cli/live-view.ts'
import { PeerServerClient } from '../../src/client/client.ts'
import { listen } from '../helper/app.ts'
import { openMemoryCluster } from '../helper/memory/memory-cluster.ts'
import { until } from '../helper/until.ts'
import { withTimeout } from '../helper/with-timeout.ts'

/** The view of a service, and what it prints. */
function openView (url: string, client: PeerServerClient, what: { sort: string, room: string | undefined }) {
  const [input, output] = [new PassThrough(), Object.assign(new PassThrough(), { hasColors: () => false })]
  const { signal } = new AbortController()
  const line = { args: [], env: {}, input: input as never, output: output as never, errors: new PassThrough(), signal }
  let printed = ''
  output.setEncoding('utf8').on('data', (text: string) => { printed += text })
  return { view: new LiveView({ client, url, options: {}, operands: [], line }, what), printed: () => printed }
}

t.test('ends its requests when the user quits, as a service that does not respond would keep the process', async t => {
  const requests: IncomingMessage[] = []
  const silent = createServer(request => { requests.push(request) })
  t.teardown(() => { silent.closeAllConnections(); silent.close() })
  await once(silent.listen(0, '127.0.0.1'), 'listening')
  const url = `http://127.0.0.1:${(silent.address() as AddressInfo).port}`
  const client = new PeerServerClient({ url, timeout: 3600 })
  const interrupted = new AbortController()
  const over = openView(url, client, { sort: 'id', room: 'arena' }).view.run(interrupted.signal)
  // The events, the server, the peers and the room.
  await until(() => requests.length === 4)
  const closed = Promise.all(requests.map(async ({ socket }) => { await once(socket, 'close') }))
  interrupted.abort()
  await over
  await withTimeout(() => 'the end of all requests', closed)
})

t.test('shows the state of a node that the node which gets the next request does not know', async t => {
  const { nodes: [node] } = await openMemoryCluster(t, 1)
  const app = Fastify({
    forceCloseConnections: true,
    // As if a load balancer had sent the request to another node.
    rewriteUrl: ({ url }) => url!.replace('/nodes/node-0', '/nodes/unknown')
  })
  app.decorate('peerServer', node)
  await app.register(adminRoutes, { prefix: '/api/v1', auth: false })
  const url = `http://127.0.0.1:${await listen(t, app)}`
  const { view, printed } = openView(url, new PeerServerClient({ url }), { sort: 'id', room: undefined })
  const interrupted = new AbortController()
  const over = view.run(interrupted.signal)
  await until(() => printed().includes('listening for'), printed)
  interrupted.abort()
  await over
})
