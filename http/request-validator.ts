import type { FastifySchemaCompiler } from 'fastify'
import { faultsOf, pointerStep } from '../src/options/check-options.ts'
import { Schema, type TLocalizedValidationError, type TObject, type TSchema } from '../src/typebox.ts'
import { BadRequest, type RequestFault } from './http-error.ts'

/** The part of a request that a schema describes, as a problem document names it. */
const parts: Record<string, string> = { params: 'params', querystring: 'query', headers: 'headers', body: 'body' }

/** Maximum number of faults that a response lists; clients fix them one by one anyway. */
const MAX_FAULTS = 8
const MAX_NAME = 100

/**
 * Validates requests against TypeBox schemas and changes nothing in them, except that text in the URL becomes the
 * number or boolean that it spells. Set on a scope of its own it leaves the host's validator alone.
 */
export const requestValidator: FastifySchemaCompiler<TSchema> = ({ schema, httpPart = 'body', contentType }) => {
  // A body that is not JSON has been checked by its parser.
  if (contentType !== undefined) return () => true
  const validator = validatorOf(schema)
  const isText = httpPart !== 'body'
  return (given: unknown) => {
    // A missing body counts as an empty object. Fastify passes null for it.
    const value = isText ? fromText(schema as TObject, given as Record<string, unknown>) : given ?? {}
    const pointer = `/${parts[httpPart]}`
    // First, and not by TypeBox: it takes quadratic time for unknown properties, and reports none of them if there are
    // many.
    const unknown: RequestFault[] = []
    const known = withoutUnknown(schema, value, pointer, unknown)
    if (unknown.length === 0 && validator.Check(value)) return { value }
    const [, errors] = validator.Errors(known)
    const others = faultsOf(errors).map(({ instancePath, message }) => ({ pointer: pointer + instancePath, message }))
    return { error: new BadRequest([...unknown, ...others].slice(0, MAX_FAULTS)) }
  }
}

/** The part of `Schema.Validator` that is used here: comparing the whole generic type takes a compiler many seconds. */
interface Validator {
  Check (value: unknown): boolean
  Errors (value: unknown): [boolean, TLocalizedValidationError[]]
}

/** Compiled validators: a schema is shared by all apps that have its route, and by the same API at other prefixes. */
const validators = new WeakMap<TSchema, Validator>()

function validatorOf (schema: TSchema): Validator {
  let validator = validators.get(schema)
  if (validator === undefined) validators.set(schema, validator = Schema.Compile(schema))
  return validator
}

/**
 * The properties that should be numbers or booleans as such, if their text is the canonical spelling: not `05`, `0x10`
 * or `1e3`.
 */
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

/** A copy without the properties that the schema does not allow, the first of which are added to `faults`. */
function withoutUnknown (schema: TSchema, value: unknown, pointer: string, faults: RequestFault[]): unknown {
  const {
    properties, additionalProperties
  } = schema as { properties?: Record<string, TSchema>, additionalProperties?: unknown }
  if (properties === undefined || typeof value !== 'object' || value === null || Array.isArray(value)) return value
  if (additionalProperties !== false) return value
  const members = value as Record<string, unknown>
  // Not Object.keys, which takes long for very many: a few are enough.
  for (const name in members) {
    if (faults.length === MAX_FAULTS) break
    if (!Object.hasOwn(properties, name)) {
      faults.push({ pointer: `${pointer}/${shortStep(name)}`, message: 'unknown property' })
    }
  }
  const known = Object.keys(properties).filter(name => Object.hasOwn(members, name))
  return Object.fromEntries(known.map(name =>
    [name, withoutUnknown(properties[name], members[name], `${pointer}/${shortStep(name)}`, faults)]))
}

/** The name of a client as one step of a JSON pointer, shortened if it is very long. */
export function shortStep (name: string): string {
  return pointerStep(name.length > MAX_NAME ? `${name.slice(0, MAX_NAME)}...` : name)
}
