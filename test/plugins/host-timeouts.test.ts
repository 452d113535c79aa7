import Fastify from 'fastify'
import type { Test } from 'tap'
import pino from 'pino'
import t from 'tap'
import peerServer from '../../index.ts'

/** What a host with this headersTimeout logs about handshakeTimeout when it listens. */
async function logged (t: Test, headersTimeout: number): Promise<Array<{ level: number, msg: string }>> {
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

t.test('logs that the HTTP server of the host has a longer timeout than handshakeTimeout', async t => {
  const msg = 'headersTimeout (60 s) exceeds handshakeTimeout (3 s): a client that sends its upgrade request slowly ' +
    'is only cut off after headersTimeout: see docs/reliability.md'
  t.match(await logged(t, 60_000), [{ level: 30, headersTimeout: 60, handshakeTimeout: 3, msg }])
  t.match(await logged(t, 0), [{ level: 40, msg: /^headersTimeout is off, .* never cut off: / }], 'warns if the HTTP server has no timeout')
  t.same(await logged(t, 3000), [])
})
