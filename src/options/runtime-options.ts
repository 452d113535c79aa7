import { GodotError } from '../error.ts'
import { defaultRoomRules } from './defaults.ts'
import type { RoomRules, ServerOptions } from './option-types.ts'

/** Options that may change while the server listens, in the order of docs/options.md. */
export const runtimeOptionNames = [
  'authTimeout', 'handshakeTimeout', 'refuseNewConnections', 'closeTimeout', 'stopCode', 'pingInterval',
  'perMessageDeflate', 'maxPeers', 'maxPeersPerAddress', 'maxJoinsPerMinute', 'maxPendingHandshakes',
  'maxPacketsPerSecond', 'maxBytesPerSecond', 'allowedOrigins', 'rooms'
] as const satisfies ReadonlyArray<keyof ServerOptions>

/** Options that may change while the server listens. `rooms` may only change its rules. */
export type RuntimeOptions = Pick<ServerOptions, typeof runtimeOptionNames[number]>

/** The changes that make of `current` what is given; throws ERR_INVALID_PARAMETER for an option that is fixed. */
export function runtimeChanges (current: ServerOptions, given: Partial<RuntimeOptions>): Partial<RuntimeOptions> {
  const names: readonly string[] = runtimeOptionNames
  const fixed = Object.keys(given).find(name => !names.includes(name))
  if (fixed !== undefined) throw invalid(fixed, 'cannot be changed at run time')
  const { rooms } = given
  if (rooms === undefined) return given
  if (current.rooms === false) throw invalid('rooms', 'cannot be changed on a server without rooms')
  if (typeof rooms !== 'object') throw invalid('rooms', 'only its rules can be changed')
  const before = current.rooms === true ? {} : current.rooms
  const rules = Object.entries({ ...before, ...rooms }).map(([name, rule]) =>
    [name, rule ?? defaultRoomRules[name as keyof RoomRules]])
  return { ...given, rooms: Object.fromEntries(rules) }
}

function invalid (option: string, message: string): GodotError {
  return new GodotError('ERR_INVALID_PARAMETER', `option ${option}: ${message}`)
}
