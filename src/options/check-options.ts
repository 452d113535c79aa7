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

/** An invalid part of a value: its JSON pointer, and what is expected. */
interface Fault { readonly instancePath: string, readonly message: string }

/**
 * The first error in a value. For a union this is an error inside one of its alternatives, otherwise all expectations.
 */
export function firstFault (schema: TSchema, value: unknown): Fault {
  const [, errors] = Schema.Errors(schema, value)
  const { instancePath } = errors[0]
  const message = messageOf(errors[0])
  const sameValue = errors.filter(error => error.instancePath === instancePath)
  if (sameValue.at(-1)!.keyword !== 'anyOf') return { instancePath, message }
  const inside = errors.find(error => error.instancePath.startsWith(`${instancePath}/`))
  if (inside !== undefined) return { instancePath: inside.instancePath, message: messageOf(inside) }
  const expected = sameValue.slice(0, -1)
    // The type of a constant is redundant.
    .filter((error, at) => error.keyword !== 'type' || !isOfType(sameValue[at + 1], error.params.type))
    .map(error => error.keyword === 'const' ? `must be ${JSON.stringify(error.params.allowedValue)}` : messageOf(error))
  return { instancePath, message: [...new Set(expected)].join(' or ').replaceAll(' or must be ', ' or ') }
}

function messageOf (error: TLocalizedValidationError): string {
  // The schema of unknown members is `false`.
  return error.keyword === 'boolean' ? 'unknown option' : expectationOf(error)
}

/** What is expected: the allowed values where there is a list of them, a pattern in words. */
export function expectationOf ({ keyword, params, message }: TLocalizedValidationError): string {
  if (keyword === 'pattern') return patternRule(params.pattern as string)
  return keyword === 'enum' ? `must be one of ${(params.allowedValues as unknown[]).join(', ')}` : message
}

/** Whether an error is about a constant of this type. */
function isOfType (error: TLocalizedValidationError, type: unknown): boolean {
  if (error.keyword !== 'const') return false
  const actual: string = typeof error.params.allowedValue
  return actual === type
}
