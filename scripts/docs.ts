// Writes the pages of docs/ that are generated from tables in the code: `npm run docs`.
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import type { TSchema } from 'typebox'
import { root } from './root.ts'
import { AdminOptions, defaultAdminOptions } from '../src/admin/admin-options.ts'
import { variables } from '../src/environment-variables.ts'
import { errors } from '../src/error.ts'
import { defaultOptions, ServerOptions } from '../src/options.ts'

const notice = '<!-- Written by `npm run docs` from the tables in the code. -->'

/** The generated pages by their path from the root. */
export function generatedDocs (): Record<string, string> {
  return { 'docs/options.md': optionsPage(), 'docs/errors.md': errorsPage(), 'docs/service.md': servicePage() }
}

function optionsPage (): string {
  const intro = 'Options of the plugin and of `new WebSocketServer(options)`. An unknown option or an invalid value is an error, ' +
    '`ERR_INVALID_PARAMETER`, that names it.'
  return page('Options', intro, optionsTable(ServerOptions.properties, defaultOptions)) + [
    '',
    '## adminRoutes',
    '',
    'Options of `adminRoutes`, beside `prefix` and `logLevel` of Fastify. Either `token` or `auth: false` is required.',
    '',
    ...optionsTable(AdminOptions.properties, defaultAdminOptions),
    ''
  ].join('\n')
}

function optionsTable (properties: Record<string, TSchema>, defaults: object): string[] {
  const rows = Object.entries(properties).map(([name, schema]) =>
    [`\`${name}\``, typeOf(schema), code((defaults as Record<string, unknown>)[name]), meaningOf(schema)])
  return table(['option', 'type', 'default', 'meaning'], rows)
}

function errorsPage (): string {
  const rows = Object.entries<{ number?: number, status: number, message: string }>(errors).map(([name, { number, status, message }]) =>
    [`\`${name}\``, number === undefined ? '' : String(number), String(status), message])
  const intro = 'A `GodotError` has `code`, `number` (Godot\'s Error number, where Godot has one) and `statusCode`. Over HTTP it is an ' +
    '`application/problem+json` body with `code` and `godotError`.'
  return page('Errors', intro, table(['code', 'Godot', 'HTTP', 'meaning'], rows))
}

function servicePage (): string {
  const rows = Object.entries(variables).map(([name, { schema, standard }]) => [`\`${name}\``, typeOf(schema), code(standard), meaningOf(schema)])
  const intro = '`npm start`, or the bin `fastify-peer-server`, is configured by environment variables. With an invalid one it exits with 1 and ' +
    'a line that names the variable. Lists are comma-separated. Variables that set an option of the server follow from the options schema; ' +
    'the defaults of the service suit a public relay.'
  return page('The service', intro, table(['variable', 'type', 'default', 'meaning'], rows))
}

function page (title: string, intro: string, table: string[]): string {
  return [`# ${title}`, '', notice, '', intro, '', ...table, ''].join('\n')
}

function table (head: string[], rows: string[][]): string[] {
  return [head, head.map(() => '---'), ...rows].map(cells => `| ${cells.join(' | ')} |`)
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
