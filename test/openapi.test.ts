import { readFileSync } from 'node:fs'
import { Validator } from '@seriousme/openapi-schema-validator'
import t from 'tap'
import { documentFile, documentText } from '../scripts/docs/openapi.ts'
import { LobbyOptions } from '../src/options/lobby-options.ts'
import { ServerOptions } from '../src/options/options.ts'
import { patternRule } from '../src/options/patterns.ts'

const text = await documentText()
const document = JSON.parse(text)
const operations: Array<{
  name: string,
  operation: any
}> = Object.entries<object>(document.paths).flatMap(([path, item]) =>
  Object.entries(item).map(([method, operation]) => ({ name: `${method} ${path}`, operation })))

t.test('openapi/openapi.json is up to date (`npm run openapi`)', async t => {
  t.equal(readFileSync(documentFile, 'utf8'), text)
})

t.test('the document is valid OpenAPI 3.1', async t => {
  const { valid, errors } = await new Validator().validate(JSON.parse(text))
  t.ok(valid, JSON.stringify(errors))
  t.equal(document.openapi, '3.1.0')
})

t.test('every operation has a summary, a description and a documented tag', async t => {
  const tags = document.tags.map((tag: { name: string }) => tag.name)
  for (const { name, operation } of operations) {
    t.ok(operation.summary, name)
    t.ok(operation.description, name)
    t.equal(operation.tags.length, 1, name)
    t.ok(tags.includes(operation.tags[0]), name)
    for (const [status, response] of Object.entries<any>(operation.responses)) {
      t.not(response.description, 'Default Response', `${name} ${status}`)
    }
  }
})

t.test('operationIds are unique names of methods', async t => {
  t.same(operations.map(({ operation }) => operation.operationId).filter(id => id !== undefined).sort(), [
    'ban', 'banPeers', 'bans', 'broadcast', 'changeServer', 'closeRoom', 'connect', 'connectToRoom', 'disconnectPeer',
    'disconnectPeers', 'drainNode', 'events', 'getHistory', 'getNode', 'getPeer', 'getPeerAddress', 'getPeerPort',
    'getRoom', 'getServer', 'hasPeer', 'headPeer', 'healthz', 'isListening', 'listNodes', 'listRoomPeers', 'listRooms',
    'listen', 'lobbyRooms', 'matchRoom', 'metrics', 'openLobbyRoom', 'openRoom', 'peers', 'putPacket', 'putRoomPacket',
    'readyz', 'stop', 'unban', 'updateRoom'
  ])
})

t.test('every parameter and body member has a description', async t => {
  for (const { name, operation } of operations) {
    for (const parameter of operation.parameters ?? []) t.ok(parameter.description, `${name}: ${parameter.name}`)
    const body = operation.requestBody?.content['application/json']?.schema ?? {}
    for (const [member, schema] of Object.entries<any>(body.properties ?? {})) {
      t.ok(schema.description, `${name}: ${member}`)
    }
  }
})

t.test('every pattern of a text has a rule in words, for error messages', async t => {
  const schemas = [text, ...[ServerOptions, LobbyOptions].map(schema => JSON.stringify(schema))].join('\n')
  const patterns = new Set(Array.from(schemas.matchAll(/"pattern": ?("(?:\\.|[^"])+")/g), ([, one]) => JSON.parse(one)))
  t.ok(patterns.size > 3)
  for (const pattern of patterns) t.match(patternRule(pattern), /^must /, pattern)
})

t.test('documents all responses of the REST API', async t => {
  const answers = Object.fromEntries(operations.filter(({ name }) => name.includes('/api/v1/'))
    .map(({ name, operation }) => [name.replace('/api/v1', ''), Object.keys(operation.responses).map(Number)]))
  t.same(answers, {
    'get /nodes': [200, 400, 401],
    'get /nodes/{node}': [200, 400, 401, 404],
    'post /nodes/{node}/drain': [202, 400, 401, 403, 404, 413, 415, 503],
    'get /server': [200, 400, 401],
    'patch /server': [200, 400, 401, 403, 413, 415],
    'get /server/listening': [200, 400, 401],
    'get /server/history': [200, 400, 401],
    'post /server/listen': [200, 400, 401, 403, 409, 413, 415, 503],
    'post /server/stop': [200, 400, 401, 403, 413, 415],
    'get /peers': [200, 400, 401],
    'head /peers/{id}': [200, 400, 401, 404, 503],
    'get /peers/{id}': [200, 400, 401, 404, 503],
    'delete /peers/{id}': [200, 202, 400, 401, 403, 404, 413, 415, 503],
    'get /peers/{id}/exists': [200, 400, 401, 503],
    'get /peers/{id}/address': [200, 400, 401, 404, 503],
    'get /peers/{id}/port': [200, 400, 401, 404, 503],
    'post /peers/ban': [200, 400, 401, 403, 413, 415],
    'post /peers/disconnect': [200, 400, 401, 403, 413, 415],
    'post /peers/{id}/packets': [202, 400, 401, 403, 404, 409, 413, 415, 503],
    'post /packets': [202, 400, 401, 403, 404, 409, 413, 415, 503],
    'get /rooms': [200, 400, 401],
    'post /rooms': [201, 400, 401, 403, 409, 413, 415, 503],
    'get /rooms/{room}': [200, 400, 401, 404, 503],
    'patch /rooms/{room}': [200, 400, 401, 403, 404, 413, 415, 503],
    'delete /rooms/{room}': [202, 400, 401, 403, 404, 413, 415, 503],
    'get /rooms/{room}/peers': [200, 400, 401, 404, 503],
    'post /rooms/{room}/packets': [202, 400, 401, 403, 404, 409, 413, 415, 503],
    'get /bans': [200, 400, 401],
    'post /bans': [201, 400, 401, 403, 413, 415],
    'delete /bans/{address}': [200, 204, 400, 401, 403, 404, 413, 415],
    'get /events': [200, 400, 401, 406, 503]
  })
})

t.test('documents all responses of the lobby, which has a tag of its own', async t => {
  const ofLobby = operations.filter(({ name }) => name.includes('/lobby/'))
  const statusesOf = ({ operation }: { operation: any }) => Object.keys(operation.responses).map(Number)
  t.same(Object.fromEntries(ofLobby.map(one => [one.name, statusesOf(one)])), {
    'get /lobby/rooms': [200, 400, 403, 429],
    'post /lobby/rooms': [201, 400, 403, 413, 415, 429, 503],
    'post /lobby/match': [200, 400, 403, 404, 413, 415, 429, 503]
  })
  const isLobby = ({ operation }: { operation: { tags: string[] } }) => operation.tags.includes('lobby')
  t.same(operations.filter(isLobby), ofLobby)
})

t.test('every error response is a documented problem', async t => {
  for (const { name, operation } of operations) {
    for (const [status, { content = {} }] of Object.entries<any>(operation.responses)) {
      if (Number(status) >= 400) {
        t.same(Object.keys(content), name.startsWith('head ') ? [] : ['application/problem+json'], `${name} ${status}`)
      }
    }
  }
})

t.test('documents the WebSocket endpoint: upgrade and refusals', async t => {
  const { operationId, responses } = document.paths['/ws'].get
  t.equal(operationId, 'connect')
  t.ok(['101', '400', '426', '503'].every(status => status in responses))
})

t.test('the REST API requires the token, and the document contains none', async t => {
  t.same(document.components.securitySchemes.adminToken.scheme, 'bearer')
  for (const { name, operation } of operations) {
    const role = roleOf(name)
    t.same(operation.security ?? document.security, role === undefined ? [] : [{ adminToken: [role] }], name)
    if (role !== undefined) t.match(operation.description, new RegExp(`Requires role \`${role}\`\\.$`), name)
  }
  t.notMatch(text, 'never used')
})

/** The role that an operation requires, undefined for one without a token. */
function roleOf (name: string): string | undefined {
  if (!/api\/v1|\/metrics/.test(name)) return undefined
  if (/^(get|head) /.test(name)) return 'read'
  return /\/server|\/drain$/.test(name) ? 'admin' : 'operate'
}
