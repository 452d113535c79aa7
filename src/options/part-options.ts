import { GodotError } from '../error.ts'
import { originFault } from '../origin-pattern.ts'
import { Schema, Type, type TObject } from '../typebox.ts'
import { firstFault } from './options.ts'

const Origin = Type.Refine(Type.String(), text => originFault(text) === undefined, text => originFault(text)!)

/** Option `origin` of a part of the REST API; `what` is the part. */
export function originOption (what: string) {
  return Type.Optional(Type.Union([Type.Boolean(), Origin, Type.Array(Origin)], {
    description: `Pages of other origins that may use ${what} (CORS): \`*\` or \`true\` for all, an origin such as ` +
      '`https://game.example` or `https://*.game.example` (one label), or a list of them. By default none'
  }))
}

/** Option `operationIdPrefix` of a part of the REST API. */
export const operationIdPrefix = Type.Optional(Type.String({
  description:
    'Text in front of every `operationId`, which must be unique in a document; by default the name of the server ' +
    'and `.`, or nothing for `peerServer`'
}))

/** Option `servers` of a part: names of servers of the app. */
export const serverNames = Type.Optional(Type.Array(Type.String(), { minItems: 1 }))

/** Options of Fastify's own `register`, which it passes on to the plugin. */
const registerOptions = new Set(['prefix', 'logLevel', 'logSerializers'])

/**
 * The options of a part that are set, checked against their schema, without those of `register`. Throws
 * ERR_INVALID_PARAMETER naming the invalid one; `part` is the name of the plugin.
 */
export function checkedOptions (part: string, schema: TObject, given: object): object {
  const entries = Object.entries(given).filter(([name, value]) => !registerOptions.has(name) && value !== undefined)
  const options = Object.fromEntries(entries)
  const unknown = Object.keys(options).find(name => !Object.hasOwn(schema.properties, name))
  if (unknown !== undefined) throw invalidOption(part, unknown, 'no such option')
  if (!Schema.Check(schema, options)) {
    const { instancePath, message } = firstFault(schema, options)
    throw invalidOption(part, instancePath.slice(1).replaceAll('/', '.'), message)
  }
  return options
}

function invalidOption (part: string, option: string, message: string): GodotError {
  return new GodotError('ERR_INVALID_PARAMETER', `${part}: option ${option}: ${message}`)
}
