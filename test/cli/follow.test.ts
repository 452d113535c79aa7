import { once } from 'node:events'
import { createServer, type RequestListener } from 'node:http'
import type { AddressInfo } from 'node:net'
import t, { type Test } from 'tap'
import { follow } from '../../src/cli/follow.ts'
import { PeerServerClient } from '../../src/client/client.ts'
import { within } from '../helper/within.ts'

/** A service that answers each request in a row as it is told, the last of them for ever. */
async function serve (t: Test, ...answers: RequestListener[]) {
  const lastIds: unknown[] = []
  const http = createServer((request, response) => {
    lastIds.push(request.headers['last-event-id'])
    answers[Math.min(lastIds.length, answers.length) - 1](request, response)
  })
  t.teardown(() => { http.closeAllConnections(); http.close() })
  await once(http.listen(0, '127.0.0.1'), 'listening')
  return { lastIds, client: new PeerServerClient({ url: `http://127.0.0.1:${(http.address() as AddressInfo).port}` }) }
}

const stopped = 'data: {"type":"stopped","at":"2025-01-31T12:00:00.000Z"}\n\n'
const fails = (status: number): RequestListener => (_request, response) => { response.writeHead(status).end() }
const says = (text: string): RequestListener => (_request, response) => { response.writeHead(200).write(text) }
const ends: RequestListener = (_request, response) => { response.writeHead(200).end(`id: a-1\n${stopped}`) }

/** The first so many events, and the troubles until then. */
async function first (count: number, client: PeerServerClient, patience?: number): Promise<{ types: string[], troubles: string[] }> {
  const [types, troubles]: [string[], string[]] = [[], []]
  await within(15, () => `${count} events; so far ${types.join()}, ${troubles.join()}`, (async () => {
    for await (const { type } of follow(client, new AbortController().signal, trouble => { troubles.push(trouble) }, patience)) if (types.push(type) === count) return
  })())
  return { types, troubles }
}

t.test('after an end, and a proxy that finds nobody, it goes on from where it was', async t => {
  const { client, lastIds } = await serve(t, ends, fails(502), says(`id: a-2\nretry: 2000\n\n${stopped}`))
  t.same(await first(3, client), { types: ['stopped', 'open', 'stopped'], troubles: ['the service has ended the stream', 'the service answers with 502'] })
  t.same(lastIds, [undefined, 'a-1', 'a-1'])
})

t.test('a connection on which nothing comes any more is dead', async t => {
  const { client, lastIds } = await serve(t, says('id: a-1\n\n'), says(`id: a-2\n${stopped}`))
  t.same(await first(2, client, 200), { types: ['open', 'stopped'], troubles: ['the service does not answer'] })
  t.same(lastIds, [undefined, 'a-1'])
})

t.test('what is refused is not asked for again', async t => {
  const { client, lastIds } = await serve(t, fails(401))
  await t.rejects(first(1, client), { name: 'ApiError', status: 401 })
  t.equal(lastIds.length, 1)
})
