import fc from 'fast-check'
import { Value } from 'typebox/value'
import { codePoint } from '../random/code-point.ts'

/** An operation of an OpenAPI document, with references resolved. */
export interface Operation {
  name: string
  method: string
  path: string
  parameters: Array<{ name: string, in: 'path' | 'query' | 'header', required?: boolean, schema: Schema }>
  /** Schema of the body by content type. */
  body: Record<string, Schema>
  /** Schema of the response by status and content type. */
  responses: Record<string, Record<string, Schema>>
}

/** A JSON schema. */
export type Schema = Record<string, any>

/** The operations of a document, by `operationId` or method and path. */
export function operationsOf (document: any): Operation[] {
  const { paths } = withoutReferences(document)
  return Object.entries<any>(paths).flatMap(([path, item]) => Object.entries<any>(item).map(([method, operation]) => ({
    name: operation.operationId ?? `${method} ${path}`,
    method: method.toUpperCase(),
    path,
    parameters: operation.parameters ?? [],
    body: schemas(operation.requestBody?.content),
    responses: Object.fromEntries(Object.entries<any>(operation.responses).map(([status, response]) =>
      [status, schemas(response.content)]))
  })))
}

function schemas (content: Record<string, { schema: Schema }> = {}): Record<string, Schema> {
  return Object.fromEntries(Object.entries(content).map(([type, { schema }]) => [type, schema]))
}

/** The document with each `$ref` replaced by the referenced schema. */
export function withoutReferences (document: any): any {
  return resolve(document, document.components.schemas)
}

function resolve (part: any, components: Record<string, Schema>): any {
  if (Array.isArray(part)) return part.map(one => resolve(one, components))
  if (typeof part !== 'object' || part === null) return part
  if (typeof part.$ref === 'string') {
    return resolve(components[part.$ref.replace('#/components/schemas/', '')], components)
  }
  return Object.fromEntries(Object.entries(part).map(([name, value]) => [name, resolve(value, components)]))
}

/** Why a response violates the documentation of its operation; undefined if valid. Undocumented members are errors. */
export function responseFault (
  { responses }: Operation, status: number, type: string, body: string
): string | undefined {
  const described = responses[status]
  if (described === undefined) return `undocumented status ${status}`
  const types = Object.keys(described)
  if (types.length === 0) return body === '' ? undefined : 'undocumented body'
  const media = type.split(';')[0]
  if (!types.includes(media)) return `undocumented content type ${type}`
  const value = media.endsWith('json') ? JSON.parse(body) : body
  const schema = closed(described[media])
  return Value.Check(schema, value) ? undefined : `${JSON.stringify(Value.Errors(schema, value))} in ${body}`
}

/** The schema, with undeclared members forbidden. */
export function closed (schema: any): any {
  if (Array.isArray(schema)) return schema.map(closed)
  if (typeof schema !== 'object' || schema === null) return schema
  const inner = Object.fromEntries(Object.entries(schema).map(([name, value]) => [name, closed(value)]))
  return inner.type === 'object' && 'properties' in inner ? { additionalProperties: false, ...inner } : inner
}

/**
 * Values that are valid for a schema; `known` contains arbitraries for members with constraints that schemas cannot
 * express.
 */
export function arbitraryOf (schema: Schema, known: Record<string, fc.Arbitrary<unknown>>): fc.Arbitrary<unknown> {
  if (schema.enum !== undefined) return fc.constantFrom(...schema.enum)
  if (schema.anyOf !== undefined) return fc.oneof(...schema.anyOf.map((one: Schema) => arbitraryOf(one, known)))
  switch (schema.type) {
    case 'boolean': return fc.boolean()
    case 'integer': return fc.integer({ min: schema.minimum ?? -(2 ** 31), max: schema.maximum ?? 2 ** 31 })
    case 'number': return fc.double({
      min: schema.minimum ?? schema.exclusiveMinimum ?? -1e9,
      max: schema.maximum ?? 1e9,
      noNaN: true,
      minExcluded: 'exclusiveMinimum' in schema
    })
    case 'string': return fc.string({
      unit: codePoint,
      minLength: schema.minLength ?? 0,
      maxLength: Math.min(schema.maxLength ?? 200, 200)
    })
    case 'array': return fc.array(arbitraryOf(schema.items, known), { minLength: schema.minItems ?? 0, maxLength: 20 })
    case 'object': return record(schema, known)
    default: return fc.jsonValue()
  }
}

/** Objects with all required members; optional members are present half of the time. */
function record (
  { properties = {}, required = [] }: Schema, known: Record<string, fc.Arbitrary<unknown>>
): fc.Arbitrary<object> {
  const members = Object.entries<Schema>(properties).map(([name, schema]) => {
    const value = (known[name] ?? arbitraryOf(schema, known)).map(value => [name, value])
    return required.includes(name) ? value : fc.oneof(value, fc.constant(undefined))
  })
  return fc.tuple(...members).map(entries => Object.fromEntries(entries.filter(entry => entry !== undefined)))
}
