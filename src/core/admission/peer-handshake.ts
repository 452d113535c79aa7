import type { Headers } from '../../protocol/websocket/upgrade.ts'
import { MASK, protocolToken, withoutTokens } from './token.ts'

/** The upgrade request of a peer, without secrets. */
export interface PeerHandshake {
  /** Path and query; tokens in it are masked. */
  readonly url: string
  /** Headers by lower-case name; the values of those that may hold a secret are `***`. */
  readonly headers: Readonly<Record<string, string | undefined>>
}

/** Headers whose values are shown: those that browsers, Godot and proxies send, and that hold no secret. */
const harmless = new Set([
  'accept', 'accept-encoding', 'accept-language', 'cache-control', 'connection', 'dnt', 'forwarded', 'host', 'origin',
  'pragma', 'sec-ch-ua', 'sec-ch-ua-mobile', 'sec-ch-ua-platform', 'sec-fetch-dest', 'sec-fetch-mode', 'sec-fetch-site',
  'sec-websocket-extensions', 'sec-websocket-version', 'traceparent', 'upgrade', 'user-agent', 'via', 'x-forwarded-for',
  'x-forwarded-host', 'x-forwarded-port', 'x-forwarded-proto', 'x-real-ip', 'x-request-id'
])

/** A subprotocol longer than this is treated as a token. */
const MAX_PROTOCOL = 40
const MAX_URL = 500
const MAX_NAME = 64
const MAX_VALUE = 250
/** Characters of all headers of a peer together; headers after that are left out. */
const MAX_CHARACTERS = 2000

/** The latest texts, by what they are made of: most clients of a game send the same headers. */
const recent = new Map<string, string>()
const MAX_RECENT = 256

/** The request of a client as JSON of a `PeerHandshake`, at most a few KiB; equal ones share their memory. */
export function describeHandshake (url: string, headers: Headers): string {
  const shownUrl = cut(withoutTokens(url), MAX_URL)
  const shown = shownHeaders(headers)
  const key = `${shownUrl}\n${shown.join('\n')}`
  const known = recent.get(key)
  if (known !== undefined) return known
  const text = JSON.stringify({ url: shownUrl, headers: toObject(shown) })
  if (recent.size === MAX_RECENT) recent.clear()
  recent.set(key, text)
  return text
}

/** Alternating names and values. */
function shownHeaders (headers: Headers): string[] {
  const shown: string[] = []
  let characters = 0
  // Not Object.entries, which is slow for very many headers.
  for (const name in headers) {
    if (characters > MAX_CHARACTERS) break
    const value = describeValue(name, String(headers[name]))
    characters += name.length + value.length
    shown.push(cut(name, MAX_NAME), value)
  }
  return shown
}

function toObject (shown: string[]): Record<string, string> {
  const entries = Array.from({ length: shown.length / 2 }, (_, at) => [shown[2 * at], shown[2 * at + 1]])
  return Object.fromEntries(entries) as Record<string, string>
}

function describeValue (name: string, value: string): string {
  if (name === 'sec-websocket-protocol') return cut(value.split(',').map(maskToken).join(', '), MAX_VALUE)
  return harmless.has(name) ? cut(value, MAX_VALUE) : MASK
}

function maskToken (protocol: string): string {
  const name = protocol.trim()
  return protocolToken(name) === undefined && name.length <= MAX_PROTOCOL ? name : MASK
}

function cut (text: string, max: number): string {
  return text.length <= max ? text : `${text.slice(0, max)}...`
}
