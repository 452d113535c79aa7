import { GodotError } from '../error.ts'
import { Schema, type TLocalizedValidationError, type TObject, type TSchema } from '../typebox.ts'
import { patternRule } from './patterns.ts'

/**
 * Throws ERR_INVALID_PARAMETER unless the options are valid; the message is `prefix`, the path of the invalid option
 * with dots, and what is wrong with it.
 */
export function checkOptions (prefix: string, schema: TObject, options: object): void {
  if (Schema.Check(schema, options)) return
  const { instancePath, message } = firstFault(schema, options)
  const path = instancePath.slice(1).replaceAll('/', '.')
  throw new GodotError('ERR_INVALID_PARAMETER', `${prefix} ${path}: ${message}`)
}

const UNKNOWN = 'unknown option'

/** An invalid part of a value: its JSON pointer, and what is expected. */
interface Fault { readonly instancePath: string, readonly message: string }

/** The first fault of a value; an unknown member takes precedence, as it may be a misspelt one. */
export function firstFault (schema: TSchema, value: unknown): Fault {
  const [, errors] = Schema.Errors(schema, value)
  const faults = faultsOf(errors)
  return faults.find(({ message }) => message === UNKNOWN) ?? faults[0]
}

/**
 * The faults that errors of a schema report. For a union this is a fault inside one of its alternatives, otherwise all
 * expectations.
 */
export function faultsOf (errors: readonly TLocalizedValidationError[]): Fault[] {
  if (errors.length === 0) return []
  const [first] = errors
  // Its error follows those of its alternatives; the outermost one is the last.
  const union = errors.findLast(({ keyword, instancePath }) => keyword === 'anyOf' && isWithin(first, instancePath))
  if (union === undefined) return [...plainFaults(first), ...faultsOf(errors.slice(1))]
  const others = errors.filter(error => !isWithin(error, union.instancePath))
  const inside = errors.filter(error => error.instancePath.startsWith(`${union.instancePath}/`))
  return [inside.length > 0 ? faultsOf(inside)[0] : faultOfUnion(errors, union), ...faultsOf(others)]
}

function isWithin ({ instancePath }: TLocalizedValidationError, parent: string): boolean {
  return instancePath === parent || instancePath.startsWith(`${parent}/`)
}

/** What any alternative of a union expects. */
function faultOfUnion (errors: readonly TLocalizedValidationError[], union: TLocalizedValidationError): Fault {
  const { instancePath } = union
  const sameValue = errors.filter(error => error.instancePath === instancePath && error.keyword !== 'anyOf')
  const expected = sameValue
    // The type of a constant is redundant.
    .filter((error, at) => error.keyword !== 'type' || !isOfType(sameValue[at + 1], error.params.type))
    .map(expectationOf)
  return { instancePath, message: [...new Set(expected)].join(' or ').replaceAll(' or must be ', ' or ') }
}

/** A fault for each missing member, named by its path; otherwise one. */
function plainFaults (error: TLocalizedValidationError): Fault[] {
  const { instancePath, params } = error
  const { requiredProperties } = params as { requiredProperties?: string[] }
  if (requiredProperties === undefined) return [{ instancePath, message: expectationOf(error) }]
  const message = 'is required'
  return requiredProperties.map(name => ({ instancePath: `${instancePath}/${pointerStep(name)}`, message }))
}

/** A name as one step of a JSON pointer (RFC 6901). */
export function pointerStep (name: string): string {
  return name.replaceAll('~', '~0').replaceAll('/', '~1')
}

/** What is expected: the allowed values where there is a list of them, a pattern in words. */
function expectationOf ({ keyword, params, message }: TLocalizedValidationError): string {
  // The schema of unknown members is `false`.
  if (keyword === 'boolean') return UNKNOWN
  if (keyword === 'pattern') return patternRule(params.pattern as string)
  if (keyword === 'const') return `must be ${JSON.stringify(params.allowedValue)}`
  return keyword === 'enum' ? `must be one of ${(params.allowedValues as unknown[]).join(', ')}` : message
}

/** Whether an error is about a constant of this type. */
function isOfType (error: TLocalizedValidationError | undefined, type: unknown): boolean {
  if (error?.keyword !== 'const') return false
  const actual: string = typeof error.params.allowedValue
  return actual === type
}
