import { GodotError } from '../../error.ts'
import type { RoomOptions as PlainOptions } from '../../options/option-types.ts'
import { checkOptions } from '../../options/check-options.ts'
import { MAX_EMPTY_SECONDS, MAX_LIMIT } from '../../options/maximums.ts'
import { Type } from '../../typebox.ts'

/** Bytes of `data` as JSON. */
export const MAX_DATA = 4096

/** What one room may set for itself. */
export const RoomOptions = Type.Object({
  maxPeers: Type.Optional(Type.Integer({
    minimum: 0, maximum: MAX_LIMIT, description: 'Maximum number of peers; 0: no limit. Default: `maxPeersPerRoom`'
  })),
  locked: Type.Optional(Type.Boolean({ description: 'Whether new clients are refused; default false' })),
  listed: Type.Optional(Type.Boolean({ description: 'Whether the lobby shows it; default true' })),
  emptyTimeout: Type.Optional(Type.Number({
    minimum: 0,
    maximum: MAX_EMPTY_SECONDS,
    description: 'Seconds that it stays open after its last peer has left. Default: that of option `rooms`'
  })),
  data: Type.Optional(Type.Unsafe<Record<string, unknown>>({
    type: 'object', description: `JSON object of at most ${MAX_DATA} bytes, shown in the lobby; default {}`
  }))
}, { additionalProperties: false })

/** What one room may set for itself. */
export type RoomOptions = PlainOptions

/** A copy of the options, with one of `data`; throws ERR_INVALID_PARAMETER naming the invalid one. */
export function checkRoomOptions (options: RoomOptions): RoomOptions {
  checkOptions('room option', RoomOptions, options)
  return options.data === undefined ? { ...options } : { ...options, data: jsonCopy(options.data) }
}

function jsonCopy (data: object): Record<string, unknown> {
  const text = jsonOf(data)
  const size = Buffer.byteLength(text)
  if (size > MAX_DATA) {
    const message = `room option data: ${size} bytes of JSON, expected at most ${MAX_DATA}`
    throw new GodotError('ERR_INVALID_PARAMETER', message)
  }
  return JSON.parse(text) as Record<string, unknown>
}

function jsonOf (data: object): string {
  try {
    const text = JSON.stringify(data) as string | undefined
    if (text?.startsWith('{') === true) return text
  } catch {}
  throw new GodotError('ERR_INVALID_PARAMETER', 'room option data: must be an object that JSON can represent')
}
