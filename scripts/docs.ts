// Writes the pages of docs/ that are read from tables in the code: `npm run docs`.
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import type { TSchema } from 'typebox'
import { root } from './root.ts'
import { variables } from '../src/environment-variables.ts'
import { errors } from '../src/error.ts'
import { defaultOptions, ServerOptions } from '../src/options.ts'

const notice = '<!-- Written by `npm run docs` from the tables in the code; a test keeps it fresh. -->'

/** The generated pages by their path from the root. */
export function generatedDocs (): Record<string, string> {
  return { 'docs/options.md': optionsPage(), 'docs/errors.md': errorsPage(), 'docs/service.md': servicePage() }
}

function optionsPage (): string {
  const rows = Object.entries<TSchema>(ServerOptions.properties).map(([name, schema]) =>
    [`\`${name}\``, typeOf(schema), code((defaultOptions as Record<string, unknown>)[name]), meaningOf(schema)])
  return page('Options', 'Of the plugin and of `new WebSocketServer(options)`. An unknown one, or one out of its limits, is refused with ' +
    '`ERR_INVALID_PARAMETER` and its name.', ['option', 'type', 'default', 'meaning'], rows)
}

function errorsPage (): string {
  const rows = Object.entries<{ number?: number, status: number, message: string }>(errors).map(([name, { number, status, message }]) =>
    [`\`${name}\``, number === undefined ? '' : String(number), String(status), message])
  return page('Errors', 'A `GodotError` carries `code`, `number` (Godot\'s Error number, where Godot has one) and `statusCode`; over HTTP it is ' +
    'an `application/problem+json` body with `code` and `godotError`.', ['code', 'Godot', 'HTTP', 'meaning'], rows)
}

function servicePage (): string {
  const rows = Object.entries(variables).map(([name, { schema, standard, option }]) => {
    const fallback = standard ?? (option === undefined ? undefined : (defaultOptions as Record<string, unknown>)[option])
    return [`\`${name}\``, typeOf(schema), code(fallback), meaningOf(schema)]
  })
  return page('The service', '`npm start`, or the bin `fastify-peer-server`, reads its settings from the environment. What is wrong ends it at the ' +
    'start with a message that names the variable. Lists are separated by commas.', ['variable', 'type', 'default', 'meaning'], rows)
}

function page (title: string, intro: string, head: string[], rows: string[][]): string {
  const lines = [head, head.map(() => '---'), ...rows].map(cells => `| ${cells.join(' | ')} |`)
  return [`# ${title}`, '', notice, '', intro, '', ...lines, ''].join('\n')
}

/** A schema's type and limits in a few words. */
function typeOf (schema: TSchema): string {
  const { type, items, enum: values, anyOf, minimum, maximum, exclusiveMinimum } = schema as Record<string, any>
  if (values !== undefined) return values.map(code).join(', ')
  if (anyOf !== undefined) return anyOf.map(typeOf).join(' or ')
  if (type === 'array') return `list of ${typeOf(items)}`
  if ('const' in schema) return code(schema.const)
  const from = exclusiveMinimum === undefined ? minimum : `over ${exclusiveMinimum}`
  if (from === undefined && maximum === undefined) return type ?? 'function'
  return `${type}, ${from ?? ''} .. ${maximum ?? ''}`.trim()
}

function meaningOf (schema: TSchema): string {
  return String((schema as { description?: string }).description ?? '').replaceAll('|', '\\|')
}

function code (value: unknown): string {
  return value === undefined ? '' : `\`${JSON.stringify(value)}\``
}

if (import.meta.url === pathToFileURL(process.argv[1]).href) {
  for (const [path, text] of Object.entries(generatedDocs())) await writeFile(join(root, path), text)
}
