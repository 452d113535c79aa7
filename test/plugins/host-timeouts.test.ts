import Fastify from 'fastify'
import type { Test } from 'tap'
import pino from 'pino'
import t from 'tap'
import peerServer from '../../index.ts'

/** What a host with this time for a request's head is told when it listens. */
async function told (t: Test, headersTimeout: number): Promise<Array<{ level: number, msg: string }>> {
  const lines: Array<{ level: number, msg: string }> = []
  const app = Fastify({
    http: { headersTimeout },
    loggerInstance: pino({}, { write: line => { lines.push(JSON.parse(line)) } })
  })
  t.teardown(async () => { await app.close() })
  await app.register(peerServer, { handshakeTimeout: 3 })
  await app.listen()
  return lines.filter(({ msg }) => msg.includes('handshakeTimeout'))
}

t.test('a host is told that its HTTP server gives clients more time than a handshake has', async t => {
  t.match(await told(t, 60_000), [{ level: 30, headersTimeout: 60, handshakeTimeout: 3, msg: /docs\/reliability\.md/ }])
  t.match(await told(t, 0), [{ level: 40 }], 'and warned when it gives them all the time in the world')
  t.same(await told(t, 3000), [])
})
