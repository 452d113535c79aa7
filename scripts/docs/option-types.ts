// Writes the types of options from their schemas: `npm run docs`. They name no type of typebox, so that editors show
// texts, and the type checks of applications stay cheap.
import type { TSchema } from 'typebox'
import { AdminOptions, NamedToken } from '../../src/admin/admin-options.ts'
import { RoomOptions } from '../../src/core/room/room-options.ts'
import { defaultClusterOptions, defaultRoomRules } from '../../src/options/defaults.ts'
import { LobbyOptions } from '../../src/options/lobby-options.ts'
import { clusterOptions, roomRules, ServerOptions } from '../../src/options/options.ts'
import { docComment, literal } from './client.ts'
import type { Schema } from './client.ts'
import { code } from './markdown.ts'

const notice = '// Written by `npm run docs` from the schemas of the options; a test fails when it is stale.'

/** Types of members that cannot be derived from their schemas. */
const types: Readonly<Record<string, string>> = {
  authenticate: 'Authenticate',
  onHandshake: 'OnHandshake',
  log: 'Logger',
  rooms: 'boolean | RoomRules',
  cluster: 'ClusterOptions',
  tls: 'object',
  auth: 'false',
  token: 'string | readonly NamedToken[]',
  'ClusterOptions.token': 'string',
  'NamedToken.token': 'string',
  data: 'Record<string, unknown>',
  rateLimit: '{ readonly max?: number, readonly timeWindow?: number | string }'
}

/** The generated files by their path from the root. */
export function optionTypes (): Record<string, string> {
  return {
    'src/options/option-types.ts': fileOf([
      "import type { Logger } from '../logger.ts'",
      "import type { Authenticate } from '../on-authenticate.ts'",
      "import type { OnHandshake } from '../on-handshake.ts'"
    ], [
      ['ServerOptions', 'The complete options of a server, with defaults applied.', ServerOptions],
      ['RoomRules', 'Members of option `rooms`: which rooms there may be.', roomRules, '', defaultRoomRules],
      ['ClusterOptions', 'Members of option `cluster`: how the nodes of a cluster reach each other.', clusterOptions,
        '', defaultClusterOptions],
      ['RoomOptions', 'What one room may set for itself.', RoomOptions]
    ]),
    'src/admin/admin-option-types.ts': fileOf([], [
      ['NamedToken', 'A token and its owner, as the audit log names it.', NamedToken, 'readonly '],
      ['AdminOptions', 'Every option of `adminRoutes`. Either `token` or `auth: false` is required.', AdminOptions,
        'readonly ']
    ]),
    'src/options/lobby-option-types.ts': fileOf([], [
      ['LobbyOptions', 'Every option of `lobbyRoutes`.', LobbyOptions, 'readonly ']
    ])
  }
}

type Described = readonly [name: string, about: string, schema: TSchema, modifier?: string, defaults?: object]

function fileOf (imports: readonly string[], interfaces: readonly Described[]): string {
  const head = imports.length === 0 ? [notice] : [notice, ...imports]
  return [...head, ...interfaces.flatMap(one => ['', ...interfaceLines(one)]), ''].join('\n')
}

function interfaceLines ([name, about, schema, modifier = '', defaults = {}]: Described): string[] {
  const { properties = {}, required = [] } = schema as Schema
  return [
    ...docComment(about, 0),
    `export interface ${name} {`,
    ...Object.entries(properties).flatMap(([member, one]) => [
      ...(one.description === undefined ? [] : docComment(`${one.description}.${defaultText(defaults, member)}`, 1)),
      `  ${modifier}${member}${required.includes(member) ? '' : '?'}: ` +
        (types[`${name}.${member}`] ?? types[member] ?? typeOf(one))
    ]),
    '}'
  ]
}

function defaultText (defaults: object, member: string): string {
  const value = code((defaults as Record<string, unknown>)[member])
  return value === '' ? '' : ` Default: ${value}.`
}

function typeOf (schema: Schema): string {
  const { type, enum: values, anyOf, items, patternProperties } = schema
  if ('const' in schema) return literal(schema.const)
  if (values !== undefined) return values.map(literal).join(' | ')
  if (anyOf !== undefined) return anyOf.map(typeOf).join(' | ')
  if (type === 'array') return `readonly ${elementOf(typeOf(items!))}[]`
  if (patternProperties !== undefined) {
    return `{ readonly [name: string]: ${typeOf(Object.values(patternProperties)[0])} }`
  }
  return type === 'integer' ? 'number' : type!
}

function elementOf (type: string): string {
  return type.includes(' ') && !type.startsWith('{') ? `(${type})` : type
}
