import { GodotError } from '../error.ts'
import { defaultRoomRules } from './defaults.ts'
import type { RoomRules, ServerOptions } from './option-types.ts'

/** Options that may change while the server listens, in the order of docs/options.md. */
export const runtimeOptionNames = [
  'authTimeout', 'handshakeTimeout', 'refuseNewConnections', 'closeTimeout', 'stopCode', 'pingInterval',
  'perMessageDeflate', 'maxPeers', 'maxPeersPerAddress', 'maxJoinsPerMinute', 'maxPendingHandshakes',
  'maxPacketsPerSecond', 'maxBytesPerSecond', 'allowedOrigins', 'rooms'
] as const satisfies ReadonlyArray<keyof ServerOptions>

type Changes<Options> = { readonly [Name in keyof Options]?: Options[Name] | undefined }

/** Options that may change while the server listens; of `rooms` only the rules may. */
export type RuntimeOptions = Changes<
  Pick<ServerOptions, Exclude<typeof runtimeOptionNames[number], 'rooms'>> & { rooms: Changes<RoomRules> }
>

/**
 * The given options as changes of `current`, with all rules of rooms; throws ERR_INVALID_PARAMETER for an option that
 * is fixed.
 */
export function runtimeChanges (current: ServerOptions, given: RuntimeOptions): Partial<ServerOptions> {
  const names: readonly string[] = runtimeOptionNames
  const fixed = Object.keys(given).find(name => !names.includes(name))
  if (fixed !== undefined) throw invalid(fixed, 'cannot be changed at run time')
  return 'rooms' in given ? { ...given, rooms: changedRooms(current.rooms, given.rooms) } : given
}

/** Option `rooms` after a change; what is undefined has its default, but rooms cannot be turned off. */
function changedRooms (before: ServerOptions['rooms'], given: RuntimeOptions['rooms']): false | RoomRules {
  if (before === false) {
    if (given === undefined) return false
    throw invalid('rooms', 'cannot be changed on a server without rooms')
  }
  if (given === undefined) return defaultRoomRules
  if (typeof given !== 'object' || given === null) throw invalid('rooms', 'only its rules can be changed')
  const rules = Object.entries({ ...before === true ? {} : before, ...given }).map(([name, rule]) =>
    [name, rule === undefined ? defaultRoomRules[name as keyof RoomRules] : rule])
  return Object.fromEntries(rules)
}

function invalid (option: string, message: string): GodotError {
  return new GodotError('ERR_INVALID_PARAMETER', `option ${option}: ${message}`)
}
