import { Type } from '../typebox.ts'
import type { LobbyOptions as PlainOptions } from './lobby-option-types.ts'
import { defaultOptions } from './defaults.ts'
import { checkedOptions, operationIdPrefix, originOption } from './part-options.ts'
import { durationPattern, publicUrlPattern } from './patterns.ts'

/** What the URLs of rooms begin with. */
export const PublicUrl = Type.String({
  pattern: publicUrlPattern,
  description: 'What the URLs in the responses of the lobby begin with, for example `wss://game.example`; the path of ' +
    'the endpoint and the room follow. By default the address that the request was sent to'
})

/** Every option of `lobbyRoutes`: type, limits and meaning. */
export const LobbyOptions = Type.Object({
  server: Type.Optional(Type.String({ description: 'Name of the server whose rooms are shown: its option `name`' })),
  rateLimit: Type.Optional(Type.Object({
    max: Type.Optional(Type.Integer({ minimum: 1, description: 'Maximum number of requests' })),
    timeWindow: Type.Optional(Type.Union([
      Type.Integer({ minimum: 1 }),
      Type.String({ pattern: durationPattern })
    ], { description: 'In this time: in milliseconds, or a text such as `1 minute`' }))
  }, {
    additionalProperties: false,
    description: 'How many requests an address (IPv6: a /64) may send: `max` per `timeWindow`, in milliseconds or a ' +
      'text such as `1 minute`'
  })),
  origin: originOption('the lobby'),
  create: Type.Optional(Type.Boolean({ description: 'Whether clients may open rooms' })),
  publicUrl: Type.Optional(PublicUrl),
  operationIdPrefix
}, { additionalProperties: false })

export type LobbyOptions = PlainOptions

/** Defaults of `lobbyRoutes`. */
export const defaultLobbyOptions = {
  server: defaultOptions.name,
  rateLimit: { max: 60, timeWindow: '1 minute' },
  create: true
} as const satisfies LobbyOptions

/** The options with their defaults. */
export interface ParsedLobbyOptions extends LobbyOptions {
  readonly server: string
  readonly rateLimit: { readonly max: number, readonly timeWindow: number | string }
  readonly create: boolean
}

/** The options with their defaults; throws ERR_INVALID_PARAMETER, which names the wrong one. */
export function parseLobbyOptions (given: object): ParsedLobbyOptions {
  const options: LobbyOptions = checkedOptions('lobbyRoutes', LobbyOptions, given)
  return { ...defaultLobbyOptions, ...options, rateLimit: { ...defaultLobbyOptions.rateLimit, ...options.rateLimit } }
}
