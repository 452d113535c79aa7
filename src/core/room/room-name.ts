import { randomInt } from 'node:crypto'
import { GodotError } from '../../error.ts'
import { namePattern } from '../../options/patterns.ts'
import type { UpgradeRequest } from '../admission/upgrade-request.ts'

/** The room of clients that choose none. */
export const MAIN = 'main'

const pattern = new RegExp(namePattern)

/** Letters and digits of generated names; without I, O, 0 and 1, which look alike. */
const ALPHABET = 'ABCDEFGHJKLMNPQRSTUVWXYZ23456789'
const CODE_LENGTH = 5

/** Returns the name if it is valid; throws invalid-room-name. */
export function checkRoomName (name: string): string {
  if (typeof name === 'string' && pattern.test(name)) return name
  throw new GodotError('invalid-room-name')
}

/**
 * The room that a request asks for: the path after the endpoint's own (`/ws/arena-7`), else the query parameter `room`,
 * else `main`. Throws invalid-room-name.
 */
export function requestedRoom ({ url, room }: UpgradeRequest, endpoint: string): string {
  if (room !== undefined) return checkRoomName(room)
  const path = pathOf(url)
  const below = endpoint.endsWith('/') ? endpoint : `${endpoint}/`
  const segment = path.startsWith(below) ? path.slice(below.length) : ''
  return checkRoomName(segment === '' ? roomInQuery(url) : decoded(segment))
}

/** The path of a request target; clients of proxies send a whole URL (RFC 9112 section 3.2.2). */
function pathOf (target: string): string {
  const path = target.startsWith('/') ? target : target.replace(/^https?:\/\/[^/?#]*/i, '')
  const end = path.search(/[?#]/)
  return end === -1 ? path : path.slice(0, end)
}

/**
 * The query parameter `room` of a URL, else `main`; a query begins at the first question mark. Of a repeated one the
 * last, as in `query` of a `HandshakeRequest`.
 */
export function roomInQuery (url: string): string {
  const end = url.indexOf('?')
  return (end === -1 ? undefined : new URLSearchParams(url.slice(end)).getAll('room').at(-1)) ?? MAIN
}

/** A join code that is easy to say and to type: five unambiguous letters and digits. */
export function generateRoomName (): string {
  return Array.from({ length: CODE_LENGTH }, () => ALPHABET[randomInt(ALPHABET.length)]).join('')
}

function decoded (segment: string): string {
  try {
    return decodeURIComponent(segment)
  } catch {
    throw new GodotError('invalid-room-name')
  }
}
