import Fastify, { type FastifyInstance } from 'fastify'
import t, { type Test } from 'tap'
import app, { apiPrefix } from '../../../app.ts'
import { servicePaths } from '../../../src/service-paths.ts'
import { silentLogger } from '../../helper/silent-logger.ts'

/** Queries that no operation has, and the place that the response names. */
const queries: ReadonlyArray<[query: string, pointer: string, message: string]> = [
  ['no-such=1', '/query/no-such', 'unknown property'],
  ['no%2Fsuch', '/query/no~1such', 'unknown property'],
  ['reason=%zz', '/query/reason', 'must be UTF-8 in percent-encoding'],
  ['reason=%ED%A0%80', '/query/reason', 'must be UTF-8 in percent-encoding'],
  ['limit=5&pro%74ocol=a%', '/query/protocol', 'must be UTF-8 in percent-encoding'],
  ['%FF=1', '/query/%FF', 'must be UTF-8 in percent-encoding']
]

async function openService (t: Test): Promise<FastifyInstance> {
  const service = Fastify({ logger: false })
  t.teardown(async () => { await service.close() })
  await service.register(app, {
    server: { bindIp: '127.0.0.1', rooms: true, log: silentLogger },
    admin: { auth: false },
    lobby: { rateLimit: { max: 10_000, timeWindow: 60_000 } }
  })
  await service.ready()
  return service
}

t.test('every operation refuses a query that it does not have, or that cannot be decoded', async t => {
  const service = await openService(t)
  const { paths } = service.swagger() as any
  const operations = Object.keys(paths).flatMap(path => Object.keys(paths[path]).map(method => ({
    method: method.toUpperCase(),
    path,
    ...paths[path][method]
  }))).filter(({ path }) => path.startsWith(apiPrefix) || path.startsWith(servicePaths.lobby))
  t.ok(operations.length > 30, `${operations.length} operations`)
  for (const { method, path, responses, requestBody } of operations) {
    t.ok(responses[400], `${method} ${path} documents 400`)
    const url = path.replace('{id}', '7').replace('{room}', 'main').replace('{node}', 'n').replace('{address}', '::1')
    const [[type, { example }] = [undefined, { example: undefined }]] = Object.entries<any>(requestBody?.content ?? {})
    for (const [query, pointer, message] of queries) {
      const payload = typeof example === 'object' ? example : 'packet'
      const body = type === undefined ? {} : { headers: { 'content-type': type }, payload }
      const answer = await service.inject({ method, url: `${url}?${query}`, ...body })
      t.equal(answer.statusCode, 400, `${method} ${url}?${query}`)
      if (method !== 'HEAD') t.match(answer.json().errors, [{ pointer, message }], `${method} ${url}?${query}`)
    }
  }
  t.ok(service.peerServer.isListening())
})

t.test('a query in UTF-8 and percent-encoding is decoded', async t => {
  const service = await openService(t)
  for (const url of ['/peers?protocol=%C3%A9%25', '/peers?', '/server?', `/rooms?q=${encodeURIComponent('a b&c')}`]) {
    t.equal((await service.inject(apiPrefix + url)).statusCode, 200, url)
  }
})
