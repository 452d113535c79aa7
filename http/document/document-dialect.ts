import type { FastifySchema } from 'fastify'

/** What @fastify/swagger gives the `swaggerTransform` of a route: its schema, and the document as it is so far. */
interface Described {
  readonly schema: FastifySchema
  readonly url: string
  readonly openapiObject?: {
    readonly openapi?: string
    readonly components?: { schemas?: Schemas, securitySchemes?: Schemas }
  }
  readonly swaggerObject?: { readonly definitions?: Schemas, readonly securityDefinitions?: Schemas }
}

type Schemas = Record<string, Json>
type Json = Record<string, any>
type Rewrite = (schema: Json) => Json

/** Types of security schemes that have scopes. */
const scopedTypes = new Set<unknown>(['oauth2', 'openIdConnect'])

/** Documents whose shared schemas are rewritten already. */
const rewritten = new WeakSet<object>()

/**
 * The schema of a route of ours in the dialect of the host's document: JSON Schema 2020-12 in OpenAPI 3.1, its
 * ancestors in OpenAPI 3.0 and Swagger 2.0. The `swaggerTransform` of our routes; without one, the host's transform
 * would be applied to them.
 */
export function toDocumentDialect (
  { schema, url, openapiObject, swaggerObject }: Described
): { schema: FastifySchema, url: string } {
  if (swaggerObject !== undefined) {
    rewriteShared(swaggerObject, swaggerObject.definitions, toSwagger2)
    return { schema: withoutRoles(operationOfSwagger2(schema), swaggerObject.securityDefinitions), url }
  }
  if (openapiObject?.openapi?.startsWith('3.0') !== true) return { schema, url }
  rewriteShared(openapiObject, openapiObject.components?.schemas, toOpenApi30)
  const older = rewriteDeep(schema as Json, toOpenApi30)
  return { schema: withoutRoles(older, openapiObject.components?.securitySchemes), url }
}

/** Without the roles of security schemes that have no scopes: only OpenAPI 3.1 lets a requirement name them. */
function withoutRoles (schema: FastifySchema, schemes: Schemas = {}): FastifySchema {
  if (schema.security === undefined) return schema
  const security = schema.security.map(requirement => Object.fromEntries(Object.entries(requirement).map(
    ([name, scopes]) => [name, scopedTypes.has(schemes[name]?.type) ? scopes : []]
  )))
  return { ...schema, security }
}

/** Rewrites the shared schemas of ours, which are in the document before any route. */
function rewriteShared (document: object, schemas: Schemas = {}, rewrite: Rewrite): void {
  if (rewritten.has(document)) return
  rewritten.add(document)
  for (const [name, schema] of Object.entries(schemas)) {
    if (isOurs(name) || isOurs(schema.title)) schemas[name] = rewriteDeep(schema, rewrite)
  }
}

function isOurs (name: unknown): boolean {
  return String(name).startsWith('PeerServer.')
}

/** A copy in which every object is rewritten, the innermost first. */
function rewriteDeep (value: any, rewrite: Rewrite): any {
  if (Array.isArray(value)) return value.map(item => rewriteDeep(item, rewrite))
  if (typeof value !== 'object' || value === null) return value
  return rewrite(Object.fromEntries(Object.entries(value).map(([name, member]) =>
    [name, isExample(name) ? member : rewriteDeep(member, rewrite)])))
}

function isExample (name: string): boolean {
  return name === 'example' || name === 'examples' || name === 'default' || name === 'enum'
}

function toOpenApi30 (schema: Json): Json {
  return withExample(withNullable(withExclusiveFlags(withEnum(schema)), 'nullable'))
}

function toSwagger2 (schema: Json): Json {
  // Swagger 2.0 has neither alternatives (any value is allowed instead) nor patterns of names.
  const plain = withExample(withNullable(withExclusiveFlags(withEnum(schema)), 'x-nullable'))
  const { anyOf, patternProperties, ...rest } = plain
  return {
    ...rest,
    ...(patternProperties === undefined ? {} : { additionalProperties: Object.values(patternProperties)[0] })
  }
}

/** The first of several examples, as before JSON Schema 6. */
function withExample (schema: Json): Json {
  if (!Array.isArray(schema.examples)) return schema
  const { examples, ...rest } = schema
  return { ...rest, example: examples[0] }
}

/** `const` as an `enum` of one value, for dialects before JSON Schema 6. */
function withEnum (schema: Json): Json {
  if (!('const' in schema) || typeof schema.const === 'object') return schema
  const { const: value, ...rest } = schema
  return { ...rest, enum: [value] }
}

/** A numeric exclusive limit as a limit and a flag, as before JSON Schema 6. */
function withExclusiveFlags (schema: Json): Json {
  const flags: Json = {}
  if (typeof schema.exclusiveMinimum === 'number') {
    Object.assign(flags, { minimum: schema.exclusiveMinimum, exclusiveMinimum: true })
  }
  if (typeof schema.exclusiveMaximum === 'number') {
    Object.assign(flags, { maximum: schema.exclusiveMaximum, exclusiveMaximum: true })
  }
  return { ...schema, ...flags }
}

/**
 * A type or null, without the type null: a single alternative that is left replaces the union, constants become an
 * enumeration.
 */
function withNullable (schema: Json, flag: string): Json {
  const { anyOf, ...rest } = schema
  if (!Array.isArray(anyOf)) return schema
  const others = anyOf.filter(({ type }) => type !== 'null')
  const nullable = others.length < anyOf.length ? { [flag]: true } : {}
  if (others.length === 1) return { ...others[0], ...rest, ...nullable }
  if (others.every(one => Array.isArray(one.enum))) {
    return { ...rest, ...nullable, type: others[0].type, enum: others.flatMap(one => one.enum) }
  }
  return { ...rest, anyOf: others, ...nullable }
}

/** In Swagger 2.0 an operation names its media types once for all responses, and parameters have no examples. */
function operationOfSwagger2 (schema: FastifySchema): FastifySchema {
  const { response = {}, body, querystring, params, headers, ...rest } = rewriteDeep(schema as Json, toSwagger2)
  const responses = Object.entries<Json>(response).map(([status, { content, ...others }]) =>
    [status, content === undefined ? others : { ...others, ...schemaOf(content) }])
  const produces = new Set(Object.values<Json>(response).flatMap(({ content = { 'application/json': {} } }) =>
    Object.keys(content)))
  const consumes = Object.keys(body?.content ?? { 'application/json': {} })
  return {
    ...rest,
    ...parametersOf({ querystring, params, headers }),
    ...(body === undefined ? {} : { body: body.content === undefined ? body : schemaOf(body.content), consumes }),
    produces: [...produces],
    response: Object.fromEntries(responses)
  }
}

/** The schema of the first media type. */
function schemaOf (content: Json): Json {
  const [{ schema = {} }] = Object.values<Json>(content)
  return schema
}

function parametersOf (parts: Record<string, Json | undefined>): Json {
  return Object.fromEntries(Object.entries(parts).flatMap(([part, object]) =>
    object === undefined ? [] : [[part, withoutExamples(object)]]))
}

/** Every member without its example, and with a type: text where it has several. */
function withoutExamples (object: Json): Json {
  const members = Object.entries<Json>(object.properties).map(([name, { example, ...member }]) =>
    [name, { type: 'string', ...member }])
  return { ...object, properties: Object.fromEntries(members) }
}
