import { once } from 'node:events'
import { request as requestPlain } from 'node:http'
import { request as requestTls } from 'node:https'
import type { Duplex } from 'node:stream'
import { WebSocket } from 'ws'
import type { Test } from 'tap'
import type { WebSocketServer } from '../../index.ts'
import { withTimeout } from '../helper/with-timeout.ts'
import { ask, follow, type Address, type Answer } from './exchange.ts'
import type { HostKind, Paths } from './host-kind.ts'
import { refusedStatus } from './talk.ts'

/** Checks that our endpoint and REST API do all they should in a host. */
export async function useOurs (t: Test, address: Address, server: WebSocketServer, { socket, api }: Paths, kind: HostKind): Promise<WebSocket> {
  const { headers = {}, refused } = kind
  server.on('packet', (id, bytes) => { server.getPeer(id).putPacket(bytes) })
  if (refused !== undefined) t.equal(await refusedStatus(urlOf(address, socket), refused.headers), refused.status, 'guards guard the endpoint')
  const client = await join(t, address, socket, headers)
  const [id] = [...server.peers()].map(({ id }) => id)

  const call = async (method: string, path: string, body?: unknown): Promise<Answer> => await ask(address, {
    method,
    path: api + path,
    headers: { ...headers, ...(body === undefined ? {} : { 'content-type': 'application/json' }) },
    ...(body === undefined ? {} : { body: JSON.stringify(body) })
  })
  t.match(json(await call('GET', '/server')), { listening: true, peers: { open: 1 } })
  t.match(json(await call('GET', '/peers')), { items: [{ id }], nextCursor: null })
  t.match(json(await call('PATCH', '/server', { handshakeTimeout: 4 })), { handshakeTimeout: 4 })
  t.match(json(await call('PATCH', '/server', { handshakeTimeout: 'x' }), 400), { code: 'bad-request', errors: [{ pointer: '/body/handshakeTimeout' }] })
  t.match(json(await call('GET', '/peers/2147483647'), 404), { code: 'ERR_DOES_NOT_EXIST', godotError: 33 })
  t.equal((await call('HEAD', `/peers/${id}`)).status, 200)
  t.equal((await ask(address, { path: socket, headers })).status, 426)
  await useLongResponses(t, address, { socket, api }, headers)
  return client
}

/**
 * An event stream, and a request that waits for a peer which does not answer: both last longer than any timeout of the
 * host for a handler or an idle connection.
 */
async function useLongResponses (t: Test, address: Address, { socket, api }: Paths, headers: Record<string, string>): Promise<void> {
  const events = await follow(address, { path: `${api}/events?types=client_connected,client_disconnected`, headers })
  const silent = await connectSilently(t, address, socket, headers)
  const [, id] = await withTimeout(() => 'the event of a peer', events.next(/event: client_connected\n[^]*?data: {.*"id":(\d+)/))
  const { status, body } = await ask(address, { method: 'DELETE', path: `${api}/peers/${id}?wait=10`, headers })
  t.same([status, JSON.parse(body).outcome], [200, 'timeout'], 'a request that waits')
  await withTimeout(() => 'the event after a pause', events.next(/event: client_disconnected\n/))
  events.end()
  silent.destroy()
}

/** A client that does not answer anything. */
async function connectSilently (t: Test, { port, isTls }: Address, path: string, headers: Record<string, string>): Promise<Duplex> {
  const request = (isTls ? requestTls : requestPlain)({
    host: '127.0.0.1',
    port,
    path,
    rejectUnauthorized: false,
    agent: false,
    headers: {
      ...headers, connection: 'Upgrade', upgrade: 'websocket', 'sec-websocket-version': '13', 'sec-websocket-key': 'dGhlIHNhbXBsZSBub25jZQ=='
    }
  }).end()
  const [, socket] = await once(request, 'upgrade') as [unknown, Duplex]
  t.teardown(() => { socket.destroy() })
  return socket
}

function urlOf ({ port, isTls }: Address, path: string): string {
  return `${isTls ? 'wss' : 'ws'}://127.0.0.1:${port}${path}`
}

/** A client that has exchanged a message. */
async function join (t: Test, address: Address, path: string, headers: Record<string, string>): Promise<WebSocket> {
  const client = new WebSocket(urlOf(address, path), { headers, rejectUnauthorized: false })
  t.teardown(() => { client.terminate() })
  await withTimeout(() => 'the handshake', once(client, 'open'))
  const echo = new Promise(resolve => { client.once('message', resolve) })
  client.send('hello')
  t.equal(String(await withTimeout(() => 'the echo', echo)), 'hello')
  return client
}

function json (answer: Answer, status = 200): any {
  if (answer.status !== status) throw new Error(`expected ${status}, got ${answer.status}: ${answer.body}`)
  return JSON.parse(answer.body)
}
