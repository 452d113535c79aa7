import t, { type Test } from 'tap'
import { Value } from 'typebox/value'
import type { AppOptions } from '../../../app.ts'
import { documentText } from '../../../scripts/docs/openapi.ts'
import { startApp, type ServiceApp } from '../../helper/app.ts'
import { openAdminCluster, type Api } from '../../helper/admin-cluster.ts'
import { simulateTime } from '../../helper/clock.ts'
import { closed, type Schema, withoutReferences } from '../../helper/documents/document.ts'
import { accept, sessionOf } from '../../helper/internals.ts'
import { MemoryConnection } from '../../helper/memory/memory-connection.ts'
import { joinRoom, quickTimings } from '../../helper/memory/memory-cluster.ts'
import { connectRaw, connectRawWebSocket, upgradeRequest } from '../../helper/sockets/raw-socket.ts'
import { until } from '../../helper/until.ts'

// Every example of the document can happen: it matches its schema, and a real server sends it.

/** An example and its schema. */
interface Example { readonly at: string, readonly schema: Schema, readonly value: any }

/** A request to an operation. */
interface Request {
  readonly path: string
  readonly query?: Readonly<Record<string, unknown>>
  readonly method: string
  readonly role?: 'read' | 'admin'
  readonly type?: string | undefined
  readonly body?: string | Buffer
  readonly headers?: Readonly<Record<string, string | undefined>>
}

interface Answer { readonly status: number, readonly body: any }

/** A service in the state in which it answers with an error. */
interface Cause {
  readonly options?: Partial<AppOptions>
  readonly prepare?: ((app: ServiceApp, t: Test) => unknown) | undefined
  /** Changes a request to an operation, so that it is answered with this error. */
  readonly request?: (request: Request, app: ServiceApp, found: RegExpExecArray) => Request
}

const document = withoutReferences(JSON.parse(await documentText()))
const tokens = (['read', 'admin'] as const).map(role => ({ name: role, role, token: role.repeat(8) }))
const json = 'application/json'
const never = async (): Promise<never> => await new Promise(() => {})
const withJson = (value: unknown) => (request: Request): Request =>
  ({ ...request, type: json, body: JSON.stringify(value) })

/** Values that no operation takes, by the message about them. */
const invalid: Record<string, unknown> = {
  'must be integer': 'abc',
  'must be string': 7,
  'must be object': 'x',
  'must be > 0': 0,
  'must be >= 0': -1,
  'must be >= 1': 0,
  'must be <= 1000': 1001,
  'must be <= 65535': 65536
}

/** What makes the service answer with an error of this code and detail; in the first one that matches. */
const causes: Array<[code: string, detail: RegExp, cause: Cause]> = [
  ['unauthorized', /./, { request: ({ role, ...request }) => request }],
  ['forbidden', /./, { request: request => ({ ...request, role: 'read' }) }],
  ['payload-too-large', /^Request body/, { request: withJson({ reason: 'x'.repeat(1 << 20) }) }],
  ['payload-too-large', /^Packet/, {
    request: request => ({ ...request, type: 'application/octet-stream', body: Buffer.alloc(70_000) })
  }],
  ['unsupported-media-type', /./, { request: request => ({ ...request, type: 'text/html', body: 'x' }) }],
  ['bad-request', /^\/body must be UTF-8$/, { request: request => ({ ...request, body: Buffer.of(255) }) }],
  ['bad-request', /^\/body must have exactly one/, { request: withJson({}) }],
  ['bad-request', /^\/body\/(\w+) (.*)$/, {
    request: (request, _app, [, name, message]) => withJson({ [name]: invalid[message] ?? 'nobody' })(request)
  }],
  ['bad-request', /^\/query\/(\w+) (.*)$/, {
    request: (request, _app, [, name, message]) => ({ ...request, query: { [name]: invalid[message] ?? 'nothing' } })
  }],
  ['bad-request', /^\/params/, {
    request: request => ({ ...request, path: request.path.replace(/1836495123|[a-z]+-7|192\.0\.2\.0%2F24/, 'a%20b') })
  }],
  ['not-acceptable', /./, { request: request => ({ ...request, headers: { accept: json } }) }],
  ['service-unavailable', /streams/, { prepare: openStreams }],
  ['ERR_DOES_NOT_EXIST', /^peer \d+ does not exist/, { request: withTarget(() => 1836495123) }],
  ['ERR_DOES_NOT_EXIST', /./, {}],
  ['ERR_ALREADY_IN_USE', /./, {}],
  ['ERR_ALREADY_EXISTS', /./, { prepare: ({ server }) => { server.openRoom('arena-7') } }],
  ['FAILED', /./, { prepare: closePeer, request: withTarget(({ server }) => [...server.peers()][0].id) }],
  ['ERR_OUT_OF_MEMORY', /./, { prepare: stallPeer, request: withTarget(({ server }) => [...server.peers()][0].id) }],
  ['too-many-rooms', /./, { options: { server: { gdMpApi: true, rooms: { maxRooms: 1 } } }, prepare: openOtherRoom }],
  ['lobby-rate', /./, {
    options: { lobby: { rateLimit: { max: 1, timeWindow: '1 minute' } } },
    prepare: async ({ service }) => {
      await service.inject('/lobby/rooms')
    }
  }],
  ['lobby-create', /./, { options: { lobby: { create: false } } }],
  ['lobby-no-match', /./, { options: { lobby: { create: false } } }],
  ['banned', /./, { prepare: ({ server }) => { server.ban('127.0.0.1') } }],
  ['not-listening', /./, { prepare: async ({ server }) => { await server.stop() } }],
  ['sub-protocol-mismatch', /./, { options: { server: { rooms: true, protocols: ['chat'] } } }],
  ['origin-refused', /./, { request: request => ({ ...request, headers: { Origin: 'https://evil.example' } }) }],
  ['invalid-room-name', /./, { request: request => ({ ...request, path: '/ws/a%20b' }) }],
  ['room-not-found', /./, {
    options: { server: { rooms: { create: 'admin' } } }, request: request => ({ ...request, path: '/ws/nowhere' })
  }],
  ['handshake-timeout', /./, { options: { server: { rooms: true, handshakeTimeout: 0.2, onHandshake: never } } }],
  ['upgrade-required', /./, {
    request: request => ({ ...request, headers: { Upgrade: undefined, Connection: undefined } })
  }],
  ['address-limit', /./, {
    options: { server: { rooms: true, maxPeersPerAddress: 1 } },
    prepare: async ({ port }, t) => await connectRawWebSocket(t, port, '/ws', { 'X-Forwarded-For': '192.0.2.7' }),
    request: request => ({ ...request, headers: { 'X-Forwarded-For': '192.0.2.7' } })
  }],
  ['room-rate', /./, {
    options: { server: { rooms: { joinPerMinute: 1 } } },
    prepare: async ({ port }, t) => await connectRawWebSocket(t, port, '/ws/other')
  }],
  ['room-full', /./, {
    options: { server: { rooms: { maxPeersPerRoom: 1 } } },
    prepare: async ({ port }, t) => await connectRawWebSocket(t, port, '/ws/arena-7')
  }],
  ['join-failed', /./, { options: { server: { rooms: true, onHandshake: () => { throw new Error('secret') } } } }],
  ['refusing-connections', /./, { options: { server: { rooms: true, refuseNewConnections: true } } }]
]

/** Shared by all errors that need nothing else. */
const usual: Cause = {}

/** Names a peer in the path, or in the query of an operation that has none there. */
function withTarget (idOf: (app: ServiceApp) => number): NonNullable<Cause['request']> {
  return (request, app) => {
    const id = idOf(app)
    const room = app.server.hasPeer(id) ? app.server.getPeer(id).room.name : 'main'
    const path = request.path.replace('1836495123', String(id)).replace('arena-7', room)
    return { ...request, path, ...(path.includes(String(id)) ? {} : { query: { target: id } }) }
  }
}

/** A peer that does not answer a close frame. */
function closePeer ({ server }: ServiceApp, t: Test): void {
  server.change({ closeTimeout: 600 })
  accept(server, new MemoryConnection('192.0.2.7', 1))
  const [{ id }] = server.peers()
  server.disconnectPeer(id)
  t.teardown(() => { sessionOf(server, id)?.destroy('server') })
}

/** A peer that reads nothing, with a full output buffer. */
function stallPeer ({ server }: ServiceApp, t: Test): void {
  const connection = new MemoryConnection('192.0.2.7', 1)
  connection.stall()
  t.teardown(() => { connection.unstall() })
  accept(server, connection)
  const [peer] = server.peers()
  t.throws(() => { for (let sent = 0; sent < 1000; sent++) peer.putPacket(new Uint8Array(60_000)) })
}

/** As many event streams as a server serves. */
async function openStreams ({ url }: ServiceApp, t: Test): Promise<void> {
  const over = new AbortController()
  t.teardown(() => { over.abort() })
  const headers = { authorization: `Bearer ${'read'.repeat(8)}` }
  const streams = await Promise.all(Array.from({ length: 128 }, async () =>
    await fetch(`${url}/api/v1/events`, { headers, signal: over.signal })))
  for (const { status } of streams) t.equal(status, 200)
  // Refers to the responses until then: when one is garbage-collected its stream ends.
  t.teardown(() => { streams.length = 0 })
}

function openOtherRoom ({ server }: ServiceApp): void {
  server.openRoom('other')
}

t.test('every example matches its schema', async t => {
  const examples = examplesIn(document, '')
  t.ok(examples.length > 200)
  for (const { at, schema, value } of examples) {
    t.ok(Value.Check(closed(schema), value), `${at}: ${JSON.stringify(value)}`)
  }
})

t.test('a server sends every example of an error', async t => {
  const examples = Object.entries<any>(document.paths).flatMap(([path, item]) => Object.entries<any>(item)
    .flatMap(([method, operation]) => Object.entries<any>(operation.responses)
      .filter(([status]) => Number(status) >= 400)
      .flatMap(([, { content = {} }]) => Object.values<any>(content))
      .map(({ example }) => ({ path, method, operation, example }))))
  t.ok(examples.length > 100)
  const apps = new Map<Cause, Promise<ServiceApp>>()
  for (const { path, method, operation, example } of examples) {
    const name = `${operation.operationId} ${example?.status} ${example?.code} ${example?.detail}`
    if (example === undefined) {
      t.fail(`${operation.operationId} has an error response without an example`)
    } else if (example.code === 'cluster-unavailable') {
      t.ok(ofCluster.some(one => one.operation === operation), name)
    } else {
      const [, pattern, cause] = causes.find(([code, detail]) => code === example.code && detail.test(example.detail))!
      const state = cause.options === undefined && cause.prepare === undefined ? usual : cause
      const app = apps.get(state) ?? openApp(t, state)
      apps.set(state, app)
      const request = requestOf(path, method, operation)
      const changed = cause.request?.(request, await app, pattern.exec(example.detail)!) ?? request
      const answer = await send(t, await app, changed)
      t.same(withoutNumbers(answer), withoutNumbers({ status: example.status, body: example }), name)
    }
  }
})

const ofCluster = Object.entries<any>(document.paths).flatMap(([path, item]) => Object.entries<any>(item)
  .filter(([, { responses }]) => exampleOf(responses[503])?.code === 'cluster-unavailable')
  .map(([method, operation]) => ({ path, method, operation })))

function exampleOf (response: any): any {
  return response?.content?.['application/problem+json']?.example
}

/** Sends the requests whose answer of a cluster has such a detail, and compares the answers. */
async function checkAnswers (t: Test, api: Api, detail: RegExp, id: number, room: string): Promise<void> {
  for (const { path, method, operation } of ofCluster) {
    const example = exampleOf(operation.responses[503])
    if (!detail.test(example.detail)) continue
    const { path: filled, type, body } = requestOf(path, method, operation)
    const url = filled.replace('/api/v1', '').replace('1836495123', String(id)).replace('arena-7', room)
      .replace('game-7', 'node-1')
    const headers: Record<string, string> = type === undefined ? {} : { 'content-type': type }
    const init = { method: method.toUpperCase(), headers, ...(body === undefined ? {} : { body: String(body) }) }
    const response = await api(url, init)
    t.same(withoutNumbers({ status: response.status, body: await response.json() }),
      withoutNumbers({ status: 503, body: example }), operation.operationId)
  }
}

t.test('nodes of a cluster send the examples of a node that does not respond', async t => {
  const { nodes, apis, broker, buses } = await openAdminCluster(t, 2)
  await nodes[1].cluster!.openRoom('far')
  const { id } = await joinRoom(nodes[1], 'far')
  broker.cut(buses[1])
  await checkAnswers(t, apis[0], /does not respond/, id, 'far')
  broker.restore(buses[1])
})

t.test('a node of a cluster sends the examples of one that is alone', async t => {
  simulateTime(t)
  const { nodes, apis, broker, buses } = await openAdminCluster(t, 2, {}, { ...quickTimings, lease: 2000 })
  await nodes[1].cluster!.openRoom('far')
  const { id } = await joinRoom(nodes[1], 'far')
  for (const bus of buses) broker.cut(bus)
  await until(() => !nodes[0].cluster!.isReady, () => 'the node to be alone')
  await checkAnswers(t, apis[0], /^The cluster is not reachable$/, id, 'unknown')
  for (const bus of buses) broker.restore(bus)
})

t.test('a server accepts every example of a request', async t => {
  for (const [path, item] of Object.entries<any>(document.paths)) {
    for (const [method, operation] of Object.entries<any>(item)) {
      const contents = Object.entries<any>(operation.requestBody?.content ?? {})
      for (const [type, { example }] of contents.filter(([, { example }]) => example !== undefined)) {
        const app = await openApp(t, { prepare: prepareFor[operation.operationId] })
        const body = typeof example === 'string' ? example : JSON.stringify(example)
        const request = { ...requestOf(path, method, operation), type, body }
        const id = [...app.server.peers()][0]?.id
        const { status, body: answer } = await send(t, app, {
          ...request, path: request.path.replace('1836495123', String(id))
        })
        // There is no node to drain without a cluster.
        const isOk = operation.operationId === 'drainNode' ? status === 404 : status < 300
        t.ok(isOk, `${operation.operationId} ${type}: ${status} ${JSON.stringify(answer)}`)
      }
    }
  }
})

/** The state in which the example of an operation succeeds. */
const prepareFor: Record<string, Cause['prepare']> = {
  listen: async ({ server }) => { await server.stop() },
  updateRoom: ({ server }) => { server.openRoom('arena-7') },
  putRoomPacket: ({ server }) => { server.openRoom('arena-7') },
  putPacket: ({ server }) => { accept(server, new MemoryConnection('192.0.2.7', 1)) }
}

async function openApp (t: Test, { options, prepare }: Cause): Promise<ServiceApp> {
  const app = await startApp(t, {
    server: { gdMpApi: true, rooms: true }, admin: { token: tokens }, lobby: {}, ...options
  }, { trustProxy: '127.0.0.1' })
  await prepare?.(app, t)
  return app
}

/** A request that gets to the handler of an operation, with the names of the examples. */
function requestOf (path: string, method: string, { requestBody, responses }: any): Request {
  const filled = path.replace('{id}', '1836495123').replace('{room}', 'arena-7').replace('{node}', 'game-7')
    .replace('{address}', '192.0.2.0%2F24')
  const [[type, { example = 'hello' }] = [undefined, {}]] = Object.entries<any>(requestBody?.content ?? {})
  const body = typeof example === 'string' ? example : JSON.stringify(example)
  return {
    path: filled,
    method: method.toUpperCase(),
    ...('401' in responses ? { role: 'admin' as const } : {}),
    ...(type === undefined ? {} : { type, body })
  }
}

async function send (t: Test, app: ServiceApp, request: Request): Promise<Answer> {
  const { path, query, method, role, type, body, headers } = request
  if (path.startsWith('/ws')) return await upgrade(t, app.port, path, headers)
  const answer = await app.service.inject({
    method: method as 'GET',
    url: path,
    ...(query === undefined ? {} : { query: query as Record<string, string> }),
    ...(body === undefined ? {} : { payload: body }),
    headers: {
      ...(role === undefined ? {} : { authorization: `Bearer ${role.repeat(8)}` }),
      ...(type === undefined ? {} : { 'content-type': type }),
      ...headers
    }
  })
  return { status: answer.statusCode, body: answer.body === '' ? undefined : answer.json() }
}

/** The refusal of a WebSocket handshake. */
async function upgrade (t: Test, port: number, path: string, headers: Request['headers']): Promise<Answer> {
  const raw = await connectRaw(t, port)
  raw.send(upgradeRequest(path, headers))
  const { status, body } = await raw.response()
  return { status, body: JSON.parse(body) }
}

/** The value without what differs from server to server: numbers, and which request it was. */
function withoutNumbers ({ status, body }: Answer): unknown {
  const { instance, ...rest } = body
  return { status, body: JSON.parse(JSON.stringify(rest).replace(/\d+/g, '0')) }
}

/** The examples of a document whose references are resolved. */
function examplesIn (part: any, at: string): Example[] {
  if (typeof part !== 'object' || part === null) return []
  const inner = Object.entries<any>(part).flatMap(([name, value]) => name.startsWith('example') && isExample(part, name)
    ? []
    : examplesIn(value, `${at}/${name}`))
  // A schema has examples, a body or parameter one beside its schema.
  const own = isExample(part, 'examples') ? part.examples.map((value: any) => ({ at, schema: part, value })) : []
  return [...inner, ...own, ...(isExample(part, 'example') ? [{ at, schema: part.schema, value: part.example }] : [])]
}

/** Whether a member is an example, and not a property of that name. */
function isExample (part: any, name: string): boolean {
  if (name === 'examples') return Array.isArray(part.examples)
  return name === 'example' && 'example' in part && 'schema' in part
}
