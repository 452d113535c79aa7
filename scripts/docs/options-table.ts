import type { TSchema } from 'typebox'
import { AdminOptions, defaultAdminOptions, NamedToken } from '../../src/admin/admin-options.ts'
import { RoomOptions } from '../../src/core/room/room-options.ts'
import { defaultLobbyOptions, LobbyOptions } from '../../src/options/lobby-options.ts'
import { defaultClusterOptions, defaultOptions, defaultRoomRules } from '../../src/options/defaults.ts'
import { clusterOptions, roomRules, ServerOptions } from '../../src/options/options.ts'
import { runtimeOptionNames } from '../../src/options/runtime-options.ts'
import { code } from './markdown.ts'

/** Types of options that cannot be derived from their schemas. */
const types: Readonly<Record<string, string>> = { log: '`Logger`', auth: '`false`' }

/** Columns of the rows that `optionRows` returns. */
export const optionColumns = ['option', 'type', 'default', 'meaning']

/** One row for each option of the server. */
export function optionRows (): string[][] {
  return rowsOf(ServerOptions.properties, defaultOptions).map(([name, type, value, meaning]) =>
    [name, type, value, isRuntimeOption(name) ? `${meaning}. Can change at run time` : meaning])
}

/** Whether the option that a row is about can change while the server listens. */
function isRuntimeOption (name: string): boolean {
  return runtimeOptionNames.some(one => `\`${one}\`` === name)
}

/** One row for each option of `adminRoutes`. */
export function adminOptionRows (): string[][] {
  return rowsOf(AdminOptions.properties, defaultAdminOptions)
}

/** One row for each option of `lobbyRoutes`. */
export function lobbyOptionRows (): string[][] {
  return rowsOf(LobbyOptions.properties, defaultLobbyOptions)
}

/** One row for each member of option `rooms`. */
export function roomRuleRows (): string[][] {
  return rowsOf(roomRules.properties, defaultRoomRules)
}

/** One row for each member of option `cluster`; a default that is no constant is in the text. */
export function clusterOptionRows (): string[][] {
  return rowsOf(clusterOptions.properties, defaultClusterOptions)
}

/** One row for each option of a room. */
export function roomOptionRows (): string[][] {
  return rowsOf(RoomOptions.properties, {})
}

/** One row for each member of a named token. */
export function namedTokenRows (): string[][] {
  return rowsOf(NamedToken.properties, {})
}

function rowsOf (schemas: Record<string, TSchema>, defaults: object): string[][] {
  return Object.entries(schemas).map(([name, schema]) => {
    const value = (defaults as Record<string, unknown>)[name]
    return [`\`${name}\``, types[name] ?? typeOf(schema), code(value), meaningOf(schema)]
  })
}

/** The default of an option, undefined when there is none. */
export function defaultOf (option: string): unknown {
  return ({ ...defaultOptions } as Record<string, unknown>)[option]
}

/** A schema's type and limits in a few words. */
export function typeOf (schema: TSchema): string {
  const { type, items, enum: values, anyOf, minimum, maximum, exclusiveMinimum } = schema as Record<string, any>
  if (values !== undefined) return values.map(code).join(', ')
  if (anyOf !== undefined) return anyOf.map(typeOf).join(' or ')
  if (type === 'array') return `list of ${typeOf(items)}`
  if ('const' in schema) return code(schema.const)
  const from = exclusiveMinimum === undefined ? minimum : `over ${exclusiveMinimum}`
  if (from === undefined && maximum === undefined) return type ?? 'function'
  return `${type}, ${from ?? ''} .. ${maximum ?? ''}`.trim()
}

/** The description of a schema, as the cell of a table. */
export function meaningOf (schema: TSchema): string {
  return String((schema as { description?: string }).description ?? '').replaceAll('|', '\\|')
}
