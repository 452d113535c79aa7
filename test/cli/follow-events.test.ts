import { once } from 'node:events'
import { createServer, type RequestListener } from 'node:http'
import type { AddressInfo } from 'node:net'
import { PassThrough } from 'node:stream'
import { text } from 'node:stream/consumers'
import t, { type Test } from 'tap'
import { followEvents } from '../../src/cli/follow-events.ts'
import { run } from '../../src/cli/index.ts'
import { PeerServerClient } from '../../src/client/client.ts'
import { simulateTime } from '../helper/clock.ts'
import { command } from '../helper/programs/command.ts'
import { withTimeout } from '../helper/with-timeout.ts'

/** A service with one listener per request; the last one answers all further requests. */
async function serve (t: Test, ...listeners: RequestListener[]) {
  const lastIds: unknown[] = []
  const http = createServer((request, response) => {
    lastIds.push(request.headers['last-event-id'])
    listeners[Math.min(lastIds.length, listeners.length) - 1](request, response)
  })
  t.teardown(() => { http.closeAllConnections(); http.close() })
  await once(http.listen(0, '127.0.0.1'), 'listening')
  const url = `http://127.0.0.1:${(http.address() as AddressInfo).port}`
  return { lastIds, url, client: new PeerServerClient({ url }) }
}

const stopped = 'data: {"type":"stopped","at":"2025-01-31T12:00:00.000Z"}\n\n'
const failWith = (status: number): RequestListener => (_request, response) => { response.writeHead(status).end() }
const headers = { 'content-type': 'text/event-stream' }
const write = (text: string): RequestListener => (_request, response) => {
  response.writeHead(200, headers).write(text)
}
const end: RequestListener = (_request, response) => { response.writeHead(200, headers).end(`id: a-1\n${stopped}`) }

/** The types of the first `count` events, and the reasons of the losses until then. */
async function take (count: number, client: PeerServerClient, silenceTimeout?: number) {
  const [types, losses]: [string[], string[]] = [[], []]
  await withTimeout(() => `${count} events; so far ${types.join()}, ${losses.join()}`, (async () => {
    const { signal } = new AbortController()
    const onLost = (reason: string): void => { losses.push(reason) }
    const options = { signal, onLost, ...(silenceTimeout === undefined ? {} : { silenceTimeout }) }
    for await (const { type } of followEvents(client, options)) {
      if (types.push(type) === count) return
    }
  })())
  return { types, losses }
}

t.test('resumes after the last event when the stream ends or a proxy responds with 502', async t => {
  const { client, lastIds } = await serve(t, end, failWith(502), write(`id: a-2\nretry: 2000\n\n${stopped}`))
  t.same(await take(3, client), {
    types: ['stopped', 'open', 'stopped'],
    losses: ['the service closed the stream', 'the service responds with 502']
  })
  t.same(lastIds, [undefined, 'a-1', 'a-1'])
})

t.test('tries again after a limit of connections or of time', async t => {
  const { client } = await serve(t, failWith(429), failWith(408), write(`id: a-1\nretry: 2000\n\n${stopped}`))
  t.same(await take(2, client), {
    types: ['open', 'stopped'], losses: ['the service responds with 429', 'the service responds with 408']
  })
})

t.test('reconnects when the stream is silent', async t => {
  simulateTime(t)
  const { client, lastIds } = await serve(t, write('id: a-1\nretry: 2000\n\n'), write(`id: a-2\n${stopped}`))
  t.same(await take(2, client, 1000), { types: ['open', 'stopped'], losses: ['no response from the service'] })
  t.same(lastIds, [undefined, 'a-1'])
})

t.test('rejects when the service rejects the request, and does not retry', async t => {
  const { client, lastIds } = await serve(t, failWith(401))
  await t.rejects(take(1, client), { name: 'ApiError', status: 401 })
  t.equal(lastIds.length, 1)
})

t.test('watch ends when another web server responds', async t => {
  const { url, lastIds } = await serve(t, (_request, response) => { response.end('<!doctype html>') })
  const errors = 'the response is not a stream of events; is the URL correct?\n'
  t.match(await withTimeout(() => 'the end', command(['watch', '--url', url])), { code: 1, output: '', errors })
  t.equal(lastIds.length, 1)
})

t.test('watch in a pipe reports the loss and the return of the connection once each', async t => {
  const { url } = await serve(t, end, failWith(502), failWith(502), write(stopped))
  const [output, errors] = [new PassThrough(), new PassThrough()]
  const interrupted = new AbortController()
  let lines = 0
  output.on('data', () => { if (++lines === 2) interrupted.abort() })
  const written = text(errors)
  const line = { args: ['watch', '--url', url], env: {}, input: process.stdin, output: output as never, errors }
  await withTimeout(() => `2 events; so far ${lines}`, run({ ...line, signal: interrupted.signal }))
  errors.end()
  t.equal(await written, [
    'Connection lost, retrying: the service closed the stream.',
    'Connection lost, retrying: the service responds with 502.',
    'Reconnected.',
    ''
  ].join('\n'))
})
