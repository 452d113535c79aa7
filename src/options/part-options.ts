import { Type, type TObject } from '../typebox.ts'
import { checkOptions } from './check-options.ts'
import { Origin } from './refined-by.ts'

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
  checkOptions(`${part}: option`, schema, options)
  return options
}
