// Writes src/client/operations.ts, the types of the REST client, from openapi/openapi.json: `npm run openapi`.
// (openapi-typescript 7 wants TypeScript 5, and all we need of it is this.)
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { root } from './root.ts'
import { documentFile } from './openapi.ts'

/** Where the types are kept. */
export const clientFile = join(root, 'src/client/operations.ts')

const PREFIX = '/api/v1'

interface Schema {
  $ref?: string
  type?: string
  format?: string
  enum?: unknown[]
  const?: unknown
  anyOf?: Schema[]
  items?: Schema
  properties?: Record<string, Schema>
  required?: string[]
  patternProperties?: Record<string, Schema>
  additionalProperties?: Schema | boolean
  description?: string
}
interface Content { content?: Record<string, { schema: Schema }> }
interface Operation {
  operationId?: string
  summary: string
  parameters?: Array<{ name: string, in: string, required?: boolean, description?: string, schema: Schema }>
  requestBody?: Content
  responses: Record<string, Content>
}

/** The source of src/client/operations.ts. */
export function clientText (): string {
  const document = JSON.parse(readFileSync(documentFile, 'utf8'))
  const operations = Object.entries<Record<string, Operation>>(document.paths).flatMap(([path, item]) =>
    Object.entries(item).map(([method, operation]) => ({ path, method: method.toUpperCase(), operation })))
    .filter(({ path, operation }) => path.startsWith(PREFIX) && operation.operationId !== undefined)
  return [
    '// Written by `npm run openapi` from openapi/openapi.json; a test keeps it fresh.',
    '',
    ...Object.entries<Schema>(document.components.schemas).flatMap(([name, schema]) => [
      `/** ${schema.description ?? name} */`, `export interface ${typeName(name)} ${typeOf(schema, 0)}`, '']),
    '/** What each operation takes and answers. */',
    'export interface Operations {',
    ...operations.map(({ operation }) => describe(operation)),
    '}',
    '',
    '/** How each operation is asked for. */',
    'export const operations = {',
    operations.map(({ path, method, operation: { operationId, parameters = [] } }) => {
      const query = parameters.filter(({ in: part }) => part === 'query').map(({ name }) => `'${name}'`)
      return `  ${operationId}: { method: '${method}', path: '${path.slice(PREFIX.length)}', query: [${query.join(', ')}] }`
    }).join(',\n'),
    '} as const satisfies { readonly [Name in keyof Operations]: { readonly method: string, readonly path: string, readonly query: readonly string[] } }',
    ''
  ].join('\n')
}

function describe ({ operationId, summary, parameters = [], requestBody, responses }: Operation): string {
  const given = parameters.filter(({ in: part }) => part !== 'header')
  const members = given.map(({ name, required, description, schema }) => `      /** ${description} */\n      ${name}${required === true ? '' : '?'}: ${typeOf(schema, 3)}`)
  return [
    `  /** ${summary}. */`,
    `  ${operationId}: {`,
    `    parameters: ${members.length === 0 ? 'Record<never, never>' : `{\n${members.join('\n')}\n    }`}`,
    `    body: ${bodyOf(requestBody)}`,
    `    answer: ${answerOf(responses)}`,
    '  }'
  ].join('\n')
}

/** Text and bytes are bodies as they are; everything else is JSON. */
function bodyOf (body: Content | undefined): string {
  const types = Object.entries(body?.content ?? {}).map(([type, { schema }]) => {
    if (type === 'text/plain') return 'string'
    return type === 'application/octet-stream' ? 'Uint8Array' : type === 'application/json' ? typeOf(schema, 2) : '{ readonly variant: unknown }'
  })
  return types.length === 0 ? 'undefined' : types.join(' | ')
}

function answerOf (responses: Record<string, Content>): string {
  const types = Object.entries(responses).filter(([status]) => status.startsWith('2')).map(([, { content = {} }]) => {
    const schema = content['application/json']?.schema
    return schema === undefined ? 'undefined' : typeOf(schema, 2)
  })
  return [...new Set(types)].join(' | ')
}

function typeOf (schema: Schema, depth: number): string {
  const { $ref, type, enum: options, anyOf, items, patternProperties, additionalProperties } = schema
  if ($ref !== undefined) return typeName($ref.split('/').at(-1)!)
  if ('const' in schema) return literal(schema.const)
  if (options !== undefined) return options.map(literal).join(' | ')
  if (anyOf !== undefined) return anyOf.map(one => typeOf(one, depth)).join(' | ')
  if (type === 'array') return `Array<${typeOf(items ?? {}, depth)}>`
  const values = patternProperties === undefined ? additionalProperties : Object.values(patternProperties)[0]
  if (typeof values === 'object') return `Record<string, ${typeOf(values, depth)}>`
  if (type === 'object') return objectOf(schema, depth)
  return names[type ?? ''] ?? 'unknown'
}

const names: Record<string, string> = { string: 'string', integer: 'number', number: 'number', boolean: 'boolean', null: 'null' }

function objectOf ({ properties = {}, required = [] }: Schema, depth: number): string {
  const indent = '  '.repeat(depth + 1)
  const members = Object.entries(properties).map(([name, schema]) =>
    `${schema.description === undefined ? '' : `${indent}/** ${schema.description} */\n`}${indent}${name}${required.includes(name) ? '' : '?'}: ${typeOf(schema, depth + 1)}`)
  return members.length === 0 ? 'Record<never, never>' : `{\n${members.join('\n')}\n${'  '.repeat(depth)}}`
}

function literal (value: unknown): string {
  return typeof value === 'string' ? `'${value}'` : String(value)
}

function typeName (name: string): string {
  return name.replace(/^PeerServer\./, '')
}

if (process.argv[1] === import.meta.filename) writeFileSync(clientFile, clientText())
