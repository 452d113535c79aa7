import fc from 'fast-check'
import Fastify from 'fastify'
import t from 'tap'
import app, { apiPrefix } from '../../app.ts'
import { defaultRoomRules } from '../../src/options/defaults.ts'
import { runtimeOptionNames } from '../../src/options/runtime-options.ts'
import { codePoint } from '../helper/random/code-point.ts'
import { MemoryConnection } from '../helper/memory/memory-connection.ts'
import { scaled } from '../helper/random/random.ts'
import { responseFault, arbitraryOf, operationsOf, type Operation } from '../helper/documents/document.ts'
import { accept } from '../helper/internals.ts'

// Checks the REST API against its OpenAPI document with random requests, valid and invalid.

const RUNS = scaled(50)

const service = Fastify({ logger: false })
await service.register(app, {
  server: { closeTimeout: 0.02, bindIp: '127.0.0.1', protocols: ['chat'], rooms: true },
  admin: { auth: false }
})
await service.ready()
const server = service.peerServer
const protocols = ['', 'chat']

/** A request generated from an operation of the document. */
interface Request { url: string, type: string | undefined, payload: string | Buffer | undefined, stop: boolean }

const junk = fc.oneof(fc.string({ unit: codePoint, maxLength: 40 }), fc.jsonValue().map(value => JSON.stringify(value)
  .slice(0, 60)), fc.constantFrom('0x10', '1e3', '05', ' 5', '-0', '1.5', 'null', '__proto__', '\0', ''))
const id = fc.oneof({ weight: 5, arbitrary: fc.nat(2).map(at => [...server.peers()][at]?.id ?? 2) }, {
  weight: 1,
  arbitrary: fc.integer({ min: 2, max: 2147483647 })
})

/** Values that random generation from the schemas would hardly produce. */
const known: Record<string, fc.Arbitrary<unknown>> = {
  id,
  ids: fc.array(id, { minLength: 1, maxLength: 5 }),
  room: fc.constantFrom('main', 'arena', 'unknown'),
  name: fc.oneof(fc.constantFrom('arena', 'main'), fc.nat(1e6).map(number => `room-${number}`)),
  excluded: fc.array(id, { maxLength: 3 }),
  target: fc.oneof(fc.constant(0), id, id.map(id => -id), fc.integer()),
  code: fc.oneof(fc.constantFrom(1000, 1001, 3000, 4999), fc.integer({ min: 990, max: 5010 })),
  cursor: fc.nat(2).map(() => lastCursor ?? 'AAAA'),
  protocol: fc.constantFrom(...protocols),
  address: fc.oneof({ weight: 1, arbitrary: fc.oneof(fc.ipV4(), fc.ipV6()) }, {
    weight: 4,
    arbitrary: fc.constantFrom('127.0.0.0/8', '::1', '192.0.2.7')
  }),
  reason: fc.oneof({ weight: 3, arbitrary: fc.string({ maxLength: 20 }) }, {
    weight: 1,
    arbitrary: fc.string({ unit: codePoint, maxLength: 130 })
  }),
  wait: fc.constantFrom(0, 0.01, 1),
  // The peers answer no close frame, so that `prepare` waits for this long.
  closeTimeout: fc.constantFrom(0.01, 0.02),
  port: fc.constant(0)
}
/** Operations that return pages. */
const lists = new Set(['peers', 'listRooms', 'listRoomPeers'])
let lastCursor: string | undefined
/** Operations that fail without a cluster. */
const needCluster = new Set(['getNode', 'drainNode'])

/** What random settings would change for the requests after them. */
const initialOptions = {
  ...Object.fromEntries(runtimeOptionNames.map(name => [name, server.options[name]])), rooms: defaultRoomRules
}

const operations = operationsOf(service.swagger())
  .filter(({ path, responses }) => path.startsWith(apiPrefix) && !('text/event-stream' in (responses[200] ?? {})))

t.test('random requests get only documented responses', async t => {
  t.teardown(async () => { await service.close() })
  t.ok(operations.length >= 22, 'the document has operations')
  for (const operation of operations) {
    await t.test(`${operation.method} ${operation.path}`, async t => {
      const seen = new Map<number, number>()
      const successes = Object.keys(operation.responses).map(Number).filter(status => status < 300)
      const hasSucceeded = (): boolean => successes.some(status => seen.has(status))
      const property = fc.asyncProperty(requests(operation), async request => {
        await prepare(request.stop)
        const { url, type, payload } = request
        const answer = await service.inject({
          method: operation.method as 'GET',
          url,
          ...(payload === undefined ? {} : { payload }),
          headers: type === undefined ? {} : { 'content-type': type }
        })
        const { statusCode, headers, body } = answer
        seen.set(statusCode, (seen.get(statusCode) ?? 0) + 1)
        if (statusCode >= 500 && statusCode !== 503) throw new Error(`${statusCode}: ${body}`)
        const fault = responseFault(operation, statusCode, String(headers['content-type'] ?? ''), body)
        if (fault !== undefined) throw new Error(`${statusCode}: ${fault}`)
        if (lists.has(operation.name) && statusCode === 200) lastCursor = answer.json().nextCursor ?? lastCursor
      })
      await fc.assert(property, { numRuns: RUNS, endOnFailure: true })
      if (needCluster.has(operation.name)) t.notOk(hasSucceeded(), 'there is no cluster')
      else {
        // One random request in a dozen is valid for some operations.
        for (let round = 0; round < 10 && !hasSucceeded(); round++) {
          await fc.assert(property, { numRuns: RUNS, endOnFailure: true })
        }
        t.ok(hasSucceeded(), `some succeed: ${JSON.stringify([...seen])}`)
      }
      if (operation.parameters.length > 0 || 'application/json' in operation.body) {
        t.ok(seen.has(400), `some fail: ${JSON.stringify([...seen])}`)
      }
    })
  }
})

/** Ensures that there are peers, rooms and a ban, and that the server listens, or does not. */
async function prepare (stop: boolean): Promise<void> {
  server.change(initialOptions)
  server.ban('192.0.2.7')
  if (!server.hasRoom('arena')) server.openRoom('arena')
  if (server.isListening() === stop) await (stop ? server.stop() : server.listen(undefined, ['chat'], false))
  if (!stop) {
    for (let at = server.peerCount; at < 3; at++) {
      accept(server, new MemoryConnection('127.0.0.1', 50000 + at), protocols[at % 2])
    }
  }
}

function requests (operation: Operation): fc.Arbitrary<Request> {
  return fc.record({
    url: urls(operation),
    body: bodies(operation),
    stop: operation.name === 'listen' ? fc.boolean() : fc.nat(9).map(number => number === 0)
  }).map(({ url, body: [type, payload], stop }) => ({ url, type, payload, stop }))
}

function urls ({ path, parameters }: Operation): fc.Arbitrary<string> {
  const inPath = parameters.filter(parameter => parameter.in === 'path')
  const inQuery = parameters.filter(parameter => parameter.in === 'query')
  const value = ({ name, schema }: Operation['parameters'][number]): fc.Arbitrary<string> =>
    fc.oneof({ weight: 4, arbitrary: (known[name] ?? arbitraryOf(schema, known)).map(String) }, {
      weight: 1,
      arbitrary: junk
    })
  // URL parsers resolve . and .., so no request has them as a step of its path: see bad-input.test.ts.
  const step = (parameter: Operation['parameters'][number]): fc.Arbitrary<string> =>
    value(parameter).filter(text => !['', '.', '..'].includes(text) && text.isWellFormed())
  const query = fc.tuple(...inQuery.map(parameter => fc.option(value(parameter).map(text => [parameter.name, text]), {
    freq: 2
  })), fc.oneof({ weight: 9, arbitrary: fc.constant(null) }, { weight: 1, arbitrary: fc.tuple(junk, junk) }))
  return fc.tuple(fc.tuple(...inPath.map(step)), query).map(([steps, pairs]) => {
    const filled = inPath.reduce((path, { name }, at) => path.replace(`{${name}}`, encodeURIComponent(steps[at])), path)
    const search = pairs.filter(pair => pair !== null)
      .map(pair => pair.map(text => encodeURIComponent(text.toWellFormed())).join('=')).join('&')
    return search === '' ? filled : `${filled}?${search}`
  })
}

/** A content type and a body, as documented or not. */
function bodies ({ body, method }: Operation): fc.Arbitrary<[string | undefined, string | Buffer | undefined]> {
  const types = Object.keys(body)
  const bytes = fc.uint8Array({ maxLength: 300 }).map(bytes => Buffer.from(bytes))
  const type =
    fc.constantFrom(undefined, 'application/json', 'application/octet-stream', 'text/plain', 'text/html', 'x')
  const anything = fc.tuple(type, fc.oneof(
    bytes, fc.json(), fc.constantFrom('{"__proto__":1}', '', '[', 'null', `{"reason":"${'x'.repeat(1 << 20)}"}`)
  ))
  if (types.length === 0) {
    const none = fc.constant<[undefined, undefined]>([undefined, undefined])
    return method === 'DELETE' ? fc.oneof({ weight: 4, arbitrary: none }, { weight: 1, arbitrary: anything }) : none
  }
  const described = fc.oneof(...types.map(type => type === 'application/json'
    ? fc.tuple(fc.constant(type), arbitraryOf(body[type], known).map(value => JSON.stringify(value)))
    : fc.tuple(fc.constant(type), type === 'text/plain' ? fc.string({ unit: codePoint }) : bytes)))
  const otherwise = fc.tuple(fc.constantFrom(...types), fc.json())
  return fc.oneof({ weight: 6, arbitrary: described }, { weight: 1, arbitrary: otherwise }, {
    weight: 2,
    arbitrary: anything
  }) as fc.Arbitrary<[string | undefined, string | Buffer | undefined]>
}
