// Writes src/client/operations.ts, the types of the REST client, from openapi/openapi.json: `npm run openapi`.
// (openapi-typescript 7 requires TypeScript 5, and generates much more than this client needs.)
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { root } from '../root.ts'
import { servicePaths } from '../../src/service-paths.ts'
import { documentFile } from './openapi.ts'

/** The generated file. */
export const clientFile = join(root, 'src/client/operations.ts')

const MAX_COLUMNS = 120

/** What is read of a JSON Schema. */
export interface Schema {
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
interface Parameter { name: string, in: string, required?: boolean, description?: string, schema: Schema }
interface Operation {
  operationId: string
  summary: string
  parameters?: Parameter[]
  requestBody?: Content
  responses: Record<string, Content>
}
interface Route { path: string, method: string, operation: Operation }

/** The source of src/client/operations.ts. */
export function clientText (): string {
  const document = JSON.parse(readFileSync(documentFile, 'utf8'))
  const routes = Object.entries<Record<string, Operation>>(document.paths).flatMap(([path, item]) =>
    Object.entries(item).map(([method, operation]): Route => ({ path, method: method.toUpperCase(), operation })))
    .filter(({ path, method }) => path.startsWith(servicePaths.api) && method !== 'HEAD')
  // Events are types of the client's own.
  const references = JSON.stringify(routes, (name, value) => name === 'text/event-stream' ? undefined : value)
  const schemas = Object.entries<Schema>(document.components.schemas)
    .filter(([name]) => references.includes(`schemas/${name}"`))
  return [
    '// Written by `npm run openapi` from openapi/openapi.json; a test fails when it is stale.',
    '',
    ...schemas.flatMap(([name, schema]) => [
      ...docComment(schema.description ?? name, 0), `export interface ${typeName(name)} ${typeOf(schema, 0)}`, '']),
    '/** Parameters, request body and response of each operation. */',
    'export interface Operations {',
    ...routes.flatMap(({ operation }) => operationLines(operation)),
    '}',
    '',
    '/** Method, path and query parameters of each operation. */',
    'export const operations = {',
    routes.map(routeLine).join(',\n'),
    '} as const satisfies {',
    '  readonly [Name in keyof Operations]: {',
    '    readonly method: string, readonly path: string, readonly query: readonly string[]',
    '  }',
    '}',
    ''
  ].join('\n')
}

function operationLines ({ operationId, summary, parameters = [], requestBody, responses }: Operation): string[] {
  const members = parameters.filter(({ in: location }) => location !== 'header').flatMap(parameter =>
    memberLines(parameter.name, parameter.required === true, parameter.schema, parameter.description, 3))
  return [
    ...docComment(`${summary}.`, 1),
    `  ${operationId}: {`,
    `    parameters: ${blockOf(members, 2)}`,
    `    body: ${bodyType(requestBody)}`,
    `    response: ${responseType(responses)}`,
    '  }'
  ]
}

function routeLine ({ path, method, operation: { operationId, parameters = [] } }: Route): string {
  const query = parameters.filter(({ in: location }) => location === 'query').map(({ name }) => `'${name}'`)
  const members = `method: '${method}', path: '${path.slice(servicePaths.api.length)}', query: [${query.join(', ')}]`
  const line = `  ${operationId}: { ${members} }`
  return line.length < MAX_COLUMNS ? line : `  ${operationId}: {\n    ${members}\n  }`
}

/** Text and bytes are bodies of their own; everything else is JSON. */
function bodyType (body: Content | undefined): string {
  const types = Object.entries(body?.content ?? {}).map(([mediaType, { schema }]) => {
    if (mediaType === 'text/plain') return 'string'
    if (mediaType === 'application/octet-stream') return 'Uint8Array'
    return mediaType === 'application/json' ? typeOf(schema, 2) : '{ readonly variant: unknown }'
  })
  return types.length === 0 ? 'undefined' : types.join(' | ')
}

function responseType (responses: Record<string, Content>): string {
  const successes = Object.entries(responses).filter(([status]) => status.startsWith('2'))
  const types = successes.map(([, { content = {} }]) => {
    const schema = content['application/json']?.schema
    return schema === undefined ? 'undefined' : typeOf(schema, 2)
  })
  return [...new Set(types)].join(' | ')
}

/** The type of a schema; `depth` is the indentation of the line that it is in. */
function typeOf (schema: Schema, depth: number): string {
  const { $ref, type, enum: values, anyOf, items, patternProperties, additionalProperties } = schema
  if ($ref !== undefined) return typeName($ref.split('/').at(-1)!)
  if ('const' in schema) return literal(schema.const)
  if (values !== undefined) return values.map(literal).join(' | ')
  if (anyOf !== undefined) return anyOf.map(option => typeOf(option, depth)).join(' | ')
  if (type === 'array') return `Array<${typeOf(items ?? {}, depth)}>`
  const valueSchema = patternProperties === undefined ? additionalProperties : Object.values(patternProperties)[0]
  if (typeof valueSchema === 'object') return `Record<string, ${typeOf(valueSchema, depth)}>`
  if (type === 'object') return objectType(schema, depth)
  return primitives[type ?? ''] ?? 'unknown'
}

const primitives: Record<string, string> = {
  string: 'string', integer: 'number', number: 'number', boolean: 'boolean', null: 'null'
}

function objectType ({ properties = {}, required = [] }: Schema, depth: number): string {
  const members = Object.entries(properties).flatMap(([name, schema]) =>
    memberLines(name, required.includes(name), schema, schema.description, depth + 1))
  return blockOf(members, depth)
}

function memberLines (
  name: string, isRequired: boolean, schema: Schema, description: string | undefined, depth: number
): string[] {
  const indent = '  '.repeat(depth)
  const type = typeOf(schema, depth)
  const line = `${indent}${name}${isRequired ? '' : '?'}: ${type}`
  const isTooLong = !line.includes('\n') && line.length > MAX_COLUMNS
  return [
    ...(description === undefined ? [] : docComment(description, depth)),
    isTooLong ? line.replace(type, type.split(' | ').map(option => `\n${indent}  | ${option}`).join('')) : line
  ].map(text => text.replace(/: \n/, ':\n'))
}

/** For an object without members TypeScript checks names only if it is not `{}`. */
function blockOf (members: string[], depth: number): string {
  return members.length === 0 ? 'Record<string, never>' : `{\n${members.join('\n')}\n${'  '.repeat(depth)}}`
}

/** A documentation comment: one line, or several where one would be too long. */
export function docComment (text: string, depth: number): string[] {
  const indent = '  '.repeat(depth)
  const line = `${indent}/** ${text} */`
  if (line.length <= MAX_COLUMNS && !text.includes('\n')) return [line]
  const lines = text.split('\n').flatMap(paragraph => wrap(paragraph, MAX_COLUMNS - indent.length - ' * '.length))
  return [`${indent}/**`, ...lines.map(text => `${indent} * ${text}`), `${indent} */`]
}

function wrap (text: string, width: number): string[] {
  const lines = ['']
  for (const word of text.split(' ')) {
    const line = lines.at(-1) === '' ? word : `${lines.at(-1)} ${word}`
    if (line.length <= width) lines[lines.length - 1] = line
    else lines.push(word)
  }
  return lines
}

/** A constant of a schema in TypeScript. */
export function literal (value: unknown): string {
  return typeof value === 'string' ? `'${value}'` : String(value)
}

function typeName (name: string): string {
  return name.replace(/^PeerServer\./, '')
}

if (process.argv[1] === import.meta.filename) writeFileSync(clientFile, clientText())
