import { once } from 'node:events'
import { createServer, type IncomingMessage } from 'node:http'
import type { AddressInfo } from 'node:net'
import { PassThrough } from 'node:stream'
import t from 'tap'
import { LiveView } from '../../src/cli/live-view.ts'
import { PeerServerClient } from '../../src/client/client.ts'
import { until } from '../helper/until.ts'
import { withTimeout } from '../helper/with-timeout.ts'

t.test('ends its requests when the user quits, as a service that does not respond would keep the process', async t => {
  const requests: IncomingMessage[] = []
  const silent = createServer(request => { requests.push(request) })
  t.teardown(() => { silent.closeAllConnections(); silent.close() })
  await once(silent.listen(0, '127.0.0.1'), 'listening')
  const url = `http://127.0.0.1:${(silent.address() as AddressInfo).port}`
  const client = new PeerServerClient({ url, timeout: 3600 })
  const [input, output] = [new PassThrough(), Object.assign(new PassThrough(), { hasColors: () => false })]
  const { signal } = new AbortController()
  const line = { args: [], env: {}, input: input as never, output: output as never, errors: new PassThrough(), signal }
  const context = { client, url, options: {}, operands: [], line }
  const interrupted = new AbortController()
  const over = new LiveView(context, { sort: 'id', room: 'arena' }).run(interrupted.signal)
  // The events, the server, the peers and the room.
  await until(() => requests.length === 4)
  const closed = Promise.all(requests.map(async ({ socket }) => { await once(socket, 'close') }))
  interrupted.abort()
  await over
  await withTimeout(() => 'the end of all requests', closed)
})
