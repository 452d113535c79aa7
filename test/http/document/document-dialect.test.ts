import t from 'tap'
import { toDocumentDialect } from '../../../http/document/document-dialect.ts'

/** The schema of a request body in an OpenAPI 3.0 document. */
function inOpenApi30 (body: object): unknown {
  const openapiObject = { openapi: '3.0.3' }
  return toDocumentDialect({ schema: { body }, url: '/', openapiObject }).schema.body
}

const dialects: Array<[what: string, schema: object, inOpenApi30: object]> = [
  ['a type or null', { anyOf: [{ type: 'string' }, { type: 'null' }] }, { type: 'string', nullable: true }],
  [
    'constants or null',
    { anyOf: [{ const: 1, type: 'number' }, { const: 2, type: 'number' }, { type: 'null' }] },
    { type: 'number', enum: [1, 2], nullable: true }
  ],
  [
    'several types or null',
    { title: 'any', anyOf: [{ type: 'string' }, { type: 'number' }, { type: 'null' }] },
    { title: 'any', anyOf: [{ type: 'string' }, { type: 'number' }], nullable: true }
  ],
  [
    'an exclusive limit',
    { type: 'number', exclusiveMaximum: 5 },
    { type: 'number', maximum: 5, exclusiveMaximum: true }
  ],
  [
    'examples of an alternative',
    { anyOf: [{ type: 'string', examples: ['a', 'b'] }, { type: 'number' }] },
    { anyOf: [{ type: 'string', example: 'a' }, { type: 'number' }] }
  ]
]

for (const [what, schema, expected] of dialects) {
  t.test(`${what} in OpenAPI 3.0`, async t => {
    t.same(inOpenApi30(schema), expected)
  })
}

t.test('roles of a security scheme without scopes are left out before OpenAPI 3.1', async t => {
  const schemes = { mine: { type: 'http' }, theirs: { type: 'oauth2' } }
  const schema = { security: [{ mine: ['read'], theirs: ['game'] }] }
  const expected = [{ mine: [], theirs: ['game'] }]
  const openapiObject = { openapi: '3.0.3', components: { securitySchemes: schemes } }
  t.same(toDocumentDialect({ schema, url: '/', openapiObject }).schema.security, expected)
  const swaggerObject = { securityDefinitions: schemes }
  t.same(toDocumentDialect({ schema, url: '/', swaggerObject }).schema.security, expected)
})

t.test('schemas are unchanged in OpenAPI 3.1', async t => {
  const schema = { body: { anyOf: [{ type: 'string' }, { type: 'null' }] } }
  t.equal(toDocumentDialect({ schema, url: '/', openapiObject: { openapi: '3.1.0' } }).schema, schema)
})
