import type { FastifySchemaCompiler } from 'fastify'
import type { TObject, TSchema } from 'typebox'
import { Compile } from 'typebox/compile'
import type { TLocalizedValidationError } from 'typebox/error'
import { BadRequest } from './problem.ts'

/** Where in a request a schema stands, as a problem names it. */
const parts: Record<string, string> = { params: 'params', querystring: 'query', headers: 'headers', body: 'body' }

/**
 * Checks requests against TypeBox schemas and changes nothing in them, but that text of the URL becomes the number or boolean it spells.
 * Set on a scope of its own it leaves the host's validator alone.
 */
export const requestValidator: FastifySchemaCompiler<TSchema> = ({ schema, httpPart = 'body', contentType }) => {
  // A body that is not JSON has been checked by its parser.
  if (contentType !== undefined) return () => true
  const validator = Compile(schema)
  const isText = httpPart !== 'body'
  return (given: unknown) => {
    // No body is an empty one.
    const value = isText ? fromText(schema as TObject, given as Record<string, unknown>) : given ?? {}
    if (validator.Check(value)) return { value }
    return { error: new BadRequest(validator.Errors(value).flatMap(error => culprits(parts[httpPart], error))) }
  }
}

/** The members that ought to be numbers or booleans as such, if their text is the one way to write them: not `05`, `0x10` or `1e3`. */
function fromText ({ properties }: TObject, given: Record<string, unknown>): Record<string, unknown> {
  return Object.fromEntries(Object.entries(given).map(([name, text]) => {
    const type = Object.hasOwn(properties, name) ? (properties[name] as { type?: string }).type : undefined
    const read = readers[type ?? '']
    return [name, read === undefined || typeof text !== 'string' ? text : read(text)]
  }))
}

const readers: Record<string, (text: string) => unknown> = {
  integer: readNumber,
  number: readNumber,
  boolean: text => text === 'true' ? true : text === 'false' ? false : text
}

function readNumber (text: string): unknown {
  const number = Number(text)
  return Number.isFinite(number) && String(number) === text ? number : text
}

/** Which member is wrong, and why; of an unknown or a missing one the name stands beside the path. */
function culprits (part: string, { keyword, instancePath, message, params }: TLocalizedValidationError): Array<{ pointer: string, message: string }> {
  const pointer = `/${part}${instancePath}`
  // Of an unknown member there is a second error that names it better.
  if (keyword === 'boolean') return []
  const { requiredProperties, additionalProperties } = params as { requiredProperties?: string[], additionalProperties?: string[] }
  if (requiredProperties !== undefined) return requiredProperties.map(name => ({ pointer: `${pointer}/${escape(name)}`, message: 'is required' }))
  if (additionalProperties !== undefined) return additionalProperties.map(name => ({ pointer: `${pointer}/${escape(name)}`, message: 'is not known here' }))
  return [{ pointer, message }]
}

/** A name as one step of a JSON pointer (RFC 6901). */
function escape (name: string): string {
  return name.replaceAll('~', '~0').replaceAll('/', '~1')
}
