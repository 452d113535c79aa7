import Type from 'typebox'
import { originFault } from '../origin-pattern.ts'

const Origin = Type.Refine(Type.String(), text => originFault(text) === undefined, text => originFault(text)!)

/** Option `origin` of a part of the REST API; `what` is the part. */
export function originOption (what: string) {
  return Type.Optional(Type.Union([Type.Boolean(), Origin, Type.Array(Origin)], {
    description: `Pages of other origins that may use ${what} (CORS): \`*\` or \`true\` for all, an origin such as ` +
      '`https://game.example` or `https://*.game.example` (one label), or a list of them. By default none'
  }))
}
