import swagger from '@fastify/swagger'
import { Validator } from '@seriousme/openapi-schema-validator'
import Fastify, { type FastifyInstance } from 'fastify'
import t, { type Test } from 'tap'
import peerServer, { adminRoutes, type AdminOptions } from '../../../index.ts'

const info = { title: 'Host', version: '1.0.0' }
const documents = {
  '3.1.0': { openapi: { openapi: '3.1.0', info } },
  '3.0.3': { openapi: { openapi: '3.0.3', info } },
  '2.0': { swagger: { info } }
}

for (const [version, options] of Object.entries(documents)) {
  t.test(`a host's OpenAPI ${version} document is valid with our routes in it`, async t => {
    const document = await documentOf(t, options)
    const { valid, errors } = await new Validator().validate(document)
    t.ok(valid, JSON.stringify(errors?.slice?.(0, 5) ?? errors))
    t.equal(document.paths['/api/peers/{id}'].delete.operationId, 'disconnectPeer')
    t.equal(document.paths['/ws'].get.operationId, 'connect')
  })
}

t.test('writes an exclusive minimum in the syntax of each version', async t => {
  const limits = { minimum: 0, exclusiveMinimum: true, maximum: 3600 }
  const bodyOf = async (version: keyof typeof documents) =>
    (await documentOf(t, documents[version])).paths['/api/server'].patch
  t.match(
    (await bodyOf('3.1.0')).requestBody.content['application/json'].schema.properties.handshakeTimeout,
    { exclusiveMinimum: 0 }
  )
  t.match((await bodyOf('3.0.3')).requestBody.content['application/json'].schema.properties.handshakeTimeout, limits)
  const { parameters } = await bodyOf('2.0')
  t.match(parameters.find((one: any) => one.in === 'body').schema.properties.handshakeTimeout, limits)
})

t.test('a transform of the host is not called for our routes', async t => {
  const seen: string[] = []
  const transform = ({ schema, url }: { schema: object, url: string }) => {
    seen.push(url)
    return { schema, url }
  }
  const document = await documentOf(t, { ...documents['3.1.0'], transform }, async app => {
    app.get('/own', async () => 'own')
  })
  t.same(seen, ['/own'])
  t.ok(document.paths['/api/server'].get)
})

t.test('operationIdPrefix makes the operationIds of several REST APIs and of the host distinct', async t => {
  const document = await documentOf(t, documents['3.1.0'], async app => {
    app.get('/peers', { schema: { operationId: 'peers' } }, async () => 'own')
    await app.register(adminRoutes, { prefix: '/inner', auth: false, operationIdPrefix: 'inner_' })
  }, { operationIdPrefix: 'game.' })
  t.equal(document.paths['/api/peers'].get.operationId, 'game.peers')
  t.equal(document.paths['/inner/peers'].get.operationId, 'inner_peers')
  const ids = Object.values<object>(document.paths).flatMap(item => Object.values(item))
    .flatMap(({ operationId = [] }) => operationId)
  t.equal(new Set(ids).size, ids.length)
})

async function documentOf (
  t: Test,
  options: object,
  after: (app: FastifyInstance) => Promise<unknown> = async () => {},
  admin: Partial<AdminOptions> = {}
): Promise<any> {
  const app = Fastify()
  t.teardown(async () => { await app.close() })
  await app.register(swagger, options)
  await app.register(peerServer)
  await app.register(adminRoutes, { prefix: '/api', auth: false, ...admin })
  await after(app)
  await app.ready()
  return JSON.parse(JSON.stringify(app.swagger()))
}
